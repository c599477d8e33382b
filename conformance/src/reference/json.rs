//! JSON mode (§9.1): what counts as a message, and how messages are given back.
//!
//! Messages are cut out of what was sent and kept byte for byte: numbers keep their text, objects their order.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::answer::Refusal;

/// The messages in a body: the elements of a top-level array, or the one value there is.
pub(super) fn messages(body: &Bytes) -> Result<Vec<Bytes>, Refusal> {
    let invalid = || Refusal::bad_request("the body is not valid JSON");
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let values: Vec<&RawValue> = if is_array {
        serde_json::from_slice(body).map_err(|_| invalid())?
    } else {
        vec![serde_json::from_slice(body).map_err(|_| invalid())?]
    };
    Ok(values
        .into_iter()
        .map(|value| body.slice_ref(value.get().as_bytes()))
        .collect())
}

/// Messages as the pieces of one array; no messages are the empty array.
pub(super) fn array(messages: &[Bytes]) -> impl Iterator<Item = Bytes> + '_ {
    let between = |index: usize| Bytes::from_static(if index == 0 { b"[" } else { b"," });
    let end = Bytes::from_static(if messages.is_empty() { b"[]" } else { b"]" });
    messages
        .iter()
        .enumerate()
        .flat_map(move |(index, message)| [between(index), message.clone()])
        .chain([end])
}

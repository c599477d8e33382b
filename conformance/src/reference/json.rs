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

/// What is written around the messages of an array: before, between and behind them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing(&'static str, &'static str, &'static str);

/// No white space at all.
pub(super) const TIGHT: Spacing = Spacing("[", ",", "]");
/// All white space that JSON has.
pub(super) const SPACED: Spacing = Spacing(" [ ", "\t,\r\n ", "\n]\r\n");
/// Each message begins a line.
pub(super) const IN_LINES: Spacing = Spacing("[\n", ",\n", "\n]");

/// Messages as the pieces of one array; no messages are the empty array.
pub(super) fn array(
    messages: &[Bytes],
    Spacing(begin, between, end): Spacing,
) -> impl Iterator<Item = Bytes> + '_ {
    let before =
        move |index| Bytes::from_static(if index == 0 { begin } else { between }.as_bytes());
    let end = Bytes::from_static(if messages.is_empty() { "[]" } else { end }.as_bytes());
    messages
        .iter()
        .enumerate()
        .flat_map(move |(index, message)| [before(index), message.clone()])
        .chain([end])
}

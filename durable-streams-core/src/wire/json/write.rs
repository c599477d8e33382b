//! Messages on their way to a stream.

use bytes::Bytes;
use memchr::memchr_iter;
use serde::de::IgnoredAny;

use super::JsonError;

/// Checks that `message` is exactly one JSON value (RFC 8259), in UTF-8 and with white space around it at most.
///
/// Nesting may be of any depth: it costs one byte of heap a level, and no stack. Numbers may be of any size.
///
/// # Errors
///
/// [`JsonError::UnexpectedEnd`] when the value is not complete, [`JsonError::InvalidValue`] for any other fault.
pub fn validate(message: &[u8]) -> Result<(), JsonError> {
    let text = std::str::from_utf8(message).map_err(|error| JsonError::InvalidValue {
        position: error.valid_up_to() as u64,
    })?;
    let error = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(IgnoredAny) => return Ok(()),
        Err(error) => error,
    };
    if error.is_eof() {
        return Err(JsonError::UnexpectedEnd {
            position: message.len() as u64,
        });
    }
    // Lines and columns count from one, and columns are bytes.
    let line = match error.line().checked_sub(2) {
        Some(breaks) => memchr_iter(b'\n', message)
            .nth(breaks)
            .map_or(0, |at| at + 1),
        None => 0,
    };
    Err(JsonError::InvalidValue {
        position: (line + error.column().saturating_sub(1)) as u64,
    })
}

/// `[message]`: the body that appends `message` as one message, even when it is an array itself (§9.1).
///
/// The message is not looked at; see [`validate`].
#[must_use]
pub fn wrap_message(message: &[u8]) -> Bytes {
    Bytes::from([b"[", message, b"]"].concat())
}

/// `[a,b]`: the body that appends all `messages` as a batch, each of them as it is (§9.1). `None` if there are none.
///
/// The messages are not looked at; see [`validate`].
#[must_use]
pub fn join_messages<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Option<Bytes> {
    let mut body = Vec::new();
    for message in messages {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(message);
    }
    if body.is_empty() {
        return None;
    }
    body.push(b']');
    Some(Bytes::from(body))
}

//! Bytes that were sent as text.

use std::{error::Error, fmt};

use base64_simd::STANDARD;
use bytes::Bytes;
use memchr::memchr2_iter;

/// A `data` event that was announced as base64 and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base64Error(());

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a server-sent event does not hold valid base64")
    }
}

impl Error for Base64Error {}

/// Decodes the data of an event under `stream-sse-data-encoding: base64` (§5.8).
///
/// CR and LF are removed first. What remains must be the standard alphabet with padding, a multiple of four characters; nothing
/// at all decodes to nothing.
///
/// # Errors
///
/// [`Base64Error`] for any other input.
pub fn decode_base64(data: &[u8]) -> Result<Bytes, Base64Error> {
    let mut line_ends = memchr2_iter(b'\r', b'\n', data).peekable();
    let decoded = if line_ends.peek().is_none() {
        STANDARD.decode_to_vec(data)
    } else {
        let mut joined = Vec::with_capacity(data.len());
        let mut start = 0;
        for end in line_ends {
            joined.extend_from_slice(&data[start..end]);
            start = end + 1;
        }
        joined.extend_from_slice(&data[start..]);
        STANDARD.decode_to_vec(joined)
    };
    decoded.map(Bytes::from).map_err(|_| Base64Error(()))
}

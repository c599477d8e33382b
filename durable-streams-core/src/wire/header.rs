//! Names of the protocol's headers, and the strict reading of their values.

use http::{HeaderMap, HeaderName};

use super::position::Offset;

/// `Stream-Next-Offset`: where the next read or append continues (§5).
pub const STREAM_NEXT_OFFSET: HeaderName = HeaderName::from_static("stream-next-offset");
/// `Stream-Up-To-Date`: the answer reached the tail (§5.6). Not the end of the stream.
pub const STREAM_UP_TO_DATE: HeaderName = HeaderName::from_static("stream-up-to-date");
/// `Stream-Closed`: on a request, close the stream; on an answer, the stream is closed (§4.1).
pub const STREAM_CLOSED: HeaderName = HeaderName::from_static("stream-closed");
/// `Stream-Cursor`: opaque, echoed on the next live request (§10.1).
pub const STREAM_CURSOR: HeaderName = HeaderName::from_static("stream-cursor");
/// `Stream-Seq`: an application's own sequence number for an append (§5.2).
pub const STREAM_SEQ: HeaderName = HeaderName::from_static("stream-seq");
/// `Stream-TTL`: the sliding time to live, in seconds (§5.1).
pub const STREAM_TTL: HeaderName = HeaderName::from_static("stream-ttl");
/// `Stream-Expires-At`: the absolute expiry, RFC 3339 (§5.1).
pub const STREAM_EXPIRES_AT: HeaderName = HeaderName::from_static("stream-expires-at");
/// `Stream-Forked-From`: the path of the source of a fork (§4.2).
pub const STREAM_FORKED_FROM: HeaderName = HeaderName::from_static("stream-forked-from");
/// `Stream-Fork-Offset`: where in the source the fork begins (§4.2).
pub const STREAM_FORK_OFFSET: HeaderName = HeaderName::from_static("stream-fork-offset");
/// `Stream-Fork-Sub-Offset`: messages or bytes past the fork offset (§4.2).
pub const STREAM_FORK_SUB_OFFSET: HeaderName = HeaderName::from_static("stream-fork-sub-offset");
/// `Stream-SSE-Data-Encoding`: how SSE `data` events are encoded (§5.8).
pub const STREAM_SSE_DATA_ENCODING: HeaderName =
    HeaderName::from_static("stream-sse-data-encoding");
/// `Producer-Id` (§5.2.1).
pub const PRODUCER_ID: HeaderName = HeaderName::from_static("producer-id");
/// `Producer-Epoch` (§5.2.1).
pub const PRODUCER_EPOCH: HeaderName = HeaderName::from_static("producer-epoch");
/// `Producer-Seq` (§5.2.1).
pub const PRODUCER_SEQ: HeaderName = HeaderName::from_static("producer-seq");
/// `Producer-Expected-Seq`: what the server would accept next, on a gap (§5.2.1).
pub const PRODUCER_EXPECTED_SEQ: HeaderName = HeaderName::from_static("producer-expected-seq");
/// `Producer-Received-Seq`: what it was given instead, on a gap (§5.2.1).
pub const PRODUCER_RECEIVED_SEQ: HeaderName = HeaderName::from_static("producer-received-seq");

/// The largest integer the protocol carries: 2^53 − 1, what every JSON reader represents exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The headers that only the protocol itself may set; an application's headers never replace them.
pub(crate) static RESERVED: [HeaderName; 15] = [
    STREAM_CLOSED,
    STREAM_SEQ,
    STREAM_TTL,
    STREAM_EXPIRES_AT,
    STREAM_FORKED_FROM,
    STREAM_FORK_OFFSET,
    STREAM_FORK_SUB_OFFSET,
    PRODUCER_ID,
    PRODUCER_EPOCH,
    PRODUCER_SEQ,
    http::header::CONTENT_TYPE,
    http::header::CONTENT_LENGTH,
    http::header::TRANSFER_ENCODING,
    http::header::IF_NONE_MATCH,
    http::header::HOST,
];

/// A header of an answer that is not what the protocol promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderError {
    name: HeaderName,
    problem: &'static str,
}

impl std::fmt::Display for HeaderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "header {}: {}", self.name, self.problem)
    }
}

impl std::error::Error for HeaderError {}

fn error(name: &HeaderName, problem: &'static str) -> HeaderError {
    HeaderError {
        name: name.clone(),
        problem,
    }
}

/// The one value of a header, as text; `None` when it is absent.
///
/// # Errors
/// When the value is not visible ASCII, or the header is repeated with different values: which one counts would be a guess.
pub fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, HeaderError> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != first) {
        return Err(error(name, "repeated with different values"));
    }
    first
        .to_str()
        .map(Some)
        .map_err(|_| error(name, "not visible ASCII"))
}

/// Whether a flag header says `true`, in any case. Any other value counts as absent (§4.1).
pub fn flag(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// An integer in plain decimal: digits only, no sign, no leading zero, at most [`MAX_INTEGER`].
///
/// # Errors
/// When the header is there and is anything else.
pub fn integer(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, HeaderError> {
    let Some(text) = single(headers, name)? else {
        return Ok(None);
    };
    parse_integer(text)
        .map(Some)
        .ok_or_else(|| error(name, "not an integer from 0 to 2^53-1"))
}

/// The strict decimal of the protocol: `0`, or digits without a leading zero, up to [`MAX_INTEGER`].
pub fn parse_integer(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    let canonical = !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (digits[0] != b'0' || digits.len() == 1);
    if !canonical {
        return None;
    }
    text.parse().ok().filter(|&value| value <= MAX_INTEGER)
}

/// `Stream-Next-Offset`, when present.
///
/// # Errors
/// When it is not a token that a server may issue.
pub fn next_offset(headers: &HeaderMap) -> Result<Option<Offset>, HeaderError> {
    let Some(text) = single(headers, &STREAM_NEXT_OFFSET)? else {
        return Ok(None);
    };
    Offset::new(text)
        .map(Some)
        .map_err(|_| error(&STREAM_NEXT_OFFSET, "not an offset a server may issue"))
}

/// `Stream-Cursor`, when present and not empty.
///
/// # Errors
/// When it is not visible ASCII, or repeated with different values.
pub fn cursor(headers: &HeaderMap) -> Result<Option<&str>, HeaderError> {
    Ok(single(headers, &STREAM_CURSOR)?.filter(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn b67_integers_are_strict() {
        assert_eq!(parse_integer("0"), Some(0));
        assert_eq!(parse_integer("9007199254740991"), Some(MAX_INTEGER));
        for bad in [
            "",
            "9007199254740992",
            "99999999999999999999",
            "01",
            "+1",
            "-1",
            "1.0",
            "1e3",
            " 1",
            "0x1",
            "١",
        ] {
            assert_eq!(parse_integer(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn closed_counts_only_as_true_in_any_case() {
        for (value, expected) in [
            ("true", true),
            ("TRUE", true),
            ("True", true),
            ("false", false),
            ("yes", false),
            ("1", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(STREAM_CLOSED, HeaderValue::from_static(value));
            assert_eq!(flag(&headers, &STREAM_CLOSED), expected, "{value:?}");
        }
    }

    #[test]
    fn a_repeated_header_counts_only_when_the_values_agree() {
        let mut headers = HeaderMap::new();
        headers.append(STREAM_NEXT_OFFSET, HeaderValue::from_static("1"));
        headers.append(STREAM_NEXT_OFFSET, HeaderValue::from_static("1"));
        assert_eq!(next_offset(&headers).unwrap().unwrap().as_str(), "1");
        headers.append(STREAM_NEXT_OFFSET, HeaderValue::from_static("2"));
        assert!(next_offset(&headers).is_err());
    }
}

//! Offsets on the wire (§8).
//!
//! Inside the model a place in a stream is a plain number: messages before it in a JSON stream, bytes before
//! it in any other. On the wire it is a token of fixed width, so that byte-wise order is stream order, and it
//! does not look like a number, so that a client that computes with offsets is found out.

use http::HeaderValue;

use super::answer::Refusal;

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offset(pub(super) u64);

const PREFIX: char = 'o';
const DIGITS: usize = 16;

impl Offset {
    /// Reads a token that this server may have issued. Tokens are case-sensitive, so there is one spelling only.
    pub(super) fn parse(token: &str) -> Option<Self> {
        let digits = token.strip_prefix(PREFIX)?;
        let well_formed = digits.len() == DIGITS
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !well_formed {
            return None;
        }
        u64::from_str_radix(digits, 16).ok().map(Self)
    }
}

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}{:0DIGITS$x}", self.0)
    }
}

impl From<Offset> for HeaderValue {
    fn from(offset: Offset) -> Self {
        // Cannot fail: a token is ASCII letters and digits.
        HeaderValue::try_from(offset.to_string()).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Where a reader wants to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// `-1`, or no offset at all.
    Beginning,
    /// `now`: the tail at the time of the request.
    Tail,
    /// Somewhere the server named before.
    At(Offset),
}

impl Start {
    pub(super) fn parse(value: &str) -> Result<Self, Refusal> {
        match value {
            "-1" => Ok(Self::Beginning),
            "now" => Ok(Self::Tail),
            token => Offset::parse(token)
                .map(Self::At)
                .ok_or(Refusal::bad_request("malformed offset")),
        }
    }
}

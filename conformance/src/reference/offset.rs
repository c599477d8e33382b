//! Places in streams (§8).
//!
//! Inside the model a place is a plain number: messages before it in a JSON stream, bytes before it in any other. On the wire it is
//! a token, which only an [`OffsetFormat`] writes and reads.

use super::answer::Refusal;
use super::choice::OffsetFormat;

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offset(pub(super) u64);

impl Offset {
    /// Reads a token that this server may have issued.
    pub(super) fn parse(token: &str, format: OffsetFormat) -> Option<Self> {
        format.place(token).map(Self)
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
    pub(super) fn parse(value: &str, format: OffsetFormat) -> Result<Self, Refusal> {
        match value {
            "-1" => Ok(Self::Beginning),
            "now" => Ok(Self::Tail),
            token => Offset::parse(token, format)
                .map(Self::At)
                .ok_or(Refusal::bad_request("malformed offset")),
        }
    }
}

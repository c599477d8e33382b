//! One stream.

use http::HeaderValue;

use super::content_type::ContentType;
use super::expiry::Expiry;
use super::log::Log;
use super::offset::Offset;
use super::producer;

/// Names a stream for good; a path may name another stream later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StreamId(pub(super) u64);

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) path: String,
    /// Tells this stream from every other in entity tags.
    pub(super) identity: u128,
    pub(super) content_type: ContentType,
    pub(super) expiry: Expiry,
    /// Whether the creator asked for that expiry; a fork may have inherited it.
    pub(super) expiry_asked: bool,
    pub(super) log: Log,
    pub(super) closed: Option<Closed>,
    pub(super) producers: producer::Producers,
    /// The last `Stream-Seq`. Its scope is the stream: all writers share one sequence (§5.2).
    pub(super) last_seq: Option<HeaderValue>,
    pub(super) fork: Option<Fork>,
    /// How many forks of this stream exist.
    pub(super) forks: usize,
    /// Deleted, and kept for its forks only (§4.2).
    pub(super) soft_deleted: bool,
    /// How many live readers are attached.
    pub(super) readers: usize,
}

impl Stream {
    pub(super) fn tail(&self) -> Offset {
        Offset(self.log.end())
    }
}

/// How a stream was closed.
#[derive(Debug)]
pub(super) struct Closed {
    /// The producer request that did it, which may come again (§5.2.1).
    pub(super) by: Option<producer::Claim>,
}

/// Where a fork comes from, as its creator said it.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) source: StreamId,
    pub(super) source_path: String,
    pub(super) offset: Offset,
    pub(super) sub_offset: u64,
}

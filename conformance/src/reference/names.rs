//! The protocol's header names, and the values it gives a fixed spelling.

pub(super) const STREAM_TTL: &str = "stream-ttl";
pub(super) const STREAM_EXPIRES_AT: &str = "stream-expires-at";
pub(super) const STREAM_CLOSED: &str = "stream-closed";
pub(super) const STREAM_SEQ: &str = "stream-seq";
pub(super) const STREAM_NEXT_OFFSET: &str = "stream-next-offset";
pub(super) const STREAM_CURSOR: &str = "stream-cursor";
pub(super) const STREAM_UP_TO_DATE: &str = "stream-up-to-date";
pub(super) const STREAM_SSE_DATA_ENCODING: &str = "stream-sse-data-encoding";
pub(super) const STREAM_FORKED_FROM: &str = "stream-forked-from";
pub(super) const STREAM_FORK_OFFSET: &str = "stream-fork-offset";
pub(super) const STREAM_FORK_SUB_OFFSET: &str = "stream-fork-sub-offset";
pub(super) const PRODUCER_ID: &str = "producer-id";
pub(super) const PRODUCER_EPOCH: &str = "producer-epoch";
pub(super) const PRODUCER_SEQ: &str = "producer-seq";
pub(super) const PRODUCER_EXPECTED_SEQ: &str = "producer-expected-seq";
pub(super) const PRODUCER_RECEIVED_SEQ: &str = "producer-received-seq";

/// Answers that anyone may share (§10.1).
pub(super) const SHARED: &str = "public, max-age=60, stale-while-revalidate=300";
/// Answers that nobody may keep.
pub(super) const NO_STORE: &str = "no-store";

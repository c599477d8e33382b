//! What a writer says.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::wire::error::{Error, ErrorKind};
use crate::wire::position::Offset;

/// What a writer tells its user.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriterEvent {
    /// The messages with these tickets are stored.
    Stored {
        /// Tickets, without a gap.
        tickets: Range<u64>,
        /// The tail after them, as the server answered; `None` where it acknowledged a repeated request without one.
        next_offset: Option<Offset>,
        /// The server had them already, from an earlier attempt, or from an earlier run with the same id and epoch.
        duplicate: bool,
    },
    /// The messages with these tickets are not known to be stored, and will not be sent again.
    Rejected {
        /// Tickets, without a gap.
        tickets: Range<u64>,
        /// Why. It [may have been applied](Error::may_have_been_applied) when their fate is unknown.
        error: Error,
    },
    /// Everything before a [flush](super::Writer::flush) was answered for.
    Flushed {
        /// What [`Writer::flush`](super::Writer::flush) gave.
        flush: FlushId,
        /// What became of the messages before it; or the first error of one of them.
        result: Result<Flushed, Error>,
    },
    /// The epoch changed: by a claim, a restart, or because a batch had to be cut.
    Epoch(u64),
    /// A request failed and is tried again after this delay.
    Retrying {
        /// Why it failed.
        error: Error,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// [`Writer::close`](super::Writer::close) or [`Writer::close_stream`](super::Writer::close_stream) is done: everything is stored, and the writer has ended.
    Closed {
        /// The last offset, if anything was ever stored; of a closed stream its final one.
        next_offset: Option<Offset>,
    },
    /// The writer failed for good; what it did not store can be [taken back](super::Writer::take_unsent).
    Failed(Error),
}

/// What a flush tells when everything before it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flushed {
    /// The last offset, if anything was ever stored.
    pub next_offset: Option<Offset>,
    /// How many messages were acknowledged as [duplicates](WriterEvent::Stored::duplicate) since the last flush that told of them:
    /// the answer to an earlier attempt was lost, or an earlier run with the same id and epoch had stored them.
    pub duplicates: u64,
}

/// Names one flush of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlushId(pub(super) u64);

/// A message that a writer has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Its ticket.
    pub ticket: u64,
    /// Whether its batch is full with it, and may go: where the writer is driven by the thread that appends, it is time to let it.
    pub fills_batch: bool,
}

/// A message that a writer does not take, and why.
#[derive(Debug)]
pub struct Refused {
    /// The message, given back.
    pub message: Bytes,
    /// Why it is not taken.
    pub reason: RefusedReason,
}

/// Why a writer does not take a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefusedReason {
    /// The buffer is full: there is room again after something was stored.
    Full,
    /// It can never be taken: what it is, or what became of the writer, is in the error.
    Error(Error),
}

impl Refused {
    pub(super) fn error(message: Bytes, error: Error) -> Self {
        Self {
            message,
            reason: RefusedReason::Error(error),
        }
    }
}

impl Refused {
    /// Why, as an error. The message is dropped.
    pub fn into_error(self) -> Error {
        match self.reason {
            RefusedReason::Full => {
                Error::new(ErrorKind::LimitExceeded, "the writer's buffer is full")
            }
            RefusedReason::Error(error) => error,
        }
    }
}

/// The message is dropped: what failed is the operation.
impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.into_error()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            RefusedReason::Full => f.write_str("the writer's buffer is full"),
            RefusedReason::Error(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            RefusedReason::Full => None,
            RefusedReason::Error(error) => std::error::Error::source(error),
        }
    }
}

/// A message that was accepted and not stored, given back by a writer that failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unsent {
    /// Its ticket.
    pub ticket: u64,
    /// The message, as it was given.
    pub message: Bytes,
    /// Whether it may be stored all the same.
    pub may_have_been_applied: bool,
}

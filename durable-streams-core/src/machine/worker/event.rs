//! What a worker tells its owner.

use std::time::Duration;

use crate::machine::reader::{Batch, Notice};
use crate::wire::error::Error;
use crate::wire::position::Offset;

/// Names a piece of work that was handed out. Never used twice by the same worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// A piece of work: what comes next in one stream.
#[derive(Debug, Clone)]
pub struct Work {
    /// What is said about it goes by this.
    pub ticket: Ticket,
    /// The path of the stream, below the root.
    pub stream: String,
    /// That of the wake under which it was handed out.
    pub generation: u64,
    /// What is to be worked on; it is not empty.
    pub batch: Batch,
}

/// A stream with work that cannot be read: it is gone, what was not acknowledged is not retained any more, or its answers are none.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// What is said about it goes by this: [`processed`](super::Worker::processed) gives up all that was pending,
    /// [`failed`](super::Worker::failed) lets it be tried again.
    pub ticket: Ticket,
    /// The path of the stream, below the root.
    pub stream: String,
    /// Why.
    pub error: Error,
}

/// What a worker tells its owner.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// It has the lease.
    Claimed {
        /// That of the wake.
        generation: u64,
        /// How many streams there is work in.
        pending: usize,
    },
    /// This is to be done, and then reported by its ticket. Streams are independent of each other; of one stream there is one at a time.
    Work(Work),
    /// This cannot be done: what now is to be said by its ticket.
    Unreadable(Unreadable),
    /// The server has noted how far work has come: nobody is given that again.
    Acked {
        /// That of the wake.
        generation: u64,
        /// Streams, and up to where.
        acks: Vec<(String, Offset)>,
    },
    /// The lease is over, and not because the worker wanted that. What was handed out is withdrawn: others may be at it now. Whoever can
    /// stop in the middle of it should.
    LeaseLost {
        /// That of the wake.
        generation: u64,
        /// How.
        reason: LeaseLoss,
    },
    /// The lease is over in good order: all was done, or the rest was given back.
    Released {
        /// That of the wake.
        generation: u64,
        /// Whether all was done.
        done: bool,
    },
    /// Something that changes nothing about the work, worth a line in a log.
    Notice(WorkerNotice),
    /// The worker gave up. What was handed out is withdrawn.
    Failed(Error),
}

/// What becomes of work that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It comes again, after this delay at the soonest.
    Again(Duration),
    /// The policy gave up: this worker leaves the stream alone from now on. Others may try.
    GivenUp,
    /// It was withdrawn meanwhile.
    Withdrawn,
}

/// How a lease was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseLoss {
    /// The server said that this wake is over (§7.3).
    Fenced,
    /// It ran out by the worker's own clock without a renewal that the server confirmed.
    Expired,
}

/// What happened behind the scenes.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerNotice {
    /// A request about the subscription failed and is tried again after this delay.
    Retrying {
        /// Why it failed.
        error: Error,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// Another worker has the lease.
    Busy {
        /// Its name, where the server says so.
        holder: Option<String>,
    },
    /// Wakes cannot be heard; until they can, work is asked for at intervals.
    Deaf {
        /// Why.
        error: Error,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// The server does not take an acknowledgement: the stream is not linked any more, or is another one by now.
    AckRejected {
        /// The path of the stream, below the root.
        stream: String,
        /// Why.
        error: Error,
    },
    /// The reader of a stream said something: that of the wakes, or of the one of this path.
    Reader {
        /// The path, where it is one with work.
        stream: Option<String>,
        /// What it said.
        notice: Notice,
    },
}

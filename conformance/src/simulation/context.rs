//! What everything in a run shares: the time, the choices, the plan of what comes, the trace, the verdict.

use super::clock::{Clock, Queue, Time};
use super::tape::Tape;
use super::trace::Trace;
use bytes::Bytes;
use durable_streams_core::FailureKind;
use http::response::Parts;

/// What is to happen.
#[derive(Debug)]
pub(super) enum Event {
    /// A machine named this time.
    Wake(usize),
    /// The user of a machine does something.
    Act(usize),
    /// A request reaches the server; `copy` when it is not the first time.
    Arrive { exchange: usize, copy: bool },
    /// A piece of an answer reaches the client.
    Deliver { exchange: usize, piece: Piece },
    /// The connection breaks.
    Reset(usize),
    /// The server named this time.
    Tick,
}

/// A piece of an answer on its way to the client.
#[derive(Debug)]
pub(super) enum Piece {
    Head(Box<Parts>),
    Chunk(Bytes),
    End,
    Failed(FailureKind),
}

/// What is shared.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) clock: Clock,
    pub(super) tape: Tape,
    pub(super) queue: Queue<Event>,
    pub(super) trace: Trace,
    violation: Option<String>,
}

impl Context {
    pub(super) fn new(clock: Clock, tape: Tape, trace: Trace) -> Self {
        Self {
            clock,
            tape,
            queue: Queue::new(),
            trace,
            violation: None,
        }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now
    }

    /// Plans something for so much later.
    pub(super) fn after(&mut self, delay: Time, event: Event) {
        self.queue.push(self.clock.now + delay, event);
    }

    /// Notes that something happened.
    pub(super) fn note(
        &mut self,
        what: &'static str,
        who: usize,
        number: u64,
        detail: impl FnOnce() -> String,
    ) {
        self.trace.note(self.clock.now, what, who, number, detail);
    }

    /// An invariant does not hold. The first one counts.
    pub(super) fn violate(&mut self, who: usize, why: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let why = format!("#{who}: {}", why());
            self.trace
                .note(self.clock.now, "VIOLATION", who, 0, || why.clone());
            self.violation = Some(why);
        }
    }

    pub(super) fn violated(&self) -> bool {
        self.violation.is_some()
    }

    /// The verdict, the hash of the trace, and its lines.
    pub(super) fn finish(self) -> (Option<String>, u64, Vec<String>) {
        let (hash, lines) = self.trace.finish();
        (self.violation, hash, lines)
    }
}

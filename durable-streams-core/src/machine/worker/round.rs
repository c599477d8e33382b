//! The streams of a wake: which are read, what of them is handed out, and what is to be acknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::event::Ticket;
use crate::machine::reader::{Batch, Reader};
use crate::wire::error::Error;
use crate::wire::position::{Checkpoint, Offset};

/// What there is to do under one lease.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Streams whose turn has not come, or that rest.
    pub(super) waiting: VecDeque<Task>,
    /// Those that are worked on.
    pub(super) active: Vec<Active>,
    /// What was processed, and is not confirmed as acknowledged.
    pub(super) acks: BTreeMap<String, Offset>,
    /// The server refused several acknowledgements at once, and does not say for which of them.
    pub(super) singly: bool,
    /// Of some stream nothing can be acknowledged: not all was done.
    given_up: bool,
}

/// A stream with work in it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) stream: String,
    /// Where it goes on: everything before was processed.
    pub(super) place: Checkpoint,
    /// What was acknowledged of it last, or is about to be.
    pub(super) acked: Option<Offset>,
    /// Where it ended when the wake was claimed, if the server said so.
    pub(super) tail: Option<Offset>,
    /// It rests until then.
    pub(super) at: Option<Instant>,
}

/// A stream that is worked on.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) number: u64,
    pub(super) task: Task,
    /// Reads it, unless there is nothing more to be read now.
    pub(super) reader: Option<Reader>,
    /// What was read, and has to wait for its turn.
    pub(super) ready: Option<Ready>,
    pub(super) out: Option<Out>,
    /// It ended before the tail: there is more to do, later.
    pub(super) short: bool,
    /// The server takes no acknowledgement of it.
    pub(super) rejected: bool,
}

#[derive(Debug)]
pub(super) enum Ready {
    Batch(Batch),
    Error(Error),
}

/// What was handed out.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) ticket: Ticket,
    /// Where the stream goes on after it, if that is known.
    to: Option<Checkpoint>,
}

impl Task {
    fn is_due(&self, now: Instant) -> bool {
        self.at.is_none_or(|at| at <= now)
    }

    /// Whether this is the tail as it was, or behind it.
    pub(super) fn is_tail(&self, at: &Checkpoint) -> bool {
        at.delivered() == 0 && self.tail.is_some() && at.offset() >= self.tail.as_ref()
    }
}

impl Active {
    pub(super) fn new(number: u64, task: Task) -> Self {
        Self {
            number,
            task,
            reader: None,
            ready: None,
            out: None,
            short: false,
            rejected: false,
        }
    }

    /// Whether more of it is to be read now.
    pub(super) fn reads(&self) -> bool {
        self.reader.is_some() && self.ready.is_none()
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_over(&self) -> bool {
        self.reader.is_none() && self.ready.is_none() && self.out.is_none()
    }

    /// The next batch was read. One with nothing in it only moves the place behind what is out.
    pub(super) fn read(&mut self, batch: Batch) {
        match &mut self.out {
            Some(out) if batch.is_empty() => out.to = Some(batch.checkpoint().clone()),
            _ => self.ready = Some(Ready::Batch(batch)),
        }
    }

    /// Hands out what is ready.
    pub(super) fn hand_out(&mut self, ticket: Ticket) -> Option<Ready> {
        if self.out.is_some() {
            return None;
        }
        let ready = self.ready.take()?;
        let to = match &ready {
            Ready::Batch(batch) => Some(batch.checkpoint().clone()),
            Ready::Error(_) => self.task.tail.clone().map(Checkpoint::from),
        };
        self.out = Some(Out { ticket, to });
        Some(ready)
    }

    /// What is out was processed: what is to be acknowledged.
    pub(super) fn processed(&mut self) -> Option<(String, Offset)> {
        let out = self.out.take()?;
        match out.to {
            Some(to) => self.task.place = to,
            None => self.short = true,
        }
        // Within an answer there is no offset to acknowledge: only what is before it counts.
        let offset = self.task.place.offset()?;
        if self.rejected || self.task.acked.as_ref() == Some(offset) {
            return None;
        }
        self.task.acked = Some(offset.clone());
        Some((self.task.stream.clone(), offset.clone()))
    }
}

impl Round {
    pub(super) fn new(tasks: Vec<Task>) -> Self {
        Self {
            waiting: tasks.into(),
            ..Self::default()
        }
    }

    pub(super) fn has_out(&self) -> bool {
        self.active.iter().any(|active| active.out.is_some())
    }

    /// Whether everything was done.
    pub(super) fn is_finished(&self) -> bool {
        self.active.is_empty() && self.waiting.is_empty() && !self.given_up
    }

    /// Whether there is nothing to do until then.
    pub(super) fn rests(&self, until: Instant) -> bool {
        self.active.is_empty() && !self.waiting.iter().any(|task| task.is_due(until))
    }

    /// When the first stream that rests is to be tried again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|task| task.at).min()
    }

    /// The next stream whose turn it is.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Task> {
        let index = self.waiting.iter().position(|task| task.is_due(now))?;
        self.waiting.remove(index)
    }

    pub(super) fn by_ticket(&mut self, ticket: Ticket) -> Option<usize> {
        let is_it = |active: &Active| active.out.as_ref().is_some_and(|out| out.ticket == ticket);
        self.active.iter().position(is_it)
    }

    pub(super) fn by_number(&mut self, number: u64) -> Option<&mut Active> {
        self.active
            .iter_mut()
            .find(|active| active.number == number)
    }

    /// What is to be acknowledged now.
    pub(super) fn next_acks(&self) -> Vec<(String, Offset)> {
        let most = if self.singly { 1 } else { usize::MAX };
        let acks = self.acks.iter().take(most);
        acks.map(|(stream, offset)| (stream.clone(), offset.clone()))
            .collect()
    }

    /// The server has taken these.
    pub(super) fn confirmed(&mut self, acks: &[(String, Offset)]) {
        for (stream, offset) in acks {
            if self.acks.get(stream) == Some(offset) {
                self.acks.remove(stream);
            }
        }
    }

    /// The server takes no acknowledgement of this stream.
    ///
    /// Gives the number of its reader, if it is worked on.
    pub(super) fn rejected(&mut self, stream: &str) -> Option<u64> {
        self.given_up = true;
        self.acks.remove(stream);
        self.waiting.retain(|task| task.stream != stream);
        let mut active = self.active.iter_mut();
        let active = active.find(|active| active.task.stream == stream)?;
        active.rejected = true;
        active.reader = None;
        active.ready = None;
        Some(active.number)
    }
}

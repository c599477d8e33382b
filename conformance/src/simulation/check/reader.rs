//! What a reader delivers, against what is stored.

use bytes::Bytes;
use durable_streams_core::{Checkpoint, Error, ErrorKind};

use crate::simulation::clock::Time;
use crate::simulation::context::Context;
use crate::simulation::message::Format;
use crate::simulation::truth::Truth;

/// What a reader delivered at once.
#[derive(Debug, Clone)]
pub(in crate::simulation) struct Delivered {
    pub(in crate::simulation) messages: Vec<Bytes>,
    pub(in crate::simulation) bytes: Bytes,
    pub(in crate::simulation) checkpoint: Checkpoint,
    pub(in crate::simulation) up_to_date: bool,
    pub(in crate::simulation) closed: bool,
}

/// Where one reader is, and what it said.
#[derive(Debug)]
pub(in crate::simulation) struct ReaderCheck {
    who: usize,
    stream: usize,
    /// `None` until a reader that began at the tail says where that is.
    position: Option<u64>,
    pub(in crate::simulation) closed: bool,
    pub(in crate::simulation) up_to_date: bool,
}

impl ReaderCheck {
    /// A reader that begins at this position, or at the tail.
    pub(in crate::simulation) fn new(who: usize, stream: usize, position: Option<u64>) -> Self {
        Self {
            who,
            stream,
            position,
            closed: false,
            up_to_date: false,
        }
    }

    pub(in crate::simulation) fn position(&self) -> Option<u64> {
        self.position
    }

    /// A batch came out of an answer that was asked for, or cached, at `since`. Says whether it got the reader anywhere.
    pub(in crate::simulation) fn delivered(
        &mut self,
        ctx: &mut Context,
        truth: &Truth,
        since: Time,
        batch: &Delivered,
    ) -> bool {
        let who = self.who;
        let stream = &truth.streams[self.stream];
        if self.closed {
            ctx.violate(who, || "it delivers after the end".into());
        }
        let Some(to) = truth.place(&batch.checkpoint) else {
            ctx.violate(who, || format!("no position: {}", batch.checkpoint));
            return false;
        };
        let units = match stream.format {
            Format::Json => batch.messages.len() as u64,
            _ => batch.bytes.len() as u64,
        };
        let from = match self.position {
            Some(position) => position,
            None if stream.was_tail(to, since) => to,
            None => {
                ctx.violate(who, || format!("the tail was never at {to}"));
                return false;
            }
        };
        if from + units != to {
            ctx.violate(who, || {
                format!("{units} units from {from} on, and a checkpoint at {to}")
            });
        }
        let range = index(from)..index(from + units);
        let same = match stream.format {
            Format::Json => stream.items.get(range) == Some(&batch.messages[..]),
            _ => stream.bytes.get(range) == Some(&batch.bytes[..]),
        };
        if !same {
            ctx.violate(who, || {
                format!("what it delivers from {from} to {to} is not what is stored there")
            });
        }
        if batch.up_to_date && !stream.was_tail(to, since) {
            ctx.violate(who, || {
                format!("up to date at {to}, which was not the tail")
            });
        }
        if batch.closed && !(stream.closed && stream.tail() == to) {
            ctx.violate(who, || {
                format!(
                    "closed at {to}: the tail is {}, closed: {}",
                    stream.tail(),
                    stream.closed
                )
            });
        }
        let moved = units > 0 || self.position != Some(to);
        self.position = Some(to);
        self.closed = batch.closed;
        self.up_to_date = batch.up_to_date;
        moved
    }

    /// It says that it has come to its end.
    pub(in crate::simulation) fn done(&self, ctx: &mut Context, live: bool, failed: bool) {
        if !failed && !self.closed && (live || !self.up_to_date) {
            ctx.violate(self.who, || "it ended before the end".into());
        }
    }

    /// It failed. Only what no retry can help with is a cause.
    pub(in crate::simulation) fn failed(
        &self,
        ctx: &mut Context,
        truth: &Truth,
        error: &Error,
        healed: bool,
    ) {
        let deleted = truth.streams[self.stream].deleted;
        let lawful = match error.kind() {
            ErrorKind::StreamNotFound | ErrorKind::Gone => deleted,
            // A page for people, and a redirect that is not followed.
            ErrorKind::Protocol | ErrorKind::Redirect => !healed && error.status().is_some(),
            _ => false,
        };
        if !lawful {
            ctx.violate(self.who, || format!("it failed without a cause: {error}"));
        }
    }
}

fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

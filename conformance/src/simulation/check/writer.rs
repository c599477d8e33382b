//! What a writer tells its user, against what is stored.

use std::collections::VecDeque;

use durable_streams_core::{Error, ErrorKind, FlushId, Unsent, WriterEvent};

use super::requests::Limits;
use crate::simulation::context::Context;
use crate::simulation::truth::Truth;

/// What became of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Stored,
    Rejected { maybe: bool },
}

/// Why a writer may fail in this run.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::simulation) struct Lawful {
    /// Its policy gives up.
    pub(in crate::simulation) gives_up: bool,
    /// Somebody else writes with its id.
    pub(in crate::simulation) fenced: bool,
    /// Somebody closes the stream.
    pub(in crate::simulation) closed: bool,
    /// Somebody deletes it.
    pub(in crate::simulation) deleted: bool,
    /// The server does not take every body.
    pub(in crate::simulation) too_large: bool,
}

impl Lawful {
    fn allows(self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Fenced => self.fenced,
            ErrorKind::StreamClosed => self.closed,
            ErrorKind::StreamNotFound | ErrorKind::Gone => self.deleted,
            ErrorKind::PayloadTooLarge => self.too_large,
            ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Protocol
            | ErrorKind::Redirect => self.gives_up,
            _ => false,
        }
    }
}

/// What one writer was given and said.
#[derive(Debug)]
pub(in crate::simulation) struct WriterCheck {
    who: usize,
    limits: Limits,
    lawful: Lawful,
    /// Messages may be stored once in every epoch.
    resends: bool,
    /// The message of each ticket, and what became of it.
    tickets: Vec<(usize, Fate)>,
    open: usize,
    open_bytes: usize,
    flushes: VecDeque<(FlushId, usize)>,
    ended: bool,
    pub(in crate::simulation) closed: bool,
    failed: bool,
}

impl WriterCheck {
    pub(in crate::simulation) fn new(
        who: usize,
        limits: Limits,
        lawful: Lawful,
        resends: bool,
    ) -> Self {
        Self {
            who,
            limits,
            lawful,
            resends,
            tickets: Vec::new(),
            open: 0,
            open_bytes: 0,
            flushes: VecDeque::new(),
            ended: false,
            closed: false,
            failed: false,
        }
    }

    /// The ticket that the next message gets.
    pub(in crate::simulation) fn next_ticket(&self) -> u64 {
        self.tickets.len() as u64
    }

    /// A message was taken.
    pub(in crate::simulation) fn taken(
        &mut self,
        ctx: &mut Context,
        truth: &Truth,
        message: usize,
        ticket: Option<u64>,
    ) {
        if ticket.is_some_and(|ticket| ticket != self.next_ticket()) {
            ctx.violate(self.who, || "tickets do not count".into());
        }
        self.tickets.push((message, Fate::Open));
        self.open += 1;
        self.open_bytes += truth.messages[message].bytes.len();
        if self.open > self.limits.buffer_messages || self.open_bytes > self.limits.buffer_bytes {
            ctx.violate(self.who, || "more is buffered than may be".into());
        }
    }

    /// A flush was asked for.
    pub(in crate::simulation) fn flushing(&mut self, flush: FlushId) {
        self.flushes.push_back((flush, self.tickets.len()));
    }

    /// The writer said something.
    pub(in crate::simulation) fn event(
        &mut self,
        ctx: &mut Context,
        truth: &Truth,
        event: &WriterEvent,
    ) {
        if self.ended {
            ctx.violate(self.who, || "it speaks after its end".into());
        }
        match event {
            WriterEvent::Stored {
                tickets,
                next_offset,
                ..
            } => {
                self.resolve(ctx, truth, tickets.clone(), Fate::Stored);
                let tail = next_offset.as_ref();
                let tail = tail.and_then(|offset| truth.position(offset));
                let last = tickets.end.checked_sub(1);
                if let Some((tail, last)) = tail.zip(last.and_then(|last| self.message(last))) {
                    if tail < truth.messages[last].end {
                        ctx.violate(self.who, || {
                            format!("the tail behind {tickets:?} is told to be {tail}")
                        });
                    }
                }
            }
            WriterEvent::Rejected { tickets, error } => {
                let maybe = error.may_have_been_applied();
                self.resolve(ctx, truth, tickets.clone(), Fate::Rejected { maybe });
            }
            WriterEvent::Flushed { flush, result } => self.flushed(ctx, *flush, result.is_ok()),
            WriterEvent::Closed { .. } => {
                self.ended = true;
                self.closed = true;
            }
            WriterEvent::Failed(error) => {
                self.ended = true;
                self.failed = true;
                if !self.lawful.allows(error) {
                    ctx.violate(self.who, || format!("it failed without a cause: {error}"));
                }
            }
            _ => {}
        }
        if self.ended && (self.open > 0 || !self.flushes.is_empty()) {
            let (open, flushes) = (self.open, self.flushes.len());
            ctx.violate(self.who, || {
                format!("it ended, and {open} messages and {flushes} flushes were not answered for")
            });
        }
    }

    /// The message with this ticket.
    fn message(&self, ticket: u64) -> Option<usize> {
        let index = usize::try_from(ticket).ok()?;
        self.tickets.get(index).map(|&(message, _)| message)
    }

    fn resolve(
        &mut self,
        ctx: &mut Context,
        truth: &Truth,
        tickets: std::ops::Range<u64>,
        fate: Fate,
    ) {
        if tickets.is_empty() {
            ctx.violate(self.who, || "it tells of no ticket at all".into());
        }
        for ticket in tickets {
            let index = usize::try_from(ticket).unwrap_or(usize::MAX);
            let Some((message, known)) = self.tickets.get_mut(index) else {
                return ctx.violate(self.who, || format!("ticket {ticket} was never given"));
            };
            if *known != Fate::Open {
                let known = *known;
                return ctx.violate(self.who, || {
                    format!("ticket {ticket} is {fate:?} after it was {known:?}")
                });
            }
            *known = fate;
            let message = &truth.messages[*message];
            self.open -= 1;
            self.open_bytes -= message.bytes.len();
            if fate == Fate::Stored && message.stored == 0 {
                ctx.violate(self.who, || {
                    format!("ticket {ticket} is told stored, and is not")
                });
            }
        }
    }

    fn flushed(&mut self, ctx: &mut Context, flush: FlushId, ok: bool) {
        let Some((expected, before)) = self.flushes.pop_front() else {
            return ctx.violate(self.who, || "a flush nobody asked for".into());
        };
        if expected != flush {
            ctx.violate(self.who, || "flushes are answered out of order".into());
        }
        let before = &self.tickets[..before];
        let open = before.iter().filter(|(_, fate)| *fate == Fate::Open);
        if ok && open.count() > 0 {
            ctx.violate(self.who, || "a flush is answered too early".into());
        }
    }

    /// What a failed writer gives back is what was not stored.
    pub(in crate::simulation) fn taken_back(
        &mut self,
        ctx: &mut Context,
        truth: &Truth,
        unsent: &[Unsent],
    ) {
        for unsent in unsent {
            let index = usize::try_from(unsent.ticket).unwrap_or(usize::MAX);
            let good = self.tickets.get(index).is_some_and(|&(message, fate)| {
                truth.messages[message].bytes == unsent.message
                    && fate
                        == Fate::Rejected {
                            maybe: unsent.may_have_been_applied,
                        }
            });
            if !good {
                ctx.violate(self.who, || {
                    format!("ticket {} comes back, and should not", unsent.ticket)
                });
            }
        }
    }

    /// Everything has come to rest.
    pub(in crate::simulation) fn finish(&self, ctx: &mut Context, truth: &Truth, crashed: bool) {
        if !crashed && !self.ended {
            ctx.violate(self.who, || "it has not ended".into());
        }
        for (ticket, &(message, fate)) in self.tickets.iter().enumerate() {
            let (stored, masked) = {
                let message = &truth.messages[message];
                (message.stored, message.masked)
            };
            let most = if self.resends { u32::MAX } else { 1 };
            let lawful = match fate {
                Fate::Stored => (1..=most).contains(&stored),
                Fate::Rejected { maybe: false } => stored == 0 || (masked && stored <= most),
                Fate::Rejected { maybe: true } => stored <= most,
                Fate::Open => crashed && stored <= most,
            };
            if !lawful {
                ctx.violate(self.who, || {
                    format!("ticket {ticket} is {fate:?} and stored {stored} times")
                });
            }
        }
    }
}

//! Requests that are sent before their turn: where catch-up goes on is known with the head of an answer, long before its end.
//!
//! What comes of them is set aside as it came. In its turn it is handed in as if it had just come: until then it changes
//! nothing, and neither do its failures.

use std::collections::VecDeque;
use std::time::Instant;

use http::{StatusCode, Uri, response};

use super::{Answer, Exchange, Phase, Reader, State};
use crate::machine::{Input, Output, RequestId, later};
use crate::operation::{Operation, Read, ReadHead};
use crate::wire::position::Offset;

/// The requests ahead of the current one, in the order of their turns.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    requests: VecDeque<Early>,
    /// How much of their bodies is here.
    bytes: usize,
}

#[derive(Debug)]
struct Early {
    id: RequestId,
    uri: Uri,
    from: Offset,
    sent: Instant,
    inputs: Vec<Input>,
    bytes: usize,
    /// Where its answer leads, once its head said so.
    next: Option<Offset>,
}

impl Ahead {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn has(&self, id: RequestId) -> bool {
        self.requests.iter().any(|early| early.id == id)
    }

    /// Sets aside what came of a request. Gives it back when it is of none of these.
    pub(super) fn take_in(&mut self, id: RequestId, input: Input) -> Result<(), Input> {
        let Some(early) = self.requests.iter_mut().find(|early| early.id == id) else {
            return Err(input);
        };
        match &input {
            Input::Head(_, head) => early.next = leads_to(head, &early.from),
            Input::Chunk(_, chunk) => {
                early.bytes += chunk.len();
                self.bytes += chunk.len();
            }
            _ => {}
        }
        early.inputs.push(input);
        Ok(())
    }

    /// The next one, if it asks for what comes after `from`.
    fn pop(&mut self, from: &Offset) -> Option<Early> {
        if self.requests.front()?.from != *from {
            return None;
        }
        let early = self.requests.pop_front()?;
        self.bytes -= early.bytes;
        Some(early)
    }
}

/// Where an answer leads, if there is more behind it.
fn leads_to(head: &response::Parts, from: &Offset) -> Option<Offset> {
    if head.status != StatusCode::OK {
        return None;
    }
    let read = ReadHead::decode(&head.headers).ok()?;
    read.next_offset
        .filter(|next| !read.up_to_date && next > from)
}

impl Reader {
    /// Sends what can be sent before its turn.
    pub(super) fn look_ahead(&mut self, now: Instant) {
        while self.ahead.requests.len() < self.config.prefetch
            && self.ahead.bytes < self.config.max_prefetch_bytes
        {
            let from = match self.ahead.requests.back() {
                Some(last) => last.next.clone(),
                None => self.current_leads_to(),
            };
            let Some(from) = from else { return };
            // What cannot be sent is for its turn to say.
            let Ok(request) = Read::new(self.config.url.clone(), &from).request() else {
                return;
            };
            let id = self.next_id();
            self.ahead.requests.push_back(Early {
                id,
                uri: request.uri().clone(),
                from,
                sent: now,
                inputs: Vec::new(),
                bytes: 0,
                next: None,
            });
            self.outbox.push_back(Output::Send(id, request));
        }
    }

    fn current_leads_to(&self) -> Option<Offset> {
        let State::Active(exchange) = &self.state else {
            return None;
        };
        match &exchange.answer {
            Answer::Page(page)
                if self.phase == Phase::CatchUp
                    && !page.head.up_to_date
                    && !matches!(page.ended, Some(Err(_)))
                    && self.place.leads_on_to(&page.next_offset) =>
            {
                Some(page.next_offset.clone())
            }
            _ => None,
        }
    }

    /// Goes on with the request that was sent ahead for this position, if one was. Any other is of no use then.
    pub(super) fn take_turn(&mut self, now: Instant) -> bool {
        let here = self.place.offset().filter(|_| self.phase == Phase::CatchUp);
        let Some(early) = here.and_then(|here| self.ahead.pop(here)) else {
            self.drop_ahead();
            return false;
        };
        self.redirects.reset();
        let limit = self.config.request_timeout;
        self.state = State::Active(Box::new(Exchange {
            id: early.id,
            uri: early.uri,
            conditional: false,
            sent: early.sent,
            limit,
            deadline: later(now, limit),
            answer: Answer::Awaited,
        }));
        for input in early.inputs {
            self.current_input(input, now);
        }
        self.look_ahead(now);
        true
    }

    /// Drops the requests ahead. Says whether there were any.
    pub(super) fn drop_ahead(&mut self) -> bool {
        let ahead = std::mem::take(&mut self.ahead);
        let aborts = ahead.requests.iter().map(|early| Output::Abort(early.id));
        self.outbox.extend(aborts);
        !ahead.requests.is_empty()
    }
}

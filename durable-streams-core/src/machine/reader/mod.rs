//! A whole session of reading: catch-up, then live, over as many requests as it takes.
//!
//! ```text
//!            ┌────────────── a failure: wait, the same position again ──────────────┐
//!            ▼                                                                      │
//!   Idle ── Send ──► Sent ── head ──► Page   (catch-up, long-poll)  ── end ──► Idle ┤
//!                     │               Events (server-sent events)   ── end ──► Idle ┤
//!                     └── a refusal ► Refused ── its body ─────────────────────────►┘
//!                                                   closed, or at the tail and not live ──► Done
//! ```
//!
//! History comes first: no request is live until an answer was up to date, so that history stays cacheable. Positions change
//! in one place (`place.rs`); what is delivered carries the checkpoint right behind it.

mod ahead;
mod batch;
mod config;
mod delivery;
mod events;
mod page;
mod place;
mod session;

pub use batch::{Batch, Notice, ReaderEvent};
pub use config::{Live, ReaderConfig};

use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;
use http::{StatusCode, Uri, response};

use self::ahead::Ahead;
use self::events::Events;
use self::page::Page;
use self::place::Place;
use super::{Input, Machine, Output, RequestId};
use crate::machine::later;
use crate::machine::redirect::Redirects;
use crate::operation::LiveMode;
use crate::wire::content_type::Format;
use crate::wire::error::MAX_ERROR_BODY;
use crate::wire::position::Checkpoint;
use crate::wire::retry::Backoff;

/// The machine that reads a stream. See the [module](self), and [`machine`](super) for how to drive it.
///
/// It delivers every message or byte from its start once and in order, whatever fails in between, and ends after the
/// last one: when the stream is closed, or at the tail when it is not live. An error is never reported as an end.
#[derive(Debug)]
pub struct Reader {
    config: ReaderConfig,
    place: Place,
    /// What the stream's content type says, once an answer named it.
    format: Option<Format>,
    phase: Phase,
    state: State,
    ahead: Ahead,
    outbox: VecDeque<Output<ReaderEvent>>,
    backoff: Backoff,
    redirects: Redirects,
    /// Event streams in a row that ended at once and delivered nothing.
    short_event_streams: u32,
    /// Live answers in a row that came at once and brought nothing.
    idle_answers: u32,
    /// Whether server-sent events were given up for this session.
    fell_back: bool,
    last_id: u64,
    /// Whether the last thing the user was told is that the tail was reached.
    told_up_to_date: bool,
    closed: bool,
    not_modified: bool,
    /// Of the last answer with contents.
    status: Option<StatusCode>,
    /// The user was away with an event: time that passed is not the server's fault.
    away: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    CatchUp,
    Live(LiveMode),
}

#[derive(Debug)]
enum State {
    Idle {
        at: Option<Instant>,
        redirected: Option<Uri>,
    },
    Active(Box<Exchange>),
    Done,
}

/// A request in flight.
#[derive(Debug)]
struct Exchange {
    id: RequestId,
    uri: Uri,
    /// Whether it asked for a 304.
    conditional: bool,
    sent: Instant,
    /// How long it may stand still, and until when it may.
    limit: std::time::Duration,
    deadline: Instant,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Awaited,
    Page(Box<Page>),
    Events(Box<Events>),
    Refused {
        head: Box<response::Parts>,
        body: BytesMut,
    },
}

impl Reader {
    /// A reader that has sent nothing yet.
    pub fn new(config: ReaderConfig) -> Self {
        Self {
            place: Place::new(&config.start),
            format: None,
            phase: Phase::CatchUp,
            state: State::Idle {
                at: None,
                redirected: None,
            },
            ahead: Ahead::default(),
            outbox: VecDeque::new(),
            backoff: Backoff::new(config.retry.clone(), config.seed),
            redirects: Redirects::new(config.cross_origin_redirects),
            short_event_streams: 0,
            idle_answers: 0,
            fell_back: false,
            last_id: 0,
            told_up_to_date: false,
            closed: false,
            not_modified: false,
            status: None,
            away: false,
            config,
        }
    }

    /// Where the stream goes on after everything that was delivered. `None` for a reader that began at
    /// [`Start::Now`](crate::Start::Now) and has no answer yet: then it is not known where that is.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.place.checkpoint()
    }

    /// Whether the end of a closed stream was delivered.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the reader ended because nothing changed since the entity tag it was given.
    pub fn is_not_modified(&self) -> bool {
        self.not_modified
    }

    /// The status of the last answer that was taken on: 200; or 204, when the wait of a long-poll ran out. `None` before the first.
    /// Refusals, which are tried again or end the reader, do not count.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// What happened to the current request, or that time passed.
    fn current_input(&mut self, input: Input, now: Instant) {
        let State::Active(exchange) = &mut self.state else {
            return;
        };
        let id = input.request();
        if id.is_some_and(|id| id != exchange.id) {
            return;
        }
        if id.is_some() {
            exchange.deadline = later(now, exchange.limit);
        }
        match (input, &mut exchange.answer) {
            (Input::Head(_, head), Answer::Awaited) => self.answered(head, now),
            (Input::Chunk(_, chunk), Answer::Page(page)) => page.push(chunk),
            (Input::Chunk(_, chunk), Answer::Events(events)) => events.push(chunk),
            (Input::Chunk(_, chunk), Answer::Refused { body, .. }) => {
                body.extend_from_slice(&chunk[..chunk.len().min(MAX_ERROR_BODY - body.len())]);
                if body.len() == MAX_ERROR_BODY {
                    self.abort();
                    self.refused(now);
                }
            }
            (Input::End(_), Answer::Page(page)) => page.ended = Some(Ok(())),
            (Input::Failed(_, failure), Answer::Page(page)) => page.ended = Some(Err(failure)),
            (Input::End(_), Answer::Events(events)) => events.ended = Some(Ok(())),
            (Input::Failed(_, failure), Answer::Events(events)) => {
                events.ended = Some(Err(failure))
            }
            // The head decides; what is missing of an explanation changes nothing.
            (Input::End(_) | Input::Failed(..), Answer::Refused { .. }) => self.refused(now),
            (Input::Failed(_, failure), Answer::Awaited) => self.failed(&failure, now),
            (Input::Timeout, _) if exchange.deadline <= now => self.timed_out(now),
            _ => {}
        }
    }

    fn next_id(&mut self) -> RequestId {
        self.last_id += 1;
        RequestId(self.last_id)
    }

    fn abort(&mut self) {
        if let State::Active(exchange) = &self.state {
            self.outbox.push_back(Output::Abort(exchange.id));
        }
    }
}

impl Machine for Reader {
    type Event = ReaderEvent;

    fn poll_output(&mut self, now: Instant) -> Output<ReaderEvent> {
        if std::mem::take(&mut self.away) {
            if let State::Active(exchange) = &mut self.state {
                exchange.deadline = exchange.deadline.max(later(now, exchange.limit));
            }
        }
        loop {
            if let Some(output) = self.outbox.pop_front() {
                self.away = matches!(output, Output::Event(_));
                return output;
            }
            match &mut self.state {
                State::Done => {
                    if !self.drop_ahead() {
                        return Output::Done;
                    }
                }
                State::Idle { at: Some(at), .. } if *at > now => return Output::Wait(Some(*at)),
                State::Idle { .. } => self.send(now),
                State::Active(exchange) => {
                    let deadline = exchange.deadline;
                    if !self.advance(now) {
                        return Output::Wait(Some(deadline));
                    }
                }
            }
        }
    }

    fn handle_input(&mut self, input: Input, now: Instant) {
        let input = match input.request() {
            Some(id) => match self.ahead.take_in(id, input) {
                Ok(()) => return self.look_ahead(now),
                Err(input) => input,
            },
            None => input,
        };
        let is_head = matches!(input, Input::Head(..));
        self.current_input(input, now);
        if is_head {
            self.look_ahead(now);
        }
    }

    fn wants(&self, request: RequestId) -> bool {
        self.ahead.bytes() < self.config.max_prefetch_bytes || !self.ahead.has(request)
    }
}

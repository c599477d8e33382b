//! How what arrives becomes batches, each with the checkpoint right behind it.

use std::time::{Duration, Instant};

use super::batch::{Batch, Data, ReaderEvent};
use super::config::Live;
use super::{Answer, Phase, Reader, State};
use crate::machine::Output;
use crate::wire::content_type::Format;
use crate::wire::error::{Error, FailureKind};
use crate::wire::json::Messages;
use crate::wire::position::Offset;

/// An event stream that ends sooner, with nothing delivered, is a short one (B14).
const SHORT_EVENT_STREAM: Duration = Duration::from_secs(1);
/// A live answer that brings nothing sooner than this was not worth a wait on the server.
const IDLE_ANSWER: Duration = Duration::from_millis(100);
/// Such answers are asked for at longer and longer intervals, up to this.
const MAX_IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// What an answer, or a part of it, brought: the common end of pages and groups of events.
struct Arrival {
    /// What of it is to be delivered with its end.
    data: Option<Data>,
    next_offset: Offset,
    cursor: Option<String>,
    /// The units it had in all.
    units: u64,
    up_to_date: bool,
    closed: bool,
}

/// Where that led to.
struct Arrived {
    /// Whether the offset moved.
    moved: bool,
    up_to_date: bool,
}

impl Reader {
    /// Makes what can be made of what has arrived. Says whether anything was.
    pub(super) fn advance(&mut self, now: Instant) -> bool {
        let State::Active(exchange) = &mut self.state else {
            return false;
        };
        let result = match &exchange.answer {
            Answer::Page(_) => self.advance_page(now),
            Answer::Events(_) => self.advance_events(now),
            Answer::Awaited | Answer::Refused { .. } => Ok(false),
        };
        result.unwrap_or_else(|error| {
            self.fail(error);
            true
        })
    }

    fn advance_page(&mut self, now: Instant) -> Result<bool, Error> {
        let State::Active(exchange) = &mut self.state else {
            return Ok(false);
        };
        let Answer::Page(page) = &mut exchange.answer else {
            return Ok(false);
        };
        if let Some(piece) = page.piece(self.config.max_batch_bytes)? {
            self.place.check(&page.next_offset, true)?;
            let units = piece.data.units();
            let skip = self.place.delivered().saturating_sub(page.seen).min(units);
            page.seen += units;
            if skip == units {
                return Ok(true);
            }
            page.progress = true;
            let data = piece.data.skip(skip);
            if piece.drained && matches!(page.ended, Some(Ok(()))) && page.is_whole() {
                return self.finish_page(Some(data), now).map(|()| true);
            }
            self.place.deliver(units - skip);
            self.deliver(data, false, false);
            return Ok(true);
        }
        let Some(ended) = page.ended.take() else {
            return Ok(false);
        };
        let failure = match ended {
            Ok(()) if page.is_whole() => return self.finish_page(None, now).map(|()| true),
            Ok(()) => FailureKind::Interrupted.into(),
            Err(failure) => failure,
        };
        if page.progress {
            self.backoff.reset();
        }
        self.failed(&failure, now);
        Ok(true)
    }

    /// The page is whole, and `data` is the last of it: the exchange is over.
    fn finish_page(&mut self, data: Option<Data>, now: Instant) -> Result<(), Error> {
        let idle = State::Idle {
            at: None,
            redirected: None,
        };
        let State::Active(exchange) = std::mem::replace(&mut self.state, idle) else {
            return Ok(());
        };
        let (sent, Answer::Page(page)) = (exchange.sent, exchange.answer) else {
            return Ok(());
        };
        let delivered = page.progress;
        let arrival = Arrival {
            data,
            next_offset: page.next_offset,
            cursor: page.head.cursor,
            units: page.seen,
            up_to_date: page.head.up_to_date,
            closed: page.head.closed,
        };
        let closed = arrival.closed;
        let Arrived { moved, up_to_date } = self.arrive(arrival)?;
        if closed || (up_to_date && self.config.live == Live::Off) {
            self.state = State::Done;
            return Ok(());
        }
        let was_live = matches!(self.phase, Phase::Live(_));
        if up_to_date {
            self.phase = Phase::Live(self.live_mode());
        }
        if moved || delivered {
            self.backoff.reset();
            self.idle_answers = 0;
        } else if !up_to_date {
            let error = self.error("the answer neither brings anything nor reaches the tail");
            self.retry(error, None, now);
        } else {
            self.backoff.reset();
            self.state = State::Idle {
                at: self.idle_until(was_live, sent, now),
                redirected: None,
            };
        }
        Ok(())
    }

    /// When to ask again after a live answer that brought nothing: at once, unless the server does not wait.
    fn idle_until(&mut self, was_live: bool, sent: Instant, now: Instant) -> Option<Instant> {
        if !was_live || now.saturating_duration_since(sent) >= IDLE_ANSWER {
            self.idle_answers = 0;
            return None;
        }
        let interval = IDLE_ANSWER * 2u32.pow(self.idle_answers.min(4));
        self.idle_answers += 1;
        Some(sent + interval.min(MAX_IDLE_INTERVAL))
    }

    fn advance_events(&mut self, now: Instant) -> Result<bool, Error> {
        let State::Active(exchange) = &mut self.state else {
            return Ok(false);
        };
        let Answer::Events(events) = &mut exchange.answer else {
            return Ok(false);
        };
        let Some(group) = events.group()? else {
            let Some(ended) = events.ended.take() else {
                return Ok(false);
            };
            let lived = now.saturating_duration_since(events.opened);
            let short = lived < SHORT_EVENT_STREAM && !events.progress;
            self.events_ended(ended.err(), short, now);
            return Ok(true);
        };
        // What was delivered of an answer before is skipped by catch-up: live begins with nothing left to skip.
        let units = group.data.units();
        events.progress |= units > 0;
        self.place.check(&group.next_offset, units > 0)?;
        let closed = group.closed;
        self.arrive(Arrival {
            data: Some(group.data).filter(|_| units > 0),
            next_offset: group.next_offset,
            cursor: group.cursor,
            units,
            up_to_date: group.up_to_date,
            closed,
        })?;
        if closed {
            // The server ends the connection; there is nothing to wait for.
            self.abort();
            self.state = State::Done;
        }
        Ok(true)
    }

    /// An answer, or a group of events, is complete: the position moves behind it.
    fn arrive(&mut self, arrival: Arrival) -> Result<Arrived, Error> {
        let moved = self
            .place
            .advance(arrival.next_offset, arrival.units, arrival.cursor);
        if arrival.closed && self.place.delivered() > 0 {
            return Err(self.error("the stream ended before what was delivered of it"));
        }
        // What ends before what was delivered of it is not the tail, whatever a cache says.
        let up_to_date = arrival.up_to_date && self.place.delivered() == 0;
        let news = up_to_date && !self.told_up_to_date;
        if arrival.data.is_some() || moved || news || arrival.closed {
            let data = arrival.data.unwrap_or_else(|| match self.format {
                Some(Format::Json) => Data::Messages(Messages::default()),
                _ => Data::Bytes(bytes::Bytes::new()),
            });
            self.deliver(data, up_to_date, arrival.closed);
        }
        Ok(Arrived { moved, up_to_date })
    }

    fn deliver(&mut self, data: Data, up_to_date: bool, closed: bool) {
        self.told_up_to_date = up_to_date;
        self.closed |= closed;
        // Nothing is delivered before it is known where it is.
        let checkpoint = self.place.checkpoint().unwrap_or_default();
        self.outbox
            .push_back(Output::Event(ReaderEvent::Batch(Batch {
                data,
                checkpoint,
                up_to_date,
                closed,
            })));
    }
}

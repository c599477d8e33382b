//! What the reader makes of answers: when it goes on, tries again, falls back, ends or fails.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::{HeaderMap, Response, StatusCode, header, response};

use super::batch::{Notice, ReaderEvent};
use super::config::Live;
use super::events::Events;
use super::page::Page;
use super::{Answer, Exchange, Phase, Reader, State};
use crate::machine::call::is_passing;
use crate::machine::redirect::Redirect;
use crate::machine::{Output, later};
use crate::operation::{LiveMode, Operation, Read, ReadHead, failure};
use crate::wire::content_type::{self, Format};
use crate::wire::error::{Error, ErrorKind, Failure, FailureKind, OperationKind};
use crate::wire::header as stream_header;
use crate::wire::time;

/// So many short ones in a row, and events do not get through here.
const MAX_SHORT_EVENT_STREAMS: u32 = 3;
impl Reader {
    /// Sends the next request.
    pub(super) fn send(&mut self, now: Instant) {
        let redirected = match &mut self.state {
            State::Idle { redirected, .. } => redirected.take(),
            _ => None,
        };
        if redirected.is_none() && self.take_turn(now) {
            return;
        }
        let mut read = Read::new(self.config.url.clone(), self.place.start());
        let mut limit = self.config.request_timeout;
        if let Phase::Live(mode) = self.phase {
            read = read.live(mode);
            if let Some(cursor) = self.place.cursor() {
                read = read.cursor(cursor);
            }
            if mode == LiveMode::LongPoll {
                limit = self.config.long_poll_timeout;
            }
        }
        let conditional = self.config.if_none_match.is_some();
        if let Some(etag) = &self.config.if_none_match {
            read = read.if_none_match(etag);
        }
        match read.request() {
            Ok(mut request) => {
                match redirected {
                    Some(target) => *request.uri_mut() = target,
                    None => self.redirects.reset(),
                }
                let id = self.next_id();
                self.state = State::Active(Box::new(Exchange {
                    id,
                    uri: request.uri().clone(),
                    conditional,
                    sent: now,
                    limit,
                    deadline: later(now, limit),
                    answer: Answer::Awaited,
                }));
                self.outbox.push_back(Output::Send(id, request));
            }
            Err(error) => self.fail(error),
        }
    }

    /// The head of an answer is there.
    pub(super) fn answered(&mut self, head: response::Parts, now: Instant) {
        let State::Active(exchange) = &mut self.state else {
            return;
        };
        match self.redirects.follow(&head, &exchange.uri) {
            Redirect::Not => {}
            Redirect::To(target) => {
                self.abort();
                self.state = State::Idle {
                    at: None,
                    redirected: Some(target),
                };
                return;
            }
            Redirect::Refused(why) => {
                let error = self.error_of(&head, b"").because(why);
                return self.fail(error);
            }
        }
        if self.phase == Phase::Live(LiveMode::Sse) {
            if let Some(reason) = sse_refusal(&head) {
                self.abort();
                return self.fall_back(reason);
            }
        }
        match head.status {
            StatusCode::OK | StatusCode::NO_CONTENT => {
                if let Err(error) = self.open(&head, now) {
                    let error = error.with_answer(head.status, &head.headers);
                    self.fail(error);
                }
            }
            StatusCode::NOT_MODIFIED => self.not_modified(&head, now),
            _ => {
                exchange.answer = Answer::Refused {
                    head: Box::new(head),
                    body: BytesMut::new(),
                }
            }
        }
    }

    /// Takes on an answer with contents.
    fn open(&mut self, head: &response::Parts, now: Instant) -> Result<(), Error> {
        let State::Active(exchange) = &mut self.state else {
            return Ok(());
        };
        self.status = Some(head.status);
        // Whether anything changed was for the first answer to say.
        self.config.if_none_match = None;
        if head
            .headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|value| value != "identity")
        {
            return Err(Error::protocol(
                "the body is compressed, which nobody asked for",
            ));
        }
        if self.phase == Phase::Live(LiveMode::Sse) {
            let format = self.format.unwrap_or(Format::Binary);
            let events = Events::open(&head.headers, format, self.config.max_message_bytes, now)?;
            exchange.limit = self.config.sse_idle_timeout;
            exchange.deadline = later(now, exchange.limit);
            exchange.answer = Answer::Events(Box::new(events));
            return Ok(());
        }
        let mut read = ReadHead::decode(&head.headers).map_err(Error::protocol)?;
        let next_offset = read
            .next_offset
            .take()
            .ok_or_else(|| Error::protocol("an answer to a read without Stream-Next-Offset"))?;
        self.place.check(&next_offset, false)?;
        let format = if head.status == StatusCode::NO_CONTENT {
            // The wait of a long-poll ran out: there is nothing, which is to be at the tail.
            read.up_to_date |= self.phase == Phase::Live(LiveMode::LongPoll);
            // Its body is no array either.
            Format::Binary
        } else {
            let format = read.format().or(self.format).unwrap_or(Format::Binary);
            if self.format.is_some_and(|known| known != format) {
                return Err(Error::protocol("the content type of the stream changed"));
            }
            self.format = Some(format);
            format
        };
        exchange.limit = self.config.request_timeout;
        exchange.deadline = later(now, exchange.limit);
        let mut page = Page::new(
            read,
            self.place.may_stay_at(&next_offset),
            next_offset,
            format,
            self.config.max_message_bytes,
        );
        if head.status == StatusCode::NO_CONTENT {
            page.head.content_length = None;
            page.ended = Some(Ok(()));
            self.outbox.push_back(Output::Abort(exchange.id));
        }
        exchange.answer = Answer::Page(Box::new(page));
        Ok(())
    }

    pub(super) fn live_mode(&self) -> LiveMode {
        let sse = match self.config.live {
            // Events do not say what the stream is: without a content type they cannot be read.
            Live::Sse => self.format.is_some(),
            Live::Auto => matches!(self.format, Some(Format::Json | Format::Text)),
            Live::Off | Live::LongPoll => false,
        };
        if sse && !self.fell_back {
            LiveMode::Sse
        } else {
            LiveMode::LongPoll
        }
    }

    /// An event stream ended. A healthy one that the server closes is no failure (B13).
    pub(super) fn events_ended(&mut self, failure: Option<Failure>, short: bool, now: Instant) {
        if short {
            self.short_event_streams += 1;
            if self.short_event_streams >= MAX_SHORT_EVENT_STREAMS {
                return self.fall_back("three event streams in a row ended at once");
            }
        } else {
            self.short_event_streams = 0;
            self.backoff.reset();
        }
        match failure {
            Some(failure) => self.failed(&failure, now),
            None if short => {
                let error = self
                    .error("the event stream ended at once")
                    .with_kind(ErrorKind::Transport);
                // A few of these in a row lead to long-poll, whatever the policy says about failures.
                let delay = self.backoff.fail(now, None).unwrap_or_default();
                self.pause(error, delay, now);
            }
            None => {
                self.state = State::Idle {
                    at: None,
                    redirected: None,
                }
            }
        }
    }

    /// Server-sent events do not work here: the session goes on by long-poll, at the same position.
    fn fall_back(&mut self, reason: &'static str) {
        self.fell_back = true;
        self.phase = Phase::Live(LiveMode::LongPoll);
        self.outbox
            .push_back(Output::Event(ReaderEvent::Notice(Notice::FellBack {
                reason,
            })));
        self.state = State::Idle {
            at: None,
            redirected: None,
        };
    }

    /// 304: the position stays (B23).
    fn not_modified(&mut self, head: &response::Parts, now: Instant) {
        let State::Active(exchange) = &self.state else {
            return;
        };
        let conditional = exchange.conditional;
        self.abort();
        self.config.if_none_match = None;
        if !conditional {
            let error = self.error_of(head, b"").with_kind(ErrorKind::Protocol);
            return self.retry(
                error.because("304 to a request that did not ask for it"),
                None,
                now,
            );
        }
        if self.config.live == Live::Off {
            self.not_modified = true;
            self.state = State::Done;
        } else {
            // Unchanged is not up to date: that is for an answer without a condition to say.
            self.state = State::Idle {
                at: None,
                redirected: None,
            };
        }
    }

    /// The answer was a refusal, and its explanation is here.
    pub(super) fn refused(&mut self, now: Instant) {
        let State::Active(exchange) = &self.state else {
            return;
        };
        let Answer::Refused { head, body } = &exchange.answer else {
            return;
        };
        let error = self.error_of(head, body);
        if is_passing(head.status) {
            let floor = time::retry_after(&head.headers);
            self.retry(error, floor, now);
        } else {
            self.fail(error);
        }
    }

    /// The transport failed.
    pub(super) fn failed(&mut self, failure: &Failure, now: Instant) {
        let error = Error::transport(failure);
        if failure.kind == FailureKind::Refused {
            return self.fail(error);
        }
        self.retry(error, None, now);
    }

    /// The request stood still for too long.
    pub(super) fn timed_out(&mut self, now: Instant) {
        let State::Active(exchange) = &mut self.state else {
            return;
        };
        let id = exchange.id;
        match &mut exchange.answer {
            Answer::Refused { .. } => self.refused(now),
            Answer::Page(page) if page.ended.is_none() => {
                page.ended = Some(Err(FailureKind::Timeout.into()))
            }
            Answer::Events(events) if events.ended.is_none() => {
                events.ended = Some(Err(FailureKind::Timeout.into()));
            }
            Answer::Page(_) | Answer::Events(_) => return,
            Answer::Awaited => self.failed(&FailureKind::Timeout.into(), now),
        }
        self.outbox.push_front(Output::Abort(id));
    }

    pub(super) fn retry(&mut self, error: Error, floor: Option<Duration>, now: Instant) {
        let error = error.at(OperationKind::Read, &self.config.url);
        match self.backoff.fail(now, floor) {
            Some(delay) => self.pause(error, delay, now),
            None => self.fail(error),
        }
    }

    /// Waits before the next attempt, and says why.
    fn pause(&mut self, error: Error, delay: Duration, now: Instant) {
        // The same position may lead elsewhere next time.
        self.drop_ahead();
        self.state = State::Idle {
            at: Some(later(now, delay)),
            redirected: None,
        };
        let notice = Notice::Retrying { error, delay };
        self.outbox
            .push_back(Output::Event(ReaderEvent::Notice(notice)));
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.abort();
        self.drop_ahead();
        self.state = State::Done;
        let error = error.at(OperationKind::Read, &self.config.url);
        self.outbox
            .push_back(Output::Event(ReaderEvent::Failed(error)));
    }

    pub(super) fn error(&self, message: &str) -> Error {
        Error::protocol(message).at(OperationKind::Read, &self.config.url)
    }

    fn error_of(&self, head: &response::Parts, body: &[u8]) -> Error {
        let mut response = Response::new(bytes::Bytes::copy_from_slice(body));
        *response.status_mut() = head.status;
        *response.headers_mut() = HeaderMap::clone(&head.headers);
        failure(OperationKind::Read, &self.config.url, &response)
    }
}

/// Why this answer to a request for server-sent events is none, if so (B16).
fn sse_refusal(head: &response::Parts) -> Option<&'static str> {
    match head.status.as_u16() {
        405 | 406 | 501 => Some("the server refuses server-sent events"),
        200..=299 => {
            let media = stream_header::single(&head.headers, &header::CONTENT_TYPE)
                .ok()
                .flatten();
            let events = media.is_some_and(|media| content_type::same(media, "text/event-stream"));
            (!events || head.status != StatusCode::OK).then_some("the answer is no event stream")
        }
        _ => None,
    }
}

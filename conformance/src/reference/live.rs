//! Live readers (§5.7, §5.8): who waits for what, and what they get when something happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use http::HeaderMap;

use super::answer::{Answer, Refusal};
use super::choice::AnswerStyle;
use super::cursor;
use super::defect::{Flaw, Flaws};
use super::exchange::{ExchangeId, Output};
use super::model::Model;
use super::names::STREAM_CURSOR;
use super::offset::{Offset, Start};
use super::pen::Pen;
use super::read;
use super::request::{Mode, ReadQuery};
use super::sse::{self, Encoding};
use super::stream::{Stream, StreamId};
use super::timers::Timers;

/// A reader that is attached to a stream.
#[derive(Debug)]
pub(super) enum Reader {
    LongPoll(LongPoll),
    Sse(Sse),
}

/// A long-poll that waits for its one answer.
#[derive(Debug)]
pub(super) struct LongPoll {
    stream: StreamId,
    position: Offset,
    /// Whether it asked for `now`, which is another place each time.
    from_now: bool,
    cursor: Option<String>,
    headers: HeaderMap,
}

/// An SSE connection.
#[derive(Debug)]
pub(super) struct Sse {
    stream: StreamId,
    position: Offset,
    encoding: Encoding,
    cursor: u64,
    pen: Pen,
    /// Whether the reader has heard anything yet: the first control event comes even when there is no data.
    greeted: bool,
}

impl Reader {
    fn stream(&self) -> StreamId {
        match self {
            Self::LongPoll(poll) => poll.stream,
            Self::Sse(sse) => sse.stream,
        }
    }
}

/// All live readers.
#[derive(Debug, Default)]
pub(super) struct Readers {
    by_id: BTreeMap<ExchangeId, Reader>,
    by_stream: BTreeMap<StreamId, BTreeSet<ExchangeId>>,
    deadlines: Timers<ExchangeId>,
}

impl Readers {
    fn insert(&mut self, id: ExchangeId, reader: Reader, deadline: Option<SystemTime>) {
        let stream = reader.stream();
        self.by_stream.entry(stream).or_default().insert(id);
        self.by_id.insert(id, reader);
        self.deadlines.set(id, deadline);
    }

    fn remove(&mut self, id: ExchangeId) -> Option<Reader> {
        let reader = self.by_id.remove(&id)?;
        self.deadlines.set(id, None);
        let stream = reader.stream();
        if let Some(readers) = self.by_stream.get_mut(&stream) {
            readers.remove(&id);
            if readers.is_empty() {
                self.by_stream.remove(&stream);
            }
        }
        Some(reader)
    }

    /// Those who read a stream, in the order of their ids.
    fn of(&self, stream: StreamId) -> Vec<ExchangeId> {
        let readers = self.by_stream.get(&stream);
        readers.into_iter().flatten().copied().collect()
    }

    /// The reader whose time is up next, and when.
    pub(super) fn next_deadline(&self) -> Option<(SystemTime, ExchangeId)> {
        self.deadlines.first()
    }
}

/// What a reader would have to miss so that it does not learn what has happened to its stream.
fn unnoticed(reader: &Reader, stream: Option<&Stream>) -> Flaw {
    match (reader, stream.map(|stream| stream.closed.is_some())) {
        (Reader::LongPoll(_), None) => Flaw::DeletionLeavesPolls,
        (Reader::LongPoll(_), Some(true)) => Flaw::PollsMissTheClosure,
        (Reader::LongPoll(_), Some(false)) => Flaw::PollsMissAppends,
        (Reader::Sse(_), None) => Flaw::DeletionLeavesEvents,
        (Reader::Sse(_), Some(true)) => Flaw::EventsMissTheClosure,
        (Reader::Sse(_), Some(false)) => Flaw::EventsMissAppends,
    }
}

/// A long-poll waits at the tail, unless that is the end.
fn waits(at_tail: bool, at_end: bool, from_now: bool, flaws: Flaws) -> bool {
    let (waits, flaw) = match at_tail {
        false => (false, Flaw::PollsWaitForMore),
        true if at_end => (false, Flaw::PollsWaitAtTheEnd),
        true if from_now => (true, Flaw::PollsFromNowDoNotWait),
        true => (true, Flaw::PollsDoNotWait),
    };
    waits != flaws.has(flaw)
}

fn encoding(stream: &Stream, flaws: Flaws) -> Encoding {
    let value = stream.content_type.value.as_bytes();
    match Encoding::of(&stream.content_type) {
        Encoding::Base64 if flaws.has(Flaw::BinaryIsText) => Encoding::Text,
        Encoding::Text if flaws.has(Flaw::TextIsBinary) => Encoding::Base64,
        _ if flaws.has(Flaw::CapitalsAreBinary) && value.iter().any(u8::is_ascii_uppercase) => {
            Encoding::Base64
        }
        encoding => encoding,
    }
}

impl Model {
    /// Serves a GET. `None` means that the answer comes later, or has begun and goes on.
    pub(super) fn read(
        &mut self,
        id: ExchangeId,
        stream_id: StreamId,
        query: ReadQuery,
        headers: &HeaderMap,
    ) -> Result<Option<Answer>, Refusal> {
        let flaws = self.config.flaws();
        let stream_id = match query.mode {
            Mode::LongPoll if flaws.has(Flaw::PollsOfForksReadTheSource) => {
                self.store.source_of(stream_id)
            }
            Mode::Sse if flaws.has(Flaw::EventsOfForksReadTheSource) => {
                self.store.source_of(stream_id)
            }
            _ => stream_id,
        };
        let stream = self.store.get(stream_id)?;
        let earliest = self.store.earliest(stream);
        let position = read::position(stream, earliest, query.start, flaws)?;
        let from_now = query.start == Start::Tail;
        let at_tail = position == stream.tail();
        let at_end = at_tail && stream.closed.is_some();
        let own = Offset(stream.log.start());
        let encoding = encoding(stream, flaws);
        let untouched = match query.mode {
            Mode::CatchUp if from_now => Flaw::NowIsNoUse,
            Mode::CatchUp => Flaw::GetIsNoUse,
            Mode::LongPoll => Flaw::LivePollIsNoUse,
            Mode::Sse => Flaw::EventsAreNoUse,
        };
        if !flaws.has(untouched) {
            self.store.touch(stream_id, self.now);
        }
        match query.mode {
            Mode::CatchUp => {
                let limits = self.config.limits();
                let page = self.store.page(stream_id, position, limits)?;
                let stream = self.store.get(stream_id)?;
                let answer = if from_now {
                    read::from_now(stream, &page, &self.config)
                } else {
                    read::content(stream, &page, headers, &self.config)
                };
                if !self.config.answers_like(AnswerStyle::Cursors) {
                    return Ok(Some(answer));
                }
                let cursor = cursor::next(query.cursor.as_deref(), self.now, &mut self.rng);
                Ok(Some(answer.header(STREAM_CURSOR, cursor)))
            }
            Mode::LongPoll => {
                let poll = LongPoll {
                    stream: stream_id,
                    position,
                    from_now,
                    cursor: query.cursor,
                    headers: headers.clone(),
                };
                let skips = position < own && flaws.has(Flaw::PollsSkipWhatIsInherited);
                if waits(at_tail || skips, at_end, from_now, flaws) {
                    let deadline = self.now.checked_add(self.config.long_poll_timeout);
                    self.attach(id, Reader::LongPoll(poll), deadline);
                    Ok(None)
                } else if at_tail {
                    self.nothing(&poll).map(Some)
                } else {
                    self.something(&poll).map(Some)
                }
            }
            Mode::Sse => {
                let head = sse::head(encoding, &self.config).written(&self.config);
                self.outbox.push(id, Output::Head(head.head));
                let seen = query.cursor.as_deref();
                let seen = seen.filter(|_| !flaws.has(Flaw::EventCursorsStandStill));
                let sse = Sse {
                    stream: stream_id,
                    position,
                    encoding,
                    cursor: cursor::next(seen, self.now, &mut self.rng),
                    pen: Pen::new(&self.config),
                    greeted: false,
                };
                let deadline = self.now.checked_add(self.config.sse_lifetime);
                let deadline = deadline.filter(|_| !flaws.has(Flaw::EventsNeverEnd));
                self.attach(id, Reader::Sse(sse), deadline);
                Ok(None)
            }
        }
    }

    /// The answer to a long-poll when there is content.
    fn something(&mut self, poll: &LongPoll) -> Result<Answer, Refusal> {
        let limits = self.config.limits();
        let page = self.store.page(poll.stream, poll.position, limits)?;
        let cursor = cursor::next(poll.cursor.as_deref(), self.now, &mut self.rng);
        let stream = self.store.get(poll.stream)?;
        let answer = if poll.from_now {
            read::from_now(stream, &page, &self.config)
        } else {
            read::content(stream, &page, &poll.headers, &self.config)
        };
        Ok(answer.header(STREAM_CURSOR, cursor))
    }

    /// The answer to a long-poll when there is none.
    fn nothing(&mut self, poll: &LongPoll) -> Result<Answer, Refusal> {
        let cursor = cursor::next(poll.cursor.as_deref(), self.now, &mut self.rng);
        let stream = self.store.get(poll.stream)?;
        Ok(read::nothing(stream, cursor, &self.config))
    }

    fn attach(&mut self, id: ExchangeId, reader: Reader, deadline: Option<SystemTime>) {
        self.store.attach(reader.stream(), self.now);
        self.readers.insert(id, reader, deadline);
    }

    /// Takes a reader off its stream.
    pub(super) fn detach(&mut self, id: ExchangeId) -> Option<Reader> {
        let reader = self.readers.remove(id)?;
        self.store.detach(reader.stream(), self.now);
        Some(reader)
    }

    /// Something may have happened to a stream: it grew, was closed, or is gone. Its readers, and no others,
    /// learn of it.
    pub(super) fn wake(&mut self, stream: StreamId) {
        for id in self.readers.of(stream) {
            let flaws = self.config.flaws();
            match (self.readers.by_id.get(&id), self.store.get(stream)) {
                (Some(reader), stream)
                    if flaws.has(unnoticed(reader, stream.as_ref().ok().copied())) => {}
                (Some(Reader::Sse(_)), Err(_)) => self.end_sse(id),
                // What an SSE reader gets is worked out when its peer has room for it.
                (Some(Reader::Sse(_)), Ok(_)) => self.outbox.mark_ready(id),
                // A repeated append changes nothing, and is nothing to wake up for.
                (Some(Reader::LongPoll(poll)), Ok(stream))
                    if poll.position == stream.tail() && stream.closed.is_none() => {}
                (Some(Reader::LongPoll(_)), _) => self.answer_poll(id),
                (None, _) => {}
            }
        }
    }

    /// A reader's time is up: a long-poll is told that there is nothing (§5.7), an SSE connection ends (§5.8).
    pub(super) fn time_out(&mut self, id: ExchangeId) {
        match self.readers.by_id.get(&id) {
            Some(Reader::LongPoll(_)) => self.answer_poll(id),
            Some(Reader::Sse(_)) => self.end_sse(id),
            None => {}
        }
    }

    fn answer_poll(&mut self, id: ExchangeId) {
        if let Some(Reader::LongPoll(poll)) = self.detach(id) {
            let closes_with_200 = self.config.answers_like(AnswerStyle::Ok);
            let hears = !self.config.flaws().has(Flaw::PollsHearOfTheEndOnly);
            let has_content = self.store.get(poll.stream).is_ok_and(|stream| {
                let closed = stream.closed.is_some();
                poll.position < stream.tail() && (hears || !closed) || closed && closes_with_200
            });
            let answer = if has_content {
                self.something(&poll)
            } else {
                self.nothing(&poll)
            };
            let answer = answer.unwrap_or_else(Answer::from);
            self.outbox.answer(id, answer.written(&self.config));
        }
    }

    fn end_sse(&mut self, id: ExchangeId) {
        self.detach(id);
        self.outbox.push(id, Output::End);
    }

    /// Works out the next events of an SSE reader, when there are any.
    pub(super) fn advance_sse(&mut self, id: ExchangeId) {
        let Some(Reader::Sse(sse)) = self.readers.by_id.get_mut(&id) else {
            return;
        };
        let mut limits = self.config.limits();
        limits.bytes = limits.bytes.map(|bytes| bytes.max(sse::MIN_PAGE));
        if sse.encoding == Encoding::Text {
            // A character may be stored in as many parts as it has bytes.
            limits.pieces = limits.pieces.map(|pieces| pieces.max(sse::MIN_PAGE));
        }
        let Ok(mut page) = self.store.page(sse.stream, sse.position, limits) else {
            // The reader was so slow that what comes next for it was dropped. It will be told when it asks again.
            self.end_sse(id);
            return;
        };
        // A character may still be completed by the next append, but not once the stream is closed.
        let whole = !self.config.flaws().has(Flaw::CharactersAreCut);
        if sse.encoding == Encoding::Text && !page.closed && whole {
            page.hold_back_character();
        }
        if page.is_empty() && sse.greeted && !page.closed {
            return;
        }
        sse.greeted = true;
        sse.position = page.end;
        sse.cursor = sse.cursor.max(cursor::current(self.now));
        let flaws = self.config.flaws();
        let events = sse::events(&page, sse.encoding, sse.cursor, &self.config, &mut sse.pen);
        for chunk in events {
            self.outbox.push(id, Output::Chunk(chunk));
        }
        if page.closed && flaws.has(Flaw::ClosedEventsStayOpen) {
            self.detach(id);
        } else if page.closed {
            // §5.8: nothing will follow, so the server ends the connection.
            self.end_sse(id);
        }
    }
}

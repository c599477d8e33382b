//! Drives machines in virtual time, and holds them to their contract.
#![allow(dead_code)] // Every test crate uses its own part of it.

pub(crate) mod model;
mod wire;

pub(crate) use wire::parts;

use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{
    Batch, Error, ErrorKind, FailureKind, Input, Machine, Notice, Output, Reader, ReaderConfig,
    ReaderEvent, RequestId, StreamUrl,
};
use http::Request;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The URL that tests read: the query must stay out of errors, and on every request.
pub(crate) const URL: &str = "http://h:4437/v1/s";

pub(crate) fn url() -> StreamUrl {
    StreamUrl::parse(URL).unwrap()
}

/// A request as it was sent, and when.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: RequestId,
    pub(crate) at: Duration,
    pub(crate) request: Request<Bytes>,
}

impl Sent {
    /// Path and query, exactly.
    pub(crate) fn target(&self) -> &str {
        self.request.uri().path_and_query().unwrap().as_str()
    }

    /// The value of a parameter, as it is written.
    pub(crate) fn param(&self, key: &str) -> Option<&str> {
        let query = self.request.uri().query()?;
        query
            .split('&')
            .filter_map(|param| param.split_once('='))
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request
            .headers()
            .get(name)
            .map(|v| v.to_str().unwrap())
    }
}

/// A machine, what it did so far, and the time it thinks it is.
pub(crate) struct Driver<M: Machine> {
    pub(crate) machine: M,
    origin: Instant,
    now: Instant,
    /// The requests in flight, the oldest first.
    open: Vec<RequestId>,
    /// How many of them there may be.
    pub(crate) most: usize,
    /// The one that is answered next, where it is not the oldest.
    pub(crate) focus: Option<RequestId>,
    deadline: Option<Instant>,
    done: bool,
    pub(crate) sent: Vec<Sent>,
    pub(crate) aborted: Vec<RequestId>,
    pub(crate) events: Vec<(Duration, M::Event)>,
    /// Every output, in words: two runs with the same inputs have the same.
    pub(crate) trace: Vec<String>,
}

impl<M: Machine> Driver<M>
where
    M::Event: std::fmt::Debug,
{
    pub(crate) fn new(machine: M) -> Self {
        Self::with_at_most(1, machine)
    }

    /// A driver of a machine that may have so many requests in flight.
    pub(crate) fn with_at_most(most: usize, machine: M) -> Self {
        let origin = wire::origin();
        let mut driver = Self {
            machine,
            origin,
            now: origin,
            open: Vec::new(),
            most,
            focus: None,
            deadline: None,
            done: false,
            sent: Vec::new(),
            aborted: Vec::new(),
            events: Vec::new(),
            trace: Vec::new(),
        };
        driver.settle();
        driver
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.origin
    }

    /// What the machine believes the time is.
    pub(crate) fn instant(&self) -> Instant {
        self.now
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The id of the request in flight, or of the one of them that is answered next.
    pub(crate) fn live(&self) -> Option<RequestId> {
        let focus = self.focus.filter(|focus| self.open.contains(focus));
        focus.or_else(|| self.open.first().copied())
    }

    /// All that are in flight, the oldest first.
    pub(crate) fn open(&self) -> &[RequestId] {
        &self.open
    }

    /// The request that is answered next.
    pub(crate) fn current(&self) -> &Sent {
        let id = self.id();
        let sent = self.sent.iter().find(|sent| sent.id == id);
        sent.expect("a request in flight was sent")
    }

    /// The request sent last.
    pub(crate) fn last(&self) -> &Sent {
        self.sent.last().expect("a request")
    }

    pub(crate) fn targets(&self) -> Vec<&str> {
        self.sent.iter().map(Sent::target).collect()
    }

    /// Polls until there is nothing to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let output = self.machine.poll_output(self.now);
            let at = self.elapsed();
            match output {
                Output::Send(id, request) => {
                    assert!(self.open.len() < self.most, "too many requests at a time");
                    assert!(self.sent.len() < 2_000, "a hot loop of requests");
                    assert!(self.sent.iter().all(|sent| sent.id != id), "{id:?} again");
                    self.trace
                        .push(format!("{at:?} send {id:?} {} {request:?}", request.uri()));
                    self.open.push(id);
                    self.sent.push(Sent { id, at, request });
                }
                Output::Abort(id) => {
                    // It may be over already; then there is nothing to drop.
                    assert!(self.sent.iter().any(|sent| sent.id == id), "never sent");
                    self.trace.push(format!("{at:?} abort {id:?}"));
                    self.open.retain(|open| *open != id);
                    self.aborted.push(id);
                }
                Output::Event(event) => {
                    assert!(!self.done, "an event after the end: {event:?}");
                    self.trace.push(format!("{at:?} {event:?}"));
                    self.events.push((at, event));
                }
                Output::Wait(deadline) => {
                    assert!(!self.done, "waits after the end");
                    self.trace
                        .push(format!("wait {:?}", deadline.map(|d| d - self.origin)));
                    self.deadline = deadline;
                    return;
                }
                Output::Done => return self.finished(),
            }
        }
        panic!("the machine spins");
    }

    /// Nothing comes after the end, whatever is handed in.
    fn finished(&mut self) {
        assert_eq!(self.open, [], "a request is left over");
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        self.deadline = None;
        self.trace.push("done".into());
        let Some(last) = self.sent.last().map(|sent| sent.id) else {
            return;
        };
        let head = [
            ("stream-next-offset", "zzz"),
            ("content-type", "text/plain"),
        ];
        for input in [
            Input::Head(last, parts(200, &head)),
            Input::Chunk(last, Bytes::from_static(b"late")),
            Input::End(last),
            Input::Failed(last, FailureKind::Interrupted.into()),
            Input::Timeout,
        ] {
            self.machine.handle_input(input, self.now);
            let output = self.machine.poll_output(self.now);
            assert!(matches!(output, Output::Done), "after the end: {output:?}");
        }
    }

    /// Hands in an input, and does not poll.
    pub(crate) fn hand_in(&mut self, input: Input) {
        self.machine.handle_input(input, self.now);
    }

    pub(crate) fn feed(&mut self, input: Input) {
        if let Input::End(id) | Input::Failed(id, _) = &input {
            self.open.retain(|open| open != id);
        }
        self.hand_in(input);
        self.settle();
    }

    fn id(&self) -> RequestId {
        self.live().expect("a request in flight")
    }

    pub(crate) fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        self.feed(Input::Head(self.id(), parts(status, headers)));
    }

    pub(crate) fn chunk(&mut self, chunk: impl AsRef<[u8]>) {
        let chunk = Bytes::copy_from_slice(chunk.as_ref());
        self.feed(Input::Chunk(self.id(), chunk));
    }

    pub(crate) fn end(&mut self) {
        self.feed(Input::End(self.id()));
    }

    pub(crate) fn failed(&mut self, kind: FailureKind) {
        self.feed(Input::Failed(self.id(), kind.into()));
    }

    /// Answers the request in flight, as far as the machine wants the answer.
    pub(crate) fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
        let id = self.id();
        self.head(status, headers);
        if self.live() == Some(id) && !body.as_ref().is_empty() {
            self.chunk(body);
        }
        if self.live() == Some(id) {
            self.end();
        }
    }

    /// Lets time pass without telling the machine, as when an answer takes its time.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// How long until the time that the machine waits for, if it waits for one.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let wait = |until: Instant| until.saturating_duration_since(self.now);
        self.deadline.map(wait)
    }

    /// How long until the time that the machine waits for.
    pub(crate) fn until_deadline(&self) -> Duration {
        self.deadline
            .expect("a deadline")
            .saturating_duration_since(self.now)
    }

    /// Goes to the time that the machine waits for, and says that it came.
    pub(crate) fn timeout(&mut self) {
        let wait = self.until_deadline();
        if wait > MS {
            // Early calls are harmless.
            let (sent, events) = (self.sent.len(), self.events.len());
            self.now += wait - MS;
            self.feed(Input::Timeout);
            assert_eq!((self.sent.len(), self.events.len()), (sent, events));
            assert_eq!(self.until_deadline(), MS, "an early call moved the time");
        }
        self.now += self.until_deadline();
        self.feed(Input::Timeout);
    }

    /// Waits out a pause between requests.
    pub(crate) fn next_request(&mut self) -> &Sent {
        assert_eq!(self.open, [], "a request is in flight already");
        self.timeout();
        assert!(self.live().is_some(), "no request after the pause");
        self.last()
    }

    /// Fails when a request follows, now or within an hour.
    pub(crate) fn assert_ended_after(&mut self, requests: usize) {
        assert!(self.done, "it goes on: {:?}", self.trace.last());
        self.now += 3600 * SECOND;
        self.feed(Input::Timeout);
        assert_eq!(self.sent.len(), requests, "{:?}", self.targets());
    }
}

pub(crate) fn reader(config: ReaderConfig) -> Driver<Reader> {
    Driver::new(Reader::new(config))
}

/// A reader of [`URL`] with defaults but for what `set` changes. It asks for one answer at a time.
pub(crate) fn read(set: impl FnOnce(ReaderConfig) -> ReaderConfig) -> Driver<Reader> {
    reader(set(ReaderConfig::new(url()).prefetch(0)))
}

impl Driver<Reader> {
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.events.iter().filter_map(|(_, event)| match event {
            ReaderEvent::Batch(batch) => Some(batch),
            _ => None,
        })
    }

    pub(crate) fn last_batch(&self) -> &Batch {
        self.batches().last().expect("a batch")
    }

    pub(crate) fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.events.iter().filter_map(|(_, event)| match event {
            ReaderEvent::Notice(notice) => Some(notice),
            _ => None,
        })
    }

    /// The errors of the requests that are tried again.
    pub(crate) fn retries(&self) -> Vec<&Error> {
        self.notices()
            .filter_map(|notice| match notice {
                Notice::Retrying { error, .. } => Some(error),
                _ => None,
            })
            .collect()
    }

    /// The reasons given for going on by long-poll.
    pub(crate) fn fallbacks(&self) -> Vec<&str> {
        self.notices()
            .filter_map(|notice| match notice {
                Notice::FellBack { reason } => Some(*reason),
                _ => None,
            })
            .collect()
    }

    /// The error it gave up with: its last event, and the end of it.
    pub(crate) fn failure(&self) -> &Error {
        assert!(self.done, "it goes on");
        match self.events.last() {
            Some((_, ReaderEvent::Failed(error))) => error,
            other => panic!("no failure: {other:?}"),
        }
    }

    pub(crate) fn assert_fails(&self, kind: ErrorKind) -> &Error {
        let error = self.failure();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!self.machine.is_closed());
        error
    }

    /// Everything delivered of a JSON stream.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.batches()
            .flat_map(|batch| batch.messages())
            .map(|message| std::str::from_utf8(message).unwrap())
            .collect()
    }

    /// Everything delivered of a stream that is not JSON.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.batches()
            .inspect(|batch| assert!(!batch.is_json()))
            .flat_map(|batch| batch.bytes())
            .collect()
    }

    pub(crate) fn checkpoint(&self) -> String {
        self.machine.checkpoint().expect("a checkpoint").to_string()
    }

    pub(crate) fn assert_closed(&self) {
        assert!(self.done && self.machine.is_closed(), "not closed");
        let closed: Vec<bool> = self.batches().map(Batch::is_closed).collect();
        let (last, others) = closed.split_last().expect("a batch");
        assert!(*last && others.iter().all(|closed| !closed), "{closed:?}");
        assert!(self.last_batch().is_up_to_date());
    }

    /// A page of a JSON stream.
    pub(crate) fn json(&mut self, next: &str, flags: &[(&str, &str)], body: &str) {
        self.page("application/json", next, flags, body.as_bytes());
    }

    pub(crate) fn page(&mut self, media: &str, next: &str, flags: &[(&str, &str)], body: &[u8]) {
        let mut headers = vec![("content-type", media), ("stream-next-offset", next)];
        headers.extend_from_slice(flags);
        self.answer(200, &headers, body);
    }

    /// Answers with an event stream, and leaves it open.
    pub(crate) fn open_events(&mut self) {
        self.head(200, &[("content-type", "text/event-stream")]);
    }
}

pub(crate) const UP_TO_DATE: (&str, &str) = ("stream-up-to-date", "true");
pub(crate) const CLOSED: (&str, &str) = ("stream-closed", "true");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const TEXT: (&str, &str) = ("content-type", "text/plain");
pub(crate) const BINARY: (&str, &str) = ("content-type", "application/octet-stream");
pub(crate) const SSE: (&str, &str) = ("content-type", "text/event-stream");

pub(crate) fn next(offset: &str) -> (&str, &str) {
    ("stream-next-offset", offset)
}

/// A group of events: data, if any, and its control event.
pub(crate) fn group(data: &str, control: &str) -> String {
    let data = match data {
        "" => String::new(),
        data => format!("event: data\ndata: {data}\n\n"),
    };
    format!("{data}event: control\ndata: {control}\n\n")
}

/// A reader of a JSON stream at its tail `1`, live by event stream, its request for events in flight.
pub(crate) fn at_events(set: impl FnOnce(ReaderConfig) -> ReaderConfig) -> Driver<Reader> {
    let mut reader = read(|config| set(config.live(durable_streams_core::Live::Sse)));
    reader.json("1", &[UP_TO_DATE], "[]");
    assert_eq!(reader.last().target(), "/v1/s?live=sse&offset=1");
    reader
}

/// The same by long-poll.
pub(crate) fn at_long_poll(set: impl FnOnce(ReaderConfig) -> ReaderConfig) -> Driver<Reader> {
    let mut reader = read(|config| set(config.live(durable_streams_core::Live::LongPoll)));
    reader.json("1", &[UP_TO_DATE], "[]");
    assert_eq!(reader.last().target(), "/v1/s?live=long-poll&offset=1");
    reader
}

//! Drives a writer in virtual time, with any number of its requests in flight, and holds it to the contract of machines.

use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{
    Error, ErrorKind, FailureKind, Input, Machine, Output, Refused, RefusedReason, RequestId,
    StreamUrl, Writer, WriterConfig, WriterEvent,
};
use http::{Method, Request};

pub(crate) use crate::wire::parts;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;
pub(crate) const ID: &str = "writer-1";

/// A writer of bytes that sends every message as soon as it may, in a request of its own.
pub(crate) fn config() -> WriterConfig {
    config_of("text/plain")
        .linger(Duration::ZERO)
        .max_batch_messages(1)
}

/// A writer with the defaults.
pub(crate) fn config_of(content_type: &str) -> WriterConfig {
    let url = StreamUrl::parse("http://h:4437/v1/s?tenant=a%20b").unwrap();
    WriterConfig::new(url, content_type, ID).unwrap()
}

/// A request as it was sent, and when.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: RequestId,
    pub(crate) at: Duration,
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) body: String,
    pub(crate) close: bool,
    pub(crate) request: Request<Bytes>,
}

impl Sent {
    fn new(id: RequestId, at: Duration, request: Request<Bytes>) -> Self {
        assert_eq!(request.method(), Method::POST);
        let header = |name: &str| {
            let mut values = request.headers().get_all(name).iter();
            let value = values.next().map(|value| value.to_str().unwrap());
            assert!(values.next().is_none(), "{name} twice");
            value
        };
        assert_eq!(header("producer-id"), Some(ID));
        let number = |name: &str| header(name).unwrap().parse::<u64>().unwrap();
        let close = header("stream-closed").inspect(|value| assert_eq!(*value, "true"));
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        assert_eq!(header("content-type").is_none(), body.is_empty());
        Self {
            id,
            at,
            epoch: number("producer-epoch"),
            seq: number("producer-seq"),
            close: close.is_some(),
            body,
            request,
        }
    }

    /// What it is: epoch, sequence number and body.
    pub(crate) fn what(&self) -> (u64, u64, &str) {
        (self.epoch, self.seq, &self.body)
    }
}

/// A writer, what it did so far, and the time it thinks it is.
pub(crate) struct Rig {
    pub(crate) writer: Writer,
    origin: Instant,
    now: Instant,
    deadline: Option<Instant>,
    done: bool,
    pub(crate) sent: Vec<Sent>,
    /// Requests that were sent and of which nothing was heard yet, as indexes of `sent`.
    pub(crate) live: Vec<usize>,
    pub(crate) aborted: Vec<RequestId>,
    pub(crate) events: Vec<WriterEvent>,
    /// Every output, in words: two runs with the same inputs have the same.
    pub(crate) trace: Vec<String>,
}

impl Rig {
    pub(crate) fn new(config: WriterConfig) -> Self {
        let origin = crate::wire::origin();
        let mut rig = Self {
            writer: Writer::new(config),
            origin,
            now: origin,
            deadline: None,
            done: false,
            sent: Vec::new(),
            live: Vec::new(),
            aborted: Vec::new(),
            events: Vec::new(),
            trace: Vec::new(),
        };
        rig.poll();
        rig
    }

    /// As `new`, after a first message `w` that opened the window: its request is `sent[0]`, and its ticket 0.
    pub(crate) fn open(config: WriterConfig) -> Self {
        let mut rig = Self::new(config);
        rig.append("w");
        if rig.sent.is_empty() {
            rig.until_sent();
        }
        rig.ok(0);
        rig
    }

    /// As `open`, with these messages behind it, each in flight in a request of its own, from `sent[1]` and ticket 1 on.
    pub(crate) fn in_flight(config: WriterConfig, messages: &[&str]) -> Self {
        let mut rig = Self::open(config);
        for message in messages {
            rig.append(message);
        }
        assert_eq!(rig.live.len(), messages.len(), "not all in flight");
        rig
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.origin
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// How long until it wants to be woken.
    pub(crate) fn wait(&self) -> Option<Duration> {
        assert!(!self.done);
        self.deadline.map(|at| at - self.now)
    }

    /// Does what the writer says until it waits.
    pub(crate) fn poll(&mut self) {
        for _ in 0..100_000 {
            let output = self.writer.poll_output(self.now);
            let at = self.elapsed();
            let words = match &output {
                // An `Instant` differs between runs.
                Output::Wait(until) => format!("{at:?} wait {:?}", until.map(|t| t - self.origin)),
                other => format!("{at:?} {other:?}"),
            };
            self.trace.push(words);
            match output {
                Output::Send(id, request) => {
                    assert!(!self.done, "sent after it was done");
                    assert!(self.sent.iter().all(|sent| sent.id != id), "{id:?} twice");
                    self.live.push(self.sent.len());
                    self.sent.push(Sent::new(id, at, request));
                }
                Output::Abort(id) => {
                    let index = self.sent.iter().position(|sent| sent.id == id).unwrap();
                    self.live.retain(|&live| live != index);
                    self.aborted.push(id);
                }
                Output::Event(event) => self.events.push(event),
                Output::Wait(until) => {
                    assert!(!self.done, "it waits after it was done");
                    self.deadline = until;
                    assert_eq!(self.writer.in_flight(), self.live.len());
                    return;
                }
                Output::Done => {
                    self.done = true;
                    self.deadline = None;
                    assert!(self.live.is_empty(), "done, and {:?} in flight", self.live);
                    return;
                }
            }
        }
        panic!("it never waits: {:?}", self.events.last());
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.writer.handle_input(input, self.now);
        self.poll();
    }

    /// Lets time pass, and wakes the writer whenever it asked for that.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        for _ in 0..100_000 {
            match self.deadline.filter(|at| *at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.input(Input::Timeout);
                }
                None => {
                    self.now = end;
                    return self.poll();
                }
            }
        }
        panic!("it is woken again and again at {:?}", self.elapsed());
    }

    /// Lets time pass until a request is in flight.
    pub(crate) fn until_sent(&mut self) -> usize {
        let before = self.sent.len();
        while self.sent.len() == before {
            assert!(!self.done, "it is done: {:?}", self.events.last());
            let wait = self.wait().expect("it waits for nothing");
            self.advance(wait);
        }
        before
    }

    /// As `until_sent`, unless something is in flight already.
    pub(crate) fn until_sent_if_waiting(&mut self) {
        if self.live.is_empty() {
            self.until_sent();
        }
    }

    /// Takes a message; gives its ticket.
    pub(crate) fn append(&mut self, message: &str) -> u64 {
        self.try_append(message).unwrap()
    }

    pub(crate) fn try_append(&mut self, message: &str) -> Result<u64, Refused> {
        let message = Bytes::copy_from_slice(message.as_bytes());
        let ticket = self.writer.append(message, self.now);
        let before = (self.writer.needs_poll(), self.deadline, self.sent.len());
        self.poll();
        // A driver that is not told to poll misses nothing.
        let after = (self.deadline, self.sent.len());
        assert!(before.0 || self.done || after == (before.1, before.2));
        ticket
    }

    pub(crate) fn close_stream(&mut self, last: Option<&str>) {
        let last = last.map(|last| Bytes::copy_from_slice(last.as_bytes()));
        self.writer.close_stream(last, self.now).unwrap();
        self.poll();
    }

    pub(crate) fn answer(&mut self, index: usize, status: u16, headers: &[(&str, &str)]) {
        self.answer_unpolled(index, status, headers);
        self.poll();
    }

    fn heard(&mut self, index: usize) {
        self.live.retain(|&live| live != index);
    }

    /// Without a poll behind it, as several inputs that are there already may be handed in. The body says nothing that counts.
    pub(crate) fn answer_unpolled(&mut self, index: usize, status: u16, headers: &[(&str, &str)]) {
        self.heard(index);
        let id = self.sent[index].id;
        let body = Bytes::from_static(b"stream-closed: true");
        let head = Input::Head(id, parts(status, headers));
        for input in [head, Input::Chunk(id, body), Input::End(id)] {
            self.writer.handle_input(input, self.now);
        }
    }

    /// The offset that acknowledgements of this request carry.
    pub(crate) fn offset(index: usize) -> String {
        format!("{index:04}")
    }

    fn acknowledge(&mut self, index: usize, status: u16) {
        let Sent { epoch, seq, .. } = self.sent[index];
        let (epoch, seq) = (epoch.to_string(), seq.to_string());
        let closed = if self.sent[index].close {
            "true"
        } else {
            "false"
        };
        let headers = [
            ("stream-next-offset", &*Self::offset(index)),
            ("producer-epoch", &epoch),
            ("producer-seq", &seq),
            ("stream-closed", closed),
        ];
        self.answer(index, status, &headers);
    }

    /// 200: written.
    pub(crate) fn ok(&mut self, index: usize) {
        self.acknowledge(index, 200);
    }

    /// 204: accepted before.
    pub(crate) fn duplicate(&mut self, index: usize) {
        self.acknowledge(index, 204);
    }

    /// 409: the server would take `expected`.
    pub(crate) fn gap(&mut self, index: usize, expected: u64) {
        let received = self.sent[index].seq.to_string();
        let headers = [
            ("producer-expected-seq", &*expected.to_string()),
            ("producer-received-seq", &received),
        ];
        self.answer(index, 409, &headers);
    }

    /// 403: this epoch is current.
    pub(crate) fn fence(&mut self, index: usize, epoch: u64) {
        self.answer(index, 403, &[("producer-epoch", &epoch.to_string())]);
    }

    /// 409: the stream is closed.
    pub(crate) fn closed(&mut self, index: usize) {
        let headers = [("stream-closed", "true"), ("stream-next-offset", "0099")];
        self.answer(index, 409, &headers);
    }

    pub(crate) fn status(&mut self, index: usize, status: u16) {
        self.answer(index, status, &[]);
    }

    /// No answer.
    pub(crate) fn lose(&mut self, index: usize, kind: FailureKind) {
        self.heard(index);
        self.input(Input::Failed(self.sent[index].id, kind.into()));
    }

    /// Epoch, sequence number and body of every request from this one on.
    pub(crate) fn sent_from(&self, index: usize) -> Vec<(u64, u64, &str)> {
        self.sent[index..].iter().map(Sent::what).collect()
    }

    /// Tickets of what was stored, in the order of events, and whether it was a duplicate.
    pub(crate) fn stored(&self) -> Vec<(Range<u64>, bool)> {
        let stored = |event: &WriterEvent| match event {
            WriterEvent::Stored {
                tickets, duplicate, ..
            } => Some((tickets.clone(), *duplicate)),
            _ => None,
        };
        self.events.iter().filter_map(stored).collect()
    }

    /// Tickets of what was rejected, why, and whether it may have been applied.
    pub(crate) fn rejected(&self) -> Vec<(Range<u64>, ErrorKind, bool)> {
        let rejected = |event: &WriterEvent| match event {
            WriterEvent::Rejected { tickets, error } => {
                Some((tickets.clone(), error.kind(), error.may_have_been_applied()))
            }
            _ => None,
        };
        self.events.iter().filter_map(rejected).collect()
    }

    pub(crate) fn epochs(&self) -> Vec<u64> {
        let epoch = |event: &WriterEvent| match event {
            WriterEvent::Epoch(epoch) => Some(*epoch),
            _ => None,
        };
        self.events.iter().filter_map(epoch).collect()
    }

    /// The delays of the retries that were told of.
    pub(crate) fn delays(&self) -> Vec<Duration> {
        let delay = |event: &WriterEvent| match event {
            WriterEvent::Retrying { delay, .. } => Some(*delay),
            _ => None,
        };
        self.events.iter().filter_map(delay).collect()
    }

    /// Why it failed, once it has: it then says nothing else.
    pub(crate) fn failure(&self) -> Option<&Error> {
        let failed = |event: &WriterEvent| matches!(event, WriterEvent::Failed(_));
        assert!(self.events.iter().filter(|event| failed(event)).count() <= 1);
        match self.events.last() {
            Some(WriterEvent::Failed(error)) if self.done => Some(error),
            _ => None,
        }
    }

    /// The final offset, once the writer was closed: only what is asked of it behind that is answered.
    pub(crate) fn end(&self) -> Option<Option<&str>> {
        let flushed = |event: &WriterEvent| matches!(event, WriterEvent::Flushed { .. });
        match self.events.iter().rev().find(|event| !flushed(event)) {
            Some(WriterEvent::Closed { next_offset }) if self.done => {
                Some(next_offset.as_ref().map(|offset| offset.as_str()))
            }
            _ => None,
        }
    }

    /// What is given back: ticket, message, and whether it may have been applied.
    pub(crate) fn unsent(&mut self) -> Vec<(u64, String, bool)> {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        let unsent = self.writer.take_unsent();
        unsent
            .iter()
            .map(|one| (one.ticket, text(&one.message), one.may_have_been_applied))
            .collect()
    }
}

/// The kind of the error that a message was refused with.
pub(crate) fn refusal(refused: &Refused) -> Option<ErrorKind> {
    match &refused.reason {
        RefusedReason::Error(error) => Some(error.kind()),
        _ => None,
    }
}

//! What the cases of the writer share: a server that answers by the number of a request, since several are under way at once and arrive
//! in any order; and requests, fates and leftovers as text.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll, Waker};
use std::time::Duration;

use durable_streams_client::{
    Client, DurableStream, Error, Flushed, Receipt, Stored, Unsent, Writer, WriterBuilder,
};
use tokio::task::JoinHandle;

use crate::client_suite::clock::Clock;
use crate::client_suite::support::{ReplyExt, within};
use crate::script::{Gate, RecordedRequest, Reply, ScriptServer};
use crate::suite::Context;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The largest integer of the protocol.
pub(super) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A server, and a client of it whose clock only the case turns.
pub(super) struct World {
    pub(super) server: ScriptServer,
    pub(super) clock: Clock,
    pub(super) client: Client,
    pub(super) attempts: Arc<Mutex<HashMap<(u64, u64), usize>>>,
}

/// A request of a writer.
pub(super) struct Sent {
    pub(super) epoch: u64,
    pub(super) seq: u64,
    /// How many requests had this epoch and number so far, this one included.
    pub(super) attempt: usize,
    pub(super) body: String,
    pub(super) close: bool,
}

impl World {
    /// A server that stores everything.
    pub(super) async fn new(cx: &Context) -> Self {
        let server = cx.serve([]).await;
        let (client, clock) = cx.stopped(&server);
        let world = Self {
            server,
            clock,
            client: client.build().unwrap(),
            attempts: Arc::default(),
        };
        world.answer(Sent::stored);
        world
    }

    /// From now on requests are answered like this.
    pub(super) fn answer(&self, answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) {
        let attempts = Arc::clone(&self.attempts);
        self.server.answer_with(move |request, _| {
            let (epoch, seq) = numbers(request);
            let mut attempts = attempts.lock().unwrap();
            let attempt = attempts.entry((epoch, seq)).or_default();
            *attempt += 1;
            answer(&Sent {
                epoch,
                seq,
                attempt: *attempt,
                body: String::from_utf8_lossy(&request.body).into_owned(),
                close: request.header("stream-closed") == Some("true"),
            })
        });
    }

    pub(super) fn stream(&self, content_type: &str) -> DurableStream {
        self.client.stream("s").with_content_type(content_type)
    }

    /// A writer of text. Every message is a request of its own, and goes as soon as it may.
    pub(super) fn writer(&self) -> WriterBuilder {
        self.batching().max_batch_messages(1)
    }

    /// A writer of text that waits for no company, and takes what there is.
    pub(super) fn batching(&self) -> WriterBuilder {
        self.stream("text/plain").writer("w").linger(Duration::ZERO)
    }

    /// A writer whose first message, `w`, is stored, so that several requests may be under way.
    pub(super) async fn open(&self, writer: WriterBuilder) -> Writer {
        let writer = writer.start();
        writer.try_append("w").unwrap();
        self.turn(MS).await;
        assert_eq!((writer.pending(), self.sent_from(1).len()), (0, 0));
        writer
    }

    /// Until nothing can happen without time, or without something that the case does.
    pub(super) async fn settle(&self) {
        within(self.clock.settle(&self.server)).await;
    }

    pub(super) async fn turn(&self, far: Duration) {
        within(self.clock.turn(&self.server, far)).await;
    }

    /// Turns the clock until this many requests have arrived, and says how far that was.
    pub(super) async fn until_requests(&self, count: usize) -> Duration {
        within(self.clock.until_requests(&self.server, count)).await
    }

    /// Turns the clock until this is done.
    pub(super) async fn finish<T>(&self, task: JoinHandle<T>) -> T {
        for _ in 0..10_000 {
            self.settle().await;
            if task.is_finished() {
                return task.await.unwrap();
            }
            self.turn(SECOND).await;
        }
        panic!("it does not end, whatever the time");
    }

    /// All requests.
    pub(super) fn sent(&self) -> Vec<String> {
        self.sent_from(0)
    }

    /// The requests after this many: `0/7 body` is number 7 of epoch 0. Those that were sent together arrive in any order, so
    /// they are sorted.
    pub(super) fn sent_from(&self, from: usize) -> Vec<String> {
        let mut requests = self.server.requests().split_off(from);
        requests.sort_by_key(numbers);
        requests.iter().map(shown).collect()
    }

    /// How many requests are under way.
    pub(super) fn under_way(&self) -> usize {
        self.server.activity().open
    }
}

fn numbers(request: &RecordedRequest) -> (u64, u64) {
    let number = |name| {
        let value = request.header(name).expect("a request of a writer");
        value.parse::<u64>().expect("a number")
    };
    (number("producer-epoch"), number("producer-seq"))
}

/// Everything there is to a request of the writer `w` to the stream `s`.
fn shown(request: &RecordedRequest) -> String {
    assert_eq!((&*request.method, request.path()), ("POST", "/v1/stream/s"));
    assert_eq!(request.header("producer-id"), Some("w"));
    assert_eq!(
        request.header("content-type").is_some(),
        !request.body.is_empty()
    );
    let (epoch, seq) = numbers(request);
    let body = String::from_utf8_lossy(&request.body);
    let close = request.header("stream-closed").map_or("", |_| " close");
    format!("{epoch}/{seq} {body}{close}")
}

impl Sent {
    pub(super) fn what(&self) -> (u64, u64, usize) {
        (self.epoch, self.seq, self.attempt)
    }

    /// It is new, and stored.
    pub(super) fn stored(&self) -> Reply {
        self.acknowledged(200)
    }

    /// It is stored already.
    pub(super) fn duplicate(&self) -> Reply {
        self.acknowledged(204)
    }

    fn acknowledged(&self, status: u16) -> Reply {
        let reply = Reply::new(status)
            .next_offset(&format!("{}{:03}", self.epoch, self.seq))
            .echo(self.epoch, self.seq);
        if self.close { reply.closed() } else { reply }
    }

    /// Something before it is missing.
    pub(super) fn gap(&self, expected: u64) -> Reply {
        Reply::new(409)
            .header("Producer-Expected-Seq", &expected.to_string())
            .header("Producer-Received-Seq", &self.seq.to_string())
            .body("the stream is closed")
    }
}

pub(super) trait Echo {
    fn echo(self, epoch: u64, seq: u64) -> Self;
}

impl Echo for Reply {
    /// The producer's epoch and number.
    fn echo(self, epoch: u64, seq: u64) -> Self {
        self.header("Producer-Epoch", &epoch.to_string())
            .header("Producer-Seq", &seq.to_string())
    }
}

/// Another writer with this id has this epoch.
pub(super) fn fence(epoch: u64) -> Reply {
    Reply::new(403).header("Producer-Epoch", &epoch.to_string())
}

/// Somebody closed the stream.
pub(super) fn closed() -> Reply {
    Reply::new(409).next_offset("9999").closed()
}

pub(super) fn gates<const N: usize>() -> [Gate; N] {
    std::array::from_fn(|_| Gate::new())
}

pub(super) fn append(writer: &Writer, messages: &[&'static str]) {
    for message in messages {
        writer.try_append(*message).unwrap();
    }
}

/// Appends these, with a receipt for each, before anything of them is sent: an append that lets others go first is asked again at
/// once.
pub(super) fn receipts(writer: &Writer, messages: &[&'static str]) -> Vec<Receipt> {
    let append = |message: &&'static str| {
        let mut append = pin!(writer.append_with_receipt(*message));
        let mut cx = task::Context::from_waker(Waker::noop());
        let mut polls = (0..2).map(|_| append.as_mut().poll(&mut cx));
        let receipt = polls.find_map(|poll| match poll {
            Poll::Ready(receipt) => Some(receipt),
            Poll::Pending => None,
        });
        receipt.expect("there is room").unwrap()
    };
    messages.iter().map(append).collect()
}

/// What became of messages.
pub(super) async fn fates(receipts: Vec<Receipt>) -> Vec<String> {
    let mut fates = Vec::new();
    for receipt in receipts {
        fates.push(fate(within(receipt).await));
    }
    fates
}

/// `@0007` is stored, and before this offset.
pub(super) fn fate(result: Result<Stored, Error>) -> String {
    match result {
        Ok(stored) => {
            let offset = stored.next_offset.as_ref().map_or("?", |at| at.as_str());
            let duplicate = if stored.duplicate { " duplicate" } else { "" };
            format!("@{offset}{duplicate}")
        }
        Err(error) => failure(&error),
    }
}

/// The kind of an error, and whether the message may be stored all the same.
pub(super) fn failure(error: &Error) -> String {
    let maybe = if error.may_have_been_applied() {
        " maybe"
    } else {
        ""
    };
    format!("{:?}{maybe}", error.kind())
}

/// What the writer gives back.
pub(super) fn unsent(writer: &Writer) -> Vec<String> {
    let show = |unsent: Unsent| {
        let maybe = if unsent.may_have_been_applied {
            " maybe"
        } else {
            ""
        };
        let message = String::from_utf8_lossy(&unsent.message);
        format!("{} {message}{maybe}", unsent.ticket)
    };
    writer.take_unsent().into_iter().map(show).collect()
}

/// Something that is waited for beside the case: `act` is given a clone of the writer.
pub(super) fn beside<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    writer: &Writer,
    act: impl FnOnce(Writer) -> F,
) -> JoinHandle<T> {
    tokio::spawn(act(writer.clone()))
}

/// Flushes, and says what it came to.
pub(super) async fn flush(writer: &Writer) -> String {
    flush_end(within(writer.flush()).await)
}

/// What a flush came to: the offset, or what failed.
pub(super) fn flush_end(result: Result<Flushed, Error>) -> String {
    offset(result.map(|flushed| flushed.next_offset))
}

/// Where a writer ended.
pub(super) fn offset(result: Result<Option<durable_streams_client::Offset>, Error>) -> String {
    match result {
        Ok(Some(offset)) => format!("@{offset}"),
        Ok(None) => "nothing".to_owned(),
        Err(error) => failure(&error),
    }
}

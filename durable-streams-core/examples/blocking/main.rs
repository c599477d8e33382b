//! The machines of the core over blocking sockets: no async, no HTTP crate, one thread.
//!
//! `cargo run -p durable-streams-core --example blocking` starts a server of its own on a free port. With the URL of a server's
//! stream root as its argument it does the same there.
//!
//! Whoever brings a runtime of their own needs one thing: [`Driver::next_event`], the loop that runs any machine. Everything
//! behind it is the socket (`http.rs`), everything before it is what an application does with the events.

#![allow(
    clippy::disallowed_methods,
    reason = "the core has no clock and never sleeps: its driver does"
)]

mod http;

use std::collections::VecDeque;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ::http::Request;
use bytes::Bytes;
use durable_streams_conformance::embedded::Server;
use durable_streams_core::operation::{Append, Close, Create, Operation, Payload};
use durable_streams_core::{
    Batch, Call, CallConfig, Checkpoint, Error, Input, Live, Machine, Output, Reader, ReaderConfig,
    ReaderEvent, RefusedReason, RequestId, StreamUrl, Writer, WriterConfig, WriterEvent,
};
use serde_json::{Value, json};

use self::http::{Exchange, Piece};

/// A machine, and its requests in flight, oldest first.
struct Driver<M> {
    machine: M,
    exchanges: VecDeque<(RequestId, Exchange)>,
}

impl<M: Machine> Driver<M> {
    fn new(machine: M) -> Self {
        Self {
            machine,
            exchanges: VecDeque::new(),
        }
    }

    /// Does what the machine says until it has something for its user. `None` when it has finished, or will do nothing
    /// until it is asked for something.
    ///
    /// All progress is in `self`. It can be called again at any time, or never: dropping the driver ends its requests.
    fn next_event(&mut self) -> Option<M::Event> {
        loop {
            match self.machine.poll_output(Instant::now()) {
                // A new request. The machine goes on being asked: a writer sends several before it waits.
                Output::Send(id, request) => self.send(id, &request),
                // A request that nobody wants any more. It may be over already.
                Output::Abort(id) => self.exchanges.retain(|(other, _)| *other != id),
                // The next call goes on right here.
                Output::Event(event) => return Some(event),
                // Nothing more to do now: this is where time passes.
                Output::Wait(deadline) => {
                    let input = self.wait(deadline)?;
                    self.machine.handle_input(input, Instant::now());
                }
                Output::Done => return None,
            }
        }
    }

    /// The request has the protocol's headers. Those of the application are added here: see `Extras::apply`.
    fn send(&mut self, id: RequestId, request: &Request<Bytes>) {
        match Exchange::begin(request) {
            Ok(exchange) => self.exchanges.push_back((id, exchange)),
            // Not an error of the driver: the machine knows what can be tried again, and when.
            Err(failure) => {
                let input = Input::Failed(id, failure);
                self.machine.handle_input(input, Instant::now());
            }
        }
    }

    /// Waits for the next piece of an answer, or for the deadline. `None` when there is neither to wait for.
    ///
    /// One thread can read one socket at a time: it reads the oldest, and what comes for the others waits in their sockets. The
    /// machine takes its inputs in any order. What that costs is that an answer behind a silent one can time out unread, and its
    /// request is sent again. With an event loop this would wait for whatever comes first.
    ///
    /// One piece at a time is the back-pressure too: what nobody has asked for is not read.
    fn wait(&mut self, deadline: Option<Instant>) -> Option<Input> {
        let Some((id, exchange)) = self.exchanges.front_mut() else {
            // Between two attempts, or until a batch is due.
            thread::sleep(deadline?.saturating_duration_since(Instant::now()));
            return Some(Input::Timeout);
        };
        let id = *id;
        let input = match exchange.next(deadline) {
            Ok(Some(Piece::Head(head))) => return Some(Input::Head(id, head)),
            Ok(Some(Piece::Chunk(chunk))) => return Some(Input::Chunk(id, chunk)),
            // Too early does no harm: the machine waits again. And the exchange stays, until it is aborted.
            Ok(None) => return Some(Input::Timeout),
            Ok(Some(Piece::End)) => Input::End(id),
            Err(failure) => Input::Failed(id, failure),
        };
        self.exchanges.pop_front();
        Some(input)
    }
}

/// One operation with its retries: a machine whose only event is how it ended.
fn call<O: Operation>(operation: O) -> Result<O::Outcome, Error> {
    let config = CallConfig {
        seed: seed(),
        ..CallConfig::default()
    };
    let call = Call::of(&operation, config)?;
    let end = Driver::new(call).next_event();
    end.ok_or_else(|| Error::protocol("a call ended without saying how"))?
        .outcome(&operation)
}

/// The next batch of a reader, and `None` behind the last one.
fn next_batch(reader: &mut Driver<Reader>) -> Result<Option<Batch>, Error> {
    while let Some(event) = reader.next_event() {
        match event {
            ReaderEvent::Batch(batch) => return Ok(Some(batch)),
            ReaderEvent::Failed(error) => return Err(error),
            // A retry, a fallback: worth a line in a log.
            ReaderEvent::Notice(notice) => println!("notice        {notice:?}"),
            _ => {}
        }
    }
    Ok(None)
}

/// Runs a writer until it has said something. `false` when everything it was given is settled.
fn next_report(writer: &mut Driver<Writer>) -> Result<bool, Error> {
    match writer.next_event() {
        None => return Ok(false),
        Some(WriterEvent::Stored {
            tickets, duplicate, ..
        }) => println!("stored        {tickets:?}, sent again: {duplicate}"),
        Some(WriterEvent::Retrying { error, .. }) => println!("again         {error}"),
        Some(WriterEvent::Rejected { error, .. } | WriterEvent::Failed(error)) => {
            return Err(error);
        }
        Some(_) => {}
    }
    Ok(true)
}

/// Writes sales exactly once, numbered from 0.
fn write_sales(url: &StreamUrl, count: u64) -> Result<(), Error> {
    let config = WriterConfig::new(url.clone(), "application/json", "till-7")?
        .max_batch_messages(60)
        .max_buffer_messages(100)
        .seed(seed());
    let mut writer = Driver::new(Writer::new(config));
    for number in 0..count {
        let mut message = Bytes::from(json!({ "sale": number }).to_string());
        // Appending does no I/O. When the buffer is full the message comes back, and the writer needs to be run.
        while let Err(refused) = writer.machine.append(message, Instant::now()) {
            let RefusedReason::Full = refused.reason else {
                return Err(refused.into());
            };
            message = refused.message;
            next_report(&mut writer)?;
        }
    }
    // Ends when everything is stored. A writer that goes on is asked to `flush` instead.
    writer.machine.close();
    while next_report(&mut writer)? {}
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The embedded server has a thread of its own, and lives as long as this value.
    let (root, _server) = match std::env::args().nth(1) {
        Some(root) => (root, None),
        None => {
            let server = futures_executor::block_on(Server::start(Default::default()))?;
            (format!("{}/v1/stream", server.url()), Some(server))
        }
    };
    println!("server        {root}");

    // A name of its own for every run, so that the example can be repeated on a server that keeps its streams.
    let url = StreamUrl::parse(&root)?.join(&format!("sales-{}", seed()))?;
    let created = call(Create::new(url.clone()).content_type("application/json"))?;
    println!("created       {url} at {}", created.next_offset);

    // A plain append. It is not sent again when its answer is lost: the error says that it may have been applied.
    let append = |message: Value| call(Append::new(url.clone(), Payload::message(&message)?));
    let appended = append(json!({ "open": "till-7" }))?;
    println!("appended      the tail is {}", appended.next_offset);

    // A writer's requests are sent again until they are stored, and stored once.
    const SALES: u64 = 200;
    write_sales(&url, SALES)?;

    // Read what is there, from the start to the tail.
    let mut saved = Checkpoint::beginning();
    let mut sales = 0;
    let mut reader = Driver::new(Reader::new(ReaderConfig::new(url.clone()).seed(seed())));
    while let Some(batch) = next_batch(&mut reader)? {
        for message in batch.json::<Value>() {
            if let Some(number) = message?["sale"].as_u64() {
                assert_eq!(number, sales, "once, and in order");
                sales += 1;
            }
        }
        saved = batch.checkpoint().clone();
    }
    assert_eq!(sales, SALES);
    println!("read          {sales} sales, each once and in order");

    // Tail the stream by server-sent events. While nobody polls the reader nothing happens, so this thread can append in between.
    let tail = ReaderConfig::new(url.clone()).from(saved).live(Live::Sse);
    let mut reader = Driver::new(Reader::new(tail.seed(seed())));
    let mut saved = Checkpoint::beginning();
    for number in SALES..SALES + 2 {
        append(json!({ "sale": number }))?;
        while let Some(batch) = next_batch(&mut reader)? {
            saved = batch.checkpoint().clone();
            // Empty batches say that the position moved, or that the tail was reached.
            if let Some(message) = batch.json::<Value>().next() {
                println!("tailed        {}", message?);
                break;
            }
        }
    }

    // "Restart": all that is kept is the checkpoint, as text. Dropping the driver ends its request.
    let text = saved.to_string();
    drop(reader);
    println!("stopped       with the checkpoint {text}");
    append(json!({ "close": "till-7" }))?;

    // Go on exactly there, this time by long-poll, and close the stream once the last message has come.
    let checkpoint: Checkpoint = text.parse()?;
    let rest = ReaderConfig::new(url.clone()).from(checkpoint);
    let mut reader = Driver::new(Reader::new(rest.live(Live::LongPoll).seed(seed())));
    while let Some(batch) = next_batch(&mut reader)? {
        for message in batch.json::<Value>() {
            println!("resumed       {}", message?);
            let closed = call(Close::new(url.clone()))?;
            println!("closed        at {}", closed.final_offset);
        }
    }
    println!("end of stream closed: {}", reader.machine.is_closed());
    Ok(())
}

/// The core has no entropy either. The jitter of each machine needs a seed of its own, and no better one than the time.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_micros() as u64)
}

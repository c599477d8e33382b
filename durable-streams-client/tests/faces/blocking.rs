//! The client without async: on plain threads, and on those of a runtime.

use std::thread;
use std::time::Duration;

use durable_streams_client::blocking::block_on;
use durable_streams_client::{
    Client, ClientBuilder, Ended, ErrorKind, Live, MemoryCheckpoints, handler_fn,
};

use crate::common::{Reply, Script, Still, answer, scripted, scripted_by};

const JSON: (&str, &str) = ("content-type", "application/json");
const CLOSED: (&str, &str) = ("stream-closed", "true");

fn offset(offset: &'static str) -> (&'static str, &'static str) {
    ("stream-next-offset", offset)
}

/// A client whose background is threads.
fn client(answers: impl IntoIterator<Item = Reply>) -> (Client, Script) {
    in_threads(scripted(answers))
}

fn in_threads((builder, script): (ClientBuilder, Script)) -> (Client, Script) {
    let builder = builder.stands_alone().spawner(|work| {
        thread::spawn(move || block_on(work));
    });
    (builder.build().unwrap(), script)
}

fn everything() {
    let (client, _) = client([
        answer(201, &[offset("0"), JSON], ""),
        answer(204, &[offset("1")], ""),
        answer(200, &[offset("1"), JSON], "[1]"),
        answer(503, &[], ""),
        answer(200, &[offset("2"), JSON, CLOSED], "[2]"),
    ]);
    let stream = client.stream("s");
    let created = stream
        .create()
        .content_type("application/json")
        .wait()
        .unwrap();
    assert!(created.created);
    stream.append_json(&1).wait().unwrap();
    let mut reader = stream.read().start_blocking();
    let mut got: Vec<u64> = Vec::new();
    for batch in &mut reader {
        got.extend(batch.unwrap().json::<u64>().map(Result::unwrap));
    }
    assert_eq!(got, [1, 2]);
    assert!(reader.is_closed());
    assert_eq!(reader.checkpoint().unwrap().to_string(), "2");
}

#[test]
fn a_stream_is_created_written_and_read_on_a_plain_thread() {
    everything();
}

#[tokio::test]
async fn on_a_thread_of_a_runtime_it_blocks_and_nothing_panics() {
    everything();
    futures_executor::block_on(async { everything() });
}

#[test]
fn a_writer_waits_for_what_it_wrote() {
    let echo = [("producer-epoch", "0"), ("producer-seq", "0")];
    let headers = [&[offset("2")], &echo[..]].concat();
    // Nothing is sent because time passes.
    let (client, script) = in_threads(scripted_by(Still, [answer(200, &headers, "")]));
    let stream = client.stream("s").with_content_type("application/json");
    let writer = stream
        .writer("w")
        .linger(Duration::from_secs(60))
        .start_blocking();
    writer.append("1").unwrap();
    writer.append_json(&2).unwrap();
    assert_eq!(
        writer.pending(),
        2,
        "what never waits is the async writer's"
    );
    assert_eq!(writer.flush().unwrap().next_offset.unwrap().as_str(), "2");
    writer.close().unwrap();
    assert_eq!(script.requests()[0].body(), "[1,2]");
}

#[test]
fn a_consumer_runs_on_this_thread() {
    let (client, _) = client([answer(200, &[offset("2"), JSON, CLOSED], "[1,2]")]);
    let store = MemoryCheckpoints::new();
    let consumer = client.stream("s").read().consumer("c").store(store.clone());
    let ended = consumer.run_blocking(handler_fn(|_| async { Ok(()) }));
    assert_eq!(ended.unwrap(), Ended::StreamClosed);
    assert_eq!(store.get("c").unwrap().to_string(), "2");
}

#[test]
fn an_error_is_the_last_item_and_given_once() {
    let (client, script) = client([answer(404, &[], "")]);
    let items: Vec<_> = client.stream("s").read().start_blocking().collect();
    assert_eq!(items.len(), 1);
    assert_eq!(
        items[0].as_ref().unwrap_err().kind(),
        ErrorKind::StreamNotFound
    );
    assert_eq!(script.requests().len(), 1);
}

#[test]
fn a_wait_that_runs_out_loses_nothing() {
    let tail = ("stream-up-to-date", "true");
    let quiet = answer(200, &[JSON, offset("2")], "").hang();
    let (builder, _) = scripted_by(
        Still,
        [answer(200, &[offset("1"), JSON, tail], "[1]"), quiet],
    );
    let stream = builder.stands_alone().build().unwrap().stream("s");
    let mut reader = stream.read().live(Live::LongPoll).start_blocking();
    let first = reader
        .next_within(Duration::from_secs(60))
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(first.messages().len(), 1);
    for _ in 0..3 {
        assert!(reader.next_within(Duration::from_millis(1)).is_none());
    }
    assert_eq!(reader.checkpoint().unwrap().to_string(), "1");
}

#[test]
fn a_client_that_needs_the_callers_runtime_says_so_and_does_not_panic() {
    let (builder, script) = scripted([]);
    let stream = builder.build().unwrap().stream("s");
    let says_so = |error: durable_streams_client::Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("background_client"), "{error}");
    };
    says_so(stream.head().wait().unwrap_err());
    says_so(stream.read().start_blocking().next().unwrap().unwrap_err());
    says_so(stream.writer("w").start_blocking().flush().unwrap_err());
    let consumer = stream.read().consumer("c");
    says_so(
        consumer
            .run_blocking(handler_fn(|_| async { Ok(()) }))
            .unwrap_err(),
    );
    assert!(script.requests().is_empty());
}

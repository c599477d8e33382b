//! What the reader machine costs beside the bytes: pages of bytes and JSON, and server-sent events, as the network cuts them.
//!
//! `cargo bench -p durable-streams-core --bench reader`

use std::time::Instant;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use durable_streams_core::{
    Input, Live, Machine, Offset, Output, Reader, ReaderConfig, ReaderEvent, RequestId, StreamUrl,
};
use http::{Response, response};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// How long a body is.
const BODY: usize = 4 * 1024 * 1024;
const CHUNK: usize = 16 * 1024;

#[allow(
    clippy::disallowed_methods,
    reason = "a point to count from: no time passes here"
)]
fn now() -> Instant {
    Instant::now()
}

fn head(content_type: &str, headers: &[(&str, &str)]) -> response::Parts {
    let mut answer = Response::builder()
        .header("content-type", content_type)
        .header("stream-next-offset", "2");
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(()).expect("an answer").into_parts().0
}

/// Polls until the machine waits, and counts what it delivers.
fn poll(reader: &mut Reader, now: Instant) -> (Option<RequestId>, u64) {
    let (mut sent, mut units) = (None, 0);
    loop {
        match reader.poll_output(now) {
            Output::Send(id, _) => sent = Some(id),
            Output::Event(ReaderEvent::Batch(batch)) => {
                units += if batch.is_json() {
                    batch.messages().len() as u64
                } else {
                    batch.bytes().len() as u64
                };
            }
            Output::Event(event) => panic!("{event:?}"),
            Output::Abort(_) => {}
            Output::Wait(_) | Output::Done => return (sent, units),
        }
    }
}

fn chunks(body: &[u8]) -> Vec<Bytes> {
    body.chunks(CHUNK).map(Bytes::copy_from_slice).collect()
}

/// One answer, from its head to its end.
fn answer(reader: &mut Reader, head: response::Parts, chunks: &[Bytes], now: Instant) -> u64 {
    let (id, _) = poll(reader, now);
    let id = id.expect("a request");
    let mut units = 0;
    reader.handle_input(Input::Head(id, head), now);
    for chunk in chunks {
        reader.handle_input(Input::Chunk(id, chunk.clone()), now);
        units += poll(reader, now).1;
    }
    reader.handle_input(Input::End(id), now);
    units + poll(reader, now).1
}

fn page(bencher: Bencher, content_type: &str, body: &[u8], units: u64) {
    let now = now();
    let chunks = chunks(body);
    bencher
        .counter(BytesCount::new(body.len()))
        .counter(ItemsCount::new(units))
        .with_inputs(|| {
            let url = StreamUrl::parse("http://127.0.0.1/s").expect("a URL");
            let head = head(content_type, &[("stream-up-to-date", "true")]);
            (Reader::new(ReaderConfig::new(url)), head)
        })
        .bench_local_values(|(mut reader, head)| {
            assert_eq!(answer(&mut reader, head, &chunks, now), units);
        });
}

#[divan::bench]
fn bytes(bencher: Bencher) {
    let type_ = "application/octet-stream";
    page(bencher, type_, &vec![7; BODY], BODY as u64);
}

fn message() -> String {
    format!("{{\"id\":1234567890,\"note\":\"{}\"}}", "x".repeat(70))
}

#[divan::bench]
fn json_100(bencher: Bencher) {
    let messages = BODY / 101;
    let body = format!("[{}]", vec![message(); messages].join(","));
    page(
        bencher,
        "application/json",
        body.as_bytes(),
        messages as u64,
    );
}

/// One message in each event, and a control event after it.
#[divan::bench]
fn events_100(bencher: Bencher) {
    const EVENTS: usize = 10_000;
    let now = now();
    let body: String = (0..EVENTS)
        .map(|n| {
            let control = format!(
                "{{\"streamNextOffset\":\"3_{n:016}\",\"streamCursor\":\"1\",\"upToDate\":true}}"
            );
            format!(
                "event: data\ndata: [{}]\n\nevent: control\ndata: {control}\n\n",
                message()
            )
        })
        .collect();
    let chunks = chunks(body.as_bytes());
    bencher
        .counter(BytesCount::new(body.len()))
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| {
            let url = StreamUrl::parse("http://127.0.0.1/s").expect("a URL");
            let config = ReaderConfig::new(url)
                .from(Offset::new("1").expect("an offset"))
                .live(Live::Sse);
            let mut reader = Reader::new(config);
            let head = head("application/json", &[("stream-up-to-date", "true")]);
            answer_without_contents(&mut reader, head, now);
            reader
        })
        .bench_local_values(|mut reader| {
            let head = head("text/event-stream", &[]);
            assert_eq!(answer(&mut reader, head, &chunks, now), EVENTS as u64);
        });
}

/// Brings a reader to the tail; the live request is still to be sent.
fn answer_without_contents(reader: &mut Reader, head: response::Parts, now: Instant) {
    let (id, _) = poll(reader, now);
    let id = id.expect("a request");
    reader.handle_input(Input::Head(id, head), now);
    reader.handle_input(Input::Chunk(id, Bytes::from_static(b"[]")), now);
    reader.handle_input(Input::End(id), now);
}

//! What it takes to write the requests and to read the answers, without a network.
//!
//! `cargo bench -p durable-streams-core --bench requests`

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use durable_streams_core::operation::{
    Append, LiveMode, Operation, Payload, Produce, Producer, Read,
};
use durable_streams_core::wire::header;
use durable_streams_core::{Extras, Offset, StreamUrl};
use http::{Request, Response};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn url() -> StreamUrl {
    StreamUrl::parse("https://streams.example.com/v1/stream/orders").expect("a URL")
}

fn offset() -> Offset {
    Offset::new("0000000000000001_0000000000004096").expect("an offset")
}

fn answer() -> Response<Bytes> {
    let answer = Response::builder()
        .header("content-type", "application/json")
        .header("content-length", "0")
        .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
        .header("etag", "\"abc:0:4096\"")
        .header("cache-control", "public, max-age=60")
        .header("stream-next-offset", offset().as_str())
        .header("stream-up-to-date", "true")
        .header("stream-cursor", "123456");
    answer.body(Bytes::new()).expect("an answer")
}

fn requests<O: Operation>(bencher: Bencher, operation: &O) {
    bencher.bench_local(|| operation.request().expect("a request"));
}

fn answers<O: Operation>(bencher: Bencher, operation: &O) {
    let answer = answer();
    bencher.bench_local(|| operation.decode(&answer).is_ok());
}

fn append() -> Append {
    let payload = Payload::raw_message(r#"{"id":1,"kind":"order"}"#).expect("a message");
    Append::new(url(), payload).content_type("application/json")
}

fn read() -> Read {
    Read::new(url(), offset())
}

#[divan::bench]
fn read_request(bencher: Bencher) {
    requests(bencher, &read());
}

#[divan::bench]
fn live_read_request(bencher: Bencher) {
    requests(bencher, &read().live(LiveMode::LongPoll).cursor("123456"));
}

#[divan::bench]
fn append_request(bencher: Bencher) {
    requests(bencher, &append());
}

#[divan::bench]
fn produce_request(bencher: Bencher) {
    let producer = Producer {
        id: "order-service-1".into(),
        epoch: 3,
        seq: 1_000_000,
    };
    let body = Bytes::from_static(b"[1,2,3]");
    let produce = Produce::new(url(), producer, "application/json", body);
    requests(bencher, &produce);
}

/// With the headers and parameters of an application.
#[divan::bench]
fn extras(bencher: Bencher) {
    let mut extras = Extras::new();
    extras
        .set_header("authorization", "Bearer abc")
        .expect("a header");
    extras.set_param("tenant", "berlin").expect("a parameter");
    let request = read().request().expect("a request");
    let home = request.uri().clone();
    bencher
        .with_inputs(|| {
            let mut copy = Request::new(Bytes::new());
            *copy.uri_mut() = home.clone();
            copy
        })
        .bench_local_refs(|request| extras.apply(request, &home));
}

#[divan::bench]
fn read_answer(bencher: Bencher) {
    answers(bencher, &read());
}

#[divan::bench]
fn append_answer(bencher: Bencher) {
    answers(bencher, &append());
}

#[divan::bench]
fn header_lookups(bencher: Bencher) {
    let answer = answer();
    let headers = answer.headers();
    bencher.bench_local(|| {
        (
            header::single(headers, &header::STREAM_NEXT_OFFSET).is_ok(),
            header::cursor(headers).is_ok(),
            header::flag(headers, &header::STREAM_UP_TO_DATE),
            header::flag(headers, &header::STREAM_CLOSED),
            header::integer(headers, &http::header::CONTENT_LENGTH).is_ok(),
        )
    });
}

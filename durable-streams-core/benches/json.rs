//! The framing of JSON arrays beside `serde_json`, asked for the raw values; and what appending costs.
//!
//! `cargo bench -p durable-streams-core --bench json`; the ratio of two medians is what counts.

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use durable_streams_core::wire::json::{JsonFramer, Messages, join_messages, validate};
use serde_json::value::RawValue;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// How long a body is.
const BODY: usize = 1024 * 1024;
const SIZES: [usize; 2] = [100, 10 * 1024];

/// An order of about this many bytes, with numbers, nesting and escapes.
fn message(size: usize) -> String {
    let line = r#"{"sku":"A-1000","qty":3,"note":"a \"small\" one"},"#;
    let lines: String = line.repeat((size / line.len()).saturating_sub(1).max(1));
    format!(
        r#"{{"id":1234567890,"kind":"order","lines":[{}]}}"#,
        lines.trim_end_matches(',')
    )
}

fn body(size: usize) -> (Bytes, usize) {
    let message = message(size);
    let messages = BODY.div_ceil(message.len() + 1);
    let body = join_messages(std::iter::repeat_n(message.as_bytes(), messages));
    (body.expect("messages"), messages)
}

fn counted(bencher: Bencher, body: &Bytes, messages: usize, frame: impl Fn() -> usize) {
    bencher
        .counter(BytesCount::new(body.len()))
        .counter(ItemsCount::new(messages))
        .bench_local(|| assert_eq!(frame(), messages));
}

/// All at once, into a list, as the other does it.
#[divan::bench(args = SIZES)]
fn ours(bencher: Bencher, size: usize) {
    let (body, messages) = body(size);
    counted(bencher, &body, messages, || {
        let mut framer = JsonFramer::new(usize::MAX);
        framer.push(body.clone());
        let mut list = Messages::default();
        framer
            .next_messages(usize::MAX, &mut list)
            .expect("an array");
        framer.finish().expect("a whole one");
        divan::black_box(list).len()
    });
}

#[divan::bench(args = SIZES)]
fn vec_of_raw_values(bencher: Bencher, size: usize) {
    let (body, messages) = body(size);
    counted(bencher, &body, messages, || {
        let list: Vec<&RawValue> = serde_json::from_slice(&body).expect("an array");
        divan::black_box(list).len()
    });
}

/// As the network cuts it.
#[divan::bench(args = SIZES, consts = [1, 256, 16 * 1024])]
fn ours_in_chunks<const CHUNK: usize>(bencher: Bencher, size: usize) {
    let (body, messages) = body(size);
    let chunks: Vec<Bytes> = body.chunks(CHUNK).map(Bytes::copy_from_slice).collect();
    counted(bencher, &body, messages, || {
        let mut framer = JsonFramer::new(usize::MAX);
        let mut count = 0;
        for chunk in &chunks {
            framer.push(chunk.clone());
            let mut list = Messages::default();
            framer
                .next_messages(usize::MAX, &mut list)
                .expect("an array");
            count += divan::black_box(list).len();
        }
        count
    });
}

#[divan::bench(args = SIZES)]
fn join(bencher: Bencher, size: usize) {
    let message = message(size);
    let messages = BODY / message.len();
    bencher
        .counter(BytesCount::new(messages * message.len()))
        .bench_local(|| join_messages(std::iter::repeat_n(message.as_bytes(), messages)));
}

#[divan::bench(args = SIZES)]
fn check(bencher: Bencher, size: usize) {
    let message = message(size);
    bencher
        .counter(BytesCount::new(message.len()))
        .bench_local(|| validate(divan::black_box(message.as_bytes())));
}

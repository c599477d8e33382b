//! The parser of server-sent events beside three crates that do the same, and a scan that only counts line ends.
//!
//! `cargo bench -p durable-streams-core --bench sse`; the ratio of two medians of a row is what counts.

use std::convert::Infallible;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use durable_streams_core::wire::sse::SseParser;
use eventsource_stream::Eventsource as _;
use futures_executor::block_on;
use futures_util::{Stream, StreamExt as _, stream};

fn main() {
    divan::main();
}

/// How long a body is: it holds four events of the largest size.
const BODY: usize = 256 * 1024;
const CHUNKS: [usize; 6] = [1, 16, 256, 4 * 1024, 64 * 1024, 1024 * 1024];

/// Something that reads the events of a body and counts them.
trait Contender {
    fn events(chunks: Vec<Bytes>) -> usize;
}

struct Ours;

impl Contender for Ours {
    fn events(chunks: Vec<Bytes>) -> usize {
        let mut parser = SseParser::new(usize::MAX);
        let mut events = 0;
        for chunk in chunks {
            parser.push(chunk);
            while let Some(event) = parser.next_event().expect("no limit") {
                divan::black_box(event);
                events += 1;
            }
        }
        events
    }
}

/// The chunks as the others want them.
fn body(chunks: Vec<Bytes>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(chunks.into_iter().map(Ok))
}

fn count<T>(events: impl Stream<Item = T>) -> usize {
    let mut events = std::pin::pin!(events);
    block_on(async {
        let mut count = 0;
        while let Some(event) = events.next().await {
            divan::black_box(event);
            count += 1;
        }
        count
    })
}

struct Sseer;

impl Contender for Sseer {
    fn events(chunks: Vec<Bytes>) -> usize {
        count(sseer::event_stream::EventStream::new(body(chunks)))
    }
}

struct SseStream;

impl Contender for SseStream {
    fn events(chunks: Vec<Bytes>) -> usize {
        count(sse_stream::SseByteStream::new(body(chunks)))
    }
}

struct EventsourceStream;

impl Contender for EventsourceStream {
    fn events(chunks: Vec<Bytes>) -> usize {
        count(body(chunks).eventsource())
    }
}

/// The least that anybody can do: it finds the lines, and counts those that are empty.
struct Memchr;

impl Contender for Memchr {
    fn events(chunks: Vec<Bytes>) -> usize {
        let mut events = 0;
        let mut length = 0;
        for chunk in chunks {
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', &chunk) {
                events += usize::from(length + end - start == 0);
                (start, length) = (end + 1, 0);
            }
            length += chunk.len() - start;
        }
        events
    }
}

/// A body of events with `size` bytes of data each, cut into chunks.
fn chunks(line: &str, size: usize, chunk: usize) -> (Vec<Bytes>, usize) {
    let data: String = line.chars().cycle().take(size).collect();
    let event = format!("event: data\ndata: {data}\n\n");
    let events = BODY.div_ceil(event.len());
    let mut body = Bytes::from(event.repeat(events));
    let mut chunks = Vec::new();
    while !body.is_empty() {
        chunks.push(body.split_to(chunk.min(body.len())));
    }
    (chunks, events)
}

fn run<C: Contender>(bencher: Bencher, line: &str, size: usize, chunk: usize) {
    let (chunks, events) = chunks(line, size, chunk);
    bencher
        .counter(BytesCount::new(
            chunks.iter().map(Bytes::len).sum::<usize>(),
        ))
        .with_inputs(|| chunks.clone())
        .bench_local_values(|chunks| assert_eq!(C::events(chunks), events));
}

const TEXT: &str = "the quick brown fox jumps over the lazy dog, ";
const JSON: &str = r#"[{"id":1234567,"kind":"order","note":"två"},"#;

macro_rules! sizes {
    ($name:ident, $line:expr) => {
        mod $name {
            use super::*;

            #[divan::bench(types = [Ours, Sseer, SseStream, EventsourceStream, Memchr], args = CHUNKS)]
            fn b64<C: Contender>(bencher: Bencher, chunk: usize) {
                run::<C>(bencher, $line, 64, chunk);
            }

            #[divan::bench(types = [Ours, Sseer, SseStream, EventsourceStream, Memchr], args = CHUNKS)]
            fn kib1<C: Contender>(bencher: Bencher, chunk: usize) {
                run::<C>(bencher, $line, 1024, chunk);
            }

            // One of them searches everything that it has again with each chunk: hours, with the smallest.
            #[divan::bench(types = [Ours, Sseer, SseStream, Memchr], args = CHUNKS)]
            fn kib64<C: Contender>(bencher: Bencher, chunk: usize) {
                run::<C>(bencher, $line, 64 * 1024, chunk);
            }

            #[divan::bench(args = &CHUNKS[3..])]
            fn kib64_eventsource_stream(bencher: Bencher, chunk: usize) {
                run::<EventsourceStream>(bencher, $line, 64 * 1024, chunk);
            }
        }
    };
}

sizes!(text, TEXT);
sizes!(json, JSON);
sizes!(base_64, &STANDARD.encode(TEXT));

/// What turns base64 back into bytes, beside the crate of that name.
mod decode {
    use durable_streams_core::wire::sse::decode_base64;

    use super::*;

    const SIZES: [usize; 3] = [64, 1024, 64 * 1024];

    fn encoded(size: usize) -> String {
        STANDARD.encode(vec![0xA5; size / 4 * 3])
    }

    #[divan::bench(args = SIZES)]
    fn ours(bencher: Bencher, size: usize) {
        let text = encoded(size);
        let decode = || decode_base64(divan::black_box(text.as_bytes()));
        bencher.counter(BytesCount::new(size)).bench_local(decode);
    }

    #[divan::bench(args = SIZES)]
    fn base64_crate(bencher: Bencher, size: usize) {
        let text = encoded(size);
        let decode = || STANDARD.decode(divan::black_box(text.as_bytes()));
        bencher.counter(BytesCount::new(size)).bench_local(decode);
    }
}

//! Allocations, counted: what a message or a request costs beyond its payload.
//!
//! A test target of its own, and one test at a time: the counter is the process's. The harness may still add a few.

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::operation::{Append, LiveMode, Operation, Payload, Read};
use durable_streams_core::wire::header;
use durable_streams_core::wire::sse::SseParser;
use durable_streams_core::{
    Input, Machine, Offset, Output, Reader, ReaderConfig, ReaderEvent, StreamUrl, Writer,
    WriterConfig, WriterEvent,
};
use http::Response;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// To be held for the whole of a test: what the others prepare counts, too.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `work` allocates, and how often it makes room for more.
fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATIONS);
    let result = work();
    let change = region.change();
    drop(result);
    change.allocations + change.reallocations
}

fn url() -> StreamUrl {
    StreamUrl::parse("http://127.0.0.1/s").unwrap()
}

#[allow(
    clippy::disallowed_methods,
    reason = "a point to count from: no time passes here"
)]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn b53_a_message_costs_no_allocation_beyond_its_payload_and_the_batch() {
    let _one = one_at_a_time();
    const MESSAGES: u64 = 100_000;
    let now = now();
    let config = WriterConfig::new(url(), "application/json", "w")
        .unwrap()
        .linger(Duration::ZERO);
    let mut writer = Writer::new(config);
    let message = Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(88)));
    assert_eq!(message.len(), 99);
    let (mut requests, mut stored, mut answers) = (0, 0, Vec::with_capacity(8));
    let counted = allocations(|| {
        for n in 1..=MESSAGES {
            writer.append(message.clone(), now).unwrap();
            if n % 5000 != 0 {
                continue;
            }
            loop {
                match writer.poll_output(now) {
                    Output::Send(id, request) => {
                        requests += 1;
                        let seq = request.headers()["producer-seq"].clone();
                        let answer = Response::builder()
                            .header("stream-next-offset", "1")
                            .header("producer-seq", seq);
                        answers.push((id, answer.body(()).unwrap().into_parts().0));
                    }
                    Output::Event(WriterEvent::Stored { tickets, .. }) => {
                        stored += tickets.end - tickets.start
                    }
                    Output::Wait(_) if answers.is_empty() => break,
                    Output::Wait(_) => {
                        for (id, head) in answers.drain(..) {
                            writer.handle_input(Input::Head(id, head), now);
                            writer.handle_input(Input::End(id), now);
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    });
    assert_eq!((requests, stored), (MESSAGES / 1000, MESSAGES));
    // A request has its headers, its body and the answer to it; a message has nothing of its own.
    assert!(
        counted < MESSAGES as usize / 15,
        "{counted} allocations for {MESSAGES} messages in {requests} requests"
    );
}

#[test]
fn b49_the_memory_of_stored_batches_serves_the_next() {
    let _one = one_at_a_time();
    const MESSAGES: usize = 100_000;
    let now = now();
    let config = WriterConfig::new(url(), "application/octet-stream", "w").unwrap();
    let mut writer = Writer::new(config.max_in_flight(1));
    let message = Bytes::from(vec![b'x'; 100]);
    let region = Region::new(ALLOCATIONS);
    let mut sent = None;
    let mut stored = 0;
    for n in 1..=MESSAGES {
        writer.append(message.clone(), now).unwrap();
        if n % 1000 != 0 {
            continue;
        }
        // One batch is in flight, the next is full: only then comes the answer.
        if let Some((id, seq)) = sent.take() {
            let answer = Response::builder().header("stream-next-offset", "1");
            let answer = answer.header("producer-seq", seq).body(()).unwrap();
            writer.handle_input(Input::Head(id, answer.into_parts().0), now);
            writer.handle_input(Input::End(id), now);
        }
        loop {
            match writer.poll_output(now) {
                Output::Send(id, request) => {
                    sent = Some((id, request.headers()["producer-seq"].clone()));
                }
                Output::Event(WriterEvent::Stored { tickets, .. }) => {
                    stored += tickets.end - tickets.start;
                }
                Output::Wait(_) => break,
                _ => {}
            }
        }
    }
    let allocated = region.change().bytes_allocated;
    assert_eq!(stored, MESSAGES as u64 - 1000);
    // Room for all of them would be ten times as much.
    assert!(allocated < MESSAGES * 10, "{allocated} bytes");
}

/// How often each of so many is done, so that what the harness does between does not matter.
const TIMES: usize = 10_000;

#[test]
fn b68_a_message_of_a_page_costs_no_allocation_of_its_own() {
    let _one = one_at_a_time();
    let now = now();
    let message = format!("{{\"text\":\"{}\"}}", "x".repeat(88));
    let body = format!("[{}]", vec![message; TIMES].join(","));
    let chunks: Vec<Bytes> = body
        .as_bytes()
        .chunks(16 * 1024)
        .map(Bytes::copy_from_slice)
        .collect();
    let head = Response::builder()
        .header("content-type", "application/json")
        .header("stream-next-offset", "1")
        .header("stream-up-to-date", "true");
    let mut inputs = vec![head.body(()).unwrap().into_parts().0];
    let mut messages = 0;
    let counted = allocations(|| {
        let mut reader = Reader::new(ReaderConfig::new(url()));
        let mut chunks = chunks.into_iter();
        let mut current = None;
        loop {
            match reader.poll_output(now) {
                Output::Send(id, _) => current = Some(id),
                Output::Event(ReaderEvent::Batch(batch)) => messages += batch.messages().len(),
                Output::Wait(_) => {
                    let id = current.unwrap();
                    let input = match (inputs.pop(), chunks.next()) {
                        (Some(head), chunk) => {
                            reader.handle_input(Input::Head(id, head), now);
                            Input::Chunk(id, chunk.unwrap())
                        }
                        (None, Some(chunk)) => Input::Chunk(id, chunk),
                        (None, None) => Input::End(id),
                    };
                    reader.handle_input(input, now);
                }
                Output::Done => break,
                other => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(messages, TIMES);
    // What a batch has, and the message that a chunk cuts.
    assert!(counted < TIMES / 10, "{counted} for {TIMES} messages");
}

#[test]
fn b7_a_line_of_an_event_costs_no_allocation() {
    let _one = one_at_a_time();
    let event = "event: data\ndata: the quick brown fox\n: and a comment\nid: 1\n\n";
    let body = Bytes::from(event.repeat(TIMES));
    let mut events = 0;
    let counted = allocations(|| {
        let mut parser = SseParser::new(1024);
        parser.push(body);
        while parser.next_event().unwrap().is_some() {
            events += 1;
        }
    });
    assert_eq!(events, TIMES);
    assert!(counted < TIMES / 100, "{counted} for {TIMES} events");
}

#[test]
fn a_header_lookup_costs_no_allocation() {
    let _one = one_at_a_time();
    let answer = Response::builder()
        .header("stream-cursor", "123456")
        .header("stream-up-to-date", "true")
        .header("content-length", "5")
        .body(())
        .unwrap();
    let headers = answer.headers();
    let counted = allocations(|| {
        for _ in 0..TIMES {
            assert_eq!(header::cursor(headers), Ok(Some("123456")));
            assert!(header::flag(headers, &header::STREAM_UP_TO_DATE));
            assert!(!header::flag(headers, &header::STREAM_CLOSED));
            let length = header::integer(headers, &http::header::CONTENT_LENGTH);
            assert_eq!(length, Ok(Some(5)));
        }
    });
    assert!(counted < TIMES / 100, "{counted} for {TIMES} times four");
}

#[test]
fn a_request_costs_its_url_its_headers_and_no_copy_of_the_payload() {
    let _one = one_at_a_time();
    let payload = Payload::raw_message(r#"{"id":1}"#).unwrap();
    let append = Append::new(url(), payload).content_type("application/json");
    let read = Read::new(url(), Offset::new("1_2").unwrap())
        .live(LiveMode::LongPoll)
        .cursor("1");
    let count = |request: &dyn Fn() -> usize| {
        let counted = allocations(|| (0..TIMES).map(|_| request()).sum::<usize>());
        counted / TIMES
    };
    // Its URL takes three: the text, the path apart from the authority, and their shared owner.
    assert!(count(&|| read.request().unwrap().uri().path().len()) <= 4);
    // The table of headers takes two, and the content type one.
    assert!(count(&|| append.request().unwrap().body().len()) <= 7);
}

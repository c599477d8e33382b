//! Allocations, counted: what a message costs beyond its payload.
//!
//! A test target of its own, with one test: the counter is the process's.

use std::alloc::System;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{Input, Machine, Output, StreamUrl, Writer, WriterConfig, WriterEvent};
use http::Response;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[allow(
    clippy::disallowed_methods,
    reason = "a point to count from: no time passes here"
)]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn b53_a_message_costs_no_allocation_beyond_its_payload_and_the_batch() {
    const MESSAGES: u64 = 100_000;
    let now = now();
    let url = StreamUrl::parse("http://127.0.0.1/s").unwrap();
    let config = WriterConfig::new(url, "application/json", "w")
        .unwrap()
        .linger(Duration::ZERO);
    let mut writer = Writer::new(config);
    let message = Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(88)));
    assert_eq!(message.len(), 99);
    let (mut requests, mut stored, mut answers) = (0, 0, Vec::with_capacity(8));
    let region = Region::new(ALLOCATIONS);
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
    let change = region.change();
    assert_eq!((requests, stored), (MESSAGES / 1000, MESSAGES));
    // A request has its headers, its body and the answer to it; a message has nothing of its own.
    let counted = change.allocations + change.reallocations;
    assert!(
        counted < MESSAGES as usize / 15,
        "{counted} allocations for {MESSAGES} messages in {requests} requests"
    );
}

//! How fast messages go into the writer machine, with a server that acknowledges at once.
//!
//! `cargo bench -p durable-streams-core --bench writer`

use std::time::{Duration, Instant};

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use durable_streams_core::{Input, Machine, Output, StreamUrl, Writer, WriterConfig};
use http::Response;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const MESSAGES: usize = 100_000;

fn writer(content_type: &str) -> Writer {
    let url = StreamUrl::parse("http://127.0.0.1/s").expect("a URL");
    let config = WriterConfig::new(url, content_type, "bench").expect("a configuration");
    Writer::new(config.linger(Duration::ZERO))
}

/// Does what the machine says until it waits; every request is acknowledged.
fn drive(writer: &mut Writer, now: Instant) {
    let mut answers = Vec::new();
    loop {
        match writer.poll_output(now) {
            Output::Send(id, request) => {
                let seq = request.headers()["producer-seq"].clone();
                let answer = Response::builder()
                    .header("stream-next-offset", "0001")
                    .header("producer-epoch", "0")
                    .header("producer-seq", seq);
                answers.push((id, answer.body(()).expect("an answer").into_parts().0));
            }
            Output::Wait(_) if answers.is_empty() => return,
            Output::Wait(_) => {
                for (id, head) in answers.drain(..) {
                    writer.handle_input(Input::Head(id, head), now);
                    writer.handle_input(Input::End(id), now);
                }
            }
            Output::Done => return,
            Output::Abort(_) | Output::Event(_) => {}
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a point to count from: no time passes here"
)]
fn run(bencher: Bencher, content_type: &str, message: Bytes) {
    let now = Instant::now();
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .counter(BytesCount::new(MESSAGES * message.len()))
        .with_inputs(|| writer(content_type))
        .bench_local_values(|mut writer| {
            for _ in 0..MESSAGES {
                while writer.append(message.clone(), now).is_err() {
                    drive(&mut writer, now);
                }
                if writer.pending() >= 5000 {
                    drive(&mut writer, now);
                }
            }
            drive(&mut writer, now);
            assert_eq!(writer.pending(), 0);
        });
}

#[divan::bench]
fn bytes_100(bencher: Bencher) {
    run(
        bencher,
        "application/octet-stream",
        Bytes::from(vec![7; 100]),
    );
}

#[divan::bench]
fn json_100(bencher: Bencher) {
    let text = "x".repeat(60);
    let message = format!("{{\"id\":1234567890,\"kind\":\"order\",\"note\":\"{text}\"}}");
    run(bencher, "application/json", Bytes::from(message));
}

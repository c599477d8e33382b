//! The client over I/O of one's own: sockets that block, threads, and no async runtime at all.
//!
//! `cargo run -p durable-streams-client --example custom_transport` starts a server of its own on a free port. With the URL of a
//! server's stream root as its argument it does the same there.
//!
//! The client asks for three things: a [`Transport`](durable_streams_client::Transport) (`socket.rs`), a [`Timer`], and, for
//! writers, somebody to run their drivers.

mod socket;

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_streams_client::{BoxFuture, Client, Live, Timer};
use durable_streams_conformance::embedded::Server;
use futures_executor::block_on;
use serde_json::{Value, json};

use self::socket::SocketTransport;

/// Waits by a thread that `futures-timer` starts when it is first used.
#[derive(Debug)]
struct ThreadTimer;

impl Timer for ThreadTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // A century is never, and longer than that a clock may not count.
        let never = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Box::pin(futures_timer::Delay::new(duration.min(never)))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    // The embedded server has a thread of its own, and lives as long as this value.
    let (root, _server) = match std::env::args().nth(1) {
        Some(root) => (root, None),
        None => {
            let server = Server::start(Default::default()).await?;
            (format!("{}/v1/stream", server.url()), Some(server))
        }
    };
    println!("server        {root}");

    let client = Client::builder(&root, SocketTransport::default(), ThreadTimer)?
        // Any executor will do. A writer's driver ends with its writer.
        .spawner(|driver| drop(thread::spawn(|| block_on(driver))))
        .build()?;

    // A name of its own for every run, so that the example can be repeated on a server that keeps its streams.
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let steps = client.stream(&format!("steps-{run}"));
    let created = steps.create().content_type("application/json").await?;
    println!("created       {} at {}", steps.url()?, created.next_offset);

    // The writer is driven by a thread of its own while this one appends.
    let writer = steps.writer("pedometer-1").max_batch_messages(50).start();
    for number in 0..200 {
        writer.append_json(&json!({ "step": number })).await?;
    }
    if let Some(tail) = writer.close().await? {
        println!("written       200 steps, the tail is {tail}");
    }

    // Another thread waits for what comes later, by server-sent events.
    let tailing = thread::spawn({
        let mut reader = steps.read().live(Live::Sse).start();
        move || {
            block_on(async {
                let mut expected = 0;
                while let Some(batch) = reader.next().await? {
                    for step in batch.json::<Value>() {
                        assert_eq!(step?["step"], expected, "once, and in order");
                        expected += 1;
                    }
                }
                Ok::<_, durable_streams_client::Error>(expected)
            })
        }
    });
    for number in 200..203 {
        let appended = steps.append_json(&json!({ "step": number })).await?;
        println!(
            "appended      step {number}, the tail is {}",
            appended.next_offset
        );
    }
    let closed = steps.close().await?;
    println!("closed        at {}", closed.final_offset);
    let seen = tailing.join().map_err(|_| "the reader panicked")??;
    println!("tailed        {seen} steps to the end, each once and in order");

    steps.delete().await?;
    println!("deleted       {}", steps.url()?);
    Ok(())
}

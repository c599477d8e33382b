//! Exactly once: a writer stores messages over connections that keep breaking, and each is there once and in order.
//!
//! `cargo run -p durable-streams-reqwest --example exactly_once` starts a server of its own, with a bad network before it. With
//! the URL of a server's stream root as its argument it writes there, over the network there is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{io, net::SocketAddr};

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{RetryPolicy, client};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MESSAGES: u64 = 2_000;

#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    number: u64,
    celsius: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The embedded server lives as long as this value.
    let (root, _server) = match std::env::args().nth(1) {
        Some(root) => (root, None),
        None => {
            let server = Server::start(Default::default()).await?;
            (bad_network(server.address()).await?, Some(server))
        }
    };
    println!("server     {root}");

    // A name of its own for every run, so that the example can be repeated on a server that keeps its streams.
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let readings = client(&root)?.build()?.stream(&format!("readings-{run}"));
    readings.create().content_type("application/json").await?;
    println!("created    {}", readings.url()?);

    // The id tells the writers of a stream apart: two that live at the same time need two.
    let writer = readings
        .writer("weather-station-1")
        .max_batch_messages(50)
        .retry(RetryPolicy::writers().initial(Duration::from_millis(10)))
        .on_error(|error| println!("error      {error}"))
        .start();

    // Appending waits for room in the writer's buffer, not for the server.
    let reading = |number| Reading {
        number,
        celsius: 20.0 + (number % 7) as f64 / 2.0,
    };
    for number in 0..MESSAGES / 2 {
        writer.append_json(&reading(number)).await?;
    }

    // Flushing waits until everything so far is stored.
    writer.flush().await?;
    println!("flushed    {} messages", MESSAGES / 2);

    // A receipt tells what becomes of one message.
    let middle = reading(MESSAGES / 2);
    let receipt = writer.append_json_with_receipt(&middle).await?;
    for number in MESSAGES / 2 + 1..MESSAGES {
        writer.append_json(&reading(number)).await?;
    }
    let stored = receipt.await?;
    println!("receipt    stored, sent again: {}", stored.duplicate);

    // Closing waits until everything is stored, and closes the stream behind it.
    if let Some(end) = writer.close_stream().await? {
        println!("closed     at {end}");
    }

    let mut expected = 0;
    let mut reader = readings.read().start();
    while let Some(batch) = reader.next().await? {
        for reading in batch.json::<Reading>() {
            assert_eq!(reading?.number, expected, "once, and in order");
            expected += 1;
        }
    }
    assert_eq!(expected, MESSAGES);
    println!("verified   {expected} messages, each once and in order");
    Ok(())
}

/// The address of a hop before the server. Its first connections break when the server has stored something and says so: the
/// client cannot know, and has to send it again.
async fn bad_network(server: SocketAddr) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let root = format!("http://{}/v1/stream", listener.local_addr()?);
    tokio::spawn(async move {
        for connection in 0.. {
            let (mut from_client, mut to_client) = listener.accept().await?.0.into_split();
            let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
            let answers = async move {
                let mut answer = vec![0; 64 * 1024];
                for number in 0.. {
                    let length = from_server.read(&mut answer).await?;
                    if length == 0 || (number == 2 && connection < 10) {
                        break;
                    }
                    to_client.write_all(&answer[..length]).await?;
                }
                Ok::<(), io::Error>(())
            };
            tokio::spawn(async move {
                let requests = tokio::io::copy(&mut from_client, &mut to_server);
                tokio::select! { _ = requests => {} _ = answers => {} }
            });
        }
        Ok::<(), io::Error>(())
    });
    Ok(root)
}

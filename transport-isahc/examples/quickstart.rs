//! The whole path once: create, append, read, tail, stop, resume, close.
//!
//! `cargo run -p durable-streams-isahc --example quickstart` starts a server of its own on a free port. With the URL of a
//! server's stream root as its argument it does the same there.

use durable_streams_conformance::embedded::Server;
use durable_streams_isahc::{Checkpoint, Error, Live, client};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
    item: String,
}

impl Order {
    fn new(id: u64, item: &str) -> Self {
        Self {
            id,
            item: item.into(),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(quickstart())
}

async fn quickstart() -> Result<(), Box<dyn std::error::Error>> {
    // The embedded server lives as long as this value.
    let (root, _server) = match std::env::args().nth(1) {
        Some(root) => (root, None),
        None => {
            let server = Server::start(Default::default()).await?;
            (format!("{}/v1/stream", server.url()), Some(server))
        }
    };
    println!("server        {root}");

    let client = client(&root)?.build()?;
    // A name of its own for every run, so that the example can be repeated on a server that keeps its streams.
    let run = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_micros();
    let orders = client.stream(&format!("orders-{run}"));

    let created = orders.create().content_type("application/json").await?;
    println!("created       {} at {}", orders.url()?, created.next_offset);

    orders.append_json(&Order::new(1, "apples")).await?;
    let batch = [Order::new(2, "bread"), Order::new(3, "cheese")];
    let appended = orders.append_json_batch(&batch).await?;
    println!(
        "appended      3 orders, the tail is {}",
        appended.next_offset
    );

    // Read what is there, to the tail.
    let mut saved: Option<Checkpoint> = None;
    let mut reader = orders.read().start();
    while let Some(batch) = reader.next().await? {
        for order in batch.json::<Order>() {
            println!("read          {:?}", order?);
        }
        saved = Some(batch.checkpoint().clone());
    }

    // Tail the stream by server-sent events, while another task appends to it.
    let producer = smol::spawn({
        let orders = orders.clone();
        async move {
            for (id, item) in [(4, "dates"), (5, "eggs")] {
                orders.append_json(&Order::new(id, item)).await?;
            }
            Ok::<(), Error>(())
        }
    });
    let mut reader = orders.read().from(saved.clone()).live(Live::Sse).start();
    let mut seen = 3;
    while seen < 5 {
        let Some(batch) = reader.next().await? else {
            break;
        };
        for order in batch.json::<Order>() {
            println!("tailed        {:?}", order?);
            seen += 1;
        }
        saved = Some(batch.checkpoint().clone());
    }
    producer.await?;

    // "Restart": all that is kept is the checkpoint, as text.
    let text = saved.unwrap_or_default().to_string();
    drop(reader);
    println!("stopped       with the checkpoint {text}");
    orders.append_json(&Order::new(6, "figs")).await?;

    let checkpoint: Checkpoint = text.parse()?;
    let mut reader = orders.read().from(checkpoint).live(Live::Sse).start();
    let closer = orders.clone();
    while let Some(batch) = reader.next().await? {
        for order in batch.json::<Order>() {
            println!("resumed       {:?}", order?);
            let closed = closer.close().await?;
            println!("closed        at {}", closed.final_offset);
        }
    }
    println!("end of stream closed: {}", reader.is_closed());

    orders.delete().await?;
    println!("deleted       {}", orders.url()?);
    Ok(())
}

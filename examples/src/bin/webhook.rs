//! Webhooks: the server says that streams grew, and this program works on what is new.
//!
//! `cargo run -p durable-streams-examples --bin webhook [URL]`
//!
//! A webhook is believed when its signature is good. It is then accepted at once, and worked on behind the answer; what is done goes to its
//! callback, which ends the lease. Should this program die before, the server says it again, so an order can come twice and is counted
//! by its number.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::webhook::{self, Notice};
use durable_streams_reqwest::{BoxError, Client, ErrorKind, WebhookReceiver};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const STREAMS: u64 = 3;
const ORDERS: u64 = 60;

#[derive(Clone)]
struct App {
    client: Client,
    receiver: WebhookReceiver,
    done: mpsc::UnboundedSender<u64>,
}

/// Says at once whether a webhook is believed. The signature is that of the body as it came.
async fn receive(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let answer = match app.receiver.verify(&headers, &body).await {
        Ok(notice) => {
            tokio::spawn(async move {
                match work(&app, &notice).await {
                    Ok(()) => {}
                    Err(error) => {
                        eprintln!("wake       {} failed: {error}", notice.wake.generation)
                    }
                }
            });
            webhook::accepted()
        }
        Err(error) => {
            println!("stranger   {error}");
            webhook::refused(&error)
        }
    };
    answer.map(Body::from)
}

/// Works on what is new in the streams of a wake, and reports that it is done.
async fn work(app: &App, notice: &Notice) -> Result<(), BoxError> {
    let mut report = app
        .client
        .callback(&notice.callback, &notice.wake)
        .done(true);
    for stream in notice.streams.iter().filter(|stream| stream.has_pending) {
        let orders = app.client.stream(&stream.path);
        let mut reader = orders.read().from(stream.acked.clone()).start();
        while let Some(batch) = reader.next().await? {
            for order in batch.json() {
                app.done.send(order?)?;
            }
            if let Some(offset) = batch.checkpoint().offset() {
                report = report.stream(&stream.path, offset.clone());
            }
        }
    }
    match report.await {
        Ok(done) => println!(
            "wake       {} done, more to come: {}",
            notice.wake.generation, done.next_wake
        ),
        // It took too long, and another wake has what is not acknowledged.
        Err(error) if error.kind() == ErrorKind::Fenced => {
            println!("wake       {} was over already", notice.wake.generation);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let (done, mut worked_on) = mpsc::unbounded_channel();
    let app = App {
        receiver: client.webhook_receiver(),
        client: client.clone(),
        done,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let hook = format!("http://{}/hook", listener.local_addr()?);
    let router = Router::new().route("/hook", post(receive)).with_state(app);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let shop = fresh("shop");
    let subscription = client.subscription(&shop);
    let pattern = format!("{shop}/*");
    let created = subscription.create_webhook(&hook).pattern(pattern).await?;
    println!(
        "created    {} for {}",
        created.info().id,
        created.info().pattern.as_deref().unwrap_or_default()
    );

    // What anybody can send here is nothing that the server signed.
    let forged = client_of(&hook)?
        .stream("hook")
        .append("{\"done\":true}")
        .await;
    assert!(forged.is_err(), "a stranger was believed");

    for number in 0..ORDERS {
        let stream = client.stream(&format!("{shop}/{}", number % STREAMS));
        stream.create().content_type("application/json").await?;
        stream.append_json(&number).await?;
    }
    let mut orders = BTreeSet::new();
    while orders.len() < ORDERS as usize {
        orders.extend(worked_on.recv().await);
    }
    subscription.delete().await?;
    println!("done       each of {} orders was worked on", orders.len());
    Ok(())
}

/// A client of this program itself.
fn client_of(hook: &str) -> Result<Client, BoxError> {
    let root = hook.trim_end_matches("/hook");
    Ok(durable_streams_reqwest::client(root)?.build()?)
}

//! A web page that tails a stream: every browser that opens it sees every line, once and in order.
//!
//! `cargo run -p durable-streams-examples --bin web [URL [ADDRESS]]`, and open the address that it says.
//!
//! Each page has a reader of its own, and each event that goes to it has the checkpoint behind its lines as its id. A browser that
//! connects again says the last one, so neither a lost connection nor a restart of this program loses or repeats a line. A page that is
//! reloaded begins at the beginning. The program keeps nothing. `tests/programs/browser.rs` watches that in Chromium.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use durable_streams_examples::connect;
use durable_streams_reqwest::{BoxError, Checkpoint, DurableStream, Live};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::net::TcpListener;

type Refusal = (StatusCode, String);

#[derive(Deserialize)]
struct Said {
    line: String,
}

/// Appends a line. Which of two lines comes first is for the server to say; a page sees it when it is stored.
async fn append(
    State(lines): State<DurableStream>,
    Form(said): Form<Said>,
) -> Result<StatusCode, Refusal> {
    let appended = lines.append_json(&said.line).await;
    // The line may be stored although the answer was lost: its author looks at the page before saying it again.
    appended.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

/// The lines behind a checkpoint, as they come. What the browser received last wins over what its page was opened with.
async fn tail(
    State(lines): State<DurableStream>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let received = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let from: Option<Checkpoint> = match received.unwrap_or(&after) {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}")))?,
        ),
    };
    let reader = lines.read().from(from).live(Live::Auto).start();
    let events = stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        loop {
            let event = match reader.next().await {
                Ok(Some(batch)) if batch.is_empty() => continue,
                Ok(Some(batch)) => Event::default()
                    .id(batch.checkpoint().to_string())
                    .data(String::from_utf8_lossy(&batch.bytes())),
                // There will never be another. Browsers ignore an event without data.
                Ok(None) => return Some((Ok(Event::default().event("end").data("closed")), None)),
                // The browser connects again, and says where it was.
                Err(error) => {
                    eprintln!("a page     {error}");
                    return None;
                }
            };
            return Some((Ok(event), Some(reader)));
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let lines = client.stream("lines");
    lines.create().content_type("application/json").await?;

    let app = Router::new()
        .route("/", get(|| async { Html(include_str!("web.html")) }))
        .route("/lines", get(tail).post(append))
        .with_state(lines);
    let address = std::env::args().nth(2).unwrap_or("127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("page       http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

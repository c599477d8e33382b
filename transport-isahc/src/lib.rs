//! A client for Durable Streams, over [`isahc`], for any executor.
//!
//! This is the whole client ([`durable_streams_client`], re-exported here) with a [`Transport`] for it:
//! [`IsahcTransport`], and a clock: [`FuturesTimer`]. Neither needs a runtime. isahc has threads of its own that drive
//! libcurl, so its futures can be polled by smol, async-std, tokio, the executor of a GUI, or `block_on`.
//!
//! ```no_run
//! use durable_streams_isahc::{Checkpoint, Error, Live, client};
//!
//! # async fn example(saved: Option<Checkpoint>) -> Result<(), Error> {
//! let client = client("https://streams.example.com/v1/stream")?.bearer_token("…").build()?;
//! let orders = client.stream("orders");
//! orders.create().content_type("application/json").await?;
//!
//! // Exactly once, in order, in batches, whatever fails in between.
//! let writer = orders.writer("order-service-1").start();
//! writer.append_json(&"apples").await?;
//! writer.close().await?;
//!
//! // From where the last run stopped, and then live.
//! let mut reader = orders.read().from(saved).live(Live::Auto).start();
//! while let Some(batch) = reader.next().await? {
//!     for order in batch.json::<String>() {
//!         println!("{}", order?);
//!     }
//!     let _save = batch.checkpoint().to_string();
//! }
//! # Ok(()) }
//! ```
//!
//! The [guides](guide) begin with [getting started](guide::getting_started); [reading](guide::reading), [writing](guide::writing) and
//! [errors](guide::errors) are for everybody.
//!
//! # Features
//!
//! - `rustls` (default): HTTPS by rustls, with the platform's certificates.
//! - `native-tls`: HTTPS by OpenSSL, or what the platform has in its place.
//! - `http2`: HTTP/2, where the server offers it.
//! - `testing`: a scripted transport and a clock that skips, for tests.
//! - `tower`: tower services as transports, and transports as tower services.
//! - `tracing`: spans and events for requests, retries and fallbacks.
//! - `webhooks`: receiving webhooks of subscriptions, with their signatures checked.
//!
//! isahc takes one TLS library and does not compile with both, so `native-tls` is for `default-features = false`.
//! Without either, an `https` URL is [refused](FailureKind::Refused).
//!
//! libcurl is built with the crate, for which a C compiler is needed.

mod body;
mod failure;
mod pool;
mod request;
mod timer;
mod transport;

use std::thread;

use futures_lite::future::block_on;

pub use durable_streams_client::*;
pub use timer::FuturesTimer;
pub use transport::IsahcTransport;

/// Begins a client of the streams under this URL.
///
/// ```
/// use durable_streams_isahc::client;
///
/// let client = client("https://streams.example.com/v1/stream")?.bearer_token("…").build()?;
/// let orders = client.stream("orders");
/// # Ok::<(), durable_streams_isahc::Error>(())
/// ```
///
/// It works on any executor, and without one: see [`blocking`].
///
/// With a transport of your own making: `Client::builder(root, transport, FuturesTimer)`; see [`IsahcTransport`].
///
/// Each writer and consumer that is started has a small thread of its own, which ends with it. An application with many
/// of them gives the builder the `spawn` of its executor: [`spawner`](ClientBuilder::spawner).
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) when `root` is no absolute http or https URL, or the threads of isahc
/// cannot be had.
pub fn client(root: &str) -> Result<ClientBuilder, Error> {
    let transport =
        IsahcTransport::new().map_err(|error| Error::transport(&Failure::from(error)))?;
    let builder = Client::builder(root, transport, FuturesTimer)?.stands_alone();
    Ok(builder.spawner(|driver| {
        let thread = thread::Builder::new().name("durable-stream".to_owned());
        // Without a thread the driver is dropped, which whoever uses it is told.
        drop(thread.spawn(move || block_on(driver)));
    }))
}

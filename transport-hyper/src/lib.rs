//! A client for Durable Streams, over [`hyper`] and the pooled client of [`hyper_util`].
//!
//! This is the whole client ([`durable_streams_client`], re-exported here) with a [`Transport`] for it:
//! [`HyperTransport`], and a clock: [`TokioTimer`]. Both need a tokio runtime, of either flavour, when they are used;
//! they can be made without one.
//!
//! ```no_run
//! use durable_streams_hyper::{Checkpoint, Error, Live, client};
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
//! - `native-tls`: HTTPS by the platform's own library.
//! - `http2`: HTTP/2, where the server offers it.
//! - `testing`: a scripted transport and a clock that skips, for tests.
//! - `tower`: tower services as transports, and transports as tower services.
//! - `tracing`: spans and events for requests, retries and fallbacks.
//! - `webhooks`: receiving webhooks of subscriptions, with their signatures checked.
//!
//! With both `rustls` and `native-tls`, rustls is used, unless the [builder](HyperTransport::builder) is given a
//! connector of the other. Without either, an `https` URL is [refused](FailureKind::Refused).

mod background;
mod body;
mod builder;
mod connect;
mod failure;
mod timer;
mod tls;
mod transport;

use background::Background;
use durable_streams_client::blocking::Within;

pub use builder::HyperTransportBuilder;
pub use durable_streams_client::*;
pub use timer::TokioTimer;
pub use transport::HyperTransport;

/// Begins a client of the streams under this URL.
///
/// ```
/// use durable_streams_hyper::client;
///
/// let client = client("https://streams.example.com/v1/stream")?.bearer_token("…").build()?;
/// let orders = client.stream("orders");
/// # Ok::<(), durable_streams_hyper::Error>(())
/// ```
///
/// With a transport of your own making: `Client::builder(root, transport, TokioTimer)`; see [`HyperTransport`].
///
/// Writers and consumers are spawned on the tokio runtime they are started in.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) when `root` is no absolute http or https URL, or the TLS library cannot be
/// set up.
pub fn client(root: &str) -> Result<ClientBuilder, Error> {
    let transport =
        HyperTransport::new().map_err(|error| Error::transport(&Failure::from(error)))?;
    let builder = Client::builder(root, transport, TokioTimer)?;
    Ok(builder.spawner(|driver| {
        tokio::spawn(driver);
    }))
}

/// Begins a client of the streams under this URL, as [`client`] does, with a tokio runtime of its own on a thread in the background.
///
/// It works on any executor, and without one: see [`blocking`]. The thread ends with the client and what was made of it.
///
/// ```no_run
/// use durable_streams_hyper::background_client;
///
/// let client = background_client("https://streams.example.com/v1/stream")?.build()?;
/// client.stream("orders").append("an order").wait()?;
/// # Ok::<(), durable_streams_hyper::Error>(())
/// ```
///
/// # Errors
/// As [`client`]; and when the runtime or its thread cannot be had.
pub fn background_client(root: &str) -> Result<ClientBuilder, Error> {
    let transport =
        HyperTransport::new().map_err(|error| Error::transport(&Failure::from(error)))?;
    let background = Background::start().map_err(|error| {
        Error::invalid("no runtime can be had in the background").with_source(error)
    })?;
    let transport = Within::new(transport, background.clone());
    let timer = Within::new(TokioTimer, background.clone());
    let builder = Client::builder(root, transport, timer)?.stands_alone();
    Ok(builder.spawner(move |work| background.spawn(work)))
}

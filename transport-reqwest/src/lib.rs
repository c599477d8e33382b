//! A client for Durable Streams, over [`reqwest`].
//!
//! This is the whole client ([`durable_streams_client`], re-exported here) with a [`Transport`] for it:
//! [`ReqwestTransport`], and a clock: [`TokioTimer`]. Both need a tokio runtime when they are used.
//!
//! # Features
//!
//! - `rustls` (default): HTTPS by rustls, with the platform's certificates.
//! - `native-tls`: HTTPS by the platform's own library.
//! - `http2`: HTTP/2, where the server offers it.
//! - `tracing`: spans and events for requests, retries and fallbacks.
//!
//! Without `rustls` and `native-tls`, an `https` URL is [refused](FailureKind::Refused).

mod body;
mod failure;
mod timer;
mod transport;

pub use durable_streams_client::*;
pub use timer::TokioTimer;
pub use transport::ReqwestTransport;

/// Begins a client of the streams under this URL.
///
/// ```
/// use durable_streams_reqwest::client;
///
/// let client = client("https://streams.example.com/v1/stream")?.bearer_token("…").build()?;
/// let orders = client.stream("orders");
/// # Ok::<(), durable_streams_reqwest::Error>(())
/// ```
///
/// With a [`reqwest::Client`] of your own: `Client::builder(root, ReqwestTransport::from(client), TokioTimer)`.
///
/// Writers are spawned on the tokio runtime they are started in.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) when `root` is no absolute http or https URL, or the TLS library cannot be
/// set up.
pub fn client(root: &str) -> Result<ClientBuilder, Error> {
    let transport =
        ReqwestTransport::new().map_err(|error| Error::transport(&Failure::from(error)))?;
    let builder = Client::builder(root, transport, TokioTimer)?;
    Ok(builder.spawner(|driver| {
        tokio::spawn(driver);
    }))
}

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

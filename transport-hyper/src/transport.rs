//! One request over hyper, and its answer as it streams.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, FailureKind, Transport, TransportError};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{Client, ResponseFuture};

use super::body::Chunks;
use super::builder::HyperTransportBuilder;
use super::failure;

/// A [`Transport`] over the pooled client of [`hyper_util`]. Clones share its connections.
///
/// [`new`](Self::new) is enough for most, and [`builder`](Self::builder) has what is set most often: certificates,
/// timeouts, HTTP/2. For anything else, proxies, resolvers, sockets that are not TCP, it takes a [`Client`] over any
/// connector:
///
/// ```
/// # #[cfg(feature = "rustls")] {
/// use durable_streams_hyper::HyperTransport;
/// use hyper_rustls::HttpsConnectorBuilder;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
/// use hyper_util::rt::{TokioExecutor, TokioTimer};
/// use rustls::crypto::aws_lc_rs;
///
/// let proxy = "http://proxy.example.com:3128".parse()?;
/// let connector = HttpsConnectorBuilder::new()
///     .with_provider_and_platform_verifier(aws_lc_rs::default_provider())?
///     .https_only()
///     .enable_http1()
///     .wrap_connector(Tunnel::new(proxy, HttpConnector::new()));
/// let client = Client::builder(TokioExecutor::new())
///     .pool_timer(TokioTimer::new())
///     .build(connector);
/// let transport = HyperTransport::from(client);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The contract of a transport asks this of such a client:
///
/// - Its connector makes TLS for `https`, or fails. An `HttpConnector` fails; the proxies of [`hyper_util`] do neither,
///   so a connector with TLS goes around them. (They also take 443 for the port of any URL that says none.)
/// - Its connector fails with an error that speaks of a "certificate" where one is not trusted: that is
///   [refused](FailureKind::Refused) rather than tried again.
/// - Its connections have no timeout for reading: a live read is silent as long as nobody appends. A limit to making
///   them is welcome, TLS included; the pool has none.
/// - It has a `pool_timer`: without one, idle connections stay open until the next request finds them.
/// - Its `retry_canceled_requests` may stay on, as it is by default. It sends on another connection what the chosen one
///   gave back without having written any of it, because it was closing just then. What was begun is never sent again,
///   nor is what an HTTP/2 server turned down.
///
/// `Debug` shows nothing of the client.
#[derive(Clone)]
pub struct HyperTransport {
    /// The client, whatever its connector is.
    request: Arc<dyn Fn(Request<Full<Bytes>>) -> ResponseFuture + Send + Sync>,
}

impl HyperTransport {
    /// A transport as the [`builder`](Self::builder) has it.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] when the TLS library cannot be set up, as where the platform has no certificates.
    pub fn new() -> Result<Self, TransportError> {
        Self::builder().build()
    }

    /// A builder of transports.
    ///
    /// Making a connection may take 10 seconds, nothing else is limited. Connections are reused, and closed when they
    /// are idle for 30 seconds. Proxies of the environment are not used.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::default()
    }
}

/// See [`HyperTransport`] for what the client must be configured like.
impl<C> From<Client<C, Full<Bytes>>> for HyperTransport
where
    C: Connect + Clone + Send + Sync + 'static,
{
    fn from(client: Client<C, Full<Bytes>>) -> Self {
        Self {
            request: Arc::new(move |request| client.request(request)),
        }
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        if !is_http(request.uri()) {
            let refused = TransportError::new(FailureKind::Refused);
            return Err(refused.with_source("not an absolute http or https URL"));
        }
        say_empty(&mut request);
        let answer = (self.request)(request.map(Full::new)).await;
        let answer = answer.map_err(failure::of_request)?;
        Ok(Chunks::of(answer).map(Body::new))
    }
}

/// Whether a request can have this URL. Connectors differ in what they make of others.
fn is_http(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    matches!(uri.scheme_str(), Some("http" | "https")) && !host.is_empty()
}

/// Says the length of an empty body where one could be expected (RFC 9110 §8.6). The stack leaves it out over HTTP/1.1,
/// and there are servers that answer 411 then.
fn say_empty(request: &mut Request<Bytes>) {
    let expected = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    if expected && request.body().is_empty() {
        let zero = HeaderValue::from_static("0");
        request.headers_mut().entry(CONTENT_LENGTH).or_insert(zero);
    }
}

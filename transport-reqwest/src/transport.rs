//! One request over reqwest, and its answer as it streams.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, Transport, TransportError};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response};
use reqwest::{Client, ClientBuilder, redirect, retry};

use super::body::Chunks;
use super::failure;

/// How long making a connection may take: name, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a request is kept. Less than what servers and balancers commonly wait (60 s), so
/// that a request seldom meets a connection that the other side is just giving up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A [`Transport`] over a [`reqwest::Client`]. Clones share its connections.
///
/// [`new`](Self::new) is enough for most. What else an application needs, proxies, certificates, HTTP/2 settings or a
/// resolver, it adds to the builder that already keeps the contract of a transport:
///
/// ```
/// use durable_streams_reqwest::ReqwestTransport;
///
/// let client = ReqwestTransport::client_builder().user_agent("orders/1.0").build()?;
/// let transport = ReqwestTransport::from(client);
/// # Ok::<(), reqwest::Error>(())
/// ```
///
/// Any other [`reqwest::Client`] is taken too, but it has to be configured in the same way, and reqwest cannot be
/// asked whether it is:
///
/// - Redirects are not followed ([`Policy::none`](redirect::Policy::none)): by default a POST becomes a GET on its
///   way, which is a lost append that looks accepted.
/// - Nothing is sent again ([`retry::never`]): by default what an HTTP/2 server turned down is, unseen.
/// - Bodies are not decoded (`no_gzip`, `no_brotli`, `no_zstd`, `no_deflate`), and cookies are not kept.
/// - There is neither a `timeout` nor a `read_timeout`: a live read takes as long as the stream lives, and is silent
///   as long as nobody appends. A `connect_timeout` is welcome.
///
/// `Debug` shows nothing of the client, which may have credentials among its default headers.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
}

impl ReqwestTransport {
    /// A transport with a client of its own, as [`client_builder`](Self::client_builder) has it.
    ///
    /// # Errors
    /// [`FailureKind::Refused`](durable_streams_client::FailureKind::Refused) when the TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        let client = Self::client_builder().build();
        client.map(Self::from).map_err(failure::of_request)
    }

    /// A builder of a client that keeps the contract of a transport.
    ///
    /// It follows no redirects, sends nothing again, decodes nothing and keeps no cookies. Making a connection may
    /// take 10 seconds; nothing else is limited. Connections are reused, and closed when they are idle for 30
    /// seconds. Proxies of the environment are not used; add one with [`proxy`](reqwest::ClientBuilder::proxy).
    pub fn client_builder() -> ClientBuilder {
        Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // These count when another crate enables decompression in reqwest.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
    }
}

/// See [`ReqwestTransport`] for what the client must be configured like.
impl From<Client> for ReqwestTransport {
    fn from(client: Client) -> Self {
        Self { client }
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        say_empty(&mut request);
        let to_head = request.method() == Method::HEAD;
        let request = reqwest::Request::try_from(request).map_err(failure::of_request)?;
        let answer = self.client.execute(request).await;
        Ok(Chunks::of(answer.map_err(failure::of_request)?, to_head).map(Body::new))
    }
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

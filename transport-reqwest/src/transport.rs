//! One request over reqwest, and its answer as it streams.

use std::fmt;
use std::mem;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, Transport, TransportError};
use futures_util::StreamExt;
use http::{Request, Response};
use reqwest::{Client, redirect, retry};

use super::failure;

/// How long making a connection may take: name, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a request is kept. Less than what servers and balancers commonly wait (60 s), so
/// that a request seldom meets a connection that the other side is just giving up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A [`Transport`] over a [`reqwest::Client`]. Clones share its connections.
///
/// [`new`](Self::new) makes a client that keeps the contract of a transport. A client of your own, with its proxies,
/// certificates, HTTP/2 settings or resolver, is taken by `from`; it has to be configured in the same way, and
/// reqwest cannot be asked whether it is:
///
/// ```
/// use durable_streams_reqwest::ReqwestTransport;
/// use reqwest::{Client, redirect, retry};
///
/// let client = Client::builder()
///     // What the application is here for.
///     .user_agent("orders/1.0")
///     // A redirect that is followed turns a POST into a GET: a lost append that looks accepted.
///     .redirect(redirect::Policy::none())
///     // By default reqwest sends again what an HTTP/2 server turned down, unseen.
///     .retry(retry::never())
///     // Bodies are wanted as they are. These count when another crate enables decompression in reqwest.
///     .no_gzip()
///     .no_brotli()
///     .no_zstd()
///     .no_deflate()
///     // Neither `timeout` nor `read_timeout`: a live read takes as long as the stream lives, and may be silent.
///     // And no `cookie_store`.
///     .connect_timeout(std::time::Duration::from_secs(10))
///     .build()?;
/// let transport = ReqwestTransport::from(client);
/// # Ok::<(), reqwest::Error>(())
/// ```
///
/// `Debug` shows nothing of the client, which may have credentials among its default headers.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
}

impl ReqwestTransport {
    /// A transport with a client of its own.
    ///
    /// It follows no redirects, sends nothing again, decodes nothing and keeps no cookies. Making a connection may
    /// take 10 seconds; nothing else is limited. Connections are reused, and closed when they are idle for 30
    /// seconds. Proxies of the environment are not used: a client that uses one is the application's to make, see
    /// [`ReqwestTransport`].
    ///
    /// # Errors
    /// [`FailureKind::Refused`](durable_streams_client::FailureKind::Refused) when the TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .build()
            .map_err(failure::of_request)?;
        Ok(Self { client })
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
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(failure::of_request)?;
        let answer = self.client.execute(request).await;
        let mut answer = answer.map_err(failure::of_request)?;
        let status = answer.status();
        let version = answer.version();
        let headers = mem::take(answer.headers_mut());
        let chunks = answer.bytes_stream();
        let body = Body::new(chunks.map(|chunk| chunk.map_err(failure::of_body)));

        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.version_mut() = version;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

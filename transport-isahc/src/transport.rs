//! One request over isahc, and its answer as it streams.

use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, FailureKind, Transport, TransportError};
use http::{Request, Response};
use isahc::config::Configurable;
use isahc::{HttpClient, HttpClientBuilder};

use super::body;
use super::failure;
use super::pool::Pool;
use super::request::{could_be_repeated, prepare};

/// How long making a connection may take: name, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A [`Transport`] over isahc. Clones share its connections. It runs on any executor.
///
/// [`new`](Self::new) is enough for most. What else an application needs, proxies, certificates or HTTP/2 settings,
/// it adds to the builder that already keeps the contract of a transport:
///
/// ```
/// use durable_streams_isahc::IsahcTransport;
/// use isahc::config::{Configurable, VersionNegotiation};
///
/// let http2 = VersionNegotiation::http2();
/// let transport = IsahcTransport::with(move |client| client.version_negotiation(http2.clone()))?;
/// # Ok::<(), durable_streams_isahc::TransportError>(())
/// ```
///
/// # A client for each exchange
///
/// isahc notices that an exchange was dropped when its next byte arrives, and a live read may never see one. What it
/// ends at once is a client. So each exchange under way has a client to itself, which is a thread and a connection,
/// over HTTP/2 too. Those that have done their work are used again; up to eight are kept for that, for 30 seconds. An
/// application that follows thousands of streams is better off with another transport.
///
/// # Nothing is sent twice
///
/// libcurl, which isahc is made of, sends a request again when a connection that it had used before ends without a
/// byte of an answer. An append that is sent twice is stored twice, so it is kept from that: the content of a request
/// cannot be taken a second time. What changes something without content (a close, a delete, the creation of an empty
/// stream) has no such hold on libcurl, and gets a new client, which has no connection that was used. A read may be
/// repeated in this way; and what an HTTP/2 server says it did not look at, if it has no content.
///
/// # What isahc leaves to be desired
///
/// - The head of an answer is given with the first byte of its body, or at its end.
/// - An answer over HTTP/1.1 whose head is cut off by an orderly end of the connection is an error only where the rest
///   of the head does not explain that no body comes: by its status, by a length of 0, or by chunks, of which there
///   may be none. An empty body that only the end of the connection delimits is taken for such a cut, in an answer to
///   a GET always, and to others unless the head says `Connection: close`.
/// - A header value that is not visible ASCII is [refused](FailureKind::Refused). A POST with content that does not say
///   its type says `application/octet-stream`.
/// - The levels DEBUG and TRACE of the log target `isahc` show URLs and headers as they are sent, credentials included.
///   Keep it at INFO.
///
/// `Debug` shows nothing of the client, which may have credentials among its default headers.
#[derive(Clone)]
pub struct IsahcTransport {
    clients: Clients,
}

#[derive(Clone)]
enum Clients {
    /// One for each exchange.
    Pooled(Arc<Pool>),
    /// One for all exchanges, and perhaps for others that are none of ours.
    Shared(HttpClient),
}

impl IsahcTransport {
    /// A transport with clients of its own, as [`client_builder`](Self::client_builder) has them.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] when no client can be built, for want of threads.
    pub fn new() -> Result<Self, TransportError> {
        Self::with(|client| client)
    }

    /// A transport whose clients are configured by this, whenever it makes one.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] when a client cannot be built like this.
    pub fn with(
        configure: impl Fn(HttpClientBuilder) -> HttpClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let pool = Pool::new(move || configure(Self::client_builder()).build());
        match pool {
            Ok(pool) => Ok(Self {
                clients: Clients::Pooled(pool),
            }),
            Err(error) => Err(TransportError::new(FailureKind::Refused).with_source(error)),
        }
    }

    /// A builder of a client that keeps the contract of a transport.
    ///
    /// Making a connection may take 10 seconds; nothing else is limited. What the environment says about proxies is not
    /// used; add one with [`proxy`](Configurable::proxy).
    pub fn client_builder() -> HttpClientBuilder {
        HttpClient::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // Without these two, libcurl asks the environment.
            .proxy(None)
            .proxy_blacklist(iter::empty::<String>())
    }
}

/// A transport with the client that an application has already. It serves all exchanges.
///
/// Redirects, decoding and `Expect` are seen to with every request. For the rest the client is to be configured like
/// [`client_builder`](IsahcTransport::client_builder): no `timeout` and no `low_speed_timeout`, which would end live
/// reads, and no cookies. What [`IsahcTransport::with`] sees to, one client for all does not do:
///
/// - An exchange that was dropped is cancelled with its next byte only. A server that is silent keeps its connection.
/// - A close, a delete or the creation of an empty stream may be repeated by libcurl, unless the client keeps no
///   connections ([`connection_cache_size(0)`](HttpClientBuilder::connection_cache_size)).
impl From<HttpClient> for IsahcTransport {
    fn from(client: HttpClient) -> Self {
        Self {
            clients: Clients::Shared(client),
        }
    }
}

impl fmt::Debug for IsahcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsahcTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for IsahcTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let fresh = could_be_repeated(&request);
        let method = request.method().clone();
        let (request, taken) = prepare(request)?;
        let (lease, client) = match &self.clients {
            Clients::Shared(client) => (None, client.clone()),
            Clients::Pooled(pool) => {
                let (lease, client) = if fresh { pool.make() } else { pool.take() }?;
                (Some(lease), client)
            }
        };
        let answer = client.send_async(request).await;
        // From here on the body and the lease have it.
        drop(client);
        match answer {
            Ok(answer) => body::of(answer, &method, lease).await,
            Err(error) => Err(failure::of_request(error, taken)),
        }
    }
}

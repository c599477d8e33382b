//! A transport with a client of its own.

use std::fmt;
use std::time::Duration;

use durable_streams_client::TransportError;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Limited;
use super::tls::Tls;
use super::transport::HyperTransport;

/// How long making a connection may take: name, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a request is kept. Less than what servers and balancers commonly wait (60 s), so
/// that a request seldom meets a connection that the other side is just giving up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// After how much silence TCP asks whether the other side is still there, and how often: a live read is silent for
/// hours, and would not notice that its server is gone.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// Makes a [`HyperTransport`]; made by [`HyperTransport::builder`].
///
/// ```
/// use durable_streams_hyper::{Client, HyperTransport, TokioTimer};
/// use std::time::Duration;
///
/// let transport = HyperTransport::builder().connect_timeout(Duration::from_secs(3)).build()?;
/// let client = Client::builder("https://streams.example.com/v1/stream", transport, TokioTimer)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct HyperTransportBuilder {
    connect_timeout: Duration,
    idle_timeout: Duration,
    http2_only: bool,
    tls: Option<Tls>,
}

impl Default for HyperTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            http2_only: false,
            tls: None,
        }
    }
}

impl HyperTransportBuilder {
    /// How long making a connection may take: name, TCP and TLS together. By default 10 seconds.
    ///
    /// A connection that is not made in time is [`FailureKind::Connect`](crate::FailureKind::Connect).
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a connection without a request is kept. By default 30 seconds.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Speaks HTTP/2 without asking, also where there is no TLS to ask by. By default HTTP/2 is spoken over TLS with
    /// servers that choose it (ALPN), and HTTP/1.1 otherwise.
    #[cfg(feature = "http2")]
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.http2_only = true;
        self
    }

    /// Makes TLS with this configuration: own authorities, client certificates, another crypto provider. By default
    /// certificates are checked as the platform does, by the provider `aws-lc-rs`; no process-wide provider is used.
    ///
    /// Its `alpn_protocols` are replaced by those that the transport speaks. Of `rustls` and `native_tls`, the later
    /// call counts.
    ///
    /// ```
    /// use durable_streams_hyper::HyperTransport;
    /// use rustls::crypto::aws_lc_rs;
    /// use rustls::{ClientConfig, RootCertStore};
    ///
    /// let authorities = RootCertStore::empty();
    /// let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(authorities)
    ///     .with_no_client_auth();
    /// let transport = HyperTransport::builder().rustls(config).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "rustls")]
    pub fn rustls(mut self, config: impl Into<std::sync::Arc<rustls::ClientConfig>>) -> Self {
        self.tls = Some(Tls::Rustls(config.into()));
        self
    }

    /// Makes TLS with this connector: own authorities, client certificates.
    ///
    /// With the feature `http2`, it speaks HTTP/2 with servers that choose it when it was told to
    /// `request_alpns(&["h2", "http/1.1"])`. Of `rustls` and `native_tls`, the later call counts.
    #[cfg(feature = "native-tls")]
    pub fn native_tls(mut self, connector: native_tls::TlsConnector) -> Self {
        self.tls = Some(Tls::Native(connector));
        self
    }

    /// The transport. It needs no runtime until it sends.
    ///
    /// # Errors
    /// [`FailureKind::Refused`](crate::FailureKind::Refused) when the TLS library cannot be set up, as where the
    /// platform has no certificates. A TLS configuration that was given cannot fail.
    pub fn build(self) -> Result<HyperTransport, TransportError> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        let protocols = self.protocols();
        let tls = match &self.tls {
            Some(tls) => tls.clone(),
            None => Tls::of_platform(protocols)?,
        };
        Ok(match tls {
            #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
            Tls::None => self.over(tcp),
            #[cfg(feature = "rustls")]
            Tls::Rustls(config) => self.over(Tls::by_rustls(tcp, config, protocols)),
            #[cfg(feature = "native-tls")]
            Tls::Native(connector) => self.over(Tls::by_native(tcp, connector)),
        })
    }

    /// The protocols to offer by ALPN, the preferred first.
    fn protocols(&self) -> &'static [&'static str] {
        match (cfg!(feature = "http2"), self.http2_only) {
            (true, true) => &["h2"],
            (true, false) => &["h2", "http/1.1"],
            (false, _) => &["http/1.1"],
        }
    }

    /// A transport whose connections are made by this connector.
    fn over<C>(&self, connector: C) -> HyperTransport
    where
        Limited<C>: Connect + Clone + Send + Sync + 'static,
    {
        let mut client = Client::builder(TokioExecutor::new());
        client
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout);
        #[cfg(feature = "http2")]
        client.http2_only(self.http2_only);
        HyperTransport::from(client.build(Limited {
            connector,
            limit: self.connect_timeout,
        }))
    }
}

/// It shows no TLS configuration, which may have a key.
impl fmt::Debug for HyperTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("http2_only", &self.http2_only)
            .finish_non_exhaustive()
    }
}

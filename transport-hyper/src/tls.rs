//! TLS, by the library that the features choose.

use durable_streams_client::TransportError;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use {
    durable_streams_client::FailureKind, hyper_util::client::legacy::connect::HttpConnector,
    std::error::Error as StdError,
};
#[cfg(feature = "rustls")]
use {
    hyper_rustls::ConfigBuilderExt,
    rustls::{ClientConfig, crypto::aws_lc_rs},
    std::sync::Arc,
};

/// Which TLS there is.
#[derive(Clone)]
pub(crate) enum Tls {
    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    None,
    #[cfg(feature = "rustls")]
    Rustls(Arc<ClientConfig>),
    #[cfg(feature = "native-tls")]
    Native(native_tls::TlsConnector),
}

impl Tls {
    /// As the platform has it: its certificates, and these protocols by ALPN, the preferred first.
    #[cfg(feature = "rustls")]
    pub(crate) fn of_platform(_: &[&str]) -> Result<Self, TransportError> {
        // The provider is said, so that none has to be installed for the process.
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .and_then(ConfigBuilderExt::try_with_platform_verifier)
            .map_err(refused)?;
        Ok(Self::Rustls(config.with_no_client_auth().into()))
    }

    #[cfg(all(feature = "native-tls", not(feature = "rustls")))]
    #[cfg_attr(not(feature = "http2"), allow(unused))]
    pub(crate) fn of_platform(protocols: &[&str]) -> Result<Self, TransportError> {
        let mut builder = native_tls::TlsConnector::builder();
        #[cfg(feature = "http2")]
        builder.request_alpns(protocols);
        builder.build().map(Self::Native).map_err(refused)
    }

    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    pub(crate) fn of_platform(_: &[&str]) -> Result<Self, TransportError> {
        Ok(Self::None)
    }

    /// What makes connections by rustls, and offers these protocols.
    #[cfg(feature = "rustls")]
    pub(crate) fn by_rustls(
        mut tcp: HttpConnector,
        mut config: Arc<ClientConfig>,
        protocols: &[&str],
    ) -> hyper_rustls::HttpsConnector<HttpConnector> {
        tcp.enforce_http(false);
        Arc::make_mut(&mut config).alpn_protocols = protocols.iter().map(|&p| p.into()).collect();
        (tcp, config).into()
    }

    /// What makes connections by the platform's own library.
    #[cfg(feature = "native-tls")]
    pub(crate) fn by_native(
        mut tcp: HttpConnector,
        connector: native_tls::TlsConnector,
    ) -> hyper_tls::HttpsConnector<HttpConnector> {
        tcp.enforce_http(false);
        (tcp, connector.into()).into()
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn refused(error: impl StdError + Send + Sync + 'static) -> TransportError {
    TransportError::new(FailureKind::Refused).with_source(error)
}

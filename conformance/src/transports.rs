//! The project's own transports, as subjects of the suites. They have their TLS from rustls, and speak HTTP/2.

use durable_streams_hyper::HyperTransport;
use durable_streams_isahc::IsahcTransport;
use durable_streams_reqwest::ReqwestTransport;
use isahc::config::{Configurable, VersionNegotiation};
use isahc::tls::{TlsConfig, TrustStore};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::suite::Subject;

/// Every transport of the project.
pub fn all() -> Vec<Subject> {
    vec![hyper(), isahc(), reqwest()]
}

/// The one over hyper.
pub fn hyper() -> Subject {
    let new = HyperTransport::builder;
    Subject::new(
        "hyper",
        durable_streams_hyper::TokioTimer,
        HyperTransport::new,
    )
    .http2(move || new().http2_prior_knowledge().build())
    .trusting(move |root| {
        let config = trusting(root).map_err(Box::new)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(new().rustls(config).build()?)
    })
    .connecting_within(move |limit| new().connect_timeout(limit).build())
}

fn trusting(root: Vec<u8>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root))?;
    let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    Ok(config
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The one over isahc.
pub fn isahc() -> Subject {
    Subject::new(
        "isahc",
        durable_streams_isahc::FuturesTimer,
        IsahcTransport::new,
    )
    .http2(move || {
        IsahcTransport::with(|client| client.version_negotiation(VersionNegotiation::http2()))
    })
    .trusting(move |root| {
        let roots = TrustStore::builder().certificate_from_der(root).build();
        let tls = TlsConfig::builder().trust_store(roots).build();
        IsahcTransport::with(move |client| client.tls_config(tls.clone()))
    })
    .connecting_within(move |limit| {
        IsahcTransport::with(move |client| client.connect_timeout(limit))
    })
    .lacking(&ISAHC_LACKS)
}

const LATE_HEAD: &str = "isahc gives the head with the first byte of the body";
const RESENT: &str = "libcurl does so, and nothing tells it not to";
const OWN_CONNECTION: &str =
    "an exchange has a connection to itself: isahc cancels nothing but clients";

/// What isahc and libcurl are by nature; the documentation of the transport has more on each. Its tests have the same of
/// the kit.
const ISAHC_LACKS: [(&str, &str); 11] = [
    (
        "b14.event-streams-that-end-behind-their-heads-are-short",
        LATE_HEAD,
    ),
    ("transport.streams-the-head-before-the-body", LATE_HEAD),
    (
        "transport.cancels-when-the-body-is-dropped-before-it-begins",
        LATE_HEAD,
    ),
    (
        "transport.sends-header-values-that-are-not-ascii",
        "isahc sends visible ASCII in headers only",
    ),
    (
        "transport.adds-no-content-type",
        "libcurl takes a POST of no type for an HTML form, unless it is given one",
    ),
    (
        "transport.resends-no-read-when-a-used-connection-ends",
        RESENT,
    ),
    (
        "transport.resends-no-request-without-content-when-its-stream-is-refused",
        RESENT,
    ),
    (
        "transport.resends-no-request-without-content-when-the-server-goes-away",
        RESENT,
    ),
    (
        "transport.cancels-one-stream-and-keeps-the-connection",
        OWN_CONNECTION,
    ),
    (
        "transport.connections-are-shared-by-requests-at-once",
        OWN_CONNECTION,
    ),
    (
        "transport.bodies-that-are-none-end-with-their-connection",
        "libcurl does not tell it from a head that was cut off, which is taken for that",
    ),
];

/// The one over reqwest.
pub fn reqwest() -> Subject {
    let new = ReqwestTransport::client_builder;
    let built = |client: reqwest::ClientBuilder| client.build().map(ReqwestTransport::from);
    Subject::new(
        "reqwest",
        durable_streams_reqwest::TokioTimer,
        ReqwestTransport::new,
    )
    .http2(move || built(new().http2_prior_knowledge()))
    .trusting(move |root| {
        let root = reqwest::Certificate::from_der(&root)?;
        built(new().tls_certs_only([root]))
    })
    .connecting_within(move |limit| built(new().connect_timeout(limit)))
}

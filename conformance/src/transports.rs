//! The project's own transports, as subjects of the suites. They have their TLS from rustls, and speak HTTP/2.

use durable_streams_hyper::HyperTransport;
use durable_streams_isahc::IsahcTransport;
use durable_streams_reqwest::ReqwestTransport;
use isahc::config::{Configurable, VersionNegotiation};
use isahc::tls::{TlsConfig, TrustStore};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::stacks;
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
    .lacking(&stacks::ISAHC)
}

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

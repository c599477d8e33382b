//! The contract of a transport, by the kit that all of them share.

use durable_streams_conformance::kit;
use durable_streams_conformance::suite::Subject;
use durable_streams_hyper::{HyperTransport, TokioTimer};

fn subject() -> Subject {
    let new = HyperTransport::builder;
    let subject = Subject::new("hyper", TokioTimer, HyperTransport::new)
        .connecting_within(move |limit| new().connect_timeout(limit).build());
    #[cfg(feature = "http2")]
    let subject = subject.http2(move || new().http2_prior_knowledge().build());
    #[cfg(feature = "rustls")]
    let subject = subject.trusting(trusting);
    subject
}

#[cfg(feature = "rustls")]
fn trusting(root: Vec<u8>) -> Result<HyperTransport, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.into())?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HyperTransport::builder().rustls(config).build()?)
}

#[tokio::test]
async fn the_contract_is_kept_on_one_thread() {
    kit::run(&subject()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_is_kept_on_several_threads() {
    kit::run(&subject()).await.assert_passed();
}

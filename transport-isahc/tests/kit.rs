//! The contract of a transport, by the kit that all of them share. No runtime is at work but that of the kit's servers.

use durable_streams_conformance::suite::Subject;
use durable_streams_conformance::{kit, stacks};
use durable_streams_isahc::{FuturesTimer, IsahcTransport};
use isahc::config::Configurable;
use smol::future::block_on;

fn subject() -> Subject {
    let subject = Subject::new("isahc", FuturesTimer, IsahcTransport::new)
        .connecting_within(|limit| {
            IsahcTransport::with(move |client| client.connect_timeout(limit))
        })
        .lacking(&stacks::ISAHC);
    #[cfg(feature = "http2")]
    let subject = subject.http2(|| {
        use isahc::config::VersionNegotiation;
        IsahcTransport::with(|client| client.version_negotiation(VersionNegotiation::http2()))
    });
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let subject = subject.trusting(|root| {
        use isahc::tls::{TlsConfig, TrustStore};
        let roots = TrustStore::builder().certificate_from_der(root).build();
        let tls = TlsConfig::builder().trust_store(roots).build();
        IsahcTransport::with(move |client| client.tls_config(tls.clone()))
    });
    subject
}

#[test]
fn the_contract_is_kept_without_a_runtime() {
    block_on(kit::run(&subject())).assert_passed();
}

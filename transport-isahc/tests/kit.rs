//! The contract of a transport, by the kit that all of them share. No runtime is at work but that of the kit's servers.

use durable_streams_conformance::kit;
use durable_streams_conformance::suite::Subject;
use durable_streams_isahc::{FuturesTimer, IsahcTransport};
use isahc::config::Configurable;
use smol::future::block_on;

const LATE_HEAD: &str = "isahc gives the head with the first byte of the body";
const RESENT: &str = "libcurl does so, and nothing tells it not to";
const OWN_CONNECTION: &str =
    "an exchange has a connection to itself: isahc cancels nothing but clients";

/// What [`IsahcTransport`] says of isahc. The conformance crate has the same for its own runs.
const LACKING: [(&str, &str); 10] = [
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

fn subject() -> Subject {
    let subject = Subject::new("isahc", FuturesTimer, IsahcTransport::new)
        .connecting_within(|limit| {
            IsahcTransport::with(move |client| client.connect_timeout(limit))
        })
        .lacking(&LACKING);
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

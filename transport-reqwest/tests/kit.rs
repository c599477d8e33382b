//! The contract of a transport, by the kit that all of them share.

use durable_streams_conformance::kit;
use durable_streams_conformance::suite::Subject;
use durable_streams_reqwest::{ReqwestTransport, TokioTimer};
use reqwest::ClientBuilder;

fn built(client: ClientBuilder) -> reqwest::Result<ReqwestTransport> {
    client.build().map(ReqwestTransport::from)
}

fn subject() -> Subject {
    let client = ReqwestTransport::client_builder;
    let subject = Subject::new("reqwest", TokioTimer, ReqwestTransport::new)
        .connecting_within(move |limit| built(client().connect_timeout(limit)));
    #[cfg(feature = "http2")]
    let subject = subject.http2(move || built(client().http2_prior_knowledge()));
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let subject = subject.trusting(move |root| {
        let root = reqwest::Certificate::from_der(&root)?;
        built(client().tls_certs_only([root]))
    });
    subject
}

#[tokio::test]
async fn the_contract_is_kept_on_one_thread() {
    kit::run(&subject()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_is_kept_on_several_threads() {
    kit::run(&subject()).await.assert_passed();
}

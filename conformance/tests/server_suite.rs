//! The server suite against the reference server, which passes every case over every transport.

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use durable_streams_conformance::server_suite::{Outcome, Suite, suite};
use durable_streams_hyper::{HyperTransport, TokioTimer};

async fn reference() -> (Server, String) {
    let server = Server::start(Config::default()).await.unwrap();
    let root = format!("{}/v1/stream", server.url());
    (server, root)
}

async fn assert_passes(suite: Suite) {
    let report = suite.run().await;
    let bad = report
        .runs
        .iter()
        .filter(|run| !matches!(run.outcome, Outcome::Pass | Outcome::Disabled(_)));
    let bad: Vec<_> = bad.collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(report.counts().pass > 0);
}

#[tokio::test]
async fn the_reference_server_passes_over_hyper() {
    let (_server, root) = reference().await;
    assert_passes(
        suite(&root, HyperTransport::new().unwrap(), TokioTimer)
            .unwrap()
            .slow(true),
    )
    .await;
}

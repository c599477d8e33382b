//! The server suite against the reference server, which passes every case over every transport.

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use durable_streams_conformance::server_suite::{Outcome, Suite, suite};
use durable_streams_hyper::{HyperTransport, TokioTimer};

/// Cases that wait until a server ends a live read by itself.
const ENDS: [&str; 2] = ["long-poll.timeout", "sse.connection"];

async fn reference(config: Config) -> (Server, String) {
    let server = Server::start(config).await.unwrap();
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
    let (_server, root) = reference(Config::default()).await;
    assert_passes(
        suite(&root, HyperTransport::new().unwrap(), TokioTimer)
            .unwrap()
            .slow(true)
            .not(ENDS),
    )
    .await;
}

#[tokio::test]
async fn the_reference_server_ends_live_reads() {
    // Longer than what happens before the end takes on any machine.
    let config = Config::default()
        .with_long_poll_timeout(Duration::from_secs(5))
        .with_sse_lifetime(Duration::from_secs(5));
    let (_server, root) = reference(config).await;
    assert_passes(
        suite(&root, HyperTransport::new().unwrap(), TokioTimer)
            .unwrap()
            .slow(true)
            .only(ENDS),
    )
    .await;
}

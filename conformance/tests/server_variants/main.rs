//! The server suite against the reference server as other servers are: other pages, other waits, another mount point, other ways to
//! write; and over every transport.

mod reading;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use durable_streams_conformance::server_suite::{Capability, Outcome, Report, Run, Suite, suite};
use durable_streams_hyper::{HyperTransport, TokioTimer};
use durable_streams_isahc::{FuturesTimer, IsahcTransport};
use durable_streams_reqwest::ReqwestTransport;

/// Cases that wait until a server ends a live read by itself.
const ENDS: [&str; 2] = ["long-poll.timeout", "sse.connection"];

async fn serve(config: Config, path: &str) -> (Server, String) {
    let config = config.with_local_webhooks(true);
    let server = Server::start(config).await.unwrap();
    let root = format!("{}{path}", server.url());
    (server, root)
}

fn over_hyper(root: &str) -> Suite {
    suite(root, HyperTransport::new().unwrap(), TokioTimer).unwrap()
}

async fn assert_passes(suite: Suite) {
    assert_passes_but(suite, &[]).await;
}

/// It passes, but for cases of which it can do no more than skip them.
async fn assert_passes_but(suite: Suite, skipped: &[&str]) {
    let mut bad = not_passed(suite).await;
    bad.retain(|run| match run.outcome {
        Outcome::Skip(_) => !skipped.iter().any(|id| run.case.starts_with(id)),
        _ => true,
    });
    assert_eq!(shown(&bad), [], "no others");
}

/// The runs of the suite that are no success. What has servers of its own is left out.
async fn not_passed(suite: Suite) -> Vec<Run> {
    let report = suite.not(["restart", "retention"]).run().await;
    assert!(report.counts().pass > 0);
    let mut runs = report.runs;
    runs.retain(|run| !matches!(run.outcome, Outcome::Pass | Outcome::Disabled(_)));
    runs
}

fn shown(runs: &[Run]) -> Vec<(&str, Option<String>)> {
    runs.iter().map(|run| (&*run.case, run.why())).collect()
}

/// Without exceptions.
fn assert_all_pass(report: &Report) {
    let bad = report
        .runs
        .iter()
        .filter(|run| run.outcome != Outcome::Pass);
    let bad: Vec<_> = bad.map(|run| (&run.case, run.why())).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(!report.runs.is_empty());
}

#[tokio::test]
async fn it_passes_over_hyper() {
    let (_server, root) = serve(Config::default(), "/v1/stream").await;
    assert_passes(over_hyper(&root)).await;
}

#[tokio::test]
async fn it_passes_over_reqwest() {
    let (_server, root) = serve(Config::default(), "/v1/stream").await;
    let transport = ReqwestTransport::new().unwrap();
    assert_passes(suite(&root, transport, TokioTimer).unwrap()).await;
}

#[tokio::test]
async fn it_passes_over_isahc() {
    let (_server, root) = serve(Config::default(), "/v1/stream").await;
    let transport = IsahcTransport::new().unwrap();
    assert_passes(suite(&root, transport, FuturesTimer).unwrap()).await;
}

#[tokio::test]
async fn pages_may_be_small() {
    let (_server, root) = serve(Config::default().with_page_bytes(5000), "/v1/stream").await;
    assert_passes(over_hyper(&root)).await;
}

#[tokio::test]
async fn pages_may_hold_one_append() {
    let config = Config::default().with_page_appends(1);
    let (_server, root) = serve(config, "/v1/stream").await;
    assert_passes(over_hyper(&root)).await;
}

#[tokio::test]
async fn pages_may_hold_one_byte() {
    let config = Config::default().with_page_bytes(1);
    let (_server, root) = serve(config, "/v1/stream").await;
    // Megabytes byte by byte would be for servers that have all the time of the world.
    assert_passes(over_hyper(&root).not(["catch-up.pages"])).await;
}

#[tokio::test]
async fn pages_may_be_everything() {
    let (_server, root) = serve(Config::default().with_page_bytes(None), "/v1/stream").await;
    // They are about pages that are not the last.
    let skipped = [
        "catch-up.pages.are-not-up-to-date-before-the-tail",
        "catch-up.pages.are-not-closed-before-the-end",
    ];
    assert_passes_but(over_hyper(&root), &skipped).await;
}

#[tokio::test]
async fn streams_may_be_anywhere() {
    for path in ["", "/a/b/c/d"] {
        let (_server, root) = serve(Config::default(), path).await;
        assert_passes(over_hyper(&root)).await;
    }
}

#[tokio::test]
async fn live_reads_may_be_short() {
    // Longer than what happens before the end takes on any machine.
    let config = Config::default()
        .with_long_poll_timeout(Duration::from_secs(5))
        .with_sse_lifetime(Duration::from_secs(5));
    let (_server, root) = serve(config, "/v1/stream").await;
    assert_passes(over_hyper(&root).slow(true).only(ENDS)).await;
}

#[tokio::test]
async fn it_may_be_restarted() {
    let (server, root) = serve(Config::default(), "/v1/stream").await;
    let server = Arc::new(server);
    let restart = move || {
        let server = Arc::clone(&server);
        async move { server.restart().await.map_err(|error| error.to_string()) }
    };
    let report = over_hyper(&root)
        .only(["restart"])
        .restart(restart)
        .run()
        .await;
    assert_all_pass(&report);
}

#[tokio::test]
async fn it_may_drop_old_content() {
    for (kept, page) in [(64, Some(16)), (1000, Some(512)), (100_000, None)] {
        let config = Config::default().with_retention_bytes(kept);
        let (_server, root) = serve(config.with_page_bytes(page), "/v1/stream").await;
        let suite = over_hyper(&root).only(["retention"]).retention(kept);
        assert_all_pass(&suite.run().await);
    }
}

#[tokio::test]
async fn what_builds_on_a_skipped_case_is_skipped() {
    let (_server, root) = serve(Config::default(), "").await;
    let lacking = over_hyper(&root).slow(true).without(Capability::Fork);
    let report = lacking.only(["forks"]).run().await;
    assert!(report.counts().skip > 10);
    assert_eq!(report.counts().skip, report.runs.len());
}

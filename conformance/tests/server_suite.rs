//! The server suite against the reference server, which passes every case: one test for each.

use std::process::ExitCode;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use durable_streams_conformance::server_suite::{harness, suite};
use durable_streams_hyper::{HyperTransport, TokioTimer};
use futures_util::FutureExt;

/// Cases that wait until a server ends a live read by itself. They have a server that does so soon, elsewhere.
const ENDS: [&str; 2] = ["long-poll.timeout", "sse.connection"];

fn main() -> ExitCode {
    // Starting it waits for nothing.
    let config = Config::default().with_local_webhooks(true);
    let server = Server::start(config).now_or_never();
    let server = server.expect("at once").expect("a free port");
    let root = format!("{}/v1/stream", server.url());
    harness(move || {
        let transport = HyperTransport::new().expect("a transport");
        let suite = suite(&root, transport, TokioTimer).expect("the root of a server");
        suite.slow(true).not(ENDS)
    })
}

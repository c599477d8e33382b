//! What the examples have in common: a server to talk to.
//!
//! Each is started with `cargo run -p durable-streams-examples --bin NAME`, and brings a server of its own. With the URL of a stream root
//! as its argument it runs against that one.

use std::time::{SystemTime, UNIX_EPOCH};

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use durable_streams_reqwest::{BoxError, Client, client};

/// A client of the server that the first argument names, or of one that lives as long as the second value.
///
/// # Errors
/// When the argument is no URL, or no server can be started.
pub async fn connect() -> Result<(Client, Option<Server>), BoxError> {
    let (root, server) = match std::env::args().nth(1) {
        Some(root) => (root, None),
        None => {
            // Webhooks come back to this machine.
            let config = Config::default().with_local_webhooks(true);
            let server = Server::start(config).await?;
            (format!("{}/v1/stream", server.url()), Some(server))
        }
    };
    println!("server     {root}");
    Ok((client(&root)?.build()?, server))
}

/// A name that no run had before, so that examples can be repeated on a server that keeps its streams.
#[must_use]
pub fn fresh(name: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("{name}-{}", since.unwrap_or_default().as_micros())
}

//! A server, a stream on it, and the ways to it: straight, and through a hop.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{Checkpoint, DurableStream, RetryPolicy, WriterBuilder, client};

use crate::hop::{Hop, Plan};

/// The server's root in the environment: that of another server than the embedded one.
const ROOT: &str = "DURABLE_STREAMS_ROOT";
/// The seed in the environment, to repeat a run.
const SEED: &str = "EXACTLY_ONCE_SEED";

pub(crate) struct World {
    /// Straight to the server.
    pub(crate) stream: DurableStream,
    /// The same stream through the hop.
    pub(crate) through: DurableStream,
    pub(crate) hop: Hop,
    _server: Option<Server>,
}

/// The stream root of another server than the embedded one.
pub(crate) fn root() -> Option<String> {
    std::env::var(ROOT).ok()
}

pub(crate) fn seed() -> u64 {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect(SEED),
        Err(_) => fastrand::u64(..),
    };
    println!("{SEED}={seed}");
    seed
}

impl World {
    pub(crate) async fn start(content_type: &str, plan: Plan) -> Self {
        let (root, server) = match root() {
            Some(root) => (root, None),
            None => {
                let server = Server::start(Default::default()).await.unwrap();
                (format!("{}/v1/stream", server.url()), Some(server))
            }
        };
        let (host, path) = root
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .expect("http://host:port/path");
        let address: SocketAddr = host.parse().expect("an address with a port");
        let hop = Hop::start(address, plan).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("exactly-once-{}-{}", now.as_nanos(), plan.seed);
        let stream = client(&root).unwrap().build().unwrap().stream(&name);
        stream.create().content_type(content_type).await.unwrap();
        let around = format!("http://{}/{path}", hop.address);
        let through = client(&around).unwrap().build().unwrap().stream(&name);
        Self {
            stream,
            through: through.with_content_type(content_type),
            hop,
            _server: server,
        }
    }

    /// A writer through the hop, in a hurry.
    pub(crate) fn writer(&self, id: &str) -> WriterBuilder {
        let retry = RetryPolicy::writers()
            .initial(Duration::from_millis(1))
            .max(Duration::from_millis(20));
        self.through
            .writer(id)
            .retry(retry)
            .linger(Duration::from_millis(1))
            .max_batch_messages(100)
    }

    /// All messages of a JSON stream from here on, and where they end.
    pub(crate) async fn messages(&self, from: Option<Checkpoint>) -> (Vec<u64>, Checkpoint) {
        let mut reader = self.stream.read().from(from.clone()).start();
        let (mut all, mut end) = (Vec::new(), from.unwrap_or_default());
        while let Some(batch) = reader.next().await.unwrap() {
            all.extend(batch.json::<u64>().map(Result::unwrap));
            end = batch.checkpoint().clone();
        }
        (all, end)
    }

    /// Everything of a stream of bytes.
    pub(crate) async fn bytes(&self) -> Vec<u8> {
        let mut reader = self.stream.read().start();
        let mut all = Vec::new();
        while let Some(batch) = reader.next().await.unwrap() {
            all.extend_from_slice(&batch.bytes());
        }
        all
    }
}

/// What is wrong with messages that are to be 0, 1, 2, and so on.
pub(crate) fn check(messages: &[u64], expected: u64) -> Result<(), String> {
    let wrong = messages
        .iter()
        .zip(0..)
        .position(|(message, at)| *message != at);
    match wrong {
        Some(at) => Err(format!(
            "message {at} is {}: {:?}",
            messages[at],
            &messages[at.saturating_sub(3)..messages.len().min(at + 4)]
        )),
        None if messages.len() as u64 != expected => {
            Err(format!("{} messages of {expected}", messages.len()))
        }
        None => Ok(()),
    }
}

/// A limit for tests that would hang; none waits for it when it passes.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("the test hangs")
}

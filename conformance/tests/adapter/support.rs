//! The other end of the adapter's lines, and the servers it is pointed at.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use durable_streams_conformance::embedded;
use durable_streams_conformance::reference::Config;
use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::task::{JoinHandle, JoinSet};

use crate::over::Over;

/// A limit for tests that would hang; none waits for it when it passes.
const HANGS: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, future)
        .await
        .expect("the test hangs")
}

/// Runs cases that take their time side by side.
pub(crate) async fn all<F>(cases: impl IntoIterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for case in cases {
        running.spawn(case);
    }
    while let Some(ended) = running.join_next().await {
        if let Err(failed) = ended {
            std::panic::resume_unwind(failed.into_panic());
        }
    }
}

/// An adapter, and the runner's end of its lines.
pub(crate) struct Adapter {
    to: WriteHalf<DuplexStream>,
    from: BufReader<ReadHalf<DuplexStream>>,
    run: JoinHandle<std::io::Result<()>>,
}

impl Adapter {
    /// One that was told nothing yet.
    pub(crate) fn new(over: Over) -> Self {
        let (near, far) = duplex(64 * 1024);
        let (input, output) = split(far);
        let run = durable_streams_conformance::adapter::run(
            "the adapter under test",
            BufReader::new(input),
            output,
            move |root: &str| over.client(root),
        );
        let run = tokio::spawn(run);
        let (from, to) = split(near);
        let from = BufReader::new(from);
        Self { to, from, run }
    }

    /// Sends a line as it is.
    pub(crate) async fn send_line(&mut self, line: &[u8]) {
        self.to.write_all(line).await.unwrap();
        self.to.write_all(b"\n").await.unwrap();
    }

    /// Sends the beginning of a line, and no more input.
    pub(crate) async fn send_unfinished(&mut self, line: &[u8]) {
        self.to.write_all(line).await.unwrap();
        self.to.shutdown().await.unwrap();
    }

    /// Sends a command.
    pub(crate) async fn send(&mut self, command: Value) {
        self.send_line(command.to_string().as_bytes()).await;
    }

    /// The next line, as it is.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = within(self.from.read_line(&mut line)).await.unwrap();
        assert!(read > 0, "no result, and the output has ended");
        line
    }

    /// The next result.
    pub(crate) async fn result(&mut self) -> Value {
        let line = self.line().await;
        assert!(line.ends_with('\n') && line.len() > 1, "{line:?}");
        let result: Value = serde_json::from_str(&line).expect(&line);
        assert_no_null(&result);
        assert_eq!(result["success"], result["type"] != "error", "{result}");
        result
    }

    /// The next result, if it is there when everything had its turn.
    pub(crate) async fn result_now(&mut self) -> Option<Value> {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let ready = self.from.fill_buf();
        let mut ready = std::pin::pin!(ready);
        let there = std::future::poll_fn(|cx| Poll::Ready(ready.as_mut().poll(cx).is_ready()));
        match there.await {
            true => Some(self.result().await),
            false => None,
        }
    }

    /// A command and its result, of whatever kind.
    pub(crate) async fn tell(&mut self, command: Value) -> Value {
        let kind = command["type"].clone();
        self.send(command).await;
        let result = self.result().await;
        match result["success"] == true {
            true => assert_eq!(result["type"], kind, "{result}"),
            false => assert_eq!(result["commandType"], kind, "{result}"),
        }
        result
    }

    /// A command that succeeds: its result, without what all successes have in common.
    pub(crate) async fn ok(&mut self, command: Value) -> Value {
        let told = command.to_string();
        let mut result = self.tell(command).await;
        assert_eq!(result["success"], true, "{told} gave {result}");
        let fields = result.as_object_mut().unwrap();
        fields.remove("type");
        fields.remove("success");
        result
    }

    /// A command that fails: code and status (0 for none) of its error.
    pub(crate) async fn err(&mut self, command: Value) -> (String, u64) {
        let error = self.error(command).await;
        code(&error)
    }

    /// A command that fails: its error.
    pub(crate) async fn error(&mut self, command: Value) -> Value {
        let told = command.to_string();
        let result = self.tell(command).await;
        assert_eq!(result["success"], false, "{told} gave {result}");
        assert!(!result["message"].as_str().unwrap().is_empty());
        result
    }

    /// No more input: the adapter ends, and says nothing more.
    pub(crate) async fn end(mut self) {
        self.to.shutdown().await.unwrap();
        self.ended().await;
    }

    /// It has ended by itself.
    pub(crate) async fn ended(mut self) {
        within(&mut self.run).await.unwrap().unwrap();
        let mut line = String::new();
        assert_eq!(within(self.from.read_line(&mut line)).await.unwrap(), 0);
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.run.abort();
    }
}

pub(crate) fn code(error: &Value) -> (String, u64) {
    let status = error["status"].as_u64().unwrap_or_default();
    (error["errorCode"].as_str().unwrap().to_owned(), status)
}

/// What is expected of [`Adapter::err`].
pub(crate) fn failed(code: &str, status: u64) -> (String, u64) {
    (code.to_owned(), status)
}

fn assert_no_null(value: &Value) {
    match value {
        Value::Null => panic!("null in a result"),
        Value::Array(items) => items.iter().for_each(assert_no_null),
        Value::Object(fields) => fields.values().for_each(assert_no_null),
        _ => {}
    }
}

/// The data of all chunks of a read, joined as the runner does.
pub(crate) fn data(result: &Value) -> String {
    let chunks = result["chunks"].as_array().expect("chunks");
    let data = chunks.iter().map(|chunk| {
        assert_ne!(chunk["data"], "", "an empty chunk");
        chunk["data"].as_str().unwrap()
    });
    data.collect()
}

/// A server that keeps streams.
pub(crate) struct Server {
    url: String,
    _embedded: Option<embedded::Server>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        if let Some(url) = npm_root() {
            let _embedded = None;
            return Self { url, _embedded };
        }
        let config = Config::default().with_long_poll_timeout(Duration::from_millis(300));
        let server = embedded::Server::start(config).await.unwrap();
        Self {
            url: server.url(),
            _embedded: Some(server),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn adapter(&self, over: Over) -> Adapter {
        over.adapter(&self.url).await
    }
}

/// Where a server of the npm package `@durable-streams/server` runs, if the tests are to use it.
pub(crate) fn npm_root() -> Option<String> {
    std::env::var("DURABLE_STREAMS_NPM_ROOT").ok()
}

/// A path that no stream has had, on this server or any other.
pub(crate) fn path() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    format!(
        "/test-stream-{:x}-{process:x}-{count:x}",
        now.unwrap().as_nanos()
    )
}

/// A clock that only the test turns, for limits of seconds over real sockets.
///
/// A paused runtime turns its clock by itself when it has nothing to do, and waiting for a socket looks like that. It does not while a
/// blocking task runs, so there is one until this is dropped. Should the test hang, the task ends, and the clock runs on.
pub(crate) struct Clock(#[allow(dead_code, reason = "held")] mpsc::Sender<()>);

impl Clock {
    pub(crate) async fn stopped() -> Self {
        let (held, holds) = mpsc::channel::<()>();
        let (running, runs) = tokio::sync::oneshot::channel();
        tokio::task::spawn_blocking(move || {
            running.send(()).unwrap();
            let _ = holds.recv_timeout(HANGS);
        });
        runs.await.unwrap();
        tokio::time::pause();
        Self(held)
    }

    /// Goes on. The runtime's timers are some fraction of a millisecond late.
    pub(crate) async fn turn(&self, by: Duration) {
        tokio::time::advance(by).await;
    }
}

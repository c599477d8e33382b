//! What the tests share: replies as the protocol has them, a reader's batches as text, and a clock that a test turns.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use durable_streams_conformance::script::{RecordedRequest, Reply, ScriptServer};
use durable_streams_reqwest::{
    Batch, ClientBuilder, DurableStream, Error, Reader, RetryPolicy, client,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A limit for tests that would hang; none waits for it when it passes.
const HANGS: Duration = Duration::from_secs(30);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, future)
        .await
        .expect("the test hangs")
}

pub(crate) async fn serve(replies: impl IntoIterator<Item = Reply>) -> ScriptServer {
    let server = ScriptServer::start().await.unwrap();
    server.replies(replies);
    server
}

/// Retries that take next to no time, and never end.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy::endless()
        .initial(Duration::from_millis(1))
        .max(Duration::from_millis(5))
}

/// Retries without a delay of their own: what is waited for is what the server asked for.
pub(crate) fn at_once() -> RetryPolicy {
    quick().initial(Duration::ZERO).max(Duration::ZERO)
}

/// So many requests and no more, as long as each of them fails.
pub(crate) fn attempts(count: u32) -> RetryPolicy {
    quick().give_up_after(count, Duration::ZERO)
}

/// A client of this server that retries quickly.
pub(crate) fn builder(server: &ScriptServer) -> ClientBuilder {
    let client = client(&server.url("/v1/stream")).unwrap();
    client.retry(quick()).read_retry(quick())
}

pub(crate) fn stream(server: &ScriptServer) -> DurableStream {
    builder(server).build().unwrap().stream("s")
}

/// A 200 of a JSON stream.
pub(crate) fn json(next: &str, body: &'static str) -> Reply {
    Reply::new(200)
        .header("Content-Type", "application/json")
        .next_offset(next)
        .body(body)
}

/// A 200 of a stream with another content type.
pub(crate) fn page(content_type: &str, next: &str, body: &'static str) -> Reply {
    Reply::new(200)
        .header("Content-Type", content_type)
        .next_offset(next)
        .body(body)
}

/// An empty JSON stream, at offset 0: what comes after it is live.
pub(crate) fn empty() -> Reply {
    json("0", "[]").tail()
}

/// A 204: the wait of a long-poll ran out, or a write was done.
pub(crate) fn no_content(next: &str) -> Reply {
    Reply::new(204).next_offset(next)
}

/// The headers of the protocol.
pub(crate) trait ReplyExt {
    fn next_offset(self, next: &str) -> Self;
    fn tail(self) -> Self;
    fn closed(self) -> Self;
    fn cursor(self, cursor: &str) -> Self;
    fn control(self, data: &str) -> Self;
}

impl ReplyExt for Reply {
    fn next_offset(self, next: &str) -> Self {
        self.header("Stream-Next-Offset", next)
    }

    fn tail(self) -> Self {
        self.header("Stream-Up-To-Date", "true")
    }

    fn closed(self) -> Self {
        self.header("Stream-Closed", "true")
    }

    fn cursor(self, cursor: &str) -> Self {
        self.header("Stream-Cursor", cursor)
    }

    /// A control event, its data between the braces.
    fn control(self, data: &str) -> Self {
        self.event("control", &format!("{{{data}}}"))
    }
}

/// A batch as text: its contents, its checkpoint, and what it says about the tail and the end.
pub(crate) fn show(batch: &Batch) -> String {
    let contents = batch.bytes();
    let mut text = format!(
        "{} @{}",
        String::from_utf8_lossy(&contents),
        batch.checkpoint()
    );
    if batch.is_up_to_date() {
        text.push_str(" tail");
    }
    if batch.is_closed() {
        assert!(batch.is_up_to_date(), "closed implies up to date: {text}");
        text.push_str(" closed");
    }
    text
}

/// The next batch, as text.
pub(crate) async fn next(reader: &mut Reader) -> String {
    let batch = within(reader.next()).await.unwrap();
    show(&batch.expect("the reader ended"))
}

/// What a reader gives until it ends or fails. An end stays one, and so does an error.
pub(crate) async fn outcome(reader: &mut Reader) -> (Vec<String>, Option<Error>) {
    let mut got = Vec::new();
    let error = loop {
        match within(reader.next()).await {
            Ok(Some(batch)) => got.push(show(&batch)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    for _ in 0..2 {
        match (within(reader.next()).await, &error) {
            (Ok(None), None) => {}
            (Err(again), Some(error)) => assert_eq!(again.kind(), error.kind()),
            (other, _) => panic!("after {error:?} came {other:?}"),
        }
    }
    (got, error)
}

/// What a reader gives until it ends, which it does well.
pub(crate) async fn drain(reader: &mut Reader) -> Vec<String> {
    let (got, error) = outcome(reader).await;
    assert!(error.is_none(), "{error:?} after {got:?}");
    got
}

/// What a reader gives until it fails.
pub(crate) async fn fail(reader: &mut Reader) -> (Vec<String>, Error) {
    let (got, error) = outcome(reader).await;
    assert!(!reader.is_closed(), "a failure is no end");
    (got, error.expect("the reader ended without an error"))
}

/// A stream's requests as `GET ?offset=-1`: the path is left out.
pub(crate) fn targets(server: &ScriptServer) -> Vec<String> {
    let line = |request: &RecordedRequest| {
        let query = request.query().map_or(String::new(), |q| format!("?{q}"));
        format!("{} {query}", request.method)
    };
    server.requests().iter().map(line).collect()
}

/// A reader that runs by itself, and its batches as they come.
pub(crate) struct Running {
    batches: tokio::sync::mpsc::UnboundedReceiver<String>,
    task: JoinHandle<(Reader, Option<Error>)>,
}

impl Running {
    pub(crate) fn start(mut reader: Reader) -> Self {
        let (sender, batches) = tokio::sync::mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                match reader.next().await {
                    Ok(Some(batch)) => sender.send(show(&batch)).unwrap(),
                    Ok(None) => return (reader, None),
                    Err(error) => return (reader, Some(error)),
                }
            }
        });
        Self { batches, task }
    }

    pub(crate) async fn next(&mut self) -> String {
        within(self.batches.recv()).await.expect("the reader ended")
    }

    /// Nothing was given that was not asked for.
    pub(crate) fn assert_silent(&mut self) {
        let given = self.batches.try_recv();
        assert!(given.is_err(), "the reader gave {given:?}");
    }

    /// The end, which comes without another batch.
    pub(crate) async fn end(mut self) -> (Reader, Option<Error>) {
        let (reader, error) = within(self.task).await.unwrap();
        assert!(self.batches.try_recv().is_err());
        (reader, error)
    }

    pub(crate) fn abort(self) {
        self.task.abort();
    }
}

/// Lets everything happen that can happen without a byte or a moment more: exchanges over another connection, each of which
/// gives all other tasks and sockets of this thread their turn.
pub(crate) struct Elsewhere(TcpStream, TcpStream);

impl Elsewhere {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (far, _) = listener.accept().await.unwrap();
        Self(near.unwrap(), far)
    }

    pub(crate) async fn settle(&mut self) {
        for _ in 0..20 {
            self.0.write_all(b"x").await.unwrap();
            self.1.read_u8().await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

/// A clock that only the test turns, for limits of minutes over real sockets.
///
/// A paused runtime turns its clock by itself when it has nothing to do, and waiting for a socket looks like that. It does
/// not while a blocking task runs, so there is one until this is dropped. Should the test hang, the task ends, the clock
/// runs on, and the limit of [`within`] fails the test.
pub(crate) struct Clock {
    elsewhere: Elsewhere,
    _held: mpsc::Sender<()>,
}

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
        Self {
            elsewhere: Elsewhere::new().await,
            _held: held,
        }
    }

    /// Lets everything happen that can happen at this moment.
    pub(crate) async fn settle(&mut self) {
        self.elsewhere.settle().await;
    }

    /// Turns the clock second by second.
    pub(crate) async fn turn(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.settle().await;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        self.settle().await;
    }

    /// Turns the clock until this many requests have arrived, and says how many seconds that took.
    pub(crate) async fn until_requests(&mut self, server: &ScriptServer, count: usize) -> u64 {
        let mut seconds = 0;
        self.settle().await;
        while server.requests().len() < count {
            assert!(seconds < 10_000, "no request {count}");
            seconds += 1;
            self.turn(1).await;
        }
        seconds
    }
}

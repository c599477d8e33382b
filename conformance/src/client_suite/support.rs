//! What the cases share: replies as the protocol has them, clients of the subject, and a reader's batches as text.

use std::future::Future;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{
    Batch, Body, Client, ClientBuilder, DurableStream, Error, Reader, RetryPolicy, Transport,
    TransportError,
};
use http::{Request, Response, Uri};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::clock::Clock;
use crate::script::{RecordedRequest, Reply, ScriptServer};
use crate::suite::{Context, patience};

/// What should happen at once, or the case fails.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(patience(), future)
        .await
        .expect("this hangs")
}

/// A subject as a case of a client uses it.
impl Context {
    /// A client of this root, as the subject's users get it, but that it asks for nothing ahead: replies are in the order of
    /// the requests. The others here do the same.
    pub(crate) fn client(&self, root: &str) -> Result<ClientBuilder, Error> {
        let builder = Client::builder(root, self.transport(), self.timer())?;
        Ok(builder.spawner(spawn).prefetch(0))
    }

    /// A client of this server that retries quickly.
    pub(crate) fn builder(&self, server: &ScriptServer) -> ClientBuilder {
        let client = self.client(&server.url("/v1/stream")).unwrap();
        client.retry(quick()).read_retry(quick())
    }

    /// A stream of this server, by a client that retries quickly.
    pub(crate) fn stream(&self, server: &ScriptServer) -> DurableStream {
        self.builder(server).build().unwrap().stream("s")
    }

    /// A client of this server that finds nobody listening at these of its requests, numbered from 0, and how many it has
    /// sent.
    pub(crate) fn refused(
        &self,
        server: &ScriptServer,
        refused: Range<usize>,
    ) -> (ClientBuilder, Arc<AtomicUsize>) {
        // The port is taken while the socket is there, and nobody listens.
        let nobody = TcpSocket::new_v4().unwrap();
        nobody.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let sent = Arc::new(AtomicUsize::new(0));
        let transport = Refused {
            transport: self.transport(),
            refused,
            sent: Arc::clone(&sent),
            nobody,
        };
        let root = server.url("/v1/stream");
        let client = Client::builder(&root, transport, self.timer()).unwrap();
        let client = client.spawner(spawn).prefetch(0);
        let client = client.retry(quick()).read_retry(quick());
        (client, sent)
    }

    /// The same by a clock that only the case turns.
    pub(crate) fn stopped(&self, server: &ScriptServer) -> (ClientBuilder, Clock) {
        let clock = Clock::new();
        let transport = clock.watch(self.transport());
        let root = server.url("/v1/stream");
        let client = Client::builder(&root, transport, clock.clone()).unwrap();
        let client = client.spawner(spawn).prefetch(0);
        let client = client.retry(quick()).read_retry(quick());
        (client, clock)
    }
}

#[derive(Debug)]
struct Refused {
    transport: Arc<dyn Transport>,
    refused: Range<usize>,
    sent: Arc<AtomicUsize>,
    nobody: TcpSocket,
}

#[async_trait]
impl Transport for Refused {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        if self.refused.contains(&number) {
            let mut parts = request.uri().clone().into_parts();
            let nobody = self.nobody.local_addr().unwrap().to_string();
            parts.authority = Some(nobody.parse().unwrap());
            *request.uri_mut() = Uri::from_parts(parts).unwrap();
        }
        self.transport.send(request).await
    }
}

fn spawn(driver: durable_streams_client::BoxFuture<'static, ()>) {
    tokio::spawn(driver);
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
    show_as(&batch.bytes(), batch)
}

fn show_as(contents: &[u8], batch: &Batch) -> String {
    let contents = String::from_utf8_lossy(contents);
    let mut text = format!("{contents} @{}", batch.checkpoint());
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

/// What ends the body of this batch, which the server has ended: the batch itself, or an empty one that comes behind it.
///
/// Some transports tell the end of a body a moment after the last of it, which is an empty batch of its own then.
pub(crate) async fn end_of(reader: &mut Reader, batch: &Batch) -> Batch {
    if batch.checkpoint().delivered() == 0 {
        return batch.clone();
    }
    let end = within(reader.next()).await.unwrap();
    let end = end.expect("the reader ended");
    assert!(end.is_empty(), "{} and {}", show(batch), show(&end));
    end
}

/// The next batch of a body that the server has ended, as text.
pub(crate) async fn next_ended(reader: &mut Reader) -> String {
    let batch = within(reader.next()).await.unwrap();
    let batch = batch.expect("the reader ended");
    let end = end_of(reader, &batch).await;
    show_as(&batch.bytes(), &end)
}

/// What a reader gives until it ends or fails. An end stays one, and so does an error.
///
/// The [end](end_of) of a body is shown as one with the batch before it.
pub(crate) async fn outcome(reader: &mut Reader) -> (Vec<String>, Option<Error>) {
    let mut got = Vec::new();
    // The contents of the last batch, if the end of their body was not there yet.
    let mut unended = None;
    let error = loop {
        match within(reader.next()).await {
            Ok(Some(batch)) => {
                let contents = match unended.take() {
                    Some(contents) if batch.is_empty() => {
                        got.pop();
                        contents
                    }
                    _ => batch.bytes(),
                };
                got.push(show_as(&contents, &batch));
                unended = (batch.checkpoint().delivered() > 0).then_some(contents);
            }
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
    batches: tokio::sync::mpsc::UnboundedReceiver<Batch>,
    task: JoinHandle<(Reader, Option<Error>)>,
}

impl Running {
    pub(crate) fn start(mut reader: Reader) -> Self {
        let (sender, batches) = tokio::sync::mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                match reader.next().await {
                    Ok(Some(batch)) => sender.send(batch).unwrap(),
                    Ok(None) => return (reader, None),
                    Err(error) => return (reader, Some(error)),
                }
            }
        });
        Self { batches, task }
    }

    pub(crate) async fn next(&mut self) -> String {
        show(&self.batch().await)
    }

    /// The next batch of a body that the server has ended: see [`end_of`].
    pub(crate) async fn next_ended(&mut self) -> String {
        let batch = self.batch().await;
        if batch.checkpoint().delivered() == 0 {
            return show(&batch);
        }
        let end = self.batch().await;
        assert!(end.is_empty(), "{} and {}", show(&batch), show(&end));
        show_as(&batch.bytes(), &end)
    }

    async fn batch(&mut self) -> Batch {
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

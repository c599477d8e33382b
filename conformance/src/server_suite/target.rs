//! The server as a case sees it: fresh streams, and requests to them.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use durable_streams_client::{Body, FailureKind, Timer, Transport, TransportError};
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, select};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::Answer;
use super::events::Events;
use super::exchange::{Exchange, Log};
use super::outcome::{Failure, Stop, Verdict, fail};
use super::raw::{self, Back, Raw};

/// What is left as it is in a query.
pub(super) const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What is tested, and how to reach it.
pub(super) struct Server {
    /// The URL below which streams are made, without a slash at its end.
    pub(super) root: String,
    /// Sent with every request.
    pub(super) headers: HeaderMap,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) timer: Arc<dyn Timer>,
    /// How long what should happen at once may take.
    pub(super) patience: Duration,
    /// Begins the names of all streams of this run.
    pub(super) prefix: String,
    pub(super) next_stream: AtomicUsize,
    /// Restarts it.
    pub(super) restart: Option<Restart>,
    /// How many bytes of a stream it keeps.
    pub(super) retention: Option<usize>,
}

/// Restarts the server, or says why that did not work.
pub(super) type Restart = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The server, for one case. Clones are the same.
#[derive(Clone)]
pub(super) struct Target {
    server: Arc<Server>,
    pub(super) log: Arc<Log>,
    made: Arc<Mutex<Vec<Stream>>>,
    patience: Duration,
}

impl Target {
    pub(super) fn new(server: Arc<Server>) -> Self {
        Self {
            patience: server.patience,
            server,
            log: Arc::default(),
            made: Arc::default(),
        }
    }

    /// The same with at least this patience, for what takes its time.
    pub(super) fn patient(&self, patience: Duration) -> Self {
        Self {
            patience: patience.max(self.patience),
            ..self.clone()
        }
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.log.all()
    }

    /// Deletes the streams that the case has made, as far as the server does that. Forks come before what they are forks of.
    pub(super) async fn clean_up(&self) {
        let mut made =
            std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        while let Some(stream) = made.pop() {
            // What does not work here is what other cases are about.
            drop(stream.delete().send().await);
        }
    }

    /// The name and the URL of a stream that is not there yet.
    pub(super) fn unmade(&self) -> Stream {
        self.made(&self.new_name())
    }

    /// A name that is used for nothing else.
    pub(super) fn new_name(&self) -> String {
        let number = self.server.next_stream.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.server.prefix)
    }

    /// What has this name is deleted at the end.
    pub(super) fn made(&self, name: &str) -> Stream {
        let stream = self.named(name);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(stream.clone());
        stream
    }

    /// The stream of this name, which is percent-encoded where that is needed.
    pub(super) fn named(&self, name: &str) -> Stream {
        self.at(format!("{}/{name}", self.server.root))
    }

    /// What is at this URL.
    pub(super) fn at(&self, url: String) -> Stream {
        let target = self.clone();
        Stream { target, url }
    }

    /// A stream of this type, made in preparation.
    pub(super) async fn stream(&self, content_type: &str) -> Verdict<Stream> {
        let stream = self.unmade();
        stream.put().content_type(content_type).prepare().await?;
        Ok(stream)
    }

    /// A stream of this type with contents from several requests.
    pub(super) async fn filled(
        &self,
        content_type: &str,
        bodies: &[&'static str],
    ) -> Verdict<Stream> {
        let stream = self.stream(content_type).await?;
        for body in bodies {
            stream.append(content_type, *body).prepare().await?;
        }
        Ok(stream)
    }

    /// The URL below which streams are made.
    pub(super) fn root(&self) -> &str {
        &self.server.root
    }

    /// What the user wants to be sent with every request.
    pub(super) fn user_headers(&self) -> &HeaderMap {
        &self.server.headers
    }

    /// How long what should happen at once may take.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Logs a request that is sent.
    pub(super) fn begin(&self, request: &Request<Bytes>) -> usize {
        self.log.begin(request, &self.server.headers)
    }

    /// Logs bytes that are sent.
    pub(super) fn begin_raw(&self, line: &str, bytes: &[u8]) -> usize {
        self.begin(&raw::shown(line, bytes, self.root(), &self.server.headers))
    }

    /// Logs what came back for them.
    pub(super) fn answered_raw(&self, answer: &Answer) {
        let status = StatusCode::from_u16(answer.status).unwrap_or_default();
        self.log.answered(answer.number, status, &answer.headers);
        self.log.received(answer.number, &answer.body);
    }

    /// What was expected of an exchange is not what came.
    pub(super) fn fail<T>(
        &self,
        exchange: usize,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Verdict<T> {
        Err(Stop::Fail(Failure {
            expected: expected.into(),
            actual: actual.into(),
            exchange: Some(exchange),
        }))
    }

    /// What should happen soon.
    pub(super) async fn within<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let limit = self.server.timer.sleep(self.patience);
        match select(pin!(future), limit).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }

    /// How many bytes of a stream the server keeps.
    pub(super) fn retention(&self) -> Verdict<usize> {
        let bytes = self.server.retention;
        bytes.ok_or_else(|| Stop::Skip("nobody said how much the server keeps".to_owned()))
    }

    /// Restarts the server, and waits until it answers.
    pub(super) async fn restart(&self) -> Verdict {
        let Some(restart) = &self.server.restart else {
            return Err(Stop::Skip("nobody said how to restart it".to_owned()));
        };
        restart()
            .await
            .map_err(|why| Stop::Error(format!("the restart: {why}")))?;
        let nobody = self.named(&format!("{}-restarted", self.server.prefix));
        let request = nobody.head().request()?;
        let answers = async {
            while self.server.transport.send(request.clone()).await.is_err() {
                self.sleep(Duration::from_millis(20)).await;
            }
        };
        let answers = self.patient(Duration::from_secs(60)).within(answers).await;
        answers.ok_or_else(|| Stop::Error("no answer after the restart".to_owned()))
    }

    /// Lets time pass, for what is about time.
    pub(super) async fn sleep(&self, duration: Duration) {
        self.server.timer.sleep(duration).await;
    }
}

/// A stream of the server, or the URL of one.
#[derive(Clone)]
pub(super) struct Stream {
    target: Target,
    pub(super) url: String,
}

impl Stream {
    /// The path of its URL, as headers name it.
    pub(super) fn path(&self) -> String {
        let uri: Result<Uri, _> = self.url.parse();
        uri.map_or_else(|_| self.url.clone(), |uri| uri.path().to_owned())
    }

    /// Its path below the root, as subscriptions name it.
    pub(super) fn name(&self) -> &str {
        let below = self.url.strip_prefix(&self.target.server.root);
        below.unwrap_or(&self.url).trim_start_matches('/')
    }

    pub(super) fn ask(&self, method: Method) -> Ask {
        Ask {
            target: self.target.clone(),
            method,
            url: self.url.clone(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    pub(super) fn put(&self) -> Ask {
        self.ask(Method::PUT)
    }

    pub(super) fn post(&self) -> Ask {
        self.ask(Method::POST)
    }

    /// A POST of this content.
    pub(super) fn append(&self, content_type: &str, body: impl Into<Bytes>) -> Ask {
        self.post().content_type(content_type).body(body)
    }

    /// A POST that closes, and brings nothing.
    pub(super) fn close(&self) -> Ask {
        self.post().header("Stream-Closed", "true")
    }

    pub(super) fn get(&self) -> Ask {
        self.ask(Method::GET)
    }

    /// A GET from this offset.
    pub(super) fn read(&self, offset: &str) -> Ask {
        self.get().query("offset", offset)
    }

    pub(super) fn head(&self) -> Ask {
        self.ask(Method::HEAD)
    }

    pub(super) fn delete(&self) -> Ask {
        self.ask(Method::DELETE)
    }

    /// The offset behind everything that is stored, found out in preparation.
    pub(super) async fn tail(&self) -> Verdict<String> {
        let answer = self.head().prepare().await?;
        let offset = answer.header("stream-next-offset").map(str::to_owned);
        offset.ok_or_else(|| Stop::Blocked("a HEAD does not say Stream-Next-Offset".to_owned()))
    }
}

/// A request that is being put together.
#[derive(Clone)]
pub(super) struct Ask {
    target: Target,
    method: Method,
    url: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Ask {
    /// Adds a header. One that is no header at all is a mistake of the case, and ends it as an error when it is sent.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            self.headers.append(name, value);
        } else {
            self.url = format!("the header {name}: {value:?} cannot be sent");
        }
        self
    }

    pub(super) fn content_type(self, content_type: &str) -> Self {
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// The three headers of a producer.
    pub(super) fn producer(self, id: &str, epoch: u64, seq: u64) -> Self {
        self.header("Producer-Id", id)
            .header("Producer-Epoch", &epoch.to_string())
            .header("Producer-Seq", &seq.to_string())
    }

    pub(super) fn closing(self) -> Self {
        self.header("Stream-Closed", "true")
    }

    /// Adds a parameter, encoded.
    pub(super) fn query(self, name: &str, value: &str) -> Self {
        let value = utf8_percent_encode(value, QUERY).to_string();
        self.raw_query(&format!("{name}={value}"))
    }

    /// Adds to the query as it is.
    pub(super) fn raw_query(mut self, text: &str) -> Self {
        self.query
            .push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(text);
        self
    }

    pub(super) fn live(self, mode: &str) -> Self {
        self.query("live", mode)
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn request(&self) -> Verdict<Request<Bytes>> {
        let server = &self.target.server;
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = format!("{}{}", self.url, self.query)
            .parse()
            .map_err(|error| Stop::Error(format!("{}{}: {error}", self.url, self.query)))?;
        *request.headers_mut() = server.headers.clone();
        // A token takes the place of the user's credentials.
        for name in self.headers.keys() {
            request.headers_mut().remove(name);
        }
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }

    /// Sends it, and reads the answer to its end.
    pub(super) async fn send(self) -> Verdict<Answer> {
        let opened = self.open().await?;
        opened.finish().await
    }

    /// Sends it in preparation of what the case is about.
    pub(super) async fn prepare(self) -> Verdict<Answer> {
        let what = format!("{} {}{}", self.method, self.url, self.query);
        let answer = match self.send().await {
            Ok(answer) => answer,
            Err(Stop::Fail(failure)) => {
                return Err(Stop::Blocked(format!("{what}: {}", failure.actual)));
            }
            Err(stop) => return Err(stop),
        };
        match answer.status {
            200..=299 => Ok(answer),
            405 | 501 => Err(Stop::Skip(format!("{what} answers {}", answer.status))),
            status => Err(Stop::Blocked(format!("{what} answers {status}"))),
        }
    }

    /// Sends it, and gives the answer as soon as its head is there.
    pub(super) async fn open(self) -> Verdict<Opened> {
        let Self { target, .. } = &self;
        let request = self.request()?;
        let number = target.begin(&request);
        let sent = target.within(target.server.transport.send(request)).await;
        match sent {
            Some(Ok(answer)) => {
                target
                    .log
                    .answered(number, answer.status(), answer.headers());
                Ok(Opened {
                    target: self.target,
                    number,
                    answer,
                    received: BytesMut::new(),
                })
            }
            Some(Err(error)) => Err(target.broken(number, &error)),
            None => Err(target.silent(number, "an answer")),
        }
    }

    /// Sends it with a body in chunks, of which nobody says how long it is, over a plain socket.
    pub(super) async fn send_chunked(self, chunks: &[&str]) -> Verdict<Answer> {
        let chunk = |chunk: &&str| format!("{:x}\r\n{chunk}\r\n", chunk.len());
        let chunks: String = chunks.iter().map(chunk).collect();
        let body = format!("{chunks}0\r\n\r\n");
        self.send_plain("Transfer-Encoding: chunked", &body).await
    }

    /// Sends it without a content type over a plain socket: there are HTTP stacks that add one.
    pub(super) async fn send_untyped(self) -> Verdict<Answer> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let length = format!("Content-Length: {}", body.len());
        self.send_plain(&length, &body).await
    }

    async fn send_plain(self, framing: &str, body: &str) -> Verdict<Answer> {
        let request = self.request()?;
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |target| target.as_str());
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let mut raw = Raw::new(request.method().as_str(), path)
            .line(&format!("Host: {host}"))
            .line("Connection: close")
            .line(framing);
        for (name, value) in request.headers() {
            let value = String::from_utf8_lossy(value.as_bytes());
            raw = raw.line(&format!("{name}: {value}"));
        }
        match self.target.send_raw(raw.body(body)).await? {
            Back::Answer(answer) => Ok(answer),
            Back::Nothing => fail("an answer", "the end of the connection"),
        }
    }

    /// Sends it, and gives the events of the answer.
    pub(super) async fn events(self) -> Verdict<Events> {
        Events::of(self.open().await?).await
    }
}

impl Target {
    /// An exchange that ended without the end of an answer.
    fn broken(&self, number: usize, error: &TransportError) -> Stop {
        let text = described(error);
        self.log.failed(number, &text);
        match error.kind() {
            FailureKind::Interrupted => Stop::Fail(Failure {
                expected: "an answer, to its end".to_owned(),
                actual: text,
                exchange: Some(number),
            }),
            _ => Stop::Error(text),
        }
    }

    fn silent(&self, number: usize, what: &str) -> Stop {
        let patience = self.patience;
        self.log
            .failed(number, &format!("nothing for {patience:?}"));
        Stop::Fail(Failure {
            expected: format!("{what} within {patience:?}"),
            actual: "nothing".to_owned(),
            exchange: Some(number),
        })
    }
}

fn described(error: &TransportError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// An answer whose body streams.
pub(super) struct Opened {
    target: Target,
    pub(super) number: usize,
    answer: Response<Body>,
    received: BytesMut,
}

impl Opened {
    /// The head as an answer of its own, whose body is what has been received.
    pub(super) fn head(&self) -> Answer {
        Answer {
            number: self.number,
            status: self.answer.status().as_u16(),
            headers: self.answer.headers().clone(),
            body: Bytes::copy_from_slice(&self.received),
        }
    }

    /// The next piece of the body, or its end.
    pub(super) async fn chunk(&mut self) -> Verdict<Option<Bytes>> {
        let next = self.answer.body_mut().next();
        let chunk = self.target.within(next).await;
        match chunk {
            Some(Some(Ok(chunk))) => {
                self.received.extend_from_slice(&chunk);
                self.target.log.received(self.number, &self.received);
                Ok(Some(chunk))
            }
            Some(Some(Err(error))) => Err(self.target.broken(self.number, &error)),
            Some(None) => Ok(None),
            None => Err(self
                .target
                .silent(self.number, "more of the answer, or its end,")),
        }
    }

    pub(super) async fn finish(mut self) -> Verdict<Answer> {
        while self.chunk().await?.is_some() {}
        Ok(self.head())
    }

    /// It ends soon, in good order or not, whatever comes before.
    pub(super) async fn ends(mut self) -> Verdict {
        let body = self.answer.body_mut();
        let end = async { while let Some(Ok(_)) = body.next().await {} };
        let ended = self.target.within(end).await;
        ended.ok_or_else(|| self.target.silent(self.number, "the end of the answer"))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

//! The model: requests and time in, answers out.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, StatusCode};

use super::answer::{Answer, Refusal};
use super::append;
use super::config::Config;
use super::create;
use super::defect::Flaw;
use super::exchange::{ExchangeId, Outbox, Output};
use super::live::Readers;
use super::names::NO_STORE;
use super::read;
use super::request::{ReadQuery, stream_path};
use super::store::Store;
use super::stream::StreamId;
use super::subscriptions::{SubscriptionKey, Subscriptions, reserved};

const METHODS: &str = "GET, HEAD, PUT, POST, DELETE, OPTIONS";

/// A Durable Streams server without the network: see the [module](super).
#[derive(Debug)]
pub struct Model {
    pub(super) config: Config,
    /// The latest time the model was told.
    pub(super) now: SystemTime,
    pub(super) rng: fastrand::Rng,
    pub(super) store: Store,
    pub(super) readers: Readers,
    pub(super) subscriptions: Subscriptions,
    pub(super) outbox: Outbox,
}

/// What happens by itself when its time has come. On a tie a reader comes first: it ends because its time is up, not
/// because its stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Reader(ExchangeId),
    Subscription(SubscriptionKey),
    Stream(StreamId),
}

impl Model {
    /// A server without streams.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            now: SystemTime::UNIX_EPOCH,
            rng: fastrand::Rng::with_seed(config.seed),
            subscriptions: Subscriptions::new(config.seed),
            store: Store::new(config.offsets, config.flaws()),
            config,
            readers: Readers::default(),
            outbox: Outbox::default(),
        }
    }

    /// What the model was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes a request, body and all, that begins the exchange `id`. An exchange of that name that is still
    /// open is cancelled. A body cut short after [`Config::max_body_bytes`] need not be read to its end: it is
    /// refused anyway.
    pub fn step(&mut self, id: ExchangeId, request: Request<Bytes>, now: SystemTime) {
        self.tick(now);
        self.cancel(id);
        self.outbox.open(id);
        let answer = match self.serve(id, &request) {
            Ok(None) => return,
            Ok(Some(answer)) => answer,
            Err(refusal) => Answer::from(refusal),
        };
        let answer = answer.written(&self.config);
        let answer = if request.method() == Method::HEAD {
            answer.without_body()
        } else {
            answer
        };
        self.outbox.answer(id, answer);
    }

    /// The peer of an exchange went away: whatever it waited for is forgotten. Call [`tick`](Self::tick) first
    /// when time has passed, so that a TTL starts at the right moment.
    pub fn cancel(&mut self, id: ExchangeId) {
        self.detach(id);
        self.outbox.forget(id);
    }

    /// Time has passed: long-polls run out, SSE connections reach their age, streams expire, leases end. A clock that goes
    /// backwards stands still for the model.
    pub fn tick(&mut self, now: SystemTime) {
        while let Some((time, due)) = self.next_due().filter(|(time, _)| *time <= now) {
            self.now = self.now.max(time);
            match due {
                Due::Reader(id) => self.time_out(id),
                Due::Subscription(key) => self.subscription_due(key),
                Due::Stream(stream) => self.end(stream),
            }
        }
        self.now = self.now.max(now);
    }

    /// When [`tick`](Self::tick) has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<SystemTime> {
        self.next_due().map(|(time, _)| time)
    }

    fn next_due(&self) -> Option<(SystemTime, Due)> {
        let reader = self.readers.next_deadline();
        let subscription = self.subscriptions.next_deadline();
        let stream = self.store.next_expiry();
        [
            reader.map(|(time, id)| (time, Due::Reader(id))),
            subscription.map(|(time, key)| (time, Due::Subscription(key))),
            stream.map(|(time, id)| (time, Due::Stream(id))),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Deletes a stream, or ends it because its time has come.
    fn end(&mut self, stream: StreamId) {
        let path = self.store.get(stream).map(|stream| stream.path.clone());
        self.store.delete(stream);
        self.wake(stream);
        if let Ok(path) = path {
            self.disappeared(&path);
        }
    }

    /// The next piece of any answer; poll until `None` after every input.
    pub fn poll_output(&mut self) -> Option<(ExchangeId, Output)> {
        while let Some(id) = self.outbox.next_ready() {
            if let Some(output) = self.poll_exchange(id) {
                return Some((id, output));
            }
        }
        None
    }

    /// The next piece of one answer. Asking only when the peer has room for more keeps what is buffered small:
    /// the events of an SSE reader that is behind are worked out here, one page at a time.
    pub fn poll_exchange(&mut self, id: ExchangeId) -> Option<Output> {
        if let Some(output) = self.outbox.pop(id) {
            return Some(output);
        }
        self.advance_sse(id);
        let output = self.outbox.pop(id);
        if output.is_none() {
            self.outbox.clear_ready(id);
        }
        output
    }

    /// The next exchange that may have output, for callers that poll each exchange by itself; the mark is
    /// taken off, and set again when something happens to the exchange.
    pub fn poll_ready(&mut self) -> Option<ExchangeId> {
        let id = self.outbox.next_ready()?;
        self.outbox.clear_ready(id);
        Some(id)
    }

    /// The server was ended and started again, with all that it stores.
    #[cfg(feature = "embedded")]
    pub(crate) fn restarted(&mut self) {
        self.store.restarted();
        let (seed, flaws) = (self.config.seed, self.config.flaws());
        self.subscriptions.restarted(seed, flaws);
    }

    /// How many exchanges are open: begun, and neither cancelled nor taken to their end.
    #[must_use]
    pub fn open_exchanges(&self) -> usize {
        self.outbox.len()
    }

    /// Carries out a request. `None` means that the answer comes later.
    fn serve(
        &mut self,
        id: ExchangeId,
        request: &Request<Bytes>,
    ) -> Result<Option<Answer>, Refusal> {
        if request.body().len() > self.config.max_body_bytes {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too long",
            ));
        }
        if request.method() == Method::OPTIONS {
            return Ok(Some(preflight()));
        }
        let path = stream_path(request.uri().path())?;
        if let Some((root, rest)) = reserved(&path) {
            return Ok(Some(self.control(root, rest, request)));
        }
        let flaws = self.config.flaws();
        match *request.method() {
            Method::GET => {
                let query = ReadQuery::parse(request.uri(), self.config.offsets)?;
                let stream = self.store.find(&path)?;
                self.read(id, stream, query, request.headers())
            }
            Method::HEAD => {
                let stream = self.store.find(&path)?;
                if flaws.has(Flaw::HeadIsAUse) {
                    self.store.touch(stream, self.now);
                }
                Ok(Some(read::head(self.store.get(stream)?)))
            }
            Method::PUT => {
                let nonce = self.rng.u64(..);
                let answer = create::create(&mut self.store, &path, request, nonce, self.now)?;
                if answer.head.status == StatusCode::CREATED {
                    self.appeared(&path);
                }
                Ok(Some(answer))
            }
            Method::POST => {
                let stream = self.store.find(&path)?;
                let answer =
                    append::append(&mut self.store, stream, request, &self.config, self.now)?;
                self.wake(stream);
                self.grew(&path);
                if flaws.has(Flaw::AppendsReachForks) {
                    for fork in self.store.forks_of(stream) {
                        append::append(&mut self.store, fork, request, &self.config, self.now)?;
                    }
                }
                Ok(Some(answer))
            }
            Method::DELETE => {
                let stream = self.store.find(&path)?;
                if flaws.has(Flaw::LongerNamesGoToo) {
                    for longer in self.store.named_like(&path) {
                        self.store.delete(longer);
                    }
                }
                if !flaws.has(Flaw::DeletionDoesNothing) {
                    self.end(stream);
                }
                Ok(Some(Answer::new(StatusCode::NO_CONTENT).cache(NO_STORE)))
            }
            _ => Err(
                Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "unknown method")
                    .header(ALLOW.as_str(), HeaderValue::from_static(METHODS)),
            ),
        }
    }
}

/// The head of the answer to a request whose body broke off, or was no body at all. It never reaches a model.
#[cfg(feature = "embedded")]
pub(crate) fn broken_body() -> http::response::Parts {
    Answer::new(StatusCode::BAD_REQUEST).cache(NO_STORE).head
}

/// Lets browsers on any origin send what the protocol needs.
fn preflight() -> Answer {
    // The asterisk stands for every name but this one.
    let all = HeaderValue::from_static("*, authorization");
    Answer::new(StatusCode::NO_CONTENT)
        .header(ALLOW, HeaderValue::from_static(METHODS))
        .header(
            "access-control-allow-methods",
            HeaderValue::from_static(METHODS),
        )
        .header("access-control-allow-headers", all)
}

//! Test doubles: a transport whose answers are scripted, and a clock by which nothing takes long.
//!
//! ```
//! use durable_streams_client::testing::{Reply, Script};
//! use durable_streams_client::{Error, blocking::block_on};
//!
//! let script = Script::new([
//!     Reply::new(503),
//!     Reply::new(200)
//!         .header("content-type", "application/json")
//!         .header("stream-next-offset", "2")
//!         .header("stream-closed", "true")
//!         .body("[1,2]"),
//! ]);
//! let orders = script.client().build()?.stream("orders");
//! let mut reader = orders.read().start();
//! let batch = block_on(reader.next())?.unwrap();
//! assert_eq!(batch.messages(), ["1", "2"]);
//! assert_eq!(script.requests().len(), 2);
//! # Ok::<(), Error>(())
//! ```
//!
//! For a whole server in memory, see `durable_streams_conformance::embedded`.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_core::FailureKind;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::client::{Client, ClientBuilder};
use crate::transport::{Body, BoxFuture, Timer, Transport, TransportError};

/// A transport that gives the replies of a script, one for each request, and keeps the requests. Clones share the script.
///
/// A request for which no reply is left is [refused](FailureKind::Refused), and the error says which it was.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    requests: Vec<Request<Bytes>>,
}

impl Script {
    /// A script of these replies.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Self::default();
        script.add(replies);
        script
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds replies behind those that are left.
    pub fn add(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state().replies.extend(replies);
    }

    /// Begins a client of streams under `http://streams.test/`, over this script and by a [`SkippingTimer`]. It needs no runtime; what
    /// is started in the background has a thread. Its readers ask for nothing ahead, since replies are in the order of requests.
    ///
    /// # Panics
    /// Never: the URL is one.
    pub fn client(&self) -> ClientBuilder {
        let builder = Client::builder("http://streams.test/", self.clone(), SkippingTimer::new());
        let Ok(builder) = builder else {
            unreachable!("the root is a URL");
        };
        builder.prefetch(0).stands_alone().spawner(|work| {
            // Without a thread the work is dropped, which whoever uses it is told.
            drop(std::thread::Builder::new().spawn(move || crate::blocking::block_on(work)));
        })
    }

    /// The requests so far, as they were sent.
    pub fn requests(&self) -> Vec<Request<Bytes>> {
        self.state().requests.clone()
    }

    /// How many replies are left.
    pub fn left(&self) -> usize {
        self.state().replies.len()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Script")
            .field("requests", &state.requests.len())
            .field("replies_left", &state.replies.len())
            .finish()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let reply = {
            let mut state = self.state();
            state.requests.push(request);
            state.replies.pop_front()
        };
        // As over a network, an answer is not there at once.
        Later(false).await;
        match reply {
            Some(Reply(Ok(response))) => Ok(response.map(|pieces| Body::new(Pieces(pieces)))),
            Some(Reply(Err(kind))) => Err(TransportError::new(kind)),
            None => {
                let why = format!("the script has no reply left for {what}");
                Err(TransportError::new(FailureKind::Refused).with_source(why))
            }
        }
    }
}

/// What a script answers to a request.
pub struct Reply(Result<Response<VecDeque<Piece>>, FailureKind>);

enum Piece {
    Bytes(Bytes),
    Fail(FailureKind),
    Hang,
}

impl Reply {
    /// An answer with this status, without headers and body.
    ///
    /// # Panics
    /// When it is no status.
    pub fn new(status: u16) -> Self {
        let mut response = Response::new(VecDeque::new());
        let Ok(status) = StatusCode::from_u16(status) else {
            panic!("{status} is no status");
        };
        *response.status_mut() = status;
        Self(Ok(response))
    }

    /// No answer: a failure of this kind.
    pub fn fail(kind: FailureKind) -> Self {
        Self(Err(kind))
    }

    fn change(mut self, change: impl FnOnce(&mut Response<VecDeque<Piece>>)) -> Self {
        if let Ok(response) = &mut self.0 {
            change(response);
        }
        self
    }

    /// A header of the answer.
    ///
    /// # Panics
    /// When it cannot be sent.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let parsed = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
        let (Ok(header), Ok(parsed)) = parsed else {
            panic!("{name:?}: {value:?} is no header");
        };
        self.change(|response| {
            response.headers_mut().append(header, parsed);
        })
    }

    /// A piece of the answer's body, behind those before. Each arrives by itself.
    #[must_use]
    pub fn body(self, piece: impl Into<Bytes>) -> Self {
        self.change(|response| response.body_mut().push_back(Piece::Bytes(piece.into())))
    }

    /// The body ends here by a failure.
    #[must_use]
    pub fn cut(self) -> Self {
        self.change(|response| {
            let cut = Piece::Fail(FailureKind::Interrupted);
            response.body_mut().push_back(cut);
        })
    }

    /// The body does not end: nothing comes any more.
    #[must_use]
    pub fn hang(self) -> Self {
        self.change(|response| response.body_mut().push_back(Piece::Hang))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(response) => write!(f, "Reply({})", response.status()),
            Err(kind) => write!(f, "Reply({kind:?})"),
        }
    }
}

struct Pieces(VecDeque<Piece>);

impl Stream for Pieces {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Piece::Bytes(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(Piece::Fail(kind)) => Poll::Ready(Some(Err(TransportError::new(kind)))),
            Some(Piece::Hang) => {
                self.0.push_front(Piece::Hang);
                Poll::Pending
            }
        }
    }
}

/// A clock that skips what is waited for: a sleep is over when its waiter was polled a few times and nothing else happened, and the
/// time has moved by it. Delays and timeouts are run through at once, in their order. Clones are one clock.
#[derive(Debug, Clone)]
pub struct SkippingTimer(Arc<Mutex<Instant>>);

impl SkippingTimer {
    /// A clock that shows the time, and goes its own way from there.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn time(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SkippingTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for SkippingTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let Some(until) = self.now().checked_add(duration) else {
            // Beyond what a clock can say.
            return Box::pin(std::future::pending());
        };
        Box::pin(async move {
            // What is under way gets its turn first.
            for _ in 0..20 {
                Later(false).await;
            }
            let mut now = clock.time();
            *now = until.max(*now);
        })
    }

    fn now(&self) -> Instant {
        *self.time()
    }
}

/// Pending once.
struct Later(bool);

impl Future for Later {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

//! A transport without a network and a clock without time: every answer is scripted, every request is kept.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_client::{
    Body, BoxFuture, Client, ClientBuilder, FailureKind, Timer, Transport, TransportError,
};
use futures_util::Stream;
use http::{Request, Response};

pub(crate) const ROOT: &str = "http://streams.test/v1";

/// One scripted answer.
pub(crate) enum Answer {
    Response(u16, Vec<(&'static str, &'static str)>, Vec<Piece>),
    Fail(FailureKind),
}

/// One step of a body.
pub(crate) enum Piece {
    Bytes(&'static [u8]),
    /// Not ready yet; ready when asked again.
    Later,
    Fail(FailureKind),
    /// Never ends.
    Hang,
}

pub(crate) fn answer(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> Answer {
    let piece = Piece::Bytes(body.as_bytes());
    Answer::Response(status, headers.to_vec(), vec![Piece::Later, piece])
}

#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.requests.lock().unwrap().clone()
    }

    /// `GET /path?query` of every request.
    pub(crate) fn targets(&self) -> Vec<String> {
        let line = |request: &Request<Bytes>| {
            format!(
                "{} {}",
                request.method(),
                request.uri().path_and_query().unwrap()
            )
        };
        self.requests().iter().map(line).collect()
    }
}

#[derive(Clone)]
pub(crate) struct Scripted(pub(crate) Arc<Script>);

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait::async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        self.0.requests.lock().unwrap().push(request);
        Later(false).await;
        let answer = self.0.answers.lock().unwrap().pop_front();
        match answer.expect("no answer is left for this request") {
            Answer::Fail(kind) => Err(TransportError::new(kind)),
            Answer::Response(status, headers, pieces) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(Body::new(Pieces(pieces.into()))).unwrap())
            }
        }
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

struct Pieces(VecDeque<Piece>);

impl Stream for Pieces {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Piece::Bytes(bytes)) => Poll::Ready(Some(Ok(Bytes::from_static(bytes)))),
            Some(Piece::Fail(kind)) => Poll::Ready(Some(Err(TransportError::new(kind)))),
            Some(Piece::Later) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Piece::Hang) => {
                self.0.push_front(Piece::Hang);
                Poll::Pending
            }
        }
    }
}

/// A clock that jumps: a sleep that was waited for often enough, with nothing else left to happen, is over, and time has
/// moved by it.
#[derive(Debug, Clone)]
pub(crate) struct Jumping(Arc<Mutex<Instant>>);

impl Jumping {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Timer for Jumping {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.0);
        let until = *clock.lock().unwrap() + duration;
        Box::pin(async move {
            for _ in 0..20 {
                Later(false).await;
            }
            let mut now = clock.lock().unwrap();
            *now = until.max(*now);
        })
    }

    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

/// A clock that stands still: nothing that waits for it ever goes on.
#[derive(Debug, Clone)]
pub(crate) struct Still;

impl Timer for Still {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A client whose requests get these answers, one after the other.
pub(crate) fn scripted(answers: impl IntoIterator<Item = Answer>) -> (ClientBuilder, Arc<Script>) {
    scripted_by(Jumping::new(), answers)
}

/// As [`scripted`], by this clock.
pub(crate) fn scripted_by(
    timer: impl Timer,
    answers: impl IntoIterator<Item = Answer>,
) -> (ClientBuilder, Arc<Script>) {
    let script = script(answers);
    let builder = Client::builder(ROOT, Scripted(Arc::clone(&script)), timer).unwrap();
    // The answers are in the order of the requests.
    let builder = builder.prefetch(0);
    (builder, script)
}

/// A script of these answers.
pub(crate) fn script(answers: impl IntoIterator<Item = Answer>) -> Arc<Script> {
    let script = Arc::new(Script::default());
    script.answers.lock().unwrap().extend(answers);
    script
}

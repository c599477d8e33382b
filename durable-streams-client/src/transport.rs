//! What a transport crate implements: one request, one answer whose body streams; and a clock.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_core::{Failure, FailureKind};
use futures_core::Stream;
use http::{Request, Response};

/// A future on the heap that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends requests. One method; the contract is what counts.
///
/// - It resolves at the head of the answer; the body streams, each chunk as it arrives.
/// - It follows no redirect, and sends nothing again that may have been sent.
/// - It decodes nothing, caches nothing, keeps no cookies, and sets no limit to the whole time of a body.
/// - Dropping the future or the body cancels the exchange.
/// - A failure says whether the request may have been sent ([`FailureKind`]).
/// - It logs no credentials.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and gives the head of its answer.
    ///
    /// # Errors
    /// When there is no answer: see [`TransportError`].
    ///
    /// # Cancel safety
    /// Dropping the future cancels the exchange. Whether the request was sent is then unknown.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        (**self).send(request).await
    }
}

/// Measures and waits.
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// A future that resolves after this long. Dropping it ends the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// The time now.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }

    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// A transport's failure: what kind it is, and the error of the HTTP stack as its source.
#[derive(Debug)]
pub struct TransportError {
    kind: FailureKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// A failure of this kind.
    pub fn new(kind: FailureKind) -> Self {
        Self { kind, source: None }
    }

    /// The same failure with the stack's own error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What the retry rules hang on.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FailureKind::Connect => "no connection to the server",
            FailureKind::Interrupted => "the connection ended before the answer did",
            FailureKind::Timeout => "no answer in time",
            FailureKind::Refused => "the transport refuses this request",
            FailureKind::Hook => "a hook of the application failed",
            _ => "the transport failed",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self {
            kind: error.kind,
            source: error.source,
        }
    }
}

/// The body of an answer: chunks as they arrive.
///
/// A body that ends early is an error, not an end.
pub struct Body(Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>);

impl Body {
    /// A body of these chunks.
    pub fn new(chunks: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static) -> Self {
        Self(Box::pin(chunks))
    }

    /// A body without a byte.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }
}

/// A body that is there already.
impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::new(Once(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

//! A transport and a clock that are polled within a runtime which runs elsewhere.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::{Request, Response};

use crate::transport::{Body, BoxFuture, Timer, Transport, TransportError};

/// A runtime that runs on a thread of its own, to be entered from others.
pub trait Context: Clone + fmt::Debug + Send + Sync + Unpin + 'static {
    /// Within it, until this is dropped.
    type Guard<'a>;

    /// Enters it, for the time of a poll.
    fn enter(&self) -> Self::Guard<'_>;
}

/// A [`Transport`] or [`Timer`] that needs a runtime, for those who have none: whoever polls it, it is polled within the runtime of
/// a [`Context`].
#[derive(Debug, Clone)]
pub struct Within<T, C> {
    inner: T,
    context: C,
}

impl<T, C: Context> Within<T, C> {
    /// Polls `inner` within this runtime.
    pub fn new(inner: T, context: C) -> Self {
        Self { inner, context }
    }

    fn polled<F>(&self, inner: F) -> Polled<F, C> {
        let context = self.context.clone();
        Polled { inner, context }
    }
}

#[async_trait]
impl<T: Transport, C: Context> Transport for Within<T, C> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let answer = self.polled(self.inner.send(request)).await?;
        Ok(answer.map(|body| Body::new(self.polled(body))))
    }
}

impl<T: Timer, C: Context> Timer for Within<T, C> {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.polled(self.inner.sleep(duration)))
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }
}

/// A future or a body, polled within a runtime.
struct Polled<F, C> {
    inner: F,
    context: C,
}

impl<F: Future + Unpin, C: Context> Future for Polled<F, C> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _within = this.context.enter();
        Pin::new(&mut this.inner).poll(cx)
    }
}

impl<F: Stream + Unpin, C: Context> Stream for Polled<F, C> {
    type Item = F::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<F::Item>> {
        let this = &mut *self;
        let _within = this.context.enter();
        Pin::new(&mut this.inner).poll_next(cx)
    }
}

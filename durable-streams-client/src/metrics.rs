//! What an application may want to count.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{FailureKind, OperationKind};
use futures_core::Stream;
use http::{Request, Response, StatusCode};

use crate::log::operation_of;
use crate::transport::{Body, Timer, TransportError};

/// Counts what a client does. Every function does nothing unless it is written.
///
/// They are called within the client's own futures, once for each request and each batch and never for a message, so they are to be
/// quick. A client without metrics does not call, measure or allocate anything.
///
/// ```
/// use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
/// use durable_streams_client::{Client, Delivered, Metrics, OperationKind, RequestEnded};
///
/// #[derive(Debug, Default)]
/// struct Counters { in_flight: AtomicI64, received: AtomicU64, retries: AtomicU64, behind_ms: AtomicU64 }
///
/// impl Metrics for Counters {
///     fn request_started(&self, _: OperationKind) { self.in_flight.fetch_add(1, Relaxed); }
///     fn request_ended(&self, request: &RequestEnded) {
///         self.in_flight.fetch_sub(1, Relaxed);
///         self.received.fetch_add(request.bytes_received, Relaxed);
///     }
///     fn retrying(&self, _: OperationKind) { self.retries.fetch_add(1, Relaxed); }
///     fn delivered(&self, batch: &Delivered) { self.behind_ms.store(batch.behind_for.as_millis() as u64, Relaxed); }
/// }
/// ```
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// A request is sent. What started and has not ended is in flight.
    fn request_started(&self, operation: OperationKind) {
        let _ = operation;
    }

    /// A request is over: its answer is whole, failed, or wanted no more.
    fn request_ended(&self, request: &RequestEnded) {
        let _ = request;
    }

    /// Something failed that can pass, and is tried again.
    fn retrying(&self, operation: OperationKind) {
        let _ = operation;
    }

    /// A reader gave a batch to its user.
    fn delivered(&self, batch: &Delivered) {
        let _ = batch;
    }

    /// A writer's messages were stored.
    fn stored(&self, batch: &StoredBatch) {
        let _ = batch;
    }
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestEnded {
    /// What it was for.
    pub operation: OperationKind,
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// How it failed, before the answer or within its body. `None` as well where it was dropped: by its user, or after its time.
    pub failure: Option<FailureKind>,
    /// The length of its body.
    pub bytes_sent: u64,
    /// How much of the answer's body arrived.
    pub bytes_received: u64,
    /// How long the head of the answer took, if it came.
    pub until_head: Option<Duration>,
    /// How long all of it took: of a live read, for as long as it was open.
    pub elapsed: Duration,
}

/// A batch that a reader gave to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// How many messages it has; 0 on a stream that is not JSON.
    pub messages: usize,
    /// How many bytes they, or it, have.
    pub bytes: usize,
    /// Whether it reached the tail.
    pub up_to_date: bool,
    /// The lag: how long ago the reader was at the tail, or began. Zero where the batch reached it. What lag is in messages, nobody can say:
    /// offsets are opaque.
    pub behind_for: Duration,
}

/// Messages of a writer that were stored with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBatch {
    /// How many.
    pub messages: u64,
    /// Whether the server had them already.
    pub duplicate: bool,
    /// How many messages are accepted and not answered for yet.
    pub pending: usize,
}

/// A request under way. It has ended when this is dropped.
pub(crate) struct Measured {
    metrics: Arc<dyn Metrics>,
    timer: Arc<dyn Timer>,
    begin: Instant,
    so_far: RequestEnded,
}

impl Measured {
    pub(crate) fn begin(
        metrics: &Arc<dyn Metrics>,
        timer: &Arc<dyn Timer>,
        request: &Request<Bytes>,
    ) -> Self {
        let operation = operation_of(request);
        metrics.request_started(operation);
        Self {
            metrics: Arc::clone(metrics),
            timer: Arc::clone(timer),
            begin: timer.now(),
            so_far: RequestEnded {
                operation,
                status: None,
                failure: None,
                bytes_sent: request.body().len() as u64,
                bytes_received: 0,
                until_head: None,
                elapsed: Duration::ZERO,
            },
        }
    }

    fn elapsed(&self) -> Duration {
        self.timer.now().saturating_duration_since(self.begin)
    }

    /// There is an answer, or none.
    pub(crate) fn answered(
        mut self,
        answer: Result<Response<Body>, TransportError>,
    ) -> Result<Response<Body>, TransportError> {
        match answer {
            Ok(answer) => {
                self.so_far.status = Some(answer.status());
                self.so_far.until_head = Some(self.elapsed());
                Ok(answer.map(|body| {
                    Body::new(Counted {
                        body,
                        request: self,
                    })
                }))
            }
            Err(error) => {
                self.so_far.failure = Some(error.kind());
                Err(error)
            }
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.so_far.elapsed = self.elapsed();
        self.metrics.request_ended(&self.so_far);
    }
}

/// A body whose bytes are counted.
struct Counted {
    body: Body,
    request: Measured,
}

impl Stream for Counted {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = Pin::new(&mut self.body).poll_next(cx);
        match &chunk {
            Poll::Ready(Some(Ok(bytes))) => {
                self.request.so_far.bytes_received += bytes.len() as u64
            }
            Poll::Ready(Some(Err(error))) => self.request.so_far.failure = Some(error.kind()),
            _ => {}
        }
        chunk
    }
}

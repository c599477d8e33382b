//! A transport with one fault.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, BoxFuture, Transport, TransportError};
use futures_util::Stream;
use http::response::Parts;
use http::{Request, Response};

pub(crate) type Answer = Result<Response<Body>, TransportError>;

/// An exchange that goes about everything in its own way.
pub(crate) type Exchange =
    fn(Arc<dyn Transport>, Request<Bytes>, Arc<Mutex<Memory>>) -> BoxFuture<'static, Answer>;

/// What a faulty transport knows of what it did before.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) requests: usize,
    pub(crate) words: HashMap<String, String>,
    pub(crate) answers: HashMap<String, (Parts, Bytes)>,
}

/// Where a fault is, and what it does there.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// It changes what is sent.
    Request(fn(&mut Request<Bytes>, &mut Memory)),
    /// It changes the head of what is answered.
    Head(fn(&mut Parts, &mut Memory)),
    /// It changes the body of what is answered.
    Body(fn(Body) -> Body),
    /// It changes a chunk.
    Chunk(fn(Bytes) -> Bytes),
    /// It changes a failure, of the exchange or of the body.
    Failure(fn(TransportError) -> TransportError),
    /// It goes about everything in its own way.
    Exchange(Exchange),
}

pub(crate) struct Broken {
    fault: Fault,
    inner: Arc<dyn Transport>,
    memory: Arc<Mutex<Memory>>,
}

impl Broken {
    pub(crate) fn new(fault: Fault, inner: Arc<dyn Transport>) -> Self {
        Self {
            fault,
            inner,
            memory: Arc::default(),
        }
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broken")
            .field("remembers", &self.memory.lock().unwrap().words)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Broken {
    async fn send(&self, mut request: Request<Bytes>) -> Answer {
        {
            let mut memory = self.memory.lock().unwrap();
            memory.requests += 1;
            if let Fault::Request(change) = self.fault {
                change(&mut request, &mut memory);
            }
        }
        if let Fault::Exchange(go) = self.fault {
            return go(Arc::clone(&self.inner), request, Arc::clone(&self.memory)).await;
        }
        let answer = match (self.inner.send(request).await, self.fault) {
            (Err(error), Fault::Failure(change)) => return Err(change(error)),
            (answer, _) => answer?,
        };
        let (mut head, body) = answer.into_parts();
        let body = match self.fault {
            Fault::Head(change) => {
                change(&mut head, &mut self.memory.lock().unwrap());
                body
            }
            Fault::Body(change) => change(body),
            Fault::Chunk(change) => each(body, move |chunk| Some(chunk.map(change))),
            Fault::Failure(change) => each(body, move |chunk| Some(chunk.map_err(change))),
            Fault::Request(_) | Fault::Exchange(_) => body,
        };
        Ok(Response::from_parts(head, body))
    }
}

type Chunk = Result<Bytes, TransportError>;

/// The body with each chunk changed. It ends where one becomes none.
pub(crate) fn each(
    body: Body,
    change: impl FnMut(Chunk) -> Option<Chunk> + Send + Unpin + 'static,
) -> Body {
    Body::new(Each {
        body: Some(body),
        change,
    })
}

struct Each<F> {
    body: Option<Body>,
    change: F,
}

impl<F: FnMut(Chunk) -> Option<Chunk> + Unpin> Stream for Each<F> {
    type Item = Chunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        Pin::new(body).poll_next(cx).map(|chunk| {
            let chunk = chunk.and_then(|chunk| (self.change)(chunk));
            if chunk.is_none() {
                self.body = None;
            }
            chunk
        })
    }
}

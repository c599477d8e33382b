//! What the cases do with a transport: send, read, fail.

use std::error::Error as StdError;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use durable_streams_client::{Body, Transport, TransportError};
use futures_util::StreamExt;
use http::{Method, Request, Response};

use crate::script::ScriptServer;
use crate::suite::Context;

/// A transport in the hand of a case. What hangs fails.
pub(super) struct Caller<'a> {
    cx: &'a Context,
    pub(super) transport: Arc<dyn Transport>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(cx: &'a Context) -> Self {
        Self::with(cx, cx.transport())
    }

    pub(super) fn with(cx: &'a Context, transport: Arc<dyn Transport>) -> Self {
        Self { cx, transport }
    }

    pub(super) async fn try_send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Body>, TransportError> {
        self.cx.within(self.transport.send(request)).await
    }

    /// The answer to a request that must have one.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Response<Body> {
        let what = format!("{} {}", request.method(), request.uri());
        match self.try_send(request).await {
            Ok(answer) => answer,
            Err(error) => panic!("{what} has no answer: {}", shown(&error)),
        }
    }

    pub(super) async fn next(
        &self,
        answer: &mut Response<Body>,
    ) -> Option<Result<Bytes, TransportError>> {
        self.cx.within(answer.body_mut().next()).await
    }

    /// The next chunk of a body that must have one.
    pub(super) async fn chunk(&self, answer: &mut Response<Body>) -> Bytes {
        match self.next(answer).await {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => panic!("the body failed: {}", shown(&error)),
            None => panic!("the body ended"),
        }
    }

    /// So many bytes of the body, in whatever chunks they come.
    pub(super) async fn bytes(&self, answer: &mut Response<Body>, count: usize) -> Bytes {
        let mut bytes = BytesMut::new();
        while bytes.len() < count {
            bytes.extend_from_slice(&self.chunk(answer).await);
        }
        bytes.freeze()
    }

    /// Everything until the body ends or fails.
    pub(super) async fn read(
        &self,
        mut answer: Response<Body>,
    ) -> (BytesMut, Option<TransportError>) {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next(&mut answer).await {
            match chunk {
                Ok(chunk) => body.extend_from_slice(&chunk),
                Err(error) => return (body, Some(error)),
            }
        }
        (body, None)
    }

    /// The body of an answer, which must be complete.
    pub(super) async fn body(&self, answer: Response<Body>) -> Bytes {
        let (body, error) = self.read(answer).await;
        if let Some(error) = error {
            panic!("the body failed after {body:?}: {}", shown(&error));
        }
        body.freeze()
    }

    /// The body of the answer to a request, both of which must be complete.
    pub(super) async fn fetch(&self, request: Request<Bytes>) -> Bytes {
        let answer = self.send(request).await;
        self.body(answer).await
    }

    /// The failure of an exchange that must have one, before the head or in the body.
    pub(super) async fn fail(&self, request: Request<Bytes>) -> TransportError {
        match self.try_send(request).await {
            Err(error) => error,
            Ok(answer) => {
                let status = answer.status();
                let (body, error) = self.read(answer).await;
                error.unwrap_or_else(|| panic!("it is answered: {status} {body:?}"))
            }
        }
    }
}

/// A request. Its URL may be one that is refused, but not one that is none.
#[track_caller]
pub(super) fn request(
    method: Method,
    url: impl AsRef<str>,
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(url.as_ref());
    request.body(body.into()).expect("it can be built")
}

/// A read, as the client sends it.
pub(super) fn get(server: &ScriptServer) -> Request<Bytes> {
    request(Method::GET, server.url("/v1/stream/a?offset=-1"), "")
}

/// An append.
pub(super) fn post(server: &ScriptServer) -> Request<Bytes> {
    request(Method::POST, server.url("/v1/stream/a"), "data")
}

/// All that an error shows of itself and its sources.
pub(super) fn shown(error: &TransportError) -> String {
    let mut text = format!("{:?}", error.kind());
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        text.push_str(&format!(", {error} ({error:?})"));
        next = error.source();
    }
    text
}

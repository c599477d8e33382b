//! What the tests share.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use durable_streams_hyper::{Body, HyperTransport, Transport, TransportError};
use futures_util::StreamExt;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};

/// A limit for tests that would hang; none waits for it when it passes.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("the test hangs")
}

pub(crate) fn transport() -> HyperTransport {
    HyperTransport::new().unwrap()
}

pub(crate) fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

pub(crate) fn post(url: &str) -> Request<Bytes> {
    let request = Request::builder().method(Method::POST).uri(url);
    request.body(Bytes::from_static(b"data")).unwrap()
}

pub(crate) async fn send(
    transport: &HyperTransport,
    request: Request<Bytes>,
) -> Result<Response<Body>, TransportError> {
    within(transport.send(request)).await
}

/// Everything until the body ends or fails.
pub(crate) async fn read(answer: Response<Body>) -> (Bytes, Option<TransportError>) {
    let mut answer = answer.into_body();
    let mut body = BytesMut::new();
    while let Some(chunk) = within(answer.next()).await {
        match chunk {
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(error) => return (body.freeze(), Some(error)),
        }
    }
    (body.freeze(), None)
}

/// The body of an answer that is complete.
pub(crate) async fn complete(answer: Response<Body>) -> Bytes {
    let (body, error) = read(answer).await;
    assert!(error.is_none(), "the body failed: {error:?}");
    body
}

/// The failure of an exchange, before the head or in the body.
pub(crate) async fn fail(transport: &HyperTransport, request: Request<Bytes>) -> TransportError {
    match send(transport, request).await {
        Err(error) => error,
        Ok(answer) => read(answer).await.1.expect("the exchange worked"),
    }
}

/// All that an error shows of itself and its sources.
pub(crate) fn shown(error: &TransportError) -> String {
    let mut text = String::new();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        text.push_str(&format!("{error} {error:?} "));
        next = error.source();
    }
    text
}

/// Answers the requests of one connection with their version, method and URL, to its end.
pub(crate) async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(|request: Request<Incoming>| async move {
        let (version, method) = (request.version(), request.method());
        let text = format!("{version:?} {method} {}", request.uri());
        Ok::<_, fmt::Error>(Response::new(Full::<Bytes>::from(text)))
    });
    let server = auto::Builder::new(TokioExecutor::new());
    // A client may leave as it likes.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

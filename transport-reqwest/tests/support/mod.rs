//! What the tests share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary has its own copy, and uses some of it"
)]

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_reqwest::{Body, ReqwestTransport, Transport, TransportError};
use futures_util::StreamExt;
use http::{Method, Request, Response};

/// A limit for tests that would hang; none waits for it when it passes.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("the test hangs")
}

pub async fn serve(replies: impl IntoIterator<Item = Reply>) -> ScriptServer {
    let server = ScriptServer::start().await.unwrap();
    server.replies(replies);
    server
}

pub fn transport() -> ReqwestTransport {
    ReqwestTransport::new().unwrap()
}

pub fn request(method: Method, url: &str, body: &'static str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(url)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

pub fn get(server: &ScriptServer) -> Request<Bytes> {
    request(Method::GET, &server.url("/v1/stream/a?offset=-1"), "")
}

pub fn post(server: &ScriptServer) -> Request<Bytes> {
    request(Method::POST, &server.url("/v1/stream/a"), "data")
}

pub async fn send(
    transport: &ReqwestTransport,
    request: Request<Bytes>,
) -> Result<Response<Body>, TransportError> {
    within(transport.send(request)).await
}

pub async fn next(answer: &mut Response<Body>) -> Option<Result<Bytes, TransportError>> {
    within(answer.body_mut().next()).await
}

/// Everything until the body ends or fails.
pub async fn read(mut answer: Response<Body>) -> (BytesMut, Option<TransportError>) {
    let mut body = BytesMut::new();
    while let Some(chunk) = next(&mut answer).await {
        match chunk {
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(error) => return (body, Some(error)),
        }
    }
    (body, None)
}

/// The body of an answer that is complete.
pub async fn complete(answer: Response<Body>) -> Bytes {
    let (body, error) = read(answer).await;
    assert!(error.is_none(), "the body failed: {error:?}");
    body.freeze()
}

/// The failure of an exchange, before the head or in the body.
pub async fn fail(transport: &ReqwestTransport, request: Request<Bytes>) -> TransportError {
    match send(transport, request).await {
        Err(error) => error,
        Ok(answer) => read(answer).await.1.expect("the exchange worked"),
    }
}

/// All that an error shows of itself and its sources.
pub fn shown(error: &TransportError) -> String {
    let mut text = String::new();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        text.push_str(&format!("{error} {error:?} "));
        next = error.source();
    }
    text
}

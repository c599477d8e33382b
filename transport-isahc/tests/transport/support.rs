//! What the tests share. Their executor is `block_on`.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_isahc::{Body, FuturesTimer, IsahcTransport, Timer, Transport, TransportError};
use http::{Method, Request, Response};
use smol::future::or;
use smol::stream::StreamExt;

pub(crate) use smol::future::block_on;

/// A limit for tests that would hang; none waits for it when it passes.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let hangs = async {
        FuturesTimer.sleep(Duration::from_secs(30)).await;
        panic!("the test hangs");
    };
    or(future, hangs).await
}

pub(crate) async fn serve(replies: impl IntoIterator<Item = Reply>) -> ScriptServer {
    let server = ScriptServer::start().await.unwrap();
    server.replies(replies);
    server
}

pub(crate) fn transport() -> IsahcTransport {
    IsahcTransport::new().unwrap()
}

pub(crate) fn request(method: Method, url: &str, content: &'static str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(url)
        .body(Bytes::from_static(content.as_bytes()))
        .unwrap()
}

pub(crate) fn get(server: &ScriptServer) -> Request<Bytes> {
    request(Method::GET, &server.url("/"), "")
}

pub(crate) fn post(server: &ScriptServer) -> Request<Bytes> {
    request(Method::POST, &server.url("/"), "data")
}

pub(crate) async fn send(
    transport: &IsahcTransport,
    request: Request<Bytes>,
) -> Result<Response<Body>, TransportError> {
    within(transport.send(request)).await
}

pub(crate) async fn next(answer: &mut Response<Body>) -> Option<Result<Bytes, TransportError>> {
    within(answer.body_mut().next()).await
}

/// Everything until the body ends or fails.
pub(crate) async fn read(mut answer: Response<Body>) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = next(&mut answer).await {
        body.extend_from_slice(&chunk?);
    }
    Ok(body.freeze())
}

/// The body of an answer that is complete.
pub(crate) async fn fetch(transport: &IsahcTransport, request: Request<Bytes>) -> Bytes {
    match exchange(transport, request).await {
        Ok(body) => body,
        Err(error) => panic!("{}", shown(&error)),
    }
}

/// The failure of an exchange, before the head or in the body.
pub(crate) async fn fail(transport: &IsahcTransport, request: Request<Bytes>) -> TransportError {
    match exchange(transport, request).await {
        Ok(body) => panic!("it is answered: {body:?}"),
        Err(error) => error,
    }
}

async fn exchange(
    transport: &IsahcTransport,
    request: Request<Bytes>,
) -> Result<Bytes, TransportError> {
    read(send(transport, request).await?).await
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

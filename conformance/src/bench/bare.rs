//! The HTTP stacks of the transports without the transports: what a loop written by hand would use.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::io::AsyncReadExt as _;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyDataStream, BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

type BoxError = Box<dyn Error + Send + Sync>;

/// The chunks of a body.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, BoxError>>;

/// An HTTP stack as it is.
#[async_trait]
pub trait Bare: Send + Sync {
    /// Sends a request, and gives the head of the answer and its body.
    ///
    /// # Errors
    /// What the stack says.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the exchange.
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Chunks), BoxError>;
}

/// hyper's pooling client.
pub fn hyper() -> Arc<dyn Bare> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Arc::new(Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector))
}

/// reqwest's client with its defaults.
pub fn reqwest() -> Arc<dyn Bare> {
    Arc::new(reqwest::Client::new())
}

/// isahc's client with its defaults.
///
/// # Errors
/// When libcurl cannot be set up.
pub fn isahc() -> io::Result<Arc<dyn Bare>> {
    let client = isahc::HttpClient::new().map_err(io::Error::other)?;
    Ok(Arc::new(client))
}

#[async_trait]
impl Bare for Client<HttpConnector, Full<Bytes>> {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Chunks), BoxError> {
        let (head, body) = self.request(request.map(Full::new)).await?.into_parts();
        let chunks = BodyDataStream::new(body.map_err(BoxError::from));
        Ok((head.status, head.headers, chunks.boxed()))
    }
}

#[async_trait]
impl Bare for reqwest::Client {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Chunks), BoxError> {
        let answer = self.execute(request.try_into()?).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let chunks = answer.bytes_stream().map(|chunk| Ok(chunk?));
        Ok((status, headers, chunks.boxed()))
    }
}

#[async_trait]
impl Bare for isahc::HttpClient {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Chunks), BoxError> {
        let request = request.map(isahc::AsyncBody::from_bytes_static);
        let (head, body) = self.send_async(request).await?.into_parts();
        let body = Box::pin(body);
        let buffer = vec![0; 16 * 1024];
        let chunks = stream::unfold((body, buffer), |(mut body, mut buffer)| async {
            let read: Result<usize, io::Error> = Pin::new(&mut body).read(&mut buffer).await;
            match read {
                Ok(0) => None,
                Ok(length) => {
                    let chunk = Bytes::copy_from_slice(&buffer[..length]);
                    Some((Ok(chunk), (body, buffer)))
                }
                Err(error) => Some((Err(error.into()), (body, buffer))),
            }
        });
        Ok((head.status, head.headers, chunks.boxed()))
    }
}

/// A request to append, as the protocol has it.
pub(super) fn post(url: &str, content_type: &str, body: Bytes) -> Result<Request<Bytes>, BoxError> {
    let request = Request::post(url).header(header::CONTENT_TYPE, content_type);
    Ok(request.body(body)?)
}

pub(super) fn get(url: &str) -> Result<Request<Bytes>, BoxError> {
    Ok(Request::get(url).body(Bytes::new())?)
}

/// Sends an append, and reads its answer to the end.
pub(super) async fn append(
    stack: &dyn Bare,
    url: &str,
    content_type: &str,
    body: Bytes,
) -> Result<(), BoxError> {
    finish(stack, post(url, content_type, body)?).await
}

/// Sends an append of a producer, and reads its answer to the end.
pub(super) async fn produce(
    stack: &dyn Bare,
    url: &str,
    content_type: &str,
    seq: usize,
    body: Bytes,
) -> Result<(), BoxError> {
    let mut request = post(url, content_type, body)?;
    let headers = request.headers_mut();
    headers.insert("producer-id", HeaderValue::from_static("bench"));
    headers.insert("producer-epoch", HeaderValue::from_static("0"));
    headers.insert("producer-seq", HeaderValue::from(seq));
    finish(stack, request).await
}

async fn finish(stack: &dyn Bare, append: Request<Bytes>) -> Result<(), BoxError> {
    let (status, _, mut chunks) = stack.send(append).await?;
    while let Some(chunk) = chunks.next().await {
        chunk?;
    }
    if !status.is_success() {
        return Err(format!("{status} to an append").into());
    }
    Ok(())
}

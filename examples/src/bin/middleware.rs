//! Layers around a transport: a log, credentials and another try, each a [`Transport`] around a [`Transport`]; and one of tower's.
//!
//! A layer sees each request as it is sent and each answer at its head. What the client does by itself needs no layer: it tries again
//! by what it knows about a request, and a hook (`ClientBuilder::hook`) says which headers go on it. A layer is for what is about the
//! sending itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::tower::{TowerTransport, TransportService};
use durable_streams_reqwest::{
    Body, BoxError, Client, FailureKind, ReqwestTransport, TokioTimer, Transport, TransportError,
};
use http::{HeaderValue, Request, Response};

/// Says what is sent and what comes of it. No header, and no query: there may be secrets in both.
#[derive(Debug)]
struct Logged<T>(T);

#[async_trait]
impl<T: Transport> Transport for Logged<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let begin = Instant::now();
        let answer = self.0.send(request).await;
        let came = match &answer {
            Ok(answer) => answer.status().to_string(),
            Err(error) => error.to_string(),
        };
        println!("log        {what}: {came} after {:?}", begin.elapsed());
        answer
    }
}

/// Signs each request with what it says: a nonce, here.
#[derive(Debug)]
struct Signed<T> {
    inner: T,
    count: AtomicU64,
}

#[async_trait]
impl<T: Transport> Transport for Signed<T> {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let signature = format!(
            "{}-{}",
            self.count.fetch_add(1, Ordering::Relaxed),
            request.body().len()
        );
        let mut value = HeaderValue::try_from(signature)
            .map_err(|error| TransportError::new(FailureKind::Refused).with_source(error))?;
        value.set_sensitive(true);
        request.headers_mut().insert("x-signature", value);
        self.inner.send(request).await
    }
}

/// Tries once more at once where no connection was made: then nothing was sent, whatever it is.
#[derive(Debug)]
struct Again<T>(T);

#[async_trait]
impl<T: Transport> Transport for Again<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        match self.0.send(request.clone()).await {
            Err(error) if error.kind() == FailureKind::Connect => self.0.send(request).await,
            answer => answer,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (plain, _server) = connect().await?;

    // From the wire outwards. The limit of tower counts heads: what is behind is a body that streams.
    let wire = Arc::new(ReqwestTransport::new()?);
    let limited = tower::ServiceBuilder::new()
        .concurrency_limit(16)
        .service(TransportService::new(wire));
    let signed = Signed {
        inner: Again(TowerTransport::new(limited)),
        count: AtomicU64::new(0),
    };
    let client = Client::builder(&plain.root().to_string(), Logged(signed), TokioTimer)?.build()?;

    let stream = client.stream(&fresh("layers"));
    stream.create().content_type("text/plain").await?;
    stream.append("one ").await?;
    stream.close_with("two").await?;
    let mut reader = stream.read().start();
    while let Some(batch) = reader.next().await? {
        println!("read       {:?}", batch.text()?);
    }
    stream.delete().await?;
    println!("done       through four layers");
    Ok(())
}

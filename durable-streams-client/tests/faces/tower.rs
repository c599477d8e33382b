//! Tower services as transports, and the other way round: layers change what they are for and nothing else.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use crate::common::{Reply, Script, answer, over};
use bytes::Bytes;
use durable_streams_client::testing::SkippingTimer;
use durable_streams_client::tower::{TowerTransport, TransportService};
use durable_streams_client::{
    BoxError, DurableStream, ErrorKind, FailureKind, RetryPolicy, Transport, TransportError,
};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

const OFFSET: (&str, &str) = ("stream-next-offset", "2");
const CLOSED: (&str, &str) = ("stream-closed", "true");
const JSON: (&str, &str) = ("content-type", "application/json");

fn stream(transport: impl Transport) -> DurableStream {
    over(transport, SkippingTimer::new())
        .build()
        .unwrap()
        .stream("s")
}

fn service(answers: impl IntoIterator<Item = Reply>) -> (TransportService, Script) {
    let script = Script::new(answers);
    (TransportService::new(script.clone()), script)
}

async fn messages(stream: &DurableStream) -> Vec<u64> {
    let mut reader = stream.read().start();
    let mut got = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        got.extend(batch.json::<u64>().map(Result::unwrap));
    }
    got
}

#[tokio::test]
async fn layers_around_a_transport_see_every_request_and_are_a_transport_again() {
    let (service, script) = service([
        answer(204, &[OFFSET], ""),
        answer(200, &[OFFSET, JSON, CLOSED], "[1,2]"),
    ]);
    let seen = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&seen);
    let layered = ServiceBuilder::new()
        .concurrency_limit(1)
        .map_request(move |mut request: Request<Bytes>| {
            counted.fetch_add(1, Ordering::Relaxed);
            request
                .headers_mut()
                .insert("x-layer", "was here".parse().unwrap());
            request
        })
        .service(service);
    let stream = stream(TowerTransport::new(layered));
    stream.append("x").await.unwrap();
    assert_eq!(messages(&stream).await, [1, 2]);
    assert_eq!(seen.load(Ordering::Relaxed), 2);
    assert!(
        script
            .requests()
            .iter()
            .all(|request| request.headers()["x-layer"] == "was here")
    );
}

#[tokio::test]
async fn a_failure_keeps_its_kind_through_layers_that_wrap_it() {
    #[derive(Debug)]
    struct Wrapped(BoxError);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a layer failed")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&*self.0)
        }
    }
    let answers = [
        Reply::fail(FailureKind::Connect),
        answer(204, &[OFFSET], ""),
        Reply::fail(FailureKind::Refused),
    ];
    let (service, script) = service(answers);
    let wrap = |error: TransportError| BoxError::from(Wrapped(error.into()));
    let stream = stream(TowerTransport::new(service.map_err(wrap)));
    // Not connected: an append may be sent again.
    stream.append("x").await.unwrap();
    let error = stream.append("x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test]
async fn an_unknown_failure_may_have_been_sent() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let failing = service_fn(move |_: Request<Bytes>| {
        counted.fetch_add(1, Ordering::Relaxed);
        ready(Err::<Response<Frames>, _>(BoxError::from("elapsed")))
    });
    let error = stream(TowerTransport::new(failing))
        .append("x")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.may_have_been_applied());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// A service that does not get ready.
#[derive(Clone)]
struct Shut;

impl Service<Request<Bytes>> for Shut {
    type Response = Response<Frames>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Err("shut".into()))
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        unreachable!("it is not ready")
    }
}

#[tokio::test]
async fn what_a_service_was_not_ready_for_was_not_sent() {
    let append = stream(TowerTransport::new(Shut))
        .append("x")
        .retry(RetryPolicy::never());
    let error = append.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!error.may_have_been_applied());
}

/// A body of another kind.
struct Frames(std::vec::IntoIter<Result<Frame<Bytes>, BoxError>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.next())
    }
}

#[tokio::test]
async fn any_body_will_do_its_data_counts_and_a_failure_cuts_it() {
    let data = |text: &'static str| Ok(Frame::data(Bytes::from_static(text.as_bytes())));
    let calls = AtomicU32::new(0);
    let calls = Arc::new(calls);
    let service = service_fn(move |_: Request<Bytes>| {
        let frames = if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            vec![data("[1,"), Err("cut".into())]
        } else {
            let trailers = Ok(Frame::trailers(HeaderMap::new()));
            vec![data("[1,"), data(""), data("2]"), trailers]
        };
        let response = Response::builder().header(OFFSET.0, OFFSET.1);
        let response = response.header(JSON.0, JSON.1).header(CLOSED.0, CLOSED.1);
        ready(Ok::<_, BoxError>(
            response.body(Frames(frames.into_iter())).unwrap(),
        ))
    });
    assert_eq!(
        messages(&stream(TowerTransport::new(service))).await,
        [1, 2]
    );
}

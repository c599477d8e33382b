//! The reader's face: what it gives, what it keeps, and that its futures can be dropped anywhere.

mod common;

use bytes::Bytes;
use common::{Reply, Script, answer, over, scripted, targets};
use durable_streams_client::testing::SkippingTimer;
use durable_streams_client::{
    Batch, Body, ClientBuilder, Error, ErrorKind, FailureKind, Live, Reader, RetryPolicy,
    Transport, TransportError,
};
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response};

const JSON: (&str, &str) = ("content-type", "application/json");
const TAIL: (&str, &str) = ("stream-up-to-date", "true");
const SSE: [(&str, &str); 1] = [("content-type", "text/event-stream")];

/// Every piece of its answers is there only when it is asked for again.
#[derive(Debug)]
struct Hesitant(Script);

#[async_trait::async_trait]
impl Transport for Hesitant {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let answer = self.0.send(request).await?;
        let later = |piece| async {
            tokio::task::yield_now().await;
            piece
        };
        Ok(answer.map(|body| Body::new(body.then(later))))
    }
}

fn hesitant(replies: impl IntoIterator<Item = Reply>) -> (ClientBuilder, Script) {
    let script = Script::new(replies);
    let builder = over(Hesitant(script.clone()), SkippingTimer::new());
    (builder, script)
}

/// A stream of five messages over every kind of request, with every kind of failure in between.
fn session() -> Vec<Reply> {
    vec![
        Reply::fail(FailureKind::Connect),
        answer(503, &[("retry-after", "2")], "busy"),
        // Cut in the middle of the second message.
        answer(200, &[JSON, ("stream-next-offset", "2")], "[{\"n\":1},{\"n").cut(),
        answer(
            200,
            &[JSON, ("stream-next-offset", "2")],
            "[{\"n\":1},{\"n\":2}]",
        ),
        answer(
            200,
            &[JSON, ("stream-next-offset", "3"), TAIL],
            "[{\"n\":3}]",
        ),
        // Cut between data and control.
        answer(
            200,
            &SSE,
            "event: data\ndata: [{\"n\":4}]\n\nevent: control\n",
        )
        .body("data: {\"streamNextOffset\":\"4\",\"streamCursor\":\"c\"}\n\n")
        .body("event: data\ndata: [{\"n\":5}]\n\n")
        .cut(),
        answer(
            200,
            &SSE,
            "event: data\r\ndata: [{\"n\":5}]\r\n\r\nevent: control\r\n",
        )
        .body("data: {\"streamNextOffset\":\"5\",\"streamClosed\":true}\r\n\r\n")
        .hang(),
    ]
}

fn numbers(batch: &Batch) -> Vec<u64> {
    let number = |value: Result<serde_json::Value, Error>| value.unwrap()["n"].as_u64().unwrap();
    batch.json().map(number).collect()
}

/// What a reader gives, each call of `next` being made again when it is not ready at once.
async fn drain_dropping(reader: &mut Reader) -> Vec<(Vec<u64>, String)> {
    let mut got = Vec::new();
    loop {
        // Every pending poll drops the future; the next call goes on.
        let Some(result) = reader.next().now_or_never() else {
            tokio::task::yield_now().await;
            continue;
        };
        let Some(batch) = result.unwrap() else {
            return got;
        };
        got.push((numbers(&batch), batch.checkpoint().to_string()));
    }
}

#[tokio::test]
async fn b59_dropping_the_future_at_every_pending_point_loses_and_repeats_nothing() {
    let (builder, script) = hesitant(session());
    let stream = builder.build().unwrap().stream("s");
    let mut reader = stream.read().live(Live::Sse).start();
    let dropped = drain_dropping(&mut reader).await;
    assert!(reader.is_closed());

    let (builder, whole) = hesitant(session());
    let mut reader = builder
        .build()
        .unwrap()
        .stream("s")
        .read()
        .live(Live::Sse)
        .start();
    let mut kept = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        kept.push((numbers(&batch), batch.checkpoint().to_string()));
    }
    assert_eq!(dropped, kept);
    assert_eq!(targets(&script), targets(&whole));
    let all: Vec<u64> = kept
        .iter()
        .flat_map(|(numbers, _)| numbers.clone())
        .collect();
    assert_eq!(all, [1, 2, 3, 4, 5]);
    assert_eq!(
        targets(&script),
        [
            "GET /v1/s?offset=-1",
            "GET /v1/s?offset=-1",
            "GET /v1/s?offset=-1",
            "GET /v1/s?offset=-1",
            "GET /v1/s?offset=2",
            "GET /v1/s?live=sse&offset=3",
            "GET /v1/s?cursor=c&live=sse&offset=4",
        ]
    );
}

#[tokio::test]
async fn b59_a_new_reader_from_any_checkpoint_gives_the_rest() {
    let (builder, _) = hesitant(session());
    let mut reader = builder
        .build()
        .unwrap()
        .stream("s")
        .read()
        .live(Live::Sse)
        .start();
    let mut checkpoints = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        checkpoints.push(batch.checkpoint().clone());
        assert_eq!(reader.checkpoint().as_ref(), Some(batch.checkpoint()));
    }
    assert_eq!(
        checkpoints
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["-1,1", "2", "3", "4,0,c", "5,0,c"]
    );
    // Resumed in the middle of the first answer, whose page is now larger.
    let whole = answer(
        200,
        &[JSON, ("stream-next-offset", "5"), ("stream-closed", "true")],
        "[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4},{\"n\":5}]",
    );
    let (builder, _) = scripted([whole]);
    let mut reader = builder
        .build()
        .unwrap()
        .stream("s")
        .read()
        .from(&checkpoints[0])
        .start();
    assert_eq!(
        numbers(&reader.next().await.unwrap().unwrap()),
        [2, 3, 4, 5]
    );
    assert!(reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn b60_an_error_is_given_again_and_never_becomes_an_end() {
    let (builder, _) = scripted([answer(404, &[], "no such stream")]);
    let stream = builder.build().unwrap().stream("s");
    let mut reader = stream.read().start();
    for _ in 0..3 {
        let error = reader.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamNotFound);
        assert_eq!(error.url(), Some("http://streams.test/v1/s"));
    }
    assert!(!reader.is_closed());
}

#[tokio::test]
async fn as_a_stream_it_gives_an_error_once_and_then_ends() {
    let (builder, script) = scripted([answer(410, &[], "")]);
    let reader = builder.build().unwrap().stream("s").read().start();
    let items: Vec<_> = reader.collect().await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn b54_a_reader_that_may_give_up_does_after_its_attempts() {
    let down = || Reply::fail(FailureKind::Connect);
    let (builder, script) = scripted([down(), down(), down()]);
    let policy = RetryPolicy::endless().give_up_after(3, std::time::Duration::ZERO);
    let mut reader = builder
        .build()
        .unwrap()
        .stream("s")
        .read()
        .retry(policy)
        .start();
    let error = reader.next().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Transport, true)
    );
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_sent_is_reported_before_any_io() {
    let (builder, script) = scripted([]);
    let client = builder.build().unwrap();
    let bad = [
        client.stream("../up").read().start(),
        client.stream("s").read().header("bad name", "x").start(),
        client.stream("s").read().param("offset", "1").start(),
        client.stream("s").with_header("x", "\n").read().start(),
        client.stream("s").read().if_none_match("\n").start(),
        client.stream("s").read().cursor("c").start(),
    ];
    for mut reader in bad {
        assert_eq!(
            reader.next().await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
    assert!(script.requests().is_empty());
}

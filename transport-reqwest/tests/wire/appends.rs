//! Appends: sent once when their fate is unknown, and what a conflict means.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use durable_streams_conformance::script::{ClosedBy, Reply, ScriptServer};
use durable_streams_reqwest::{Client, Error, ErrorKind, ReqwestTransport, TokioTimer};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::support::*;

#[tokio::test]
async fn b31_an_append_whose_answer_is_lost_is_sent_once_and_says_so() {
    let lost: [fn() -> Reply; 8] = [
        Reply::close,
        Reply::reset,
        || Reply::raw("HTTP/1.1 204 No Con").then_close(),
        || Reply::raw("what?\r\n\r\n").then_close(),
        || Reply::new(500),
        || {
            Reply::new(502)
                .header("Content-Type", "text/html")
                .body("<html>")
        },
        || Reply::new(504).header("Retry-After", "0"),
        || Reply::new(408),
    ];
    for (number, lost) in lost.into_iter().enumerate() {
        let server = serve([lost(), lost()]).await;
        let stream = stream(&server).with_content_type("text/plain");
        for request in 1..=2 {
            let append = stream.append("abc");
            let append = if request == 2 {
                append.close(true)
            } else {
                append
            };
            let error = within(append.into_future()).await.unwrap_err();
            assert!(error.may_have_been_applied(), "{number}: {error}");
            assert!(error.is_retryable(), "{number}: {error}");
            assert_eq!(server.requests().len(), request, "{number}");
        }
        server.assert_finished();
    }
}

#[tokio::test]
async fn b31_an_append_without_an_answer_in_time_is_sent_once_and_says_so() {
    let mut clock = Clock::stopped().await;
    let server = serve([Reply::hang(), Reply::hang()]).await;
    let stream = stream(&server);
    let limited = stream.append("abc").timeout(Duration::from_secs(5));
    // The default is 30 s.
    for (number, (append, seconds)) in [(limited, 5), (stream.append("abc"), 30)]
        .into_iter()
        .enumerate()
    {
        let append = tokio::spawn(append.into_future());
        within(server.wait_for_requests(number + 1)).await;
        clock.turn(seconds - 1).await;
        assert!(!append.is_finished(), "given up before {seconds} s");
        clock.turn(2).await;
        let error = within(append).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_been_applied());
        let closed = within(server.wait_for_close(number)).await;
        assert_eq!(closed, ClosedBy::Peer);
    }
    server.assert_finished();
}

#[tokio::test]
async fn b31_an_append_that_was_turned_down_is_sent_again_byte_for_byte() {
    let server = serve([
        Reply::new(503).body("busy"),
        Reply::new(429).header("Retry-After", "0"),
        Reply::new(503),
        no_content("3"),
    ])
    .await;
    let stream = stream(&server).with_content_type("text/plain");
    let appended = within(stream.append("abc").into_future()).await.unwrap();
    assert_eq!(appended.next_offset.as_str(), "3");
    for request in server.requests() {
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/v1/stream/s")
        );
        assert_eq!(
            (&request.body[..], request.header("content-type")),
            (&b"abc"[..], Some("text/plain"))
        );
        assert_eq!(
            request
                .header("stream-seq")
                .or(request.header("stream-closed")),
            None
        );
    }
    server.assert_finished();
}

#[tokio::test]
async fn b31_what_was_turned_down_to_the_last_was_certainly_not_applied() {
    for status in [429, 503] {
        let server = serve([Reply::new(status), Reply::new(status), Reply::new(status)]).await;
        let append = stream(&server).append("abc").retry(attempts(3));
        let error = within(append.into_future()).await.unwrap_err();
        assert!(
            !error.may_have_been_applied() && error.is_retryable(),
            "{error}"
        );
        server.assert_finished();
    }
    // And what was lost after it may have been.
    let server = serve([Reply::new(503), Reply::close()]).await;
    let error = within(stream(&server).append("abc").into_future())
        .await
        .unwrap_err();
    assert!(error.may_have_been_applied());
    server.assert_finished();
}

/// Resolves to an address where nobody listens, so often, and then to the server.
struct Late {
    refused: usize,
    asked: Arc<AtomicUsize>,
}

impl Resolve for Late {
    fn resolve(&self, _: Name) -> Resolving {
        let refused = self.asked.fetch_add(1, Ordering::SeqCst) < self.refused;
        // The port is that of the URL.
        let address: SocketAddr = if refused {
            "127.0.0.2:0"
        } else {
            "127.0.0.1:0"
        }
        .parse()
        .unwrap();
        Box::pin(async move { Ok(Box::new([address].into_iter()) as Addrs) })
    }
}

/// A client that is refused so many connections before it gets one, and how many it wanted.
fn late(server: &ScriptServer, refused: usize) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let resolver = Late {
        refused,
        asked: Arc::clone(&asked),
    };
    let http = ReqwestTransport::client_builder()
        .dns_resolver(Arc::new(resolver))
        .build()
        .unwrap();
    let root = format!("http://streams.test:{}/v1/stream", server.address().port());
    let builder = Client::builder(&root, ReqwestTransport::from(http), TokioTimer).unwrap();
    (
        builder
            .retry(attempts(4))
            .read_retry(attempts(4))
            .build()
            .unwrap(),
        asked,
    )
}

#[tokio::test]
async fn b31_an_append_that_found_no_connection_is_tried_again() {
    let server = serve([no_content("3")]).await;
    let (client, asked) = late(&server, 3);
    let appended = within(client.stream("s").append("abc").into_future())
        .await
        .unwrap();
    assert_eq!(appended.next_offset.as_str(), "3");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!(server.requests().len(), 1);
    server.assert_finished();
}

#[tokio::test]
async fn b31_b60_a_server_that_is_not_there_is_an_error_after_the_attempts_and_nothing_else() {
    let server = serve([]).await;
    let (client, asked) = late(&server, usize::MAX);
    let error = within(client.stream("s").append("abc").into_future())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::Transport, false)
    );
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    let (got, error) = fail(&mut client.stream("s").read().start()).await;
    assert!(got.is_empty());
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Transport, true)
    );
    assert_eq!(asked.load(Ordering::SeqCst), 8);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn b32_with_a_sequence_a_lost_append_is_sent_again_and_a_conflict_says_what_is_known() {
    // The first attempt was applied, or was not: the conflict cannot tell, and says so.
    let server = serve([Reply::close(), Reply::new(409).next_offset("3")]).await;
    let append = stream(&server).append("abc").seq("0007");
    let error = within(append.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SequenceConflict);
    assert!(error.may_have_been_applied());
    for request in server.requests() {
        assert_eq!(
            (request.header("stream-seq"), &request.body[..]),
            (Some("0007"), &b"abc"[..])
        );
    }
    server.assert_finished();

    // Without a lost answer it is a plain conflict.
    let server = serve([Reply::new(503), Reply::new(409)]).await;
    let append = stream(&server).append("abc").seq("0007");
    let error = within(append.into_future()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::SequenceConflict, false)
    );
    server.assert_finished();

    // And the second attempt can work.
    let server = serve([Reply::new(502), Reply::reset(), no_content("3")]).await;
    let append = stream(&server).append("abc").seq("0007");
    let appended = within(append.into_future()).await.unwrap();
    assert_eq!(appended.next_offset.as_str(), "3");
    server.assert_finished();
}

#[tokio::test]
async fn b32_a_refusal_after_a_lost_attempt_does_not_say_what_became_of_that() {
    for (second, kind) in [
        (Reply::new(400), ErrorKind::BadRequest),
        (Reply::new(404), ErrorKind::StreamNotFound),
        (
            Reply::new(409).closed().next_offset("3"),
            ErrorKind::StreamClosed,
        ),
    ] {
        let server = serve([Reply::close(), second]).await;
        let append = stream(&server).append("abc").seq("1").close(true);
        let error = within(append.into_future()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_applied()), (kind, true));
        server.assert_finished();
    }
}

#[tokio::test]
async fn b34_a_conflict_is_read_from_its_headers_and_never_from_its_body() {
    let server = serve([]).await;
    let stream = stream(&server);
    let conflict =
        || Reply::new(409).body("Stream is closed; sequence conflict; content type mismatch");
    let cases: [(Reply, Option<&str>, ErrorKind); 7] = [
        (
            conflict().closed().next_offset("9"),
            Some("1"),
            ErrorKind::StreamClosed,
        ),
        (
            conflict()
                .closed()
                .next_offset("9")
                .header("Producer-Expected-Seq", "2"),
            Some("1"),
            ErrorKind::StreamClosed,
        ),
        (
            conflict().header("stream-closed", "TRUE"),
            None,
            ErrorKind::StreamClosed,
        ),
        (
            conflict()
                .header("Producer-Expected-Seq", "2")
                .header("Producer-Received-Seq", "3"),
            Some("1"),
            ErrorKind::ProducerGap,
        ),
        (
            conflict().header("Stream-Closed", "false"),
            Some("1"),
            ErrorKind::SequenceConflict,
        ),
        (conflict(), Some("1"), ErrorKind::SequenceConflict),
        (conflict(), None, ErrorKind::ContentTypeMismatch),
    ];
    for (reply, seq, kind) in cases {
        server.reply(reply);
        let append = stream.append("abc");
        let append = match seq {
            Some(seq) => append.seq(seq),
            None => append,
        };
        let error: Error = within(append.into_future()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.may_have_been_applied() && !error.is_retryable());
        if kind == ErrorKind::StreamClosed && seq.is_some() {
            assert_eq!(error.next_offset().unwrap().as_str(), "9");
        }
        if kind == ErrorKind::ProducerGap {
            assert_eq!(
                (error.expected_seq(), error.received_seq()),
                (Some(2), Some(3))
            );
        }
    }
    assert_eq!(server.requests().len(), 7);
    server.assert_finished();
}

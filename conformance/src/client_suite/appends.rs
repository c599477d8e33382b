//! Appends: sent once when their fate is unknown, and what a conflict means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use durable_streams_client::{Error, ErrorKind};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b31_a_lost_append_is_sent_once_and_says_so,
        b31_lost_on_a_connection_that_was_used_before,
        b31_an_append_out_of_time_is_sent_once,
        b31_turned_down_is_sent_again_byte_for_byte,
        b31_turned_down_to_the_last_is_not_applied,
        b31_not_connected_is_tried_again,
        b60_a_server_that_is_not_there_is_an_error,
        b32_a_lost_sequence_is_sent_again,
        b32_a_refusal_says_nothing_of_a_lost_attempt,
        b34_a_conflict_is_read_from_its_headers,
    ]
}

async fn b31_a_lost_append_is_sent_once_and_says_so(cx: Context) {
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
        let server = cx.serve([lost(), lost()]).await;
        let stream = cx.stream(&server).with_content_type("text/plain");
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

/// Stacks are tempted to think that such a connection had ended before, and to send the request again by themselves.
async fn b31_lost_on_a_connection_that_was_used_before(cx: Context) {
    for lost in [Reply::close, Reply::reset] {
        let server = cx.serve([no_content("1"), lost()]).await;
        let stream = cx.stream(&server).with_content_type("text/plain");
        within(stream.append("a").into_future()).await.unwrap();
        let error = within(stream.append("b").into_future()).await.unwrap_err();
        assert!(error.may_have_been_applied(), "{error}");
        let sent: Vec<_> = server.requests().into_iter().map(|r| r.body).collect();
        assert_eq!(sent, ["a", "b"]);
        server.assert_finished();
    }
}

async fn b31_an_append_out_of_time_is_sent_once(cx: Context) {
    let server = cx.serve([Reply::hang(), Reply::hang()]).await;
    let (client, clock) = cx.stopped(&server);
    let stream = client.build().unwrap().stream("s");
    let limited = stream.append("abc").timeout(Duration::from_secs(5));
    // The default is 30 s.
    for (number, (append, seconds)) in [(limited, 5), (stream.append("abc"), 30)]
        .into_iter()
        .enumerate()
    {
        let append = tokio::spawn(append.into_future());
        within(server.wait_for_requests(number + 1)).await;
        clock.turn(&server, Duration::from_secs(seconds - 1)).await;
        assert!(!append.is_finished(), "given up before {seconds} s");
        clock.turn(&server, Duration::from_secs(2)).await;
        let error = within(append).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_been_applied());
        within(server.wait_for_abandoned(number)).await;
    }
    assert_eq!(server.requests().len(), 2);
    server.assert_finished();
}

async fn b31_turned_down_is_sent_again_byte_for_byte(cx: Context) {
    let server = cx
        .serve([
            Reply::new(503).body("busy"),
            Reply::new(429).header("Retry-After", "0"),
            Reply::new(503),
            no_content("3"),
        ])
        .await;
    let stream = cx.stream(&server).with_content_type("text/plain");
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

async fn b31_turned_down_to_the_last_is_not_applied(cx: Context) {
    for status in [429, 503] {
        let server = cx
            .serve([Reply::new(status), Reply::new(status), Reply::new(status)])
            .await;
        let append = cx.stream(&server).append("abc").retry(attempts(3));
        let error = within(append.into_future()).await.unwrap_err();
        assert!(
            !error.may_have_been_applied() && error.is_retryable(),
            "{error}"
        );
        server.assert_finished();
    }
    // And what was lost after it may have been.
    let server = cx.serve([Reply::new(503), Reply::close()]).await;
    let error = within(cx.stream(&server).append("abc").into_future())
        .await
        .unwrap_err();
    assert!(error.may_have_been_applied());
    server.assert_finished();
}

async fn b31_not_connected_is_tried_again(cx: Context) {
    let server = cx.serve([no_content("3")]).await;
    let (client, sent) = cx.refused(&server, 0..3);
    let client = client.retry(attempts(4)).build().unwrap();
    let appended = within(client.stream("s").append("abc").into_future())
        .await
        .unwrap();
    assert_eq!(appended.next_offset.as_str(), "3");
    assert_eq!(sent.load(Ordering::SeqCst), 4);
    assert_eq!(server.requests().len(), 1);
    server.assert_finished();
}

async fn b60_a_server_that_is_not_there_is_an_error(cx: Context) {
    let server = cx.serve([]).await;
    let (client, sent) = cx.refused(&server, 0..usize::MAX);
    let client = client.retry(attempts(4)).read_retry(attempts(4));
    let client = client.build().unwrap();
    let error = within(client.stream("s").append("abc").into_future())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::Transport, false)
    );
    assert_eq!(sent.load(Ordering::SeqCst), 4);
    let (got, error) = fail(&mut client.stream("s").read().start()).await;
    assert!(got.is_empty());
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Transport, true)
    );
    assert_eq!(sent.load(Ordering::SeqCst), 8);
    assert_eq!(server.connections(), 0);
}

async fn b32_a_lost_sequence_is_sent_again(cx: Context) {
    // The first attempt was applied, or was not: the conflict cannot tell, and says so.
    let server = cx
        .serve([Reply::close(), Reply::new(409).next_offset("3")])
        .await;
    let append = cx.stream(&server).append("abc").seq("0007");
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
    let server = cx.serve([Reply::new(503), Reply::new(409)]).await;
    let append = cx.stream(&server).append("abc").seq("0007");
    let error = within(append.into_future()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::SequenceConflict, false)
    );
    server.assert_finished();

    // And the second attempt can work.
    let server = cx
        .serve([Reply::new(502), Reply::reset(), no_content("3")])
        .await;
    let append = cx.stream(&server).append("abc").seq("0007");
    let appended = within(append.into_future()).await.unwrap();
    assert_eq!(appended.next_offset.as_str(), "3");
    server.assert_finished();
}

async fn b32_a_refusal_says_nothing_of_a_lost_attempt(cx: Context) {
    for (second, kind) in [
        (Reply::new(400), ErrorKind::BadRequest),
        (Reply::new(404), ErrorKind::StreamNotFound),
        (
            Reply::new(409).closed().next_offset("3"),
            ErrorKind::StreamClosed,
        ),
    ] {
        let server = cx.serve([Reply::close(), second]).await;
        let append = cx.stream(&server).append("abc").seq("1").close(true);
        let error = within(append.into_future()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_applied()), (kind, true));
        server.assert_finished();
    }
}

async fn b34_a_conflict_is_read_from_its_headers(cx: Context) {
    let server = cx.serve([]).await;
    let stream = cx.stream(&server);
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

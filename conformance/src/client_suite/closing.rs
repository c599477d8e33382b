//! Close, delete, head, and which successes are one.

use durable_streams_client::{ErrorKind, Live};

use super::support::*;
use crate::script::{ClosedBy, Reply};
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b35_closing_a_closed_stream_succeeds,
        b35_a_lost_close_is_repeated,
        b35_a_conflict_without_closed_is_no_success,
        b35_append_and_close_is_unsafe_to_repeat,
        b35_a_lost_delete_may_find_nothing,
        b36_200_and_204_are_both_success,
        b36_a_cut_or_endless_explanation_is_a_success,
        b38_a_head_says_what_a_get_would_have,
        b38_a_body_of_head_is_never_read: Needs::Http1("its frames belong to a stream over HTTP/2, not to the next answer"),
        b38_a_connection_is_used_again_after_head,
    ]
}

async fn b35_closing_a_closed_stream_succeeds(cx: Context) {
    for reply in [
        no_content("9").closed(),
        Reply::new(200).next_offset("9").closed(),
        Reply::new(409)
            .next_offset("9")
            .closed()
            .body("closed already"),
    ] {
        let server = cx.serve([reply]).await;
        let closed = within(cx.stream(&server).close().into_future())
            .await
            .unwrap();
        assert_eq!(closed.final_offset.as_str(), "9");
        let request = &server.requests()[0];
        assert_eq!(
            (request.method.as_str(), request.header("stream-closed")),
            ("POST", Some("true"))
        );
        assert_eq!(
            (request.body.len(), request.header("content-length")),
            (0, Some("0"))
        );
        assert_eq!(request.header("content-type"), None);
        server.assert_finished();
    }
}

async fn b35_a_lost_close_is_repeated(cx: Context) {
    let server = cx
        .serve([
            Reply::close(),
            Reply::reset(),
            Reply::new(502).body("<html>"),
            Reply::new(503),
            Reply::new(409).next_offset("9").closed(),
        ])
        .await;
    let closed = within(cx.stream(&server).close().into_future())
        .await
        .unwrap();
    assert_eq!(closed.final_offset.as_str(), "9");
    assert!(
        server
            .requests()
            .iter()
            .all(|r| r.header("stream-closed") == Some("true") && r.body.is_empty())
    );
    server.assert_finished();
}

async fn b35_a_conflict_without_closed_is_no_success(cx: Context) {
    let server = cx
        .serve([Reply::new(409).next_offset("9").body("stream is closed")])
        .await;
    let error = within(cx.stream(&server).close().into_future())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    server.assert_finished();
}

async fn b35_append_and_close_is_unsafe_to_repeat(cx: Context) {
    let server = cx.serve([Reply::close()]).await;
    let error = within(cx.stream(&server).close_with("abc").into_future())
        .await
        .unwrap_err();
    assert!(error.may_have_been_applied());
    let request = &server.requests()[0];
    assert_eq!(
        (&request.body[..], request.header("stream-closed")),
        (&b"abc"[..], Some("true"))
    );
    server.assert_finished();

    // Somebody closed it: nothing of this was applied.
    let server = cx.serve([Reply::new(409).next_offset("9").closed()]).await;
    let error = within(cx.stream(&server).close_with("abc").into_future())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::StreamClosed, false)
    );
    assert_eq!(error.next_offset().unwrap().as_str(), "9");
    server.assert_finished();
}

async fn b35_a_lost_delete_may_find_nothing(cx: Context) {
    for gone in [404, 410] {
        let server = cx
            .serve([Reply::close(), Reply::new(503), Reply::new(gone)])
            .await;
        within(cx.stream(&server).delete().into_future())
            .await
            .unwrap();
        assert!(
            server
                .requests()
                .iter()
                .all(|r| r.method == "DELETE" && r.target == "/v1/stream/s")
        );
        server.assert_finished();
    }
    // One that nobody has sent before is told.
    for (replies, kind) in [
        (vec![Reply::new(404)], ErrorKind::StreamNotFound),
        (vec![Reply::new(410)], ErrorKind::Gone),
        (
            vec![Reply::new(503), Reply::new(404)],
            ErrorKind::StreamNotFound,
        ),
    ] {
        let server = cx.serve(replies).await;
        let error = within(cx.stream(&server).delete().into_future())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        server.assert_finished();
    }
}

async fn b36_200_and_204_are_both_success(cx: Context) {
    for status in [200, 204] {
        let done = || Reply::new(status).next_offset("1");
        let server = cx
            .serve([
                done(),
                done(),
                done().closed(),
                done().closed(),
                done(),
                Reply::new(status),
            ])
            .await;
        let stream = cx.stream(&server).with_content_type("text/plain");
        assert!(!stream.create().await.unwrap().created);
        assert_eq!(stream.append("a").await.unwrap().next_offset.as_str(), "1");
        assert!(stream.close_with("a").await.unwrap().closed);
        assert_eq!(stream.close().await.unwrap().final_offset.as_str(), "1");
        assert_eq!(stream.head().await.unwrap().next_offset.as_str(), "1");
        stream.delete().await.unwrap();
        server.assert_finished();
    }
    // On a read too: at the tail, and at the end.
    let server = cx
        .serve([
            no_content("5").tail(),
            page("text/plain", "5", "").tail(),
            no_content("5").closed(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    assert_eq!(drain(&mut reader).await, [" @5 tail", " @5 tail closed"]);
    server.assert_finished();
}

async fn b36_a_cut_or_endless_explanation_is_a_success(cx: Context) {
    let (endless, live) = Reply::live(200);
    let server = cx
        .serve([
            Reply::new(200)
                .next_offset("1")
                .body("{\"ok\":true}")
                .cut_after(3),
            endless.next_offset("2"),
        ])
        .await;
    let stream = cx.stream(&server);
    assert_eq!(
        within(stream.append("a").into_future())
            .await
            .unwrap()
            .next_offset
            .as_str(),
        "1"
    );
    for _ in 0..64 {
        live.send(vec![b'x'; 4096]);
    }
    assert_eq!(
        within(stream.append("a").into_future())
            .await
            .unwrap()
            .next_offset
            .as_str(),
        "2"
    );
    within(live.gone()).await;
    server.assert_finished();
}

async fn b38_a_head_says_what_a_get_would_have(cx: Context) {
    // As it should be: no byte of the body.
    let reply = Reply::new(200)
        .next_offset("7")
        .header("Content-Length", "1000000");
    heads(&cx, reply).await;
}

/// An answer to HEAD, and another one on the same stream: what came behind the first is not taken for the second.
async fn heads(cx: &Context, reply: Reply) {
    let server = cx.serve([reply, Reply::new(200).next_offset("8")]).await;
    let stream = cx.stream(&server);
    let first = within(stream.head().into_future()).await.unwrap();
    let second = within(stream.head().into_future()).await.unwrap();
    assert_eq!(
        (first.next_offset.as_str(), second.next_offset.as_str()),
        ("7", "8")
    );
    assert_eq!(targets(&server), ["HEAD ", "HEAD "]);
    server.assert_finished();
}

async fn b38_a_body_of_head_is_never_read(cx: Context) {
    let head = |framing: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nStream-Next-Offset: 7\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        )
    };
    for reply in [
        // As it should be, once more: what a GET would have, and no byte of it.
        Reply::new(200)
            .next_offset("7")
            .header("Transfer-Encoding", "chunked"),
        // A server that does not know better, and keeps the connection.
        Reply::raw(head("Content-Length: 9") + "[1,2,3,4]"),
        Reply::raw(head("Content-Length: 1000") + "[1,2,3,4]"),
        Reply::raw(head("Transfer-Encoding: chunked") + "9\r\n[1,2,3,4]\r\n0\r\n\r\n"),
        Reply::raw(head("Connection: close") + "[1,2,3,4]"),
    ] {
        heads(&cx, reply).await;
    }
}

async fn b38_a_connection_is_used_again_after_head(cx: Context) {
    let server = cx
        .serve([
            Reply::new(200)
                .next_offset("7")
                .header("Content-Length", "1000000"),
            Reply::new(404).header("Content-Length", "100"),
            Reply::new(200).next_offset("7"),
        ])
        .await;
    let stream = cx.stream(&server);
    within(stream.head().into_future()).await.unwrap();
    let error = within(stream.head().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamNotFound);
    within(stream.head().into_future()).await.unwrap();
    assert_eq!(server.connections(), 1);
    server.assert_finished();
    drop(stream);
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);
}

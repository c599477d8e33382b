//! The end of a closed stream, in every mode: after its data, and with no request after it.

use durable_streams_conformance::script::Reply;
use durable_streams_reqwest::{Checkpoint, Live, Start};

use crate::support::*;

const MODES: [Live; 4] = [Live::Off, Live::LongPoll, Live::Sse, Live::Auto];

/// Reads to the end; the script has no reply for a request after it.
async fn ends(
    mode: Live,
    replies: impl IntoIterator<Item = Reply>,
    expected: &[&str],
) -> Vec<String> {
    let server = serve(replies).await;
    let mut reader = stream(&server).read().live(mode).start();
    let mut elsewhere = Elsewhere::new().await;
    assert_eq!(drain(&mut reader).await, expected, "{mode:?}");
    assert!(reader.is_closed());
    elsewhere.settle().await;
    server.assert_finished();
    targets(&server)
}

#[tokio::test]
async fn b22_b60_the_end_is_found_by_a_catch_up_answer_in_every_mode() {
    for mode in MODES {
        // With the last data; closed says that it is up to date too.
        let sent = ends(
            mode,
            [json("1", "[1]"), json("2", "[2]").closed()],
            &["[1] @1", "[2] @2 tail closed"],
        )
        .await;
        assert_eq!(sent, ["GET ?offset=-1", "GET ?offset=1"]);
        // One answer is all.
        ends(
            mode,
            [json("1", "[1]").tail().closed()],
            &["[1] @1 tail closed"],
        )
        .await;
        // Behind the last data: closed later, so the answer at the tail has it.
        ends(
            mode,
            [json("1", "[1]"), json("1", "[]").tail().closed()],
            &["[1] @1", "[] @1 tail closed"],
        )
        .await;
        // Some servers answer at the end without an array, or with a 204.
        ends(mode, [json("0", "").closed()], &["[] @0 tail closed"]).await;
        ends(mode, [no_content("0").closed()], &[" @0 tail closed"]).await;
        // Bytes.
        ends(
            mode,
            [page("text/plain", "3", "abc").closed()],
            &["abc @3 tail closed"],
        )
        .await;
    }
}

#[tokio::test]
async fn b22_a_partial_answer_of_a_closed_stream_is_not_its_end() {
    let server = serve([
        json("1", "[1]"),
        json("2", "[2]"),
        json("3", "[3]").closed(),
    ])
    .await;
    let mut reader = stream(&server).read().start();
    assert_eq!(next(&mut reader).await, "[1] @1");
    assert_eq!(next(&mut reader).await, "[2] @2");
    assert!(!reader.is_closed());
    assert_eq!(drain(&mut reader).await, ["[3] @3 tail closed"]);
    server.assert_finished();
}

#[tokio::test]
async fn b21_the_end_is_found_by_a_long_poll() {
    for (mode, content_type) in [
        (Live::LongPoll, "application/json"),
        (Live::LongPoll, "text/plain"),
        (Live::Auto, "application/octet-stream"),
    ] {
        let (empty, contents) = if content_type == "application/json" {
            ("[]", "[1]")
        } else {
            ("", "a")
        };
        let tail = || page(content_type, "0", empty).tail();
        let at_tail = format!("{empty} @0 tail");
        let sent = ends(
            mode,
            [tail(), page(content_type, "1", contents).closed()],
            &[&at_tail, &format!("{contents} @1 tail closed")],
        )
        .await;
        assert_eq!(sent, ["GET ?offset=-1", "GET ?live=long-poll&offset=0"]);
        ends(
            mode,
            [tail(), no_content("0").closed()],
            &[&at_tail, &format!("{empty} @0 tail closed")],
        )
        .await;
        ends(
            mode,
            [
                tail(),
                no_content("0").tail(),
                page(content_type, "0", empty).tail().closed(),
            ],
            &[&at_tail, &format!("{empty} @0 tail closed")],
        )
        .await;
    }
}

#[tokio::test]
async fn b12_the_end_is_found_by_a_control_event() {
    for (mode, content_type) in [
        (Live::Sse, "application/json"),
        (Live::Auto, "application/json"),
        (Live::Auto, "Text/Plain; charset=utf-8"),
    ] {
        let (empty, contents) = if content_type == "application/json" {
            ("[]", "[1]")
        } else {
            ("", "a")
        };
        let tail = || page(content_type, "0", empty).tail();
        let at_tail = format!("{empty} @0 tail");
        for keeps in [true, false] {
            let events = Reply::sse()
                .event("data", contents)
                .control(r#""streamNextOffset":"1","streamClosed":true"#);
            let events = if keeps { events } else { events.then_close() };
            let sent = ends(
                mode,
                [tail(), events],
                &[&at_tail, &format!("{contents} @1 tail closed")],
            )
            .await;
            assert_eq!(sent, ["GET ?offset=-1", "GET ?live=sse&offset=0"]);
        }
        ends(
            mode,
            [
                tail(),
                Reply::sse().control(r#""streamNextOffset":"0","streamClosed":true"#),
            ],
            &[&at_tail, &format!("{empty} @0 tail closed")],
        )
        .await;
    }
}

#[tokio::test]
async fn b12_the_end_is_found_in_binary_events_too() {
    let events = Reply::sse()
        .header("Stream-SSE-Data-Encoding", "base64")
        .event("data", "YWJj")
        .control(r#""streamNextOffset":"3","streamClosed":true"#);
    let tail = page("application/octet-stream", "0", "").tail();
    ends(
        Live::Sse,
        [tail, events],
        &[" @0 tail", "abc @3 tail closed"],
    )
    .await;
}

#[tokio::test]
async fn b22_a_reader_that_begins_at_the_end_of_a_closed_stream_ends_at_once() {
    for mode in MODES {
        let server = serve([json("9", "[]").tail().closed(), json("9", "[]").closed()]).await;
        let stream = stream(&server);
        let saved: Checkpoint = "9".parse().unwrap();
        let mut reader = stream.read().from(saved).live(mode).start();
        assert_eq!(drain(&mut reader).await, ["[] @9 tail closed"]);
        let mut reader = stream.read().from(Start::Now).live(mode).start();
        assert_eq!(drain(&mut reader).await, ["[] @9 tail closed"]);
        assert_eq!(targets(&server), ["GET ?offset=9", "GET ?offset=now"]);
        server.assert_finished();
    }
}

#[tokio::test]
async fn b22_up_to_date_is_the_end_only_for_a_reader_that_is_not_live() {
    let server = serve([json("1", "[1]"), json("2", "[2]").tail()]).await;
    let mut reader = stream(&server).read().start();
    assert_eq!(drain(&mut reader).await, ["[1] @1", "[2] @2 tail"]);
    assert!(!reader.is_closed(), "the tail is not the end of the stream");
    server.assert_finished();
}

#[tokio::test]
async fn b60_an_end_whose_body_is_cut_is_no_end_until_the_body_is_whole() {
    for mode in MODES {
        let sent = ends(
            mode,
            [
                json("2", "[1,2]").closed().cut_after(3),
                json("2", "[1,2]").closed().reset_after(0),
                json("2", "[1,2]").closed().chunked().cut_after(4),
                json("2", "[1,2]").closed(),
            ],
            &["[1] @-1,1", "[2] @2 tail closed"],
        )
        .await;
        assert!(
            sent.iter().all(|target| target == "GET ?offset=-1"),
            "{sent:?}"
        );
    }
}

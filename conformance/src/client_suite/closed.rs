//! The end of a closed stream, in every mode: after its data, and with no request after it.

use durable_streams_client::{Checkpoint, Live, Start};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b22_catch_up_finds_the_end_in_every_mode,
        b22_a_partial_answer_is_not_the_end,
        b21_a_long_poll_finds_the_end,
        b12_a_control_event_finds_the_end,
        b12_binary_events_find_the_end,
        b22_a_reader_at_the_end_ends_at_once,
        b22_the_tail_ends_what_is_not_live,
        b60_an_end_that_is_cut_is_no_end,
    ]
}

const MODES: [Live; 4] = [Live::Off, Live::LongPoll, Live::Sse, Live::Auto];

/// Reads to the end, and gives what was sent until then. There is no request after it.
async fn ends(
    cx: &Context,
    mode: Live,
    replies: impl IntoIterator<Item = Reply>,
    expected: &[&str],
) -> Vec<String> {
    let server = cx.serve(replies).await;
    let stream = cx.stream(&server);
    let mut reader = stream.read().live(mode).start();
    assert_eq!(drain(&mut reader).await, expected, "{mode:?}");
    assert!(reader.is_closed());
    // Whatever the reader might have sent comes before this.
    server.reply(Reply::new(200).next_offset("9"));
    within(stream.head().into_future()).await.unwrap();
    server.assert_finished();
    let mut sent = targets(&server);
    assert_eq!(sent.pop().unwrap(), "HEAD ");
    sent
}

async fn b22_catch_up_finds_the_end_in_every_mode(cx: Context) {
    for mode in MODES {
        // With the last data; closed says that it is up to date too.
        let sent = ends(
            &cx,
            mode,
            [json("1", "[1]"), json("2", "[2]").closed()],
            &["[1] @1", "[2] @2 tail closed"],
        )
        .await;
        assert_eq!(sent, ["GET ?offset=-1", "GET ?offset=1"]);
        // One answer is all.
        ends(
            &cx,
            mode,
            [json("1", "[1]").tail().closed()],
            &["[1] @1 tail closed"],
        )
        .await;
        // Behind the last data: closed later, so the answer at the tail has it.
        ends(
            &cx,
            mode,
            [json("1", "[1]"), json("1", "[]").tail().closed()],
            &["[1] @1", "[] @1 tail closed"],
        )
        .await;
        // Some servers answer at the end without an array, or with a 204.
        ends(&cx, mode, [json("0", "").closed()], &["[] @0 tail closed"]).await;
        ends(&cx, mode, [no_content("0").closed()], &[" @0 tail closed"]).await;
        // Bytes.
        ends(
            &cx,
            mode,
            [page("text/plain", "3", "abc").closed()],
            &["abc @3 tail closed"],
        )
        .await;
    }
}

async fn b22_a_partial_answer_is_not_the_end(cx: Context) {
    let server = cx
        .serve([
            json("1", "[1]"),
            json("2", "[2]"),
            json("3", "[3]").closed(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().start();
    for (page, offset) in ["1", "2"].into_iter().enumerate() {
        while reader.checkpoint().unwrap().to_string() != offset {
            let batch = within(reader.next()).await.unwrap().unwrap();
            assert!(!batch.is_closed() && !batch.is_up_to_date(), "{batch:?}");
        }
        assert!(!reader.is_closed());
        assert_eq!(server.requests().len(), page + 1);
    }
    assert_eq!(drain(&mut reader).await, ["[3] @3 tail closed"]);
    server.assert_finished();
}

async fn b21_a_long_poll_finds_the_end(cx: Context) {
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
            &cx,
            mode,
            [tail(), page(content_type, "1", contents).closed()],
            &[&at_tail, &format!("{contents} @1 tail closed")],
        )
        .await;
        assert_eq!(sent, ["GET ?offset=-1", "GET ?live=long-poll&offset=0"]);
        ends(
            &cx,
            mode,
            [tail(), no_content("0").closed()],
            &[&at_tail, &format!("{empty} @0 tail closed")],
        )
        .await;
        ends(
            &cx,
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

async fn b12_a_control_event_finds_the_end(cx: Context) {
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
                &cx,
                mode,
                [tail(), events],
                &[&at_tail, &format!("{contents} @1 tail closed")],
            )
            .await;
            assert_eq!(sent, ["GET ?offset=-1", "GET ?live=sse&offset=0"]);
        }
        ends(
            &cx,
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

async fn b12_binary_events_find_the_end(cx: Context) {
    let events = Reply::sse()
        .header("Stream-SSE-Data-Encoding", "base64")
        .event("data", "YWJj")
        .control(r#""streamNextOffset":"3","streamClosed":true"#);
    let tail = page("application/octet-stream", "0", "").tail();
    ends(
        &cx,
        Live::Sse,
        [tail, events],
        &[" @0 tail", "abc @3 tail closed"],
    )
    .await;
}

async fn b22_a_reader_at_the_end_ends_at_once(cx: Context) {
    for mode in MODES {
        let server = cx
            .serve([json("9", "[]").tail().closed(), json("9", "[]").closed()])
            .await;
        let stream = cx.stream(&server);
        let saved: Checkpoint = "9".parse().unwrap();
        let mut reader = stream.read().from(saved).live(mode).start();
        assert_eq!(drain(&mut reader).await, ["[] @9 tail closed"]);
        let mut reader = stream.read().from(Start::Now).live(mode).start();
        assert_eq!(drain(&mut reader).await, ["[] @9 tail closed"]);
        assert_eq!(targets(&server), ["GET ?offset=9", "GET ?offset=now"]);
        server.assert_finished();
    }
}

async fn b22_the_tail_ends_what_is_not_live(cx: Context) {
    let server = cx.serve([json("1", "[1]"), json("2", "[2]").tail()]).await;
    let mut reader = cx.stream(&server).read().start();
    assert_eq!(drain(&mut reader).await, ["[1] @1", "[2] @2 tail"]);
    assert!(!reader.is_closed(), "the tail is not the end of the stream");
    server.assert_finished();
}

async fn b60_an_end_that_is_cut_is_no_end(cx: Context) {
    for mode in MODES {
        let sent = ends(
            &cx,
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

//! Catch-up: pages, entity tags, `now`, and answers that lead nowhere.

use durable_streams_client::{Checkpoint, ErrorKind, Live, Start};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b22_pages_are_read_until_one_is_up_to_date,
        b23_a_304_ends_a_reader_that_is_not_live,
        b23_the_condition_is_for_the_first_answer,
        b23_a_live_reader_goes_on_from_a_304,
        b23_a_304_that_nobody_asked_for_is_a_failure,
        b25_now_is_asked_for_until_it_is_known,
        b25_now_goes_on_by_events,
        b26_a_success_without_a_good_offset_is_an_error,
        b26_an_offset_that_moves_back_is_an_error,
        b26_no_progress_is_never_a_hot_loop,
        b26_a_content_type_that_changes_is_an_error,
        b30_content_types_have_no_case_or_parameters,
    ]
}

async fn b22_pages_are_read_until_one_is_up_to_date(cx: Context) {
    let server = cx
        .serve([
            page("text/plain", "a", "one "),
            // An empty page that moves on is no tail.
            page("text/plain", "b", ""),
            page("text/plain", "c", "two ").header("Stream-Up-To-Date", "false"),
            page("text/plain", "d", "three").tail(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().start();
    assert_eq!(
        drain(&mut reader).await,
        ["one  @a", " @b", "two  @c", "three @d tail"]
    );
    assert!(!reader.is_closed());
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=-1",
            "GET ?offset=a",
            "GET ?offset=b",
            "GET ?offset=c"
        ]
    );
    // One connection serves them all.
    assert_eq!(server.connections(), 1);
    server.assert_finished();
}

async fn b23_a_304_ends_a_reader_that_is_not_live(cx: Context) {
    let server = cx.serve([Reply::new(304).header("ETag", "\"7\"")]).await;
    let saved: Checkpoint = "7".parse().unwrap();
    let read = cx.stream(&server).read().from(saved).if_none_match("\"7\"");
    let mut reader = read.start();
    assert!(drain(&mut reader).await.is_empty());
    assert!(reader.is_not_modified() && !reader.is_closed());
    assert_eq!(reader.checkpoint().unwrap().to_string(), "7");
    let request = &server.requests()[0];
    assert_eq!(request.header("if-none-match"), Some("\"7\""));
    assert_eq!(request.query(), Some("offset=7"));
    server.assert_finished();
}

async fn b23_the_condition_is_for_the_first_answer(cx: Context) {
    let server = cx
        .serve([Reply::new(503), json("8", "[8]"), json("9", "[9]").tail()])
        .await;
    let saved: Checkpoint = "7".parse().unwrap();
    let read = cx.stream(&server).read().from(saved).if_none_match("\"7\"");
    let mut reader = read.start();
    assert_eq!(drain(&mut reader).await, ["[8] @8", "[9] @9 tail"]);
    assert!(!reader.is_not_modified());
    let tags: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("if-none-match").is_some())
        .collect();
    assert_eq!(tags, [true, true, false]);
    server.assert_finished();
}

async fn b23_a_live_reader_goes_on_from_a_304(cx: Context) {
    let server = cx
        .serve([
            Reply::new(304),
            json("7", "[]").tail(),
            json("8", "[8]").closed(),
        ])
        .await;
    let saved: Checkpoint = "7,0,c".parse().unwrap();
    let read = cx
        .stream(&server)
        .read()
        .from(saved)
        .live(Live::LongPoll)
        .if_none_match("\"7\"");
    let mut reader = read.start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @7,0,c tail", "[8] @8,0,c tail closed"]
    );
    // Unchanged is not up to date, so the answer after it says that.
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=7",
            "GET ?offset=7",
            "GET ?cursor=c&live=long-poll&offset=7"
        ]
    );
    assert!(
        server.requests()[1..]
            .iter()
            .all(|r| r.header("if-none-match").is_none())
    );
    server.assert_finished();
}

async fn b23_a_304_that_nobody_asked_for_is_a_failure(cx: Context) {
    for (live, before) in [(Live::Off, 0), (Live::LongPoll, 1), (Live::Sse, 1)] {
        let server = cx.serve((0..before).map(|_| empty())).await;
        server.answer_with(|_, _| Reply::new(304));
        let read = cx.stream(&server).read().live(live).retry(attempts(4));
        let mut reader = read.start();
        let (got, error) = fail(&mut reader).await;
        assert_eq!(got.len(), before);
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(error.status().unwrap(), 304);
        assert!(!reader.is_not_modified());
        assert_eq!(server.requests().len(), before + 4);
    }
    let server = cx
        .serve([Reply::new(304), Reply::new(304), json("1", "[1]").tail()])
        .await;
    let mut reader = cx.stream(&server).read().start();
    assert_eq!(drain(&mut reader).await, ["[1] @1 tail"]);
    server.assert_finished();
}

async fn b25_now_is_asked_for_until_it_is_known(cx: Context) {
    let server = cx
        .serve([
            Reply::new(503),
            Reply::close(),
            // It moved to the tail as it was now, in an empty answer that is not up to date any more.
            json("41", "[]"),
            json("42", "[1]").tail(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().from(Start::Now).start();
    assert!(reader.checkpoint().is_none());
    assert_eq!(drain(&mut reader).await, ["[] @41", "[1] @42 tail"]);
    let now = "GET ?offset=now";
    assert_eq!(targets(&server), [now, now, now, "GET ?offset=41"]);
    server.assert_finished();
}

async fn b25_now_goes_on_by_events(cx: Context) {
    let server = cx
        .serve([
            json("41", "[]").tail(),
            Reply::sse(),
            Reply::sse()
                .event("data", "[1]")
                .control(r#""streamNextOffset":"42","streamClosed":true"#),
        ])
        .await;
    let mut reader = cx
        .stream(&server)
        .read()
        .from(Start::Now)
        .live(Live::Sse)
        .start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @41 tail", "[1] @42 tail closed"]
    );
    let live = "GET ?live=sse&offset=41";
    assert_eq!(targets(&server), ["GET ?offset=now", live, live]);
    server.assert_finished();
}

async fn b26_a_success_without_a_good_offset_is_an_error(cx: Context) {
    let bad = |offset: Option<&str>| {
        let reply = Reply::new(200)
            .header("Content-Type", "application/json")
            .tail()
            .body("[1]");
        match offset {
            Some(offset) => reply.next_offset(offset),
            None => reply,
        }
    };
    for offset in [
        None,
        Some(""),
        Some("-1"),
        Some("now"),
        Some("a,b"),
        Some("a b"),
        Some("a/b"),
    ] {
        for live in [Live::Off, Live::LongPoll] {
            let before = usize::from(live == Live::LongPoll);
            let server = cx.serve((0..before).map(|_| empty())).await;
            server.reply(bad(offset));
            let mut reader = cx.stream(&server).read().live(live).start();
            let (got, error) = fail(&mut reader).await;
            assert_eq!(got.len(), before, "{offset:?}");
            assert_eq!(error.kind(), ErrorKind::Protocol, "{offset:?}");
            server.assert_finished();
        }
    }
}

async fn b26_an_offset_that_moves_back_is_an_error(cx: Context) {
    for (mode, reply) in [
        (Live::LongPoll, json("4", "[4]")),
        (Live::LongPoll, no_content("4").tail()),
        (Live::LongPoll, no_content("4").closed()),
        (
            Live::Sse,
            Reply::sse()
                .event("data", "[4]")
                .control(r#""streamNextOffset":"4""#),
        ),
        (
            Live::Sse,
            Reply::sse().control(r#""streamNextOffset":"4","streamClosed":true"#),
        ),
        // Contents, and no move.
        (Live::LongPoll, json("5", "[6]")),
        (
            Live::Sse,
            Reply::sse()
                .event("data", "[6]")
                .control(r#""streamNextOffset":"5""#),
        ),
    ] {
        let server = cx.serve([json("5", "[5]").tail(), reply]).await;
        let mut reader = cx.stream(&server).read().live(mode).start();
        let (got, error) = fail(&mut reader).await;
        assert_eq!(
            (got, error.kind()),
            (vec!["[5] @5 tail".to_owned()], ErrorKind::Protocol)
        );
        assert_eq!(reader.checkpoint().unwrap().to_string(), "5");
        server.assert_finished();
    }
    let server = cx.serve([json("5", "[5]"), json("4", "[4]").tail()]).await;
    let mut reader = cx.stream(&server).read().start();
    let (got, error) = fail(&mut reader).await;
    assert_eq!(
        (got, error.kind()),
        (vec!["[5] @5".to_owned()], ErrorKind::Protocol)
    );
    server.assert_finished();
}

async fn b26_no_progress_is_never_a_hot_loop(cx: Context) {
    let server = cx.serve([json("1", "[1]")]).await;
    server.answer_with(|_, _| json("1", "[]"));
    let mut reader = cx.stream(&server).read().retry(attempts(5)).start();
    let (got, error) = fail(&mut reader).await;
    assert_eq!(
        (got, error.kind()),
        (vec!["[1] @1".to_owned()], ErrorKind::Protocol)
    );
    assert_eq!(server.requests().len(), 6);

    // It can pass.
    let server = cx
        .serve([
            json("1", "[1]"),
            json("1", "[]"),
            json("1", "[]"),
            json("2", "[2]").tail(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().start();
    assert_eq!(drain(&mut reader).await, ["[1] @1", "[2] @2 tail"]);
    server.assert_finished();
}

async fn b26_a_content_type_that_changes_is_an_error(cx: Context) {
    let server = cx
        .serve([json("1", "[1]"), page("text/plain", "2", "[2]").tail()])
        .await;
    let mut reader = cx.stream(&server).read().start();
    let (got, error) = fail(&mut reader).await;
    assert_eq!(
        (got, error.kind()),
        (vec!["[1] @1".to_owned()], ErrorKind::Protocol)
    );
    server.assert_finished();
}

async fn b30_content_types_have_no_case_or_parameters(cx: Context) {
    let server = cx
        .serve([
            page("Application/JSON;charset=utf-8", "1", "[1]"),
            json("2", "[2]"),
            page("application/json ; a=b", "3", "[3]").tail(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().start();
    assert_eq!(
        drain(&mut reader).await,
        ["[1] @1", "[2] @2", "[3] @3 tail"]
    );
    server.assert_finished();
}

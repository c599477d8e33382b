//! From event streams to long-poll, where they do not work.

use durable_streams_client::{ErrorKind, Live};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b14_three_short_event_streams_become_long_poll,
        b14_event_streams_that_end_behind_their_heads_are_short,
        b14_an_event_stream_that_delivers_breaks_the_row,
        b16_refused_event_streams_become_long_poll_at_once,
        b16_the_body_of_a_refusal_is_not_waited_for,
        b16_the_body_of_a_refusal_is_given_up,
        b16_event_streams_are_known_by_their_type,
        b16_a_400_or_a_404_is_an_error_and_no_refusal_of_events,
    ]
}

async fn b14_three_short_event_streams_become_long_poll(cx: Context) {
    let short: [fn() -> Reply; 5] = [
        // Ended, cut off with and without a comment, with nothing but a position, with data that nothing releases.
        Reply::sse,
        || Reply::sse().body(": hello\n").cut_after(8),
        || Reply::sse().body("\n").cut_after(1),
        || Reply::sse().control(r#""streamNextOffset":"0","streamCursor":"d","upToDate":true"#),
        || Reply::sse().event("data", "[1]"),
    ];
    for (number, short) in short.into_iter().enumerate() {
        let cursor = if number == 3 { "d" } else { "c" };
        become_long_poll(&cx, short, cursor).await;
    }
}

async fn b14_event_streams_that_end_behind_their_heads_are_short(cx: Context) {
    become_long_poll(&cx, || Reply::sse().cut_after(0), "c").await;
}

/// Checks that three of these, which leave the reader with this cursor, are followed by a long-poll.
async fn become_long_poll(cx: &Context, short: fn() -> Reply, cursor: &str) {
    let server = cx
        .serve([
            empty().cursor("c"),
            short(),
            short(),
            short(),
            json("1", "[1]").cursor("e").tail(),
            json("2", "[2]").tail(),
            no_content("2").closed(),
        ])
        .await;
    // They are short for as long as the clock stands still.
    let (client, _clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let mut reader = read.retry(at_once()).start();
    let got = drain(&mut reader).await;
    assert_eq!(got[0], "[] @0,0,c tail");
    assert_eq!(
        got[1..],
        [
            "[1] @1,0,e tail",
            "[2] @2,0,e tail",
            "[] @2,0,e tail closed"
        ]
    );
    let sent = targets(&server);
    assert_eq!(sent[1], "GET ?cursor=c&live=sse&offset=0");
    for again in &sent[2..4] {
        assert_eq!(again, &format!("GET ?cursor={cursor}&live=sse&offset=0"));
    }
    assert_eq!(
        sent[4..],
        [
            &format!("GET ?cursor={cursor}&live=long-poll&offset=0"),
            "GET ?cursor=e&live=long-poll&offset=1",
            "GET ?cursor=e&live=long-poll&offset=2",
        ]
    );
    server.assert_finished();
}

async fn b14_an_event_stream_that_delivers_breaks_the_row(cx: Context) {
    let delivers = |number: u32, more: &str| {
        let control = format!(r#""streamNextOffset":"{number}"{more}"#);
        Reply::sse()
            .event("data", &format!("[{number}]"))
            .control(&control)
    };
    let server = cx
        .serve([
            empty(),
            Reply::sse(),
            Reply::sse(),
            delivers(1, ""),
            Reply::sse(),
            Reply::sse(),
            delivers(2, ""),
            delivers(3, r#","streamClosed":true"#),
        ])
        .await;
    let (client, _clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let mut reader = read.retry(at_once()).start();
    assert_eq!(drain(&mut reader).await.len(), 4);
    assert!(
        targets(&server)[1..]
            .iter()
            .all(|target| target.contains("live=sse"))
    );
    server.assert_finished();
}

async fn b16_refused_event_streams_become_long_poll_at_once(cx: Context) {
    let html = |status: u16| {
        Reply::new(status)
            .header("Content-Type", "text/html")
            .body("<html>")
    };
    let refusals: [fn() -> Reply; 6] = [
        || Reply::new(405),
        || Reply::new(406),
        || Reply::new(501),
        // A server that knows no `live`: the data is not taken from here, as it is asked for again.
        || json("1", "[1]").tail(),
        || Reply::new(200).next_offset("1"),
        || Reply::new(204).next_offset("1").tail(),
    ];
    let refusals = refusals.into_iter().map(|refusal| refusal());
    for (number, refusal) in refusals.chain([html(405), html(200)]).enumerate() {
        let server = cx
            .serve([
                empty().cursor("c"),
                refusal,
                json("1", "[1]").tail(),
                // It is not tried again in this session, whatever happens.
                Reply::new(503),
                no_content("1").tail(),
                no_content("1").closed(),
            ])
            .await;
        let mut reader = cx.stream(&server).read().live(Live::Auto).start();
        let got = drain(&mut reader).await;
        assert_eq!(
            got,
            ["[] @0,0,c tail", "[1] @1,0,c tail", "[] @1,0,c tail closed"],
            "refusal {number}"
        );
        let again = "GET ?cursor=c&live=long-poll&offset=1";
        assert_eq!(
            targets(&server)[1..],
            [
                "GET ?cursor=c&live=sse&offset=0",
                "GET ?cursor=c&live=long-poll&offset=0",
                again,
                again,
                again
            ]
        );
        server.assert_finished();
    }
}

async fn b16_the_body_of_a_refusal_is_not_waited_for(cx: Context) {
    let (refusal, live) = Reply::live(200);
    let refusal = refusal.header("Content-Type", "text/html");
    let server = cx.serve([empty(), refusal, no_content("0").closed()]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    live.send("<html> that goes on");
    assert_eq!(
        drain(&mut reader).await,
        ["[] @0 tail", "[] @0 tail closed"]
    );
    server.assert_finished();
}

async fn b16_the_body_of_a_refusal_is_given_up(cx: Context) {
    let (refusal, live) = Reply::live(200);
    let refusal = refusal.header("Content-Type", "text/html");
    let server = cx.serve([empty(), refusal, Reply::hang()]).await;
    let running = Running::start(cx.stream(&server).read().live(Live::Sse).start());
    live.send("<html> that goes on");
    within(live.gone()).await;
    within(server.wait_for_abandoned(1)).await;
    within(server.wait_for_requests(3)).await;
    running.abort();
    server.assert_finished();
}

async fn b16_event_streams_are_known_by_their_type(cx: Context) {
    let events = Reply::new(200)
        .header("Content-Type", "Text/Event-Stream; charset=utf-8")
        .chunked()
        .control(r#""streamNextOffset":"0","streamClosed":true"#);
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @0 tail", "[] @0 tail closed"]
    );
    server.assert_finished();
}

async fn b16_a_400_or_a_404_is_an_error_and_no_refusal_of_events(cx: Context) {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (404, ErrorKind::StreamNotFound),
        (410, ErrorKind::Gone),
        (403, ErrorKind::Forbidden),
    ] {
        let server = cx
            .serve([empty(), Reply::new(status).body("offset?")])
            .await;
        let mut reader = cx.stream(&server).read().live(Live::Sse).start();
        let (got, error) = fail(&mut reader).await;
        assert_eq!(
            (got.len(), error.kind(), error.body()),
            (1, kind, Some("offset?"))
        );
        server.assert_finished();
    }
}

//! Sessions over event streams: what is released when, and what is lost with a connection.

use std::collections::HashSet;
use std::sync::Mutex;

use durable_streams_client::{Live, Reader};

use super::clock::Clock;
use super::support::*;
use crate::script::{Reply, sse_event};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b10_data_waits_for_its_control_event,
        b11_closed_after_any_byte_loses_nothing,
        b11_reset_after_any_byte_loses_nothing,
        b11_data_without_its_control_event_comes_once,
        b12_closed_ends_a_session_that_the_server_keeps,
        b12_closed_gives_the_exchange_up,
        b17_nothing_is_live_before_it_was_up_to_date,
    ]
}

/// The reader takes what there is, up to this many bytes of bodies in all, and gives nothing.
async fn gives_nothing(reader: &mut Reader, clock: &Clock, bytes: usize) {
    let received = async {
        tokio::select! {
            biased;
            given = reader.next() => panic!("released without its position: {given:?}"),
            () = clock.received(bytes as u64) => {}
        }
    };
    within(received).await;
}

async fn b10_data_waits_for_its_control_event(cx: Context) {
    let (events, live) = Reply::live_sse();
    let server = cx.serve([empty(), events]).await;
    let (client, clock) = cx.stopped(&server);
    let stream = client.build().unwrap().stream("s");
    let mut reader = stream.read().live(Live::Sse).start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    let mut sent = "[]".len();
    for data in ["[1]", "[2]"] {
        let event = sse_event("data", data);
        sent += event.len();
        live.send(event);
        gives_nothing(&mut reader, &clock, sent).await;
    }
    let begun = "event: control\ndata: {\"streamNextOffset\":\"2\",";
    live.send(begun);
    gives_nothing(&mut reader, &clock, sent + begun.len()).await;
    assert_eq!(reader.checkpoint().unwrap().to_string(), "0");
    live.send("\"streamCursor\":\"c\",\"upToDate\":true}\n\n");
    assert_eq!(next(&mut reader).await, "[1,2] @2,0,c tail");
    assert_eq!(reader.checkpoint().unwrap().to_string(), "2,0,c");
    live.event("data", "[3]");
    live.event("control", r#"{"streamNextOffset":"3","streamCursor":"d"}"#);
    assert_eq!(next(&mut reader).await, "[3] @3,0,d");
    // Only the position: it moves, and the tail is news.
    live.event("control", r#"{"streamNextOffset":"3","upToDate":true}"#);
    assert_eq!(next(&mut reader).await, "[] @3,0,d tail");
    live.event("control", r#"{"streamNextOffset":"3","streamClosed":true}"#);
    assert_eq!(drain(&mut reader).await, ["[] @3,0,d tail closed"]);
    server.assert_finished();
}

/// Cuts the first event stream after every byte of two groups; what it had of them is delivered, and what it had not comes
/// again from where the last control event was.
async fn cut_everywhere(cx: Context, cut: fn(Reply, u64) -> Reply) {
    let group = |number: u32, cursor: &str, more: &str| {
        sse_event("data", &format!("[{number}]"))
            + &sse_event(
                "control",
                &format!(r#"{{"streamNextOffset":"{number}","streamCursor":"{cursor}"{more}}}"#),
            )
    };
    let first = group(1, "c", r#","upToDate":true"#);
    let second = group(2, "d", r#","streamClosed":true"#);
    let whole = format!("{first}{second}");
    let length = whole.len();
    let server = cx.serve([]).await;
    let (script, was_cut) = (whole.clone(), Mutex::new(HashSet::new()));
    let begins_at = first.len();
    server.answer_with(move |request, _| {
        let stream = request.path().rsplit('/').next().unwrap().to_owned();
        match (request.query_param("live"), request.query_param("offset")) {
            (None, Some("-1")) => empty(),
            (Some("sse"), Some("0")) if was_cut.lock().unwrap().insert(stream.clone()) => {
                cut(Reply::sse().body(script.clone()), stream.parse().unwrap())
            }
            (Some("sse"), Some("0")) => Reply::sse().body(script.clone()),
            (Some("sse"), Some("1")) => Reply::sse().body(script[begins_at..].to_owned()),
            other => Reply::new(400).body(format!("nobody should ask for {other:?}")),
        }
    });
    let client = cx.builder(&server).build().unwrap();
    let mut requests = 0;
    for at in 0..length {
        let mut reader = client
            .stream(&at.to_string())
            .read()
            .live(Live::Sse)
            .start();
        let got = drain(&mut reader).await;
        let expected = ["[] @0 tail", "[1] @1,0,c tail", "[2] @2,0,d tail closed"];
        assert_eq!(got, expected, "cut at {at}");
        let sent = targets(&server).split_off(requests);
        requests += sent.len();
        let [first, second] = ["GET ?live=sse&offset=0", "GET ?cursor=c&live=sse&offset=1"];
        match &sent[1..] {
            // Nothing had arrived, or the first group and its position had.
            [a, b] if a == first && (b == first || b == second) => {
                assert!(at >= begins_at || b == first, "cut at {at}: {sent:?}");
            }
            // The data of the second group had arrived in full, and its end did not have to.
            [a] if a == first && at >= length - 1 => {}
            _ => panic!("cut at {at}: {sent:?}"),
        }
    }
    server.assert_finished();
}

async fn b11_closed_after_any_byte_loses_nothing(cx: Context) {
    cut_everywhere(cx, Reply::cut_after).await;
}

async fn b11_reset_after_any_byte_loses_nothing(cx: Context) {
    cut_everywhere(cx, Reply::reset_after).await;
}

async fn b11_data_without_its_control_event_comes_once(cx: Context) {
    let server = cx
        .serve([
            empty(),
            Reply::sse()
                .event("data", "[1]")
                .control(r#""streamNextOffset":"1","streamCursor":"c""#)
                .event("data", "[2]")
                .event("data", "[3]")
                .then_close(),
            // The same data again, in other groups.
            Reply::sse()
                .event("data", "[2,3,4]")
                .control(r#""streamNextOffset":"4","streamClosed":true"#),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let got = drain(&mut reader).await;
    assert_eq!(
        got,
        ["[] @0 tail", "[1] @1,0,c", "[2,3,4] @4,0,c tail closed"]
    );
    assert_eq!(
        targets(&server)[1..],
        ["GET ?live=sse&offset=0", "GET ?cursor=c&live=sse&offset=1"]
    );
    server.assert_finished();
}

async fn b12_closed_ends_a_session_that_the_server_keeps(cx: Context) {
    let (events, live) = Reply::live_sse();
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    live.event("data", "[1]");
    live.event("data", "[2]");
    live.event("control", r#"{"streamNextOffset":"2","streamClosed":true}"#);
    live.event("data", "[3]");
    assert_eq!(drain(&mut reader).await, ["[1,2] @2 tail closed"]);
    assert!(reader.is_closed());
    server.assert_finished();
}

async fn b12_closed_gives_the_exchange_up(cx: Context) {
    let (events, live) = Reply::live_sse();
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    live.event("control", r#"{"streamNextOffset":"0","streamClosed":true}"#);
    drain(&mut reader).await;
    within(live.gone()).await;
    within(server.wait_for_abandoned(1)).await;
    // The reader was still there.
    assert!(reader.is_closed());
    server.assert_finished();
}

async fn b17_nothing_is_live_before_it_was_up_to_date(cx: Context) {
    for (live, mode, end) in [
        (Live::LongPoll, "long-poll", no_content("4").closed()),
        (
            Live::Sse,
            "sse",
            Reply::sse().control(r#""streamNextOffset":"4","streamClosed":true"#),
        ),
        (
            Live::Auto,
            "sse",
            Reply::sse().control(r#""streamNextOffset":"4","streamClosed":true"#),
        ),
    ] {
        let server = cx
            .serve([
                json("1", "[1]").cursor("c"),
                Reply::new(503),
                json("2", "[2]"),
                json("3", "[]"),
                json("4", "[4]").tail(),
                end,
            ])
            .await;
        let mut reader = cx.stream(&server).read().live(live).start();
        let got = drain(&mut reader).await;
        assert_eq!(got.len(), 5, "{got:?}");
        assert_eq!(
            targets(&server),
            [
                "GET ?offset=-1",
                "GET ?offset=1",
                "GET ?offset=1",
                "GET ?offset=2",
                "GET ?offset=3",
                &format!("GET ?cursor=c&live={mode}&offset=4"),
            ]
        );
        server.assert_finished();
    }
}

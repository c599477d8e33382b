//! Numbers on the wire, and limits to what is kept in memory.

use durable_streams_client::{ErrorKind, Live};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b67_integers_are_read_strictly,
        b67_integers_of_a_refusal_are_not_made_up,
        b67_a_length_that_is_none_is_no_answer,
        b7_events_and_messages_over_the_limit_are_errors,
    ]
}

const ODD: [&str; 11] = [
    "",
    "-1",
    "+1",
    "01",
    "1.0",
    "1e3",
    "0x1",
    "1 2",
    "9007199254740992",
    "18446744073709551616",
    "99999999999999999999999999",
];

async fn b67_integers_are_read_strictly(cx: Context) {
    let server = cx.serve([]).await;
    let stream = cx.stream(&server);
    for (ttl, seconds) in [
        ("0", 0),
        ("7", 7),
        ("9007199254740991", 9_007_199_254_740_991),
    ] {
        server.reply(Reply::new(200).next_offset("1").header("Stream-TTL", ttl));
        let metadata = within(stream.head().into_future()).await.unwrap();
        assert_eq!(metadata.ttl.unwrap().as_secs(), seconds);
    }
    for odd in ODD {
        server.reply(Reply::new(200).next_offset("1").header("Stream-TTL", odd));
        let error = within(stream.head().into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{odd:?}");
        assert_eq!(error.status().unwrap(), 200);
    }
    server.reply(
        Reply::new(200)
            .next_offset("1")
            .header("Stream-TTL", "1")
            .header("Stream-TTL", "2"),
    );
    let error = within(stream.head().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    server.assert_finished();
}

async fn b67_integers_of_a_refusal_are_not_made_up(cx: Context) {
    let server = cx.serve([]).await;
    let stream = cx.stream(&server);
    for odd in ODD {
        server.reply(
            Reply::new(409)
                .header("Producer-Expected-Seq", odd)
                .header("Producer-Received-Seq", odd),
        );
        let error = within(stream.append("a").into_future()).await.unwrap_err();
        assert_eq!(
            (error.expected_seq(), error.received_seq()),
            (None, None),
            "{odd:?}"
        );
        assert_ne!(error.kind(), ErrorKind::ProducerGap, "{odd:?}");
        server.reply(Reply::new(403).header("Producer-Epoch", odd));
        let error = within(stream.append("a").into_future()).await.unwrap_err();
        assert_eq!(error.producer_epoch(), None, "{odd:?}");
    }
    server.assert_finished();
}

async fn b67_a_length_that_is_none_is_no_answer(cx: Context) {
    for odd in ["-1", "1e1", "x", "99999999999999999999999999"] {
        let reply = || {
            let page = json("1", "[1]").tail();
            page.header("Content-Length", odd).then_close()
        };
        let server = cx.serve([reply(), reply()]).await;
        let (got, error) = fail(&mut cx.stream(&server).read().retry(attempts(2)).start()).await;
        assert!(got.is_empty(), "{odd:?}: {got:?}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{odd:?}");
        server.assert_finished();
    }
}

async fn b7_events_and_messages_over_the_limit_are_errors(cx: Context) {
    let large = format!("[\"{}\"]", "x".repeat(4096));
    let control = r#""streamNextOffset":"1""#;
    for replies in [
        vec![
            Reply::new(200)
                .header("Content-Type", "application/json")
                .next_offset("1")
                .tail()
                .body(large.clone()),
        ],
        vec![empty(), Reply::sse().event("data", &large).control(control)],
        vec![empty(), Reply::sse().body(format!(": {large}"))],
        vec![
            empty(),
            (0..200)
                .fold(Reply::sse(), |reply, _| {
                    reply.event("data", "[\"0123456789\"]")
                })
                .control(control),
        ],
    ] {
        let before = replies.len() - 1;
        let server = cx.serve(replies).await;
        let read = cx
            .stream(&server)
            .read()
            .live(Live::Sse)
            .max_message_bytes(1024);
        let (got, error) = fail(&mut read.start()).await;
        assert_eq!(
            (got.len(), error.kind()),
            (before, ErrorKind::LimitExceeded),
            "{error}"
        );
        server.assert_finished();
    }
    // As many as one likes, each with its control event.
    let events = (1..=200).fold(Reply::sse(), |reply, number| {
        let closed = if number == 200 {
            r#","streamClosed":true"#
        } else {
            ""
        };
        let control = format!(r#""streamNextOffset":"{number:03}"{closed}"#);
        reply.event("data", "[\"0123456789\"]").control(&control)
    });
    let server = cx.serve([empty(), events]).await;
    let read = cx
        .stream(&server)
        .read()
        .live(Live::Sse)
        .max_message_bytes(1024);
    assert_eq!(drain(&mut read.start()).await.len(), 201);
    server.assert_finished();
}

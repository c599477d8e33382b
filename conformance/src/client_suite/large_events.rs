//! Large events in small pieces.
//!
//! That time is linear is not for a clock to find out. What can be seen is that a large event in very many pieces is given
//! whole, and that one without an end is not read on when it is over the limit.

use durable_streams_client::{ErrorKind, Live};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b7_a_large_event_in_small_pieces_is_given_whole,
        b7_a_large_event_byte_by_byte_is_given_whole,
        b7_an_event_without_end_is_not_read_on,
    ]
}

/// A JSON array of one message of this length, as an event with a line for every 4 KiB, and its control event.
fn event(length: usize) -> (String, String) {
    let document = format!("[\"{}\"]", "0123456789abcdef".repeat(length / 16));
    // A line may end between any two tokens, and a string is one: the lines come before it.
    let padding = "\n".repeat(length / 4096);
    let lines = format!("{padding}{document}");
    let control = r#"{"streamNextOffset":"1","streamClosed":true}"#;
    let event = crate::script::sse_event("data", &lines);
    (
        document,
        event + &crate::script::sse_event("control", control),
    )
}

async fn given_whole(cx: Context, length: usize, reply: impl FnOnce(String) -> Reply) {
    let (document, events) = event(length);
    let server = cx.serve([empty(), reply(events)]).await;
    let read = cx.stream(&server).read().live(Live::Sse);
    let got = drain(&mut read.start()).await;
    assert_eq!(got.len(), 2);
    // Not by `assert_eq`, which would print it.
    let rest = got[1].trim_start().strip_prefix(&*document);
    assert_eq!(rest, Some(" @1 tail closed"), "{} bytes", got[1].len());
    assert_eq!(
        targets(&server),
        ["GET ?offset=-1", "GET ?live=sse&offset=0"]
    );
    server.assert_finished();
}

async fn b7_a_large_event_in_small_pieces_is_given_whole(cx: Context) {
    // Stacks of HTTP/2 break the connection over thousands of small frames that nobody has read yet.
    let piece = if cx.is_http2() { 1024 } else { 37 };
    given_whole(cx, 1 << 20, |events| {
        let pieces = events.as_bytes().chunks(piece).map(<[u8]>::to_vec);
        Reply::sse().pieces(pieces)
    })
    .await;
}

async fn b7_a_large_event_byte_by_byte_is_given_whole(cx: Context) {
    let length = if cx.is_http2() { 1 << 10 } else { 1 << 15 };
    given_whole(cx, length, |events| {
        Reply::sse().body(events).byte_by_byte()
    })
    .await;
}

async fn b7_an_event_without_end_is_not_read_on(cx: Context) {
    // In one line without an end; in many; and as a comment.
    let lines: [(&str, usize); 3] = [
        ("data: [\"", 1 << 40),
        ("data: \"x\",\n", 11),
        (": ", 1 << 40),
    ];
    for (line, every) in lines {
        let endless = Reply::sse().generate(u64::MAX / 2, move |offset, piece| {
            for (byte, at) in piece.iter_mut().zip(offset..) {
                let at = usize::try_from(at % every as u64).unwrap();
                *byte = line.as_bytes().get(at).copied().unwrap_or(b'x');
            }
        });
        let server = cx.serve([empty(), endless]).await;
        let read = cx.stream(&server).read().live(Live::Sse);
        let mut reader = read.max_message_bytes(1 << 20).start();
        let (got, error) = fail(&mut reader).await;
        assert_eq!((got.len(), error.kind()), (1, ErrorKind::LimitExceeded));
        within(server.wait_for_abandoned(1)).await;
        // It stopped there: what is beyond the limit is what sockets hold.
        assert!(server.body_bytes_sent() < 64 << 20);
        assert_eq!(server.requests().len(), 2);
    }
}

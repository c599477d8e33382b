//! Bodies: none, large ones, and those that nobody reads.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{Method, header};

use super::caller::{Caller, get, post, request};
use crate::script::Reply;
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_bodies_that_are_none_end_at_once,
        transport_bodies_that_are_none_end_with_their_connection: Needs::Http1("streams have an end of their own"),
        transport_bodies_of_head_are_none,
        transport_bodies_end_with_their_trailers: Needs::Http1("it is about the syntax of chunks"),
        transport_bodies_have_no_chunk_extensions: Needs::Http1("it is about the syntax of chunks"),
        transport_bodies_of_requests_can_be_large,
        transport_bodies_of_answers_can_be_large,
        transport_bodies_that_are_not_read_hold_their_sender_back,
    ]
}

const LARGE: usize = 64 << 20;
const PERIOD: usize = 251;
const PIECE: usize = 64 << 10;

/// Bytes that show where in a body they are: no power of two is a multiple of their period.
fn pattern(offset: u64, length: usize) -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let bytes = (0..PIECE + PERIOD).map(|at| (at % PERIOD) as u8);
        bytes.collect()
    });
    let at = (offset % PERIOD as u64) as usize;
    &BYTES[at..at + length]
}

async fn transport_bodies_that_are_none_end_at_once(cx: Context) {
    let server = cx
        .serve([
            Reply::new(204),
            Reply::new(304),
            Reply::new(200),
            Reply::new(200).chunked(),
            Reply::new(404),
        ])
        .await;
    let caller = Caller::new(&cx);
    for status in [204, 304, 200, 200, 404] {
        let answer = caller.send(get(&server)).await;
        assert_eq!(answer.status(), status);
        assert_eq!(caller.body(answer).await, "");
    }
    server.assert_finished();
}

async fn transport_bodies_that_are_none_end_with_their_connection(cx: Context) {
    let server = cx.serve([Reply::new(200).until_close()]).await;
    assert_eq!(Caller::new(&cx).fetch(get(&server)).await, "");
    server.assert_finished();
}

async fn transport_bodies_of_head_are_none(cx: Context) {
    let server = cx
        .serve([
            Reply::new(200).content_length(1234),
            Reply::new(200).chunked(),
            Reply::new(404).content_length(9),
            Reply::new(200).body("read"),
        ])
        .await;
    let caller = Caller::new(&cx);
    for (status, length) in [(200, Some("1234")), (200, None), (404, Some("9"))] {
        let answer = caller
            .send(request(Method::HEAD, server.url("/"), ""))
            .await;
        assert_eq!(answer.status(), status);
        let given = answer.headers().get(header::CONTENT_LENGTH);
        assert_eq!(
            given.map(|value| value.as_bytes()),
            length.map(str::as_bytes)
        );
        assert_eq!(caller.body(answer).await, "");
    }
    assert_eq!(caller.fetch(get(&server)).await, "read");
    server.assert_finished();
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

async fn transport_bodies_end_with_their_trailers(cx: Context) {
    let body = "3\r\nabc\r\n0\r\nStream-Closed: true\r\n\r\n";
    let server = cx
        .serve([
            Reply::raw(format!("{CHUNKED}{body}")),
            Reply::new(200).body("next"),
        ])
        .await;
    let caller = Caller::new(&cx);
    let answer = caller.send(get(&server)).await;
    assert!(!answer.headers().contains_key("stream-closed"));
    assert_eq!(caller.body(answer).await, "abc");
    assert_eq!(caller.fetch(get(&server)).await, "next");
}

async fn transport_bodies_have_no_chunk_extensions(cx: Context) {
    let body = "3;a=b\r\nabc\r\n00A;c\r\n0123456789\r\n0\r\n\r\n";
    let server = cx.serve([Reply::raw(format!("{CHUNKED}{body}"))]).await;
    assert_eq!(Caller::new(&cx).fetch(get(&server)).await, "abc0123456789");
}

async fn transport_bodies_of_requests_can_be_large(cx: Context) {
    let server = cx.serve([Reply::new(200).body("all of it")]).await;
    let mut body = Vec::with_capacity(LARGE);
    while body.len() < LARGE {
        body.extend_from_slice(pattern(body.len() as u64, PIECE));
    }
    let body = Bytes::from(body);
    let large = request(Method::POST, server.url("/"), body.clone());
    assert_eq!(Caller::new(&cx).fetch(large).await, "all of it");
    assert!(server.requests()[0].body == body, "it arrived changed");
}

async fn transport_bodies_of_answers_can_be_large(cx: Context) {
    let large = || {
        Reply::new(200).generate(LARGE as u64, |offset, piece| {
            piece.copy_from_slice(pattern(offset, piece.len()));
        })
    };
    let server = cx.serve([large(), large().chunked()]).await;
    let caller = Caller::new(&cx);
    for _ in 0..2 {
        let mut answer = caller.send(get(&server)).await;
        let mut offset = 0;
        while let Some(chunk) = caller.next(&mut answer).await {
            let chunk = chunk.expect("the body goes on");
            for piece in chunk.chunks(PIECE) {
                assert!(piece == pattern(offset, piece.len()), "wrong from {offset}");
                offset += piece.len() as u64;
            }
        }
        assert_eq!(offset, LARGE as u64);
    }
}

/// A reader that takes its time must not make the stack collect what the reader does not want yet.
async fn transport_bodies_that_are_not_read_hold_their_sender_back(cx: Context) {
    const OTHER: &str = "other";
    /// More than sockets and the windows of HTTP/2 hold.
    const MOST: u64 = 128 << 20;
    /// After so many exchanges during which nothing was taken, nothing will be.
    const STILL: u32 = 50;
    let endless = Reply::new(200).generate(1 << 40, |_, _| {});
    let server = cx.serve([endless]).await;
    server.answer_with(|_, _| Reply::new(200).body(OTHER));
    let caller = Caller::new(&cx);
    let mut answer = caller.send(get(&server)).await;
    caller.chunk(&mut answer).await;
    let (mut taken, mut still) = (0, 0);
    while still < STILL {
        let before = taken;
        // The server and the stack have time for both meanwhile.
        assert_eq!(caller.fetch(post(&server)).await, OTHER);
        taken = server.body_bytes_sent();
        assert!(taken < MOST, "{taken} bytes are taken that nobody reads");
        still = if taken > before + OTHER.len() as u64 {
            0
        } else {
            still + 1
        };
    }
    drop(answer);
    cx.within(server.wait_for_abandoned(0)).await;
}

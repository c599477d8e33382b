//! Futures that are dropped, readers that are dropped, and readers that nobody polls.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_conformance::script::{ClosedBy, Reply, ScriptServer, sse_event};
use durable_streams_reqwest::{Live, Reader};
use futures_util::FutureExt;

use crate::support::*;

async fn closed_by_peer(server: &ScriptServer, request: usize) {
    let connection = server.requests()[request].connection;
    assert_eq!(
        within(server.wait_for_close(connection)).await,
        ClosedBy::Peer
    );
    server.assert_finished();
}

#[tokio::test]
async fn b59_dropping_a_reader_ends_its_connection_wherever_it_is() {
    // Before an answer, in the body of a page, in a long-poll, in an event stream.
    let server = serve([Reply::hang()]).await;
    let running = Running::start(stream(&server).read().start());
    within(server.wait_for_requests(1)).await;
    running.abort();
    closed_by_peer(&server, 0).await;

    let (page, live) = Reply::live(200);
    let server = serve([page
        .header("Content-Type", "application/json")
        .next_offset("2")
        .tail()])
    .await;
    let mut reader = stream(&server).read().start();
    live.send("[1,");
    assert_eq!(next(&mut reader).await, "[1] @-1,1");
    drop(reader);
    within(live.gone()).await;
    closed_by_peer(&server, 0).await;

    let server = serve([empty(), Reply::hang()]).await;
    let mut running = Running::start(stream(&server).read().live(Live::LongPoll).start());
    assert_eq!(running.next().await, "[] @0 tail");
    within(server.wait_for_requests(2)).await;
    running.abort();
    closed_by_peer(&server, 1).await;

    let (events, live) = Reply::live_sse();
    let server = serve([empty(), events]).await;
    let mut reader = stream(&server).read().live(Live::Sse).start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    live.event("data", "[1]");
    live.event("control", r#"{"streamNextOffset":"1"}"#);
    assert_eq!(next(&mut reader).await, "[1] @1");
    drop(reader);
    within(live.gone()).await;
    closed_by_peer(&server, 1).await;
}

#[tokio::test]
async fn b59_dropping_an_operation_ends_its_connection_and_sends_nothing_more() {
    let (endless, live) = Reply::live(500);
    let server = serve([Reply::hang(), Reply::hang(), endless]).await;
    let stream = stream(&server);
    let append = tokio::spawn(stream.append("abc").into_future());
    within(server.wait_for_requests(1)).await;
    append.abort();
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);

    let head = tokio::spawn(stream.head().into_future());
    within(server.wait_for_requests(2)).await;
    head.abort();
    assert_eq!(within(server.wait_for_close(1)).await, ClosedBy::Peer);

    // While the explanation of a refusal is on its way.
    let delete = tokio::spawn(stream.delete().into_future());
    within(server.wait_for_requests(3)).await;
    live.send("because");
    delete.abort();
    within(live.gone()).await;
    assert_eq!(within(server.wait_for_close(2)).await, ClosedBy::Peer);
    let mut elsewhere = Elsewhere::new().await;
    elsewhere.settle().await;
    server.assert_finished();
}

#[tokio::test]
async fn b59_an_operation_that_is_not_awaited_sends_nothing() {
    let server = serve([]).await;
    let mut elsewhere = Elsewhere::new().await;
    let stream = stream(&server);
    drop(stream.append("abc"));
    drop(stream.delete().into_future());
    let reader = stream.read().live(Live::Sse).start();
    elsewhere.settle().await;
    drop(reader);
    assert_eq!(server.connections(), 0);
}

/// Reads to the end, dropping every future that is not ready at once.
async fn drain_dropping(reader: &mut Reader, elsewhere: &mut Elsewhere) -> (Vec<String>, usize) {
    let (mut got, mut dropped) = (Vec::new(), 0);
    loop {
        match reader.next().now_or_never() {
            None => {
                dropped += 1;
                assert!(dropped < 100_000, "the reader does not go on");
                elsewhere.settle().await;
            }
            Some(Ok(Some(batch))) => got.push(show(&batch)),
            Some(Ok(None)) => return (got, dropped),
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn b59_dropping_every_future_of_next_loses_and_repeats_nothing() {
    let session = || {
        [
            json("2", "[1,2]").byte_by_byte(),
            json("4", "[3,4]").cut_after(4),
            Reply::new(503),
            json("4", "[3,4]").tail().chunked().byte_by_byte(),
            Reply::sse()
                .event("data", "[5]")
                .control(r#""streamNextOffset":"5","streamCursor":"c""#)
                .event("data", "[6]")
                .then_close(),
            Reply::sse()
                .event("data", "[6]")
                .control(r#""streamNextOffset":"6","streamClosed":true"#)
                .byte_by_byte(),
        ]
    };
    let server = serve(session()).await;
    let mut elsewhere = Elsewhere::new().await;
    let mut reader = stream(&server).read().live(Live::Sse).start();
    let (got, dropped) = drain_dropping(&mut reader, &mut elsewhere).await;
    assert!(dropped > 5, "only {dropped} futures were dropped");
    // How bytes become batches depends on when they arrive; what they are does not.
    let messages: String = got
        .iter()
        .map(|batch| batch.split_once(" @").unwrap().0)
        .collect();
    assert_eq!(
        messages.replace("[]", "").replace("][", ","),
        "[1,2,3,4,5,6]"
    );
    assert_eq!(got.last().unwrap(), "[6] @6,0,c tail closed");
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=-1",
            "GET ?offset=2",
            "GET ?offset=2",
            "GET ?offset=2",
            "GET ?live=sse&offset=4",
            "GET ?cursor=c&live=sse&offset=5",
        ]
    );
    server.assert_finished();
}

#[tokio::test]
async fn b59_a_dropped_reader_resumes_from_its_last_batch() {
    let (page, live) = Reply::live(200);
    let whole = json("3", "[1,2,3]").closed();
    let server = serve([
        page.header("Content-Type", "application/json")
            .next_offset("3")
            .closed(),
        whole,
    ])
    .await;
    let stream = stream(&server);
    let mut reader = stream.read().start();
    live.send("[1,2,");
    let got = next(&mut reader).await;
    assert!(got.starts_with("[1"), "{got}");
    let saved = reader.checkpoint();
    drop(reader);
    within(live.gone()).await;
    let rest = drain(&mut stream.read().from(saved).start()).await;
    let messages = format!("{got} {}", rest.join(" "));
    let numbers: Vec<_> = messages
        .split(' ')
        .filter(|word| word.starts_with('['))
        .collect();
    assert_eq!(numbers.concat().replace("][", ","), "[1,2,3]");
    server.assert_finished();
}

/// More than sockets hold, and less than what would be read by somebody who does not wait.
const PLENTY: u64 = 512 << 20;
const BOUND: u64 = 64 << 20;

/// Waits until the server cannot write any more, which it can for ever when the client reads without being asked.
async fn until_stuck(server: &ScriptServer) -> u64 {
    let mut elsewhere = Elsewhere::new().await;
    let (mut sent, mut still) = (server.body_bytes_sent(), 0);
    while still < 25 && sent < BOUND {
        elsewhere.settle().await;
        let now = server.body_bytes_sent();
        still = if now == sent { still + 1 } else { 0 };
        sent = now;
    }
    sent
}

async fn is_not_overrun(server: ScriptServer, mut reader: Reader, batches: usize) {
    for _ in 0..batches {
        within(reader.next()).await.unwrap().unwrap();
    }
    let sent = until_stuck(&server).await;
    assert!(
        sent < BOUND,
        "{sent} bytes were sent to a consumer that does not read"
    );
    // It goes on when the consumer does.
    let begin = server.body_bytes_sent();
    while server.body_bytes_sent() < begin + (8 << 20) {
        within(reader.next()).await.unwrap().unwrap();
    }
    let sent = until_stuck(&server).await;
    assert!(
        sent < BOUND,
        "{sent} bytes were sent to a consumer that does not read"
    );
    drop(reader);
    let last = server.requests().len() - 1;
    closed_by_peer(&server, last).await;
    assert!(server.body_bytes_sent() < BOUND);
}

#[tokio::test]
async fn b59_b68_a_slow_consumer_of_bytes_is_not_overrun() {
    let page = Reply::new(200)
        .header("Content-Type", "application/octet-stream")
        .next_offset("end")
        .tail();
    let server = serve([page.generate(PLENTY, |_, piece| piece.fill(7))]).await;
    let reader = stream(&server).read().start();
    is_not_overrun(server, reader, 1).await;
}

#[tokio::test]
async fn b59_b68_a_slow_consumer_of_messages_is_not_overrun() {
    // Messages of about 64 KiB: what is scanned is not what this is about.
    let message = |at: u64, piece: &mut [u8]| {
        piece.fill(b'x');
        let last = piece.len() - 1;
        piece[0] = if at == 0 { b'[' } else { b',' };
        (piece[1], piece[last]) = (b'"', b'"');
    };
    let page = Reply::new(200)
        .header("Content-Type", "application/json")
        .next_offset("end")
        .tail();
    let server = serve([page.generate(PLENTY, message)]).await;
    let reader = stream(&server).read().start();
    is_not_overrun(server, reader, 1).await;
}

#[tokio::test]
async fn b59_a_slow_consumer_of_events_is_not_overrun() {
    let text = "x".repeat(256 * 1024);
    let group = |number: usize| {
        let control = format!(r#"{{"streamNextOffset":"{number:05}"}}"#);
        let text = Bytes::from(sse_event("data", &text));
        [text, Bytes::from(sse_event("control", &control))]
    };
    // Pieces are cheap to repeat, but each group has its own offset: 128 MiB of them.
    let events = (1..=512).fold(Reply::sse(), |reply, number| reply.pieces(group(number)));
    let server = serve([page("text/plain", "00000", "").tail(), events]).await;
    let limit = Duration::from_secs(3600);
    let reader = stream(&server)
        .read()
        .live(Live::Sse)
        .sse_idle_timeout(limit)
        .start();
    is_not_overrun(server, reader, 2).await;
}

//! Readers that nobody polls: what they do not take is not read off the wire.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_client::{DurableStream, Live, Reader};

use super::support::*;
use crate::script::{Reply, ScriptServer, sse_event};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b68_a_slow_consumer_of_bytes_is_not_overrun,
        b68_a_slow_consumer_of_messages_is_not_overrun,
        b68_a_slow_consumer_of_events_is_not_overrun,
    ]
}

/// More than sockets and windows hold, and less than what would be read by somebody who does not wait.
const PLENTY: u64 = 512 << 20;
const BOUND: u64 = 64 << 20;

/// Waits until the server cannot write any more, which it can for ever when the client reads without being asked.
///
/// Other exchanges of the same client give everybody their turn meanwhile.
async fn until_stuck(server: &ScriptServer, stream: &DurableStream) -> u64 {
    let (mut sent, mut still) = (server.body_bytes_sent(), 0);
    while still < 25 && sent < BOUND {
        within(stream.head().into_future()).await.unwrap();
        let now = server.body_bytes_sent();
        still = if now == sent { still + 1 } else { 0 };
        sent = now;
    }
    sent
}

/// Takes batches until the large body, which answers the last request, has begun; and then none; and then some.
async fn is_not_overrun(
    server: ScriptServer,
    stream: &DurableStream,
    mut reader: Reader,
    batches: usize,
) {
    for _ in 0..batches {
        within(reader.next()).await.unwrap().unwrap();
    }
    let large = server.requests().len() - 1;
    server.answer_with(|_, _| Reply::new(200).next_offset("end"));
    let sent = until_stuck(&server, stream).await;
    assert!(
        sent < BOUND,
        "{sent} bytes were sent to a consumer that does not read"
    );
    // It goes on when the consumer does.
    let begin = server.body_bytes_sent();
    while server.body_bytes_sent() < begin + (8 << 20) {
        within(reader.next()).await.unwrap().unwrap();
    }
    let sent = until_stuck(&server, stream).await;
    assert!(
        sent < BOUND,
        "{sent} bytes were sent to a consumer that does not read"
    );
    drop(reader);
    within(server.wait_for_abandoned(large)).await;
    server.assert_finished();
    assert!(server.body_bytes_sent() < BOUND);
}

async fn b68_a_slow_consumer_of_bytes_is_not_overrun(cx: Context) {
    let page = page("application/octet-stream", "end", "").tail();
    let server = cx
        .serve([page.generate(PLENTY, |_, piece| piece.fill(7))])
        .await;
    let stream = cx.stream(&server);
    is_not_overrun(server, &stream, stream.read().start(), 1).await;
}

async fn b68_a_slow_consumer_of_messages_is_not_overrun(cx: Context) {
    // Messages of about 64 KiB: what is scanned is not what this is about.
    let message = |at: u64, piece: &mut [u8]| {
        piece.fill(b'x');
        let last = piece.len() - 1;
        piece[0] = if at == 0 { b'[' } else { b',' };
        (piece[1], piece[last]) = (b'"', b'"');
    };
    let page = json("end", "").tail();
    let server = cx.serve([page.generate(PLENTY, message)]).await;
    let stream = cx.stream(&server);
    is_not_overrun(server, &stream, stream.read().start(), 1).await;
}

async fn b68_a_slow_consumer_of_events_is_not_overrun(cx: Context) {
    let text = Bytes::from(sse_event("data", &"x".repeat(256 * 1024)));
    let group = |number: usize| {
        let control = format!(r#"{{"streamNextOffset":"{number:05}"}}"#);
        [text.clone(), Bytes::from(sse_event("control", &control))]
    };
    // The same text again and again, 128 MiB of it, and each group has its own offset.
    let events = (1..=512).fold(Reply::sse(), |reply, number| reply.pieces(group(number)));
    let server = cx
        .serve([page("text/plain", "00000", "").tail(), events])
        .await;
    let stream = cx.stream(&server);
    let read = stream.read().live(Live::Sse);
    let reader = read.sse_idle_timeout(Duration::from_secs(3600)).start();
    is_not_overrun(server, &stream, reader, 2).await;
}

//! The head comes before the body, and each chunk when it arrives.

use std::time::Duration;

use http::header;

use super::caller::{Caller, get};
use crate::script::{Gate, Reply, sse_event};
use crate::suite::{Case, Context, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_streams_the_head_before_the_body,
        transport_streams_each_chunk_before_the_next_is_sent,
        transport_streams_a_body_that_began_before_the_rest,
        transport_streams_chunks_at_once,
        transport_streams_several_bodies_at_once,
    ]
}

async fn transport_streams_the_head_before_the_body(cx: Context) {
    for reply in [
        Reply::new(200),
        Reply::new(200).chunked(),
        Reply::new(200).until_close(),
        Reply::sse(),
    ] {
        let gate = Gate::new();
        let server = cx.serve([reply.gate(&gate).body("later")]).await;
        let caller = Caller::new(&cx);
        let answer = caller.send(get(&server)).await;
        gate.open();
        assert_eq!(caller.body(answer).await, "later");
    }
}

async fn transport_streams_each_chunk_before_the_next_is_sent(cx: Context) {
    let (events, live_events) = Reply::live_sse();
    let (sized, live_sized) = Reply::live(200);
    let (until_close, live_until_close) = Reply::live(200);
    let size: usize = (0..50).map(|number| event(number).len()).sum();
    let server = cx
        .serve([
            events,
            sized.content_length(size as u64),
            until_close.until_close(),
        ])
        .await;
    let caller = Caller::new(&cx);
    for live in [live_events, live_sized, live_until_close] {
        live.send(event(0));
        let mut answer = caller.send(get(&server)).await;
        for number in 0..50 {
            if number > 0 {
                live.send(event(number));
            }
            // No stack owes it in one piece, but all of it comes without the next.
            let arrived = caller.bytes(&mut answer, event(number).len()).await;
            assert_eq!(arrived, event(number));
        }
        live.end();
        assert!(caller.next(&mut answer).await.is_none());
    }
}

fn event(number: u32) -> String {
    sse_event("data", &number.to_string())
}

/// What comes in one piece with the head is not kept until there is more.
async fn transport_streams_a_body_that_began_before_the_rest(cx: Context) {
    let gate = Gate::new();
    let reply = Reply::sse().event("control", "{}").gate(&gate);
    let server = cx.serve([reply.event("data", "a")]).await;
    let caller = Caller::new(&cx);
    let mut answer = caller.send(get(&server)).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = sse_event("control", "{}");
    assert_eq!(caller.bytes(&mut answer, first.len()).await, first);
    gate.open();
    assert_eq!(caller.body(answer).await, sse_event("data", "a"));
}

async fn transport_streams_chunks_at_once(cx: Context) {
    /// A stack that looks for what has arrived now and then, or waits for a buffer to fill, takes longer.
    const SOON: Duration = Duration::from_millis(20);
    let (reply, live) = Reply::live_sse();
    let server = cx.serve([reply]).await;
    let caller = Caller::new(&cx);
    let timer = cx.timer();
    live.send(event(0));
    let mut answer = caller.send(get(&server)).await;
    caller.bytes(&mut answer, event(0).len()).await;
    let mut times = Vec::new();
    for number in 1..=50 {
        let begin = timer.now();
        live.send(event(number));
        caller.bytes(&mut answer, event(number).len()).await;
        times.push(timer.now().saturating_duration_since(begin));
    }
    // The median: a machine that is busy elsewhere is late for some of them, a stack that waits is late for most.
    times.sort_unstable();
    let median = times[times.len() / 2];
    assert!(median < SOON, "a chunk takes {median:?}: {times:?}");
}

async fn transport_streams_several_bodies_at_once(cx: Context) {
    let (replies, lives): (Vec<_>, Vec<_>) = (0..10).map(|_| Reply::live_sse()).unzip();
    let server = cx.serve(replies).await;
    let caller = Caller::new(&cx);
    let mut answers = Vec::new();
    for live in &lives {
        live.send(event(0));
        answers.push(caller.send(get(&server)).await);
    }
    // In turn, and against the order in which they were asked for.
    for number in 0..5 {
        for (live, answer) in lives.iter().zip(&mut answers).rev() {
            if number > 0 {
                live.send(event(number));
            }
            let arrived = caller.bytes(answer, event(number).len()).await;
            assert_eq!(arrived, event(number));
        }
    }
}

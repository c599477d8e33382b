//! Flushing: what it waits for, and what it says.

use std::future::{Future, poll_fn};
use std::pin::pin;

use super::support::*;
use crate::script::{Gate, Reply};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b46_a_flush_waits_for_all_before_it_and_no_more,
        b46_a_flush_does_not_linger,
        b46_a_flush_parks,
        b46_with_nothing_pending_a_flush_is_done_at_once,
        b46_a_flush_gives_the_first_error_once,
        b46_a_failure_ends_every_flush,
        b46_a_dropped_flush_changes_nothing,
    ]
}

async fn b46_a_flush_waits_for_all_before_it_and_no_more(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().max_in_flight(2)).await;
    let gates = gates::<6>();
    let held = gates.clone();
    world.answer(move |sent| sent.stored().after(&held[sent.seq as usize]));
    append(&writer, &["a", "b", "c"]);
    let flushed = beside(&writer, |writer| async move { writer.flush().await });
    let again = beside(&writer, |writer| async move { writer.flush().await });
    world.settle().await;
    append(&writer, &["d", "e"]);
    // The last offset is that of the stream, not of the last answer.
    for seq in [2, 1, 4] {
        gates[seq].open();
        world.turn(SECOND).await;
        assert!(!flushed.is_finished(), "before {seq}");
    }
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/3 c", "0/4 d"]);
    gates[3].open();
    world.settle().await;
    assert!(flushed.is_finished() && again.is_finished());
    assert_eq!(flush_end(flushed.await.unwrap()), "@0004");
    assert_eq!(flush_end(again.await.unwrap()), "@0004");
    assert_eq!((writer.pending(), world.under_way()), (1, 1));
}

async fn b46_a_flush_does_not_linger(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.batching().linger(3600 * SECOND).start();
    append(&writer, &["a", "b"]);
    world.turn(60 * SECOND).await;
    assert!(world.sent().is_empty());
    assert_eq!(flush(&writer).await, "@0000");
    assert_eq!(world.sent(), ["0/0 ab"]);
}

async fn b46_a_flush_parks(cx: Context) {
    let world = World::new(&cx).await;
    let gate = Gate::new();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let writer = world.writer().start();
    append(&writer, &["a", "b", "c"]);
    let flushed = beside(&writer, |writer| async move {
        let mut polls = 0;
        let mut flush = pin!(writer.flush());
        let end = poll_fn(|cx| {
            polls += 1;
            flush.as_mut().poll(cx)
        });
        (flush_end(end.await), polls)
    });
    // Time passes, and other messages come.
    for _ in 0..20 {
        world.turn(SECOND).await;
        append(&writer, &["x"]);
    }
    gate.open();
    let (end, polls) = world.finish(flushed).await;
    assert!(end.starts_with('@'), "{end}");
    assert_eq!(polls, 2, "when it began, and when it was done");
}

async fn b46_with_nothing_pending_a_flush_is_done_at_once(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.writer().start();
    assert_eq!(flush(&writer).await, "nothing");
    append(&writer, &["a"]);
    assert_eq!(flush(&writer).await, "@0000");
    assert_eq!(flush(&writer).await, "@0000");
    assert_eq!(world.sent(), ["0/0 a"]);
}

async fn b46_a_flush_gives_the_first_error_once(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match (sent.epoch, &*sent.body) {
        (_, "large") => Reply::new(413),
        (0, "b") => sent.gap(1),
        _ => sent.stored(),
    });
    append(&writer, &["large", "b"]);
    assert_eq!(flush(&writer).await, "PayloadTooLarge");
    assert_eq!(flush(&writer).await, "@1000");
    // Without a flush that waits, the next one tells.
    append(&writer, &["large"]);
    world.settle().await;
    append(&writer, &["c"]);
    world.settle().await;
    assert_eq!(writer.pending(), 0);
    assert_eq!(flush(&writer).await, "PayloadTooLarge");
    assert_eq!(flush(&writer).await, "@2000");
}

async fn b46_a_failure_ends_every_flush(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |_| Reply::new(404).after(&held));
    append(&writer, &["a"]);
    let first = beside(&writer, |writer| async move { writer.flush().await });
    world.settle().await;
    append(&writer, &["b"]);
    let second = beside(&writer, |writer| async move { writer.flush().await });
    world.settle().await;
    assert!(!first.is_finished() && !second.is_finished());
    gate.open();
    for flushed in [first, second] {
        let end = flush_end(world.finish(flushed).await);
        assert!(end.starts_with("StreamNotFound"), "{end}");
    }
    assert_eq!(flush(&writer).await, "StreamNotFound");
}

async fn b46_a_dropped_flush_changes_nothing(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let writer = world.batching().linger(3600 * SECOND).start();
    append(&writer, &["a"]);
    let flushed = beside(&writer, |writer| async move { writer.flush().await });
    world.settle().await;
    flushed.abort();
    assert!(flushed.await.unwrap_err().is_cancelled());
    gate.open();
    world.settle().await;
    assert_eq!(
        (world.sent(), writer.pending()),
        (vec!["0/0 a".to_owned()], 0)
    );
    assert_eq!(flush(&writer).await, "@0000");
}

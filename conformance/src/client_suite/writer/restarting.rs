//! Restarting: the next epoch, once everything before is answered for.

use super::support::*;
use crate::client_suite::support::within;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b48_a_restart_drains_then_begins_with_0,
        b48_with_nothing_pending_it_is_done_at_once,
        b48_it_waits_until_a_lost_answer_is_known,
        b48_each_restart_is_an_epoch_where_it_was_asked,
        b48_a_restart_behind_a_claim_is_above_it,
        b48_a_failure_before_it_ends_it,
    ]
}

async fn b48_a_restart_drains_then_begins_with_0(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.batching().linger(MS)).await;
    let gates = gates::<3>();
    let held = gates.clone();
    world.answer(move |sent| match (sent.epoch, sent.seq) {
        (0, seq) => sent.stored().after(&held[seq as usize]),
        (_, 0) => sent.stored().after(&held[0]),
        _ => sent.stored(),
    });
    append(&writer, &["a"]);
    world.turn(MS).await;
    // What was queued before it goes under the old epoch, and what comes behind it never with that.
    append(&writer, &["b"]);
    let restarted = beside(&writer, |writer| async move { writer.restart().await });
    world.settle().await;
    append(&writer, &["c", "d"]);
    world.turn(SECOND).await;
    gates[2].open();
    world.turn(SECOND).await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b"]);
    assert!(!restarted.is_finished());
    gates[1].open();
    world.turn(SECOND).await;
    assert_eq!(within(restarted).await.unwrap().unwrap(), 1);
    // The first request of an epoch goes alone.
    append(&writer, &["e"]);
    world.turn(SECOND).await;
    assert_eq!(world.sent_from(3), ["1/0 cd"]);
    gates[0].open();
    assert_eq!(flush(&writer).await, "@1001");
    assert_eq!(world.sent_from(4), ["1/1 e"]);
    assert_eq!((writer.epoch(), writer.next_seq()), (1, 2));
}

async fn b48_with_nothing_pending_it_is_done_at_once(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.writer().epoch(8).start();
    assert_eq!(within(writer.restart()).await.unwrap(), 9);
    assert_eq!(within(writer.restart()).await.unwrap(), 10);
    append(&writer, &["a"]);
    assert_eq!(flush(&writer).await, "@10000");
    assert_eq!(world.sent(), ["10/0 a"]);
}

async fn b48_it_waits_until_a_lost_answer_is_known(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match sent.what() {
        (0, 1, 1) => Reply::close(),
        (0, 1, 2) => Reply::new(503),
        (0, 1, _) => sent.duplicate(),
        _ => sent.stored(),
    });
    append(&writer, &["a"]);
    let restarted = beside(&writer, |writer| async move { writer.restart().await });
    world.settle().await;
    append(&writer, &["b"]);
    assert_eq!(world.finish(restarted).await.unwrap(), 1);
    assert_eq!(flush(&writer).await, "@1000");
    let expected = ["0/1 a", "0/1 a", "0/1 a", "1/0 b"];
    assert_eq!(world.sent_from(1), expected);
}

async fn b48_each_restart_is_an_epoch_where_it_was_asked(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.writer().start();
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let mut restarts = Vec::new();
    for message in ["a", "b", "c"] {
        append(&writer, &[message]);
        restarts.push(beside(
            &writer,
            |writer| async move { writer.restart().await },
        ));
        world.settle().await;
    }
    append(&writer, &["d"]);
    gate.open();
    assert_eq!(flush(&writer).await, "@3000");
    assert_eq!(world.sent(), ["0/0 a", "1/0 b", "2/0 c", "3/0 d"]);
    for restart in restarts {
        within(restart).await.unwrap().unwrap();
    }
}

async fn b48_a_restart_behind_a_claim_is_above_it(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().auto_claim(true)).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| match sent.epoch {
        0 => fence(6).after(&held),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b"]);
    let restarted = beside(&writer, |writer| async move { writer.restart().await });
    world.settle().await;
    append(&writer, &["c"]);
    gate.open();
    assert_eq!(world.finish(restarted).await.unwrap(), 8);
    assert_eq!(flush(&writer).await, "@8000");
    assert_eq!(world.sent_from(3), ["7/0 a", "7/1 b", "8/0 c"]);
}

async fn b48_a_failure_before_it_ends_it(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |_| Reply::new(404).after(&held));
    let writer = world.writer().start();
    append(&writer, &["a"]);
    let restarted = beside(&writer, |writer| async move { writer.restart().await });
    world.settle().await;
    append(&writer, &["b"]);
    gate.open();
    let error = world.finish(restarted).await.unwrap_err();
    assert_eq!(failure(&error), "StreamNotFound");
    assert_eq!(unsent(&writer), ["0 a", "1 b"]);
    assert_eq!((world.sent().len(), writer.epoch()), (1, 0));
}

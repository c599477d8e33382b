//! Receipts: what became of one message.

use super::support::*;
use crate::client_suite::support::within;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b53_each_append_can_give_a_receipt,
        b53_a_receipt_resolves_with_its_own_batch,
        b53_dropping_a_receipt_cancels_nothing,
        b53_receipts_change_nothing_about_what_is_sent,
        b53_a_receipt_outlives_the_failure,
    ]
}

async fn b53_each_append_can_give_a_receipt(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| match sent.what() {
        // An answer would send the next batch as far as it is filled.
        (0, 0, _) => sent.stored().after(&held),
        (0, 1, 1) => Reply::close(),
        (0, 1, _) => sent.duplicate(),
        _ => sent.stored(),
    });
    let stream = world.stream("application/json");
    let writer = stream.writer("w").max_batch_messages(2).start();
    let first = within(writer.append_with_receipt("1")).await.unwrap();
    let second = within(writer.append_json_with_receipt(&[2, 2])).await;
    let second = second.unwrap();
    append(&writer, &["3"]);
    let acked = beside(
        &writer,
        |writer| async move { writer.append_acked("4").await },
    );
    world.settle().await;
    gate.open();
    assert_eq!((first.ticket(), second.ticket()), (0, 1));
    let acked = world.finish(acked).await;
    // Messages of one batch have one offset.
    assert_eq!(fates(vec![second, first]).await, ["@0000", "@0000"]);
    assert_eq!(fate(acked), "@0001 duplicate");
    assert_eq!(world.sent(), ["0/0 [1,[2,2]]", "0/1 [3,4]", "0/1 [3,4]"]);
}

async fn b53_a_receipt_resolves_with_its_own_batch(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.seq {
        1 => sent.stored().after(&held),
        _ => sent.stored(),
    });
    let mut receipts = receipts(&writer, &["a", "b"]);
    let second = receipts.pop().unwrap();
    assert_eq!(fates(vec![second]).await, ["@0002"], "it waits for nobody");
    assert_eq!(writer.pending(), 2);
    front.open();
    assert_eq!(fates(receipts).await, ["@0001"]);
}

async fn b53_dropping_a_receipt_cancels_nothing(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let mut kept = receipts(&writer, &["a", "b", "c"]);
    drop(kept.remove(0));
    world.settle().await;
    drop(kept.remove(0));
    // Nor does dropping what waits for the acknowledgement.
    let acked = beside(
        &writer,
        |writer| async move { writer.append_acked("d").await },
    );
    world.settle().await;
    acked.abort();
    assert!(acked.await.unwrap_err().is_cancelled());
    gate.open();
    assert_eq!(fates(kept).await, ["@0003"]);
    assert_eq!(flush(&writer).await, "@0004");
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/3 c", "0/4 d"]);
}

async fn b53_receipts_change_nothing_about_what_is_sent(cx: Context) {
    let mut sent = Vec::new();
    for asked in [false, true] {
        let world = World::new(&cx).await;
        let writer = world.stream("text/plain").writer("w").start();
        let messages = ["x"; 2500];
        let receipts = if asked {
            receipts(&writer, &messages)
        } else {
            append(&writer, &messages);
            Vec::new()
        };
        assert_eq!(flush(&writer).await, "@0002");
        for fate in fates(receipts).await {
            assert!(fate.starts_with("@000"), "{fate}");
        }
        sent.push(world.sent());
    }
    assert_eq!((sent[0].len(), &sent[0]), (3, &sent[1]));
}

async fn b53_a_receipt_outlives_the_failure(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match sent.what() {
        (0, 1, _) => sent.stored(),
        (0, 2, 1) => Reply::close(),
        _ => Reply::new(410),
    });
    let receipts = receipts(&writer, &["a", "b"]);
    world.turn(SECOND).await;
    assert_eq!(unsent(&writer), ["2 b maybe"]);
    drop(writer);
    assert_eq!(fates(receipts).await, ["@0001", "Gone maybe"]);
}

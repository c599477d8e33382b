//! Gaps: what explains one, and what does not.

use durable_streams_client::{ErrorKind, Writer};

use super::support::*;
use crate::script::{Gate, Reply};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b41_a_gap_waits_for_what_is_under_way_before_it,
        b41_a_lost_front_explains_the_gaps_behind_it,
        b41_a_gap_that_nothing_explains_is_fatal,
        b61_a_gap_from_before_others_landed_is_asked_again,
        b61_after_it_the_front_goes_alone,
        b61_a_gap_of_the_front_is_final,
    ]
}

async fn b41_a_gap_waits_for_what_is_under_way_before_it(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.what() {
        (0, 1, _) => sent.stored().after(&held),
        (0, 2 | 3, 1) => sent.gap(1),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "b", "c"]);
    world.settle().await;
    append(&writer, &["d"]);
    world.turn(20 * SECOND).await;
    // Nothing while the front is on its way: neither the two again, nor a new one.
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/3 c"]);
    front.open();
    world.settle().await;
    // And then at once: nobody failed.
    assert_eq!(world.sent_from(4), ["0/2 b", "0/3 c", "0/4 d"]);
    assert_eq!(fates(receipts).await, ["@0001", "@0002", "@0003"]);
    assert_eq!(flush(&writer).await, "@0004");
}

async fn b41_a_lost_front_explains_the_gaps_behind_it(cx: Context) {
    for lost in [Reply::close, || Reply::new(503)] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer()).await;
        let [front] = gates();
        let held = front.clone();
        world.answer(move |sent| match sent.what() {
            (0, 1, 1) => lost(),
            (0, 1, 2) => sent.stored().after(&held),
            (0, _, 1) => sent.gap(1),
            _ => sent.stored(),
        });
        let receipts = receipts(&writer, &["a", "b", "c", "d"]);
        world.turn(20 * SECOND).await;
        assert_eq!(world.server.requests().len(), 6);
        assert_eq!(world.sent_from(5), ["0/1 a"]);
        front.open();
        world.settle().await;
        assert_eq!(world.sent_from(6), ["0/2 b", "0/3 c", "0/4 d"]);
        let expected = ["@0001", "@0002", "@0003", "@0004"];
        assert_eq!(fates(receipts).await, expected);
    }
}

async fn b41_a_gap_that_nothing_explains_is_fatal(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    // Number 0 was acknowledged, and the server knows nothing of it.
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.seq {
        1 => sent.gap(0).after(&held),
        _ => Reply::hang(),
    });
    let receipts = receipts(&writer, &["a", "b"]);
    world.settle().await;
    front.open();
    // What is behind a gap is not stored either.
    assert_eq!(fates(receipts).await, ["Diverged", "Diverged"]);
    let error = writer.error().unwrap();
    assert_eq!(error.kind(), ErrorKind::Diverged);
    assert_eq!(
        (error.expected_seq(), error.received_seq()),
        (Some(0), Some(1))
    );
    assert_eq!(unsent(&writer), ["1 a", "2 b"]);
    world.turn(1000 * SECOND).await;
    assert_eq!((world.sent().len(), world.under_way()), (3, 0));
}

/// A writer with `messages` under way, of which the server sees the later ones before the first has landed. The answers
/// to them come when it has, at the gate.
async fn overtaken(cx: &Context, messages: &[&'static str]) -> (World, Writer, Gate) {
    let world = World::new(cx).await;
    let writer = world.open(world.writer()).await;
    let [front, others] = gates();
    let (first, later) = (front.clone(), others.clone());
    world.answer(move |sent| match sent.what() {
        (0, 1, 1) => sent.stored().after(&first),
        (0, _, 1) => sent.gap(1).after(&later),
        _ => sent.stored(),
    });
    append(&writer, messages);
    world.settle().await;
    front.open();
    world.settle().await;
    assert_eq!(writer.in_flight(), messages.len() - 1);
    world.answer(Sent::stored);
    (world, writer, others)
}

async fn b61_a_gap_from_before_others_landed_is_asked_again(cx: Context) {
    let (world, writer, gaps) = overtaken(&cx, &["a", "b"]).await;
    gaps.open();
    world.settle().await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/2 b"]);
    assert_eq!(flush(&writer).await, "@0002");
    assert!(writer.error().is_none());
}

async fn b61_after_it_the_front_goes_alone(cx: Context) {
    let (world, writer, gaps) = overtaken(&cx, &["a", "b", "c"]).await;
    let [again] = gates();
    let held = again.clone();
    world.answer(move |sent| match sent.what() {
        (0, 2, 2) => sent.stored().after(&held),
        _ => sent.stored(),
    });
    gaps.open();
    world.settle().await;
    append(&writer, &["d"]);
    world.turn(20 * SECOND).await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/2 b", "0/3 c"]);
    again.open();
    world.settle().await;
    assert_eq!(world.sent_from(5), ["0/3 c", "0/4 d"]);
    assert_eq!(flush(&writer).await, "@0004");
}

async fn b61_a_gap_of_the_front_is_final(cx: Context) {
    let (world, writer, gaps) = overtaken(&cx, &["a", "b"]).await;
    // Asked again, with nothing before it.
    world.answer(|sent| sent.gap(1));
    gaps.open();
    world.settle().await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/2 b"]);
    assert_eq!(writer.error().unwrap().kind(), ErrorKind::Diverged);
    assert_eq!(flush(&writer).await, "Diverged");
    world.turn(1000 * SECOND).await;
    assert_eq!(world.sent().len(), 4);
}

//! Fences, claims, and what becomes of messages that may have been stored under the epoch before.

use durable_streams_client::AfterClaim;

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b44_without_auto_claim_a_fence_is_the_end,
        b44_fenced_at_first_it_claims_alone,
        b44_a_later_fence_queues_all_again_in_order,
        b44_one_fence_that_all_see_is_one_claim,
        b44_the_highest_epoch_that_is_told_counts,
        b44_a_fence_during_a_claim_claims_above_it,
        b44_claims_are_bounded,
        b44_a_fence_that_makes_no_sense_is_the_end,
        b45_a_lost_claim_is_repeated_with_its_epoch,
        b63_by_default_what_may_be_stored_is_sent_again,
        b63_or_it_is_reported,
        b63_what_is_known_to_be_stored_is_neither,
        b63_a_close_goes_on_under_the_claimed_epoch,
    ]
}

async fn b44_without_auto_claim_a_fence_is_the_end(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.seq {
        1 => fence(7).after(&held),
        _ => Reply::hang(),
    });
    let receipts = receipts(&writer, &["a", "b"]);
    world.settle().await;
    front.open();
    assert_eq!(fates(receipts).await, ["Fenced", "Fenced"]);
    let error = writer.error().unwrap();
    assert_eq!(error.producer_epoch(), Some(7));
    assert_eq!(unsent(&writer), ["1 a", "2 b"]);
    world.turn(1000 * SECOND).await;
    assert_eq!((world.sent().len(), writer.epoch()), (3, 0));
}

async fn b44_fenced_at_first_it_claims_alone(cx: Context) {
    let world = World::new(&cx).await;
    let [claim] = gates();
    let held = claim.clone();
    world.answer(move |sent| match (sent.epoch, sent.seq) {
        (0, _) => fence(4),
        (5, 0) => sent.stored().after(&held),
        _ => sent.stored(),
    });
    let writer = world.writer().auto_claim(true).start();
    let receipts = receipts(&writer, &["a", "b", "c"]);
    world.turn(SECOND).await;
    // One request with number 0; the others only behind its success.
    assert_eq!(world.sent(), ["0/0 a", "5/0 a"]);
    claim.open();
    assert_eq!(fates(receipts).await, ["@5000", "@5001", "@5002"]);
    assert_eq!(world.sent_from(2), ["5/1 b", "5/2 c"]);
    assert_eq!((writer.epoch(), writer.next_seq()), (5, 3));
}

async fn b44_a_later_fence_queues_all_again_in_order(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().auto_claim(true)).await;
    let [slow, claim] = gates();
    let (late, held) = (slow.clone(), claim.clone());
    world.answer(move |sent| match (sent.epoch, sent.seq) {
        (0, 1) => sent.stored(),
        (0, 4) => Reply::close(),
        (0, 5) => fence(2).after(&late),
        (0, _) => fence(2),
        (3, 0) => sent.stored().after(&held),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "b", "c", "d", "e", "f"]);
    world.turn(SECOND).await;
    assert_eq!(writer.epoch(), 0, "claimed with a request under way");
    let before = world.sent().len();
    slow.open();
    world.settle().await;
    append(&writer, &["g"]);
    world.turn(SECOND).await;
    assert_eq!(world.sent_from(before), ["3/0 b"]);
    claim.open();
    world.settle().await;
    let expected = ["3/1 c", "3/2 d", "3/3 e", "3/4 f", "3/5 g"];
    assert_eq!(world.sent_from(before + 1), expected);
    let expected = ["@0001", "@3000", "@3001", "@3002", "@3003", "@3004"];
    assert_eq!(fates(receipts).await, expected);
    assert_eq!(flush(&writer).await, "@3005");
}

async fn b44_one_fence_that_all_see_is_one_claim(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world
        .open(world.writer().auto_claim(true).max_claims(1))
        .await;
    world.answer(|sent| match sent.epoch {
        0 => fence(1),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b", "c", "d", "e"]);
    assert_eq!(flush(&writer).await, "@2004");
    let expected = ["2/0 a", "2/1 b", "2/2 c", "2/3 d", "2/4 e"];
    assert_eq!(world.sent_from(6), expected);
}

async fn b44_the_highest_epoch_that_is_told_counts(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().auto_claim(true)).await;
    world.answer(|sent| match (sent.epoch, sent.seq) {
        (0, 2) => fence(8),
        (0, seq) => fence(seq + 2),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b", "c"]);
    assert_eq!(flush(&writer).await, "@9002");
    assert_eq!(world.sent_from(4), ["9/0 a", "9/1 b", "9/2 c"]);
}

async fn b44_a_fence_during_a_claim_claims_above_it(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.epoch {
        2 => fence(6),
        7 => sent.stored(),
        epoch => fence(epoch),
    });
    let writer = world.writer().auto_claim(true).start();
    append(&writer, &["a", "b"]);
    assert_eq!(flush(&writer).await, "@7001");
    let expected = ["0/0 a", "1/0 a", "2/0 a", "7/0 a", "7/1 b"];
    assert_eq!(world.sent(), expected);
}

async fn b44_claims_are_bounded(cx: Context) {
    for limit in [0, 1, 3] {
        let world = World::new(&cx).await;
        world.answer(|sent| fence(sent.epoch));
        let builder = world.writer().auto_claim(true).max_claims(limit);
        let writer = builder.start();
        assert_eq!(fates(receipts(&writer, &["a"])).await, ["Fenced"]);
        assert_eq!(unsent(&writer), ["0 a"]);
        world.turn(1000 * SECOND).await;
        assert_eq!(world.sent().len(), limit as usize + 1);
    }
    // A success starts the count over.
    let world = World::new(&cx).await;
    world.answer(|sent| match (sent.epoch, sent.seq) {
        (2 | 4, 0) => sent.stored(),
        (epoch, _) => fence(epoch),
    });
    let writer = world.writer().auto_claim(true).max_claims(2).start();
    let [first, second] = ["@2000", "@4000"];
    for expected in [first, second] {
        assert_eq!(fates(receipts(&writer, &["a"])).await, [expected]);
    }
}

async fn b44_a_fence_that_makes_no_sense_is_the_end(cx: Context) {
    // Without an epoch that can be read, or by one below its own, there is nothing to claim.
    for epoch in ["x", "9007199254740992", "2"] {
        let world = World::new(&cx).await;
        world.answer(move |_| Reply::new(403).header("Producer-Epoch", epoch));
        let writer = world.writer().epoch(3).auto_claim(true).start();
        assert_eq!(fates(receipts(&writer, &["a"])).await, ["Fenced"]);
        assert_eq!(world.sent(), ["3/0 a"]);
    }
}

async fn b45_a_lost_claim_is_repeated_with_its_epoch(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.what() {
        (0, ..) => fence(0),
        (1, 0, 1) => Reply::close(),
        (1, 0, 2) => Reply::hang(),
        (1, 0, 3) => Reply::new(503),
        (1, 0, 4) => Reply::new(500),
        // Its own, which landed before the answer was lost.
        (1, 0, 5) => sent.duplicate(),
        _ => sent.stored(),
    });
    let writer = world.writer().auto_claim(true).start();
    let receipts = receipts(&writer, &["a", "b"]);
    world.turn(60 * SECOND).await;
    assert_eq!(fates(receipts).await, ["@1000 duplicate", "@1001"]);
    assert_eq!(world.sent_from(1)[..5], ["1/0 a"; 5]);
    assert_eq!(world.sent_from(6), ["1/1 b"]);
}

/// `a`, `b`, `c` and `d` behind a first message. Of `a` and `b` the answers are lost, `c` and `d` are turned down; then the
/// writer is fenced. Gives what became of them.
async fn fenced(cx: &Context, choice: AfterClaim) -> (World, Vec<String>, String) {
    let world = World::new(cx).await;
    let builder = world.writer().auto_claim(true).after_claim(choice);
    let writer = world.open(builder).await;
    world.answer(|sent| match sent.what() {
        (0, 1, 2) => fence(1),
        (0, 1 | 2, 1) => Reply::close(),
        (0, ..) => Reply::new(503),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "b", "c", "d"]);
    let flushed = beside(&writer, |writer| async move { writer.flush().await });
    world.turn(SECOND).await;
    let flushed = flush_end(world.finish(flushed).await);
    assert!(writer.error().is_none(), "it goes on");
    assert_eq!(world.server.requests()[5].header("producer-seq"), Some("1"));
    (world, fates(receipts).await, flushed)
}

async fn b63_by_default_what_may_be_stored_is_sent_again(cx: Context) {
    let (world, fates, flushed) = fenced(&cx, AfterClaim::default()).await;
    assert_eq!(fates, ["@2000", "@2001", "@2002", "@2003"]);
    assert_eq!(flushed, "@2003");
    let expected = ["2/0 a", "2/1 b", "2/2 c", "2/3 d"];
    assert_eq!(world.sent_from(6), expected);
}

async fn b63_or_it_is_reported(cx: Context) {
    let (world, fates, flushed) = fenced(&cx, AfterClaim::Report).await;
    assert_eq!(fates, ["Fenced maybe", "Fenced maybe", "@2000", "@2001"]);
    assert_eq!(flushed, "Fenced maybe");
    // Only what is certainly not stored is sent again.
    assert_eq!(world.sent_from(6), ["2/0 c", "2/1 d"]);
}

async fn b63_what_is_known_to_be_stored_is_neither(cx: Context) {
    for choice in [AfterClaim::Resend, AfterClaim::Report] {
        let world = World::new(&cx).await;
        let builder = world.writer().auto_claim(true).after_claim(choice);
        let writer = world.open(builder).await;
        let [last] = gates();
        let held = last.clone();
        world.answer(move |sent| match (sent.epoch, sent.seq) {
            (0, 1 | 2) => Reply::close(),
            (0, 4) => fence(1).after(&held),
            _ => sent.stored(),
        });
        let receipts = receipts(&writer, &["a", "b", "c", "d"]);
        // Without time nothing is tried again.
        world.settle().await;
        assert_eq!((world.sent().len(), world.under_way()), (5, 1));
        last.open();
        world.turn(SECOND).await;
        // Numbers are taken without a gap: `c` is stored, so `a` and `b` are.
        assert_eq!(fates(receipts).await, ["@0003", "@0003", "@0003", "@2000"]);
        assert_eq!(world.sent().last().unwrap(), "2/0 d");
        assert_eq!(writer.pending(), 0);
    }
}

async fn b63_a_close_goes_on_under_the_claimed_epoch(cx: Context) {
    for choice in [AfterClaim::Resend, AfterClaim::Report] {
        let world = World::new(&cx).await;
        let builder = world.writer().auto_claim(true).after_claim(choice);
        let writer = world.open(builder).await;
        world.answer(|sent| match sent.what() {
            (0, 1, 1) => Reply::close(),
            (0, 1, _) => fence(1),
            _ => sent.stored(),
        });
        let end = beside(&writer, |writer| async move { writer.close_stream().await });
        // There is no message to store twice, and the stream is open.
        assert_eq!(offset(world.finish(end).await), "@2000");
        let expected = ["0/1  close", "0/1  close", "2/0  close"];
        assert_eq!(world.sent_from(1), expected);
        assert!(writer.closed_by_others().is_none());
    }
}

//! A 204 does not say whose data was stored: acknowledgements that may be somebody else's.

use std::collections::BTreeSet;

use durable_streams_client::AfterClaim;

use super::support::*;
use crate::client_suite::support::{ReplyExt, within};
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b62_an_id_is_random_unless_it_is_given,
        b62_auto_claim_is_off_unless_asked_for,
        b62_without_it_a_204_at_first_is_a_replayed_job,
        b62_with_it_a_204_at_first_acknowledges_nothing,
        b62_nor_does_a_204_to_a_later_first_attempt,
        b62_nor_after_attempts_that_were_turned_away,
        b62_nor_when_the_first_answer_of_all_was_lost,
        b62_nor_does_a_number_that_was_never_sent,
        b62_a_close_under_a_used_number_claims_the_next,
    ]
}

async fn b62_an_id_is_random_unless_it_is_given(cx: Context) {
    let world = World::new(&cx).await;
    let stream = world.stream("text/plain");
    for _ in 0..3 {
        let writer = stream.writer_with_random_id().start();
        append(&writer, &["a"]);
        flush(&writer).await;
        append(&writer, &["b"]);
        flush(&writer).await;
    }
    let requests = world.server.requests();
    let ids = requests.iter().map(|r| r.header("producer-id").unwrap());
    let ids: Vec<_> = ids.collect();
    assert!(ids.chunks(2).all(|two| two[0] == two[1]), "{ids:?}");
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), different.len()), (6, 3), "{ids:?}");
    assert!(ids.iter().all(|id| id.len() >= 16), "{ids:?}");

    let writer = stream.writer("orders:1/a%20").start();
    append(&writer, &["a"]);
    flush(&writer).await;
    let last = world.server.requests().pop().unwrap();
    assert_eq!(last.header("producer-id"), Some("orders:1/a%20"));
}

async fn b62_auto_claim_is_off_unless_asked_for(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| fence(0));
    let writer = world.writer().start();
    assert_eq!(fates(receipts(&writer, &["a"])).await, ["Fenced"]);
    assert_eq!(world.sent(), ["0/0 a"]);
}

async fn b62_without_it_a_204_at_first_is_a_replayed_job(cx: Context) {
    let world = World::new(&cx).await;
    // The earlier run got as far as number 1.
    world.answer(|sent| match sent.seq {
        0 | 1 => Reply::new(204).next_offset("5001").echo(5, 1),
        _ => sent.stored(),
    });
    let writer = world.writer().epoch(5).start();
    let receipts = receipts(&writer, &["a", "b", "c"]);
    let expected = ["@5001 duplicate", "@5001 duplicate", "@5002"];
    assert_eq!(fates(receipts).await, expected);
    assert_eq!(world.sent(), ["5/0 a", "5/1 b", "5/2 c"]);
}

async fn b62_with_it_a_204_at_first_acknowledges_nothing(cx: Context) {
    let world = World::new(&cx).await;
    let [claim] = gates();
    let held = claim.clone();
    world.answer(move |sent| match (sent.epoch, sent.seq) {
        (0, _) => sent.duplicate(),
        (1, 0) => sent.stored().after(&held),
        _ => sent.stored(),
    });
    let writer = world.writer().auto_claim(true).start();
    let receipts = receipts(&writer, &["a", "b"]);
    world.turn(SECOND).await;
    assert_eq!(world.sent(), ["0/0 a", "1/0 a"]);
    assert_eq!((writer.pending(), writer.epoch()), (2, 1));
    claim.open();
    assert_eq!(fates(receipts).await, ["@1000", "@1001"]);
    assert_eq!(world.sent_from(2), ["1/1 b"]);
}

async fn b62_nor_does_a_204_to_a_later_first_attempt(cx: Context) {
    // Somebody else took the number of `b`, and so `c` landed behind their message; it is told before `b` or after it.
    for order in [[2, 3], [3, 2]] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer().auto_claim(true)).await;
        let gates = gates::<4>();
        let held = gates.clone();
        world.answer(move |sent| match (sent.epoch, sent.seq) {
            (0, 2) => sent.duplicate().after(&held[2]),
            (0, seq) => sent.stored().after(&held[seq as usize]),
            _ => sent.stored(),
        });
        let receipts = receipts(&writer, &["a", "b", "c"]);
        world.settle().await;
        for gate in [1].into_iter().chain(order) {
            assert_eq!(world.sent().len(), 4, "claimed with a request under way");
            gates[gate].open();
            world.settle().await;
        }
        assert_eq!(fates(receipts).await, ["@0001", "@1000", "@0003"]);
        assert_eq!(world.sent_from(4), ["1/0 b"]);
    }
}

async fn b62_nor_after_attempts_that_were_turned_away(cx: Context) {
    for status in [429, 503] {
        let world = World::new(&cx).await;
        world.answer(move |sent| match sent.what() {
            (0, 0, 1) => Reply::new(status),
            (0, 0, _) => sent.duplicate(),
            _ => sent.stored(),
        });
        let writer = world.writer().auto_claim(true).start();
        let receipts = receipts(&writer, &["a"]);
        world.turn(SECOND).await;
        assert_eq!(fates(receipts).await, ["@1000"]);
        assert_eq!(world.sent(), ["0/0 a", "0/0 a", "1/0 a"]);
    }
}

async fn b62_nor_when_the_first_answer_of_all_was_lost(cx: Context) {
    let lost = |choice| async move {
        let world = World::new(&cx).await;
        world.answer(|sent| match sent.what() {
            (0, 0, 1) => Reply::close(),
            (0, 0, _) => sent.duplicate(),
            _ => sent.stored(),
        });
        let builder = world.writer().auto_claim(true).after_claim(choice);
        let writer = builder.start();
        let receipts = receipts(&writer, &["a"]);
        world.turn(SECOND).await;
        let fates = fates(receipts).await;
        append(&writer, &["b"]);
        flush(&writer).await;
        (fates, world.sent())
    };
    // The epoch may be a predecessor's, and the data too: it is sent again, or reported.
    let (fates, sent) = lost.clone()(AfterClaim::Resend).await;
    assert_eq!(fates, ["@1000"]);
    assert_eq!(sent, ["0/0 a", "0/0 a", "1/0 a", "1/1 b"]);
    let (fates, sent) = lost(AfterClaim::Report).await;
    assert_eq!(fates, ["Fenced maybe"]);
    assert_eq!(sent, ["0/0 a", "0/0 a", "1/0 b"]);
}

async fn b62_nor_does_a_number_that_was_never_sent(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().auto_claim(true)).await;
    world.answer(|sent| match sent.what() {
        (0, 1, 1) => Reply::close(),
        (0, 1, _) => Reply::new(204).next_offset("0009").echo(0, 3),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a"]);
    world.turn(SECOND).await;
    assert_eq!(fates(receipts).await, ["@1000"]);
    assert_eq!(world.sent_from(1), ["0/1 a", "0/1 a", "1/0 a"]);
}

async fn b62_a_close_under_a_used_number_claims_the_next(cx: Context) {
    for last in [None, Some("last")] {
        let world = World::new(&cx).await;
        // Somebody used this number for something else: nothing was done, and the stream is open.
        world.answer(|sent| match sent.epoch {
            0 => Reply::new(204).next_offset("0009").echo(0, 0),
            _ => sent.stored(),
        });
        let writer = world.writer().auto_claim(true).start();
        let end = match last {
            Some(last) => within(writer.close_stream_with(last)).await,
            None => within(writer.close_stream()).await,
        };
        assert_eq!(offset(end), "@1000");
        let last = last.unwrap_or_default();
        let expected = [format!("0/0 {last} close"), format!("1/0 {last} close")];
        assert_eq!(world.sent(), expected);
    }
}

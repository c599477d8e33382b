//! Epochs and sequence numbers: fixed with the first sending, within what JSON holds, and a window of them at once.

use durable_streams_client::{Error, ErrorKind};

use super::support::*;
use crate::client_suite::support::within;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b39_the_first_goes_alone_then_five_at_once,
        b39_the_window_counts_from_the_oldest,
        b39_answers_in_any_order_store_each_message_once,
        b39_a_repeat_is_the_same_byte_for_byte,
        b52_the_largest_epoch_is_used_and_none_is_above,
        b52_a_claim_above_the_largest_epoch_is_the_end,
    ]
}

async fn b39_the_first_goes_alone_then_five_at_once(cx: Context) {
    let world = World::new(&cx).await;
    let gates = gates::<7>();
    let held = gates.clone();
    world.answer(move |sent| sent.stored().after(&held[sent.seq as usize]));
    let writer = world.writer().start();
    append(&writer, &["w", "a", "b", "c", "d", "e", "f"]);
    world.turn(SECOND).await;
    assert_eq!(world.sent(), ["0/0 w"]);
    gates[0].open();
    world.turn(SECOND).await;
    let window = ["0/1 a", "0/2 b", "0/3 c", "0/4 d", "0/5 e"];
    assert_eq!(world.sent_from(1), window);
    assert_eq!((world.under_way(), writer.in_flight()), (5, 5));
    gates[1].open();
    world.settle().await;
    assert_eq!(world.sent_from(6), ["0/6 f"]);
    assert_eq!((writer.next_seq(), writer.pending()), (7, 5));
    gates.iter().for_each(|gate| gate.open());
    assert_eq!(flush(&writer).await, "@0006");

    let world = World::new(&cx).await;
    let writer = world.open(world.writer().max_in_flight(2)).await;
    world.answer(|_| Reply::hang());
    append(&writer, &["a", "b", "c"]);
    world.settle().await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b"]);
}

async fn b39_the_window_counts_from_the_oldest(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.seq {
        1 => sent.stored().after(&held),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b", "c", "d", "e", "f"]);
    world.turn(SECOND).await;
    // Only the front is missing: a sixth number ahead of it would be a gap.
    let window = ["0/1 a", "0/2 b", "0/3 c", "0/4 d", "0/5 e"];
    assert_eq!(world.sent_from(1), window);
    assert_eq!(world.under_way(), 1);
    front.open();
    world.settle().await;
    assert_eq!(world.sent_from(6), ["0/6 f"]);
}

async fn b39_answers_in_any_order_store_each_message_once(cx: Context) {
    for order in [[4, 3, 2, 1], [2, 1, 4, 3], [1, 4, 2, 3], [3, 1, 4, 2]] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer()).await;
        let gates = gates::<5>();
        let held = gates.clone();
        world.answer(move |sent| sent.stored().after(&held[sent.seq as usize]));
        let receipts = receipts(&writer, &["a", "b", "c", "d"]);
        for gate in order {
            world.settle().await;
            gates[gate].open();
        }
        assert_eq!(fates(receipts).await, ["@0001", "@0002", "@0003", "@0004"]);
        assert_eq!(flush(&writer).await, "@0004");
        assert_eq!((world.sent().len(), writer.pending()), (5, 0));
    }
}

async fn b39_a_repeat_is_the_same_byte_for_byte(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.what() {
        (0, 0, 1) => Reply::close(),
        (0, 0, 2) => Reply::reset(),
        (0, 0, 3) => Reply::new(500),
        (0, 0, 4) => Reply::hang(),
        (0, 0, 5) => Reply::new(200).body("<html>"),
        (0, 0, 6) => Reply::new(429).header("Retry-After", "3"),
        _ => sent.stored(),
    });
    let writer = world.batching().start();
    append(&writer, &["\u{0}one\r\n", "two"]);
    for attempt in 1..=7 {
        world.until_requests(attempt).await;
        if attempt < 7 {
            append(&writer, &["later "]);
        }
    }
    assert_eq!(flush(&writer).await, "@0001");
    let requests = world.server.requests();
    for again in &requests[..7] {
        assert_eq!(again.body, "\u{0}one\r\ntwo");
        let sent = (&again.method, &again.target, &again.headers);
        let first = &requests[0];
        assert_eq!(sent, (&first.method, &first.target, &first.headers));
    }
    let later = "later ".repeat(6);
    assert_eq!(world.sent_from(7), [format!("0/1 {later}")]);
}

async fn b52_the_largest_epoch_is_used_and_none_is_above(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().epoch(MAX_INTEGER)).await;
    assert_eq!(world.sent(), ["9007199254740991/0 w"]);
    let error = within(writer.restart()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert!(writer.error().is_some());

    // And what is larger is refused before anything is sent.
    for epoch in [MAX_INTEGER + 1, u64::MAX] {
        let writer = world.writer().epoch(epoch).start();
        let refused = writer.try_append("a").unwrap_err();
        assert_eq!(refused.message, "a");
        assert_eq!(Error::from(refused).kind(), ErrorKind::InvalidInput);
    }
    world.settle().await;
    assert_eq!(world.sent().len(), 1);
}

async fn b52_a_claim_above_the_largest_epoch_is_the_end(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| fence(MAX_INTEGER));
    let writer = world.writer().auto_claim(true).start();
    assert_eq!(fates(receipts(&writer, &["a", "b"])).await, ["Fenced"; 2]);
    assert_eq!(world.sent(), ["0/0 a"]);
    assert_eq!(unsent(&writer), ["0 a", "1 b"]);

    // One below it leaves one to claim.
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.epoch {
        0 => fence(MAX_INTEGER - 1),
        _ => sent.stored(),
    });
    let writer = world.writer().auto_claim(true).start();
    append(&writer, &["a"]);
    world.settle().await;
    assert_eq!(world.sent(), ["0/0 a", "9007199254740991/0 a"]);
    assert_eq!(writer.epoch(), MAX_INTEGER);
}

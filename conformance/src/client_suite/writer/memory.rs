//! A buffer with bounds: `append` waits for room, `try_append` says "full".

use durable_streams_client::{Error, ErrorKind, Refused, RefusedReason, RetryPolicy};

use super::support::*;
use crate::client_suite::support::within;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b49_full_in_messages_append_waits,
        b49_full_in_bytes_append_waits,
        b49_who_waits_gets_room_in_turn_and_may_leave,
        b49_what_can_never_fit_comes_back_at_once,
        b49_stored_out_of_order_leaves_no_room_before,
        b49_memory_is_bounded_while_the_server_is_down,
        b49_the_default_is_100_000_messages_or_64_mib,
    ]
}

fn is_full(refused: &Refused) -> bool {
    matches!(refused.reason, RefusedReason::Full)
}

async fn b49_full_in_messages_append_waits(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let writer = world.writer().max_buffer_messages(2).start();
    append(&writer, &["a", "b"]);
    let refused = writer.try_append("c").unwrap_err();
    assert!(is_full(&refused) && refused.message == "c");
    assert_eq!(Error::from(refused).kind(), ErrorKind::LimitExceeded);
    let waiting = beside(&writer, |writer| async move { writer.append("c").await });
    world.turn(SECOND).await;
    assert!(!waiting.is_finished());
    assert_eq!((writer.pending(), world.sent().len()), (2, 1));
    gate.open();
    within(waiting).await.unwrap().unwrap();
    assert_eq!(flush(&writer).await, "@0002");
    assert_eq!(world.sent(), ["0/0 a", "0/1 b", "0/2 c"]);
}

async fn b49_full_in_bytes_append_waits(cx: Context) {
    let world = World::new(&cx).await;
    let gates = gates::<4>();
    let held = gates.clone();
    world.answer(move |sent| sent.stored().after(&held[sent.seq as usize]));
    let writer = world.writer().max_buffer_bytes(10).start();
    append(&writer, &["12345", "6789"]);
    let waiting = beside(
        &writer,
        |writer| async move { writer.append("abcdef").await },
    );
    world.settle().await;
    assert!(is_full(&writer.try_append("ab").unwrap_err()));
    // A small one passes a large one that waits for more room.
    append(&writer, &["z"]);
    gates[0].open();
    world.settle().await;
    assert!(!waiting.is_finished(), "5 bytes are free, and it has 6");
    gates[1].open();
    world.settle().await;
    assert!(waiting.is_finished());
    gates[2].open();
    gates[3].open();
    assert_eq!(flush(&writer).await, "@0003");
    let expected = ["0/0 12345", "0/1 6789", "0/2 z", "0/3 abcdef"];
    assert_eq!(world.sent(), expected);
}

async fn b49_who_waits_gets_room_in_turn_and_may_leave(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let writer = world.writer().max_buffer_messages(1).start();
    append(&writer, &["first"]);
    let mut waiting: Vec<_> = (0..50)
        .map(|n| {
            beside(&writer, move |writer| async move {
                writer.append(format!("{n}")).await.map_err(drop)
            })
        })
        .collect();
    world.settle().await;
    // A message of a dropped future is dropped with it.
    for leaves in [7, 8, 30] {
        waiting[leaves].abort();
    }
    gate.open();
    for (n, task) in waiting.drain(..).enumerate() {
        let taken = within(task).await;
        assert_eq!(taken.is_err(), [7, 8, 30].contains(&n), "{n}");
    }
    assert_eq!(flush(&writer).await, "@0047");
    let requests = world.server.requests();
    let bodies = requests[1..]
        .iter()
        .map(|r| String::from_utf8_lossy(&r.body));
    let mut numbers: Vec<u32> = bodies.map(|body| body.parse().unwrap()).collect();
    numbers.sort_unstable();
    let expected = (0..50).filter(|n| ![7, 8, 30].contains(n));
    assert!(expected.eq(numbers.iter().copied()), "{numbers:?}");
}

async fn b49_what_can_never_fit_comes_back_at_once(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.writer().max_buffer_bytes(4).start();
    for message in ["12345", ""] {
        let refused = within(writer.append(message)).await.unwrap_err();
        assert_eq!(refused.message, message);
        assert_eq!(Error::from(refused).kind(), ErrorKind::InvalidInput);
    }
    world.settle().await;
    assert!(world.sent().is_empty());
    append(&writer, &["1234"]);
    assert_eq!(flush(&writer).await, "@0000");
}

async fn b49_stored_out_of_order_leaves_no_room_before(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer().max_buffer_messages(3)).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.seq {
        1 => sent.stored().after(&held),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b", "c"]);
    world.settle().await;
    assert!(is_full(&writer.try_append("d").unwrap_err()));
    front.open();
    world.settle().await;
    append(&writer, &["d", "e", "f"]);
    assert_eq!(flush(&writer).await, "@0006");
}

async fn b49_memory_is_bounded_while_the_server_is_down(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| Reply::new(503));
    let builder = world.batching().retry(RetryPolicy::endless());
    let writer = builder
        .max_buffer_bytes(10_000)
        .max_batch_bytes(1_000)
        .start();
    let mut bytes = 0;
    for _ in 0..20 {
        while writer.try_append("1".repeat(50)).is_ok() {
            bytes += 50;
        }
        world.turn(10 * SECOND).await;
        assert!(world.under_way() <= 1);
    }
    assert_eq!(bytes, 10_000, "nothing more was taken than fits");
    assert_eq!(writer.pending(), 200);
    // Only the front is tried, and it is always the same.
    let sent = world.sent();
    assert!(sent.len() > 5 && sent.iter().all(|again| *again == sent[0]));
    assert!(sent[0].starts_with("0/0 1"), "{}", sent[0]);
}

async fn b49_the_default_is_100_000_messages_or_64_mib(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| Reply::hang());
    let writer = world.writer().max_batch_messages(1000).start();
    for _ in 0..100_000 {
        append(&writer, &["x"]);
    }
    assert!(is_full(&writer.try_append("x").unwrap_err()));

    let writer = world.batching().start();
    let mebibyte = bytes::Bytes::from(vec![b'x'; 1 << 20]);
    for _ in 0..64 {
        writer.try_append(mebibyte.clone()).unwrap();
    }
    assert!(is_full(&writer.try_append("x").unwrap_err()));
}

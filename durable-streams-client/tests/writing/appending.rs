//! Room in the buffer, receipts, and who may append.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use durable_streams_client::{ErrorKind, FailureKind, Refused, RefusedReason, RetryPolicy, Writer};

use crate::by_hand::Wakes;
use crate::server::Fault;
use crate::world::{Task, World, with};

fn is_full(refused: &Refused) -> bool {
    matches!(refused.reason, RefusedReason::Full)
}

/// Two messages fit; nothing is stored before the server is released.
fn two_fit() -> (World, Writer) {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(2));
    world.server.always(Fault::Held);
    writer.try_append("0").unwrap();
    writer.try_append("1").unwrap();
    world.settle();
    (world, writer)
}

fn append(writer: &Writer, n: u64) -> Task<Result<(), Refused>> {
    with(
        writer,
        move |writer| async move { writer.append_json(&n).await },
    )
}

#[test]
fn b49_append_waits_for_room_and_try_append_gives_the_message_back() {
    let (mut world, writer) = two_fit();
    let message = Bytes::from_static(b"2");
    let refused = writer.try_append(message.clone()).unwrap_err();
    assert!(is_full(&refused));
    assert_eq!(refused.message.as_ptr(), message.as_ptr(), "the same bytes");

    let mut waiting = append(&writer, 2);
    assert!(world.run_for(&mut waiting, 1).is_none());
    assert_eq!(writer.pending(), 2, "nothing was taken while it waits");
    world.server.release();
    world.run_for(&mut waiting, 10).unwrap().unwrap();
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 2]);
}

#[test]
fn b50_whoever_fills_a_batch_lets_the_driver_at_it_first() {
    let (mut world, writer) = World::new(|builder| builder.max_batch_messages(2));
    world.server.always(Fault::Held);
    let mut all = with(&writer, |writer| async move {
        for n in 0..5 {
            writer.append_json(&n).await.unwrap();
        }
    });
    for taken in [2, 4] {
        assert!(all.poll().is_pending());
        assert_eq!(writer.pending(), taken, "the next one is not taken yet");
        assert!(all.is_woken(), "there is room: it goes on at once");
    }
    assert!(all.poll().is_ready());
    world.settle();
    assert_eq!(world.server.requests().len(), 1);
    // What does not wait does not give way, and takes that from nobody else.
    writer.try_append("5").unwrap();
    writer.try_append("6").unwrap();
    let mut given_up = append(&writer, 7);
    assert!(given_up.poll().is_pending());
    drop(given_up);
    assert_eq!(writer.pending(), 7, "what was dropped was not taken");
    world.server.release();
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn b49_a_message_that_can_never_be_taken_comes_back_at_once() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_bytes(8));
    world.server.always(Fault::Held);
    for (message, part) in [
        ("\"0123456789\"", "larger than the buffer"),
        ("", "empty"),
        ("{\"a\":", "JSON"),
        ("1 2", "JSON"),
    ] {
        let refused = world
            .run({
                let writer = writer.clone();
                async move { writer.append(message).await }
            })
            .unwrap_err();
        assert_eq!(refused.message, message);
        let RefusedReason::Error(error) = &refused.reason else {
            panic!("{refused:?}")
        };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(writer.pending(), 0);
}

#[test]
fn b59_dropping_an_append_that_waits_leaves_no_trace_and_the_next_goes_on() {
    let (mut world, writer) = two_fit();
    let (mut first, mut second, mut third) =
        (append(&writer, 2), append(&writer, 3), append(&writer, 4));
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(waiting.poll().is_pending());
    }
    drop(first);
    world.server.release();
    // Both are woken. One leaves before it can say that it is not interested any more.
    while !second.is_woken() {
        assert!(world.step());
    }
    drop(second);
    world.run_for(&mut third, 10).unwrap().unwrap();
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 4]);
}

#[test]
fn b49_everybody_who_waits_gets_room_in_the_end() {
    let (mut world, writer) = two_fit();
    let mut waiting: Vec<_> = (2..50).map(|n| append(&writer, n)).collect();
    for task in &mut waiting {
        assert!(task.poll().is_pending());
    }
    world.server.release();
    while !waiting.is_empty() {
        let mut polled = false;
        waiting.retain_mut(|task| {
            let woken = task.is_woken();
            polled |= woken;
            !(woken && task.poll().is_ready())
        });
        assert!(world.step() || polled, "somebody is not woken");
    }
    world.run(async move { writer.flush().await }).unwrap();
    let mut stored = world.server.stored();
    assert_eq!(stored[..2], [0, 1]);
    stored.sort_unstable();
    assert_eq!(stored, (0..50).collect::<Vec<_>>());
}

#[test]
fn b49_a_small_message_passes_a_large_one_that_waits_for_more_room() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_bytes(10));
    world.server.always(Fault::Held);
    writer.try_append("12345").unwrap();
    world.settle();
    let mut large = append(&writer, 12_345_678);
    assert!(large.poll().is_pending());
    writer.try_append("7").unwrap();
    world.server.release();
    world.run_for(&mut large, 10).unwrap().unwrap();
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [12_345, 7, 12_345_678]);
}

#[test]
fn b49_memory_is_bounded_while_the_server_is_down() {
    let retry = RetryPolicy::endless();
    let (mut world, writer) = World::new(|builder| {
        builder
            .retry(retry)
            .max_buffer_bytes(10_000)
            .max_batch_bytes(1_000)
            .linger(Duration::ZERO)
    });
    world.server.always(Fault::Fails(FailureKind::Connect));
    let mut bytes = 0;
    for round in 0..50 {
        while let Ok(()) = writer.try_append(format!("{:050}", 1).replace('0', "1")) {
            bytes += 50;
        }
        for _ in 0..10 {
            assert!(world.step(), "round {round}");
        }
    }
    assert_eq!(bytes, 10_000, "nothing more was taken than fits");
    assert_eq!(writer.pending(), 200);
    let tried = world.server.requests();
    assert!(tried.len() > 10 && tried.len() < 600, "{}", tried.len());
    assert_eq!(world.server.most_in_flight(), 1, "only the front is tried");
    let first = (&tried[0].headers()["producer-seq"], tried[0].body());
    for again in &tried {
        assert_eq!((&again.headers()["producer-seq"], again.body()), first);
    }
}

#[test]
fn b53_receipts_resolve_in_any_order_and_dropping_one_cancels_nothing() {
    let (mut world, writer) =
        World::new(|builder| builder.max_batch_messages(2).linger(Duration::ZERO));
    world.server.faults([Fault::None, Fault::AnswerLost]);
    let receipts = world.run({
        let writer = writer.clone();
        async move {
            let mut receipts = Vec::new();
            for n in 0..6_u64 {
                receipts.push(writer.append_json_with_receipt(&n).await.unwrap());
            }
            receipts
        }
    });
    let mut receipts: Vec<_> = receipts.into_iter().map(Some).collect();
    drop(receipts[1].take());
    drop(receipts[4].take());
    let order = [5, 0, 3, 2];
    let stored = order.map(|n| {
        let receipt = receipts[n].take().unwrap();
        assert_eq!(receipt.ticket(), n as u64);
        world.run(receipt).unwrap()
    });
    let offsets = stored
        .each_ref()
        .map(|stored| stored.next_offset.as_ref().unwrap().as_str());
    assert_eq!(offsets[1], "00000002", "of the batch it was in");
    assert_eq!(
        offsets[2], offsets[3],
        "messages of one batch have one offset"
    );
    assert_eq!(
        stored.map(|stored| stored.duplicate),
        [false, false, true, true]
    );
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn b43_a_duplicate_that_is_acknowledged_by_its_number_alone_is_stored() {
    let (mut world, writer) = World::new(|builder| builder);
    world.server.names_no_offset_of_duplicates();
    world.server.faults([Fault::AnswerLost]);
    let clone = writer.clone();
    let stored = world
        .run(async move { clone.append_acked("1").await })
        .unwrap();
    assert_eq!((stored.next_offset, stored.duplicate), (None, true));
    let clone = writer.clone();
    let flushed = world.run(async move { clone.flush().await });
    let flushed = flushed.unwrap();
    assert_eq!((flushed.next_offset, flushed.duplicates), (None, 1));
    world.server.faults([Fault::None, Fault::AnswerLost]);
    writer.try_append("2").unwrap();
    let end = world.run(async move { writer.close_stream().await });
    assert_eq!(end.unwrap().unwrap().as_str(), "00000002");
    assert_eq!(world.server.stored(), [1, 2]);
    assert_eq!(world.server.requests().len(), 5);
}

#[test]
fn b53_a_receipt_can_move_between_tasks() {
    let (mut world, writer) = World::new(|builder| builder);
    let receipt = world
        .run({
            let writer = writer.clone();
            async move { writer.append_with_receipt("1").await }
        })
        .unwrap();
    let mut receipt = Some(receipt);
    let (before, after) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
    for wakes in [&before, &after] {
        let waker = Waker::from(Arc::clone(wakes));
        let receipt = Pin::new(receipt.as_mut().unwrap());
        assert!(receipt.poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let clone = writer.clone();
    world.run(async move { clone.flush().await }).unwrap();
    assert_eq!(
        (before.count(), after.count()),
        (0, 1),
        "the last who looked"
    );
    world.run(receipt.take().unwrap()).unwrap();
}

#[test]
fn b46_many_clones_append_at_once_and_nothing_is_lost() {
    let (mut world, writer) = World::new(|builder| {
        builder
            .max_buffer_messages(7)
            .max_batch_messages(3)
            .retry(RetryPolicy::endless())
    });
    let faults = [
        Fault::AnswerLost,
        Fault::Status(503),
        Fault::None,
        Fault::Fails(FailureKind::Timeout),
    ];
    world.server.faults(faults.into_iter().cycle().take(40));
    let mut tasks: Vec<_> = (0..20_u64)
        .map(|clone| {
            with(&writer, move |writer| async move {
                for n in 0..10 {
                    writer.append_json(&(clone * 100 + n)).await.unwrap();
                }
                writer.flush().await.map(|_| ())
            })
        })
        .collect();
    while !tasks.is_empty() {
        let mut polled = false;
        tasks.retain_mut(|task| {
            let woken = task.is_woken();
            polled |= woken;
            !(woken && task.poll().is_ready())
        });
        assert!(world.step() || polled, "somebody is not woken");
    }
    let stored = world.server.stored();
    assert_eq!(stored.len(), 200);
    for clone in 0..20 {
        let own = stored.iter().filter(|n| **n / 100 == clone).copied();
        assert!(own.eq(clone * 100..clone * 100 + 10), "in its own order");
    }
}

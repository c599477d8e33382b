//! The end of a writer: closed, failed, its handles or its driver dropped. Nothing hangs, and nothing goes on behind its back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use durable_streams_client::{ErrorKind, FailureKind, Refused, RefusedReason, RetryPolicy, Writer};

use crate::server::Fault;
use crate::world::{Task, World, with};

fn kind(refused: Refused) -> ErrorKind {
    match refused.reason {
        RefusedReason::Error(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

/// Every call of a writer that ended, and what kind of error it gives.
fn every_call(world: &mut World, writer: &Writer) -> Vec<(&'static str, ErrorKind)> {
    let mut kinds = vec![("try_append", kind(writer.try_append("9").unwrap_err()))];
    let mut run = |name, call: Task<Result<(), ErrorKind>>| {
        let mut call = call;
        let result = world.run_for(&mut call, 100).expect("it hangs");
        kinds.push((name, result.expect_err(name)));
    };
    macro_rules! call {
        ($name:ident($($argument:expr),*), $kind:expr) => {
            run(
                stringify!($name),
                with(writer, |writer| async move {
                    writer.$name($($argument),*).await.map(drop).map_err($kind)
                }),
            )
        };
    }
    call!(append("9"), kind);
    call!(append_json(&9), kind);
    call!(append_with_receipt("9"), kind);
    call!(append_json_with_receipt(&9), kind);
    call!(append_acked("9"), |error| error.kind());
    call!(flush(), |error| error.kind());
    call!(close(), |error| error.kind());
    call!(close_stream(), |error| error.kind());
    call!(restart(), |error| error.kind());
    kinds
}

#[test]
fn b47_dropping_the_last_handle_ends_the_driver_and_what_is_in_flight() {
    let (mut world, writer) =
        World::new(|builder| builder.max_batch_messages(1).linger(Duration::ZERO));
    world.server.faults([Fault::None]);
    writer.try_append("0").unwrap();
    world.settle();
    world.server.always(Fault::Held);
    for _ in 0..3 {
        writer.try_append("1").unwrap();
    }
    let clone = writer.clone();
    world.settle();
    assert_eq!(world.server.in_flight(), 3);
    drop(writer);
    world.settle();
    assert!(world.driver.is_some(), "a clone is left");
    drop(clone);
    assert!(world.driver.as_ref().unwrap().is_woken());
    world.settle();
    assert!(world.driver.is_none(), "the driver resolves");
    assert_eq!((world.server.in_flight(), world.server.dropped()), (0, 3));
    assert_eq!(world.server.stored(), [0]);
}

#[test]
fn b47_a_sink_is_a_handle_and_a_receipt_is_none() {
    let (mut world, writer) = World::new(|builder| builder);
    world.server.always(Fault::Held);
    let sink = writer.sink();
    let mut receipt = Task::new({
        let clone = writer.clone();
        async move { clone.append_with_receipt("1").await.unwrap().await }
    });
    assert!(receipt.poll().is_pending());
    drop(writer);
    world.settle();
    assert!(world.driver.is_some());
    drop(sink);
    // The future above holds a clone while it runs.
    assert!(world.driver.is_some());
    drop(receipt);
    world.settle();
    assert!(world.driver.is_none());

    let (mut world, writer) = World::new(|builder| builder);
    world.server.always(Fault::Held);
    let clone = writer.clone();
    let receipt = world
        .run(async move { clone.append_with_receipt("1").await })
        .unwrap();
    world.settle();
    drop(writer);
    let error = world.run(receipt).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert!(error.may_have_been_applied(), "it was under way");
}

#[test]
fn b47_dropping_the_driver_fails_every_pending_and_every_later_call() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(2));
    world.server.always(Fault::Held);
    writer.try_append("0").unwrap();
    let acked = with(&writer, |writer| async move {
        writer
            .append_acked("1")
            .await
            .map(drop)
            .map_err(|e| e.kind())
    });
    let full = with(&writer, |writer| async move {
        writer.append("2").await.map_err(kind)
    });
    let flush = with(&writer, |writer| async move {
        writer.flush().await.map(drop).map_err(|e| e.kind())
    });
    let restart = with(&writer, |writer| async move {
        writer.restart().await.map(drop).map_err(|e| e.kind())
    });
    let close = with(&writer, |writer| async move {
        writer.close().await.map(drop).map_err(|e| e.kind())
    });
    let mut pending = [acked, full, flush, restart, close];
    for task in &mut pending {
        assert!(task.poll().is_pending());
    }
    world.settle();
    for task in &mut pending {
        assert!(!task.is_woken());
    }
    world.driver = None;
    assert_eq!(world.server.dropped(), 1);
    for (index, task) in pending.iter_mut().enumerate() {
        assert!(task.is_woken(), "call {index}");
        let std::task::Poll::Ready(Err(kind)) = task.poll() else {
            panic!("call {index} goes on")
        };
        assert_eq!(kind, ErrorKind::Stopped, "call {index}");
    }
    for (name, kind) in every_call(&mut world, &writer) {
        assert_eq!(kind, ErrorKind::Stopped, "{name}");
    }
    assert_eq!(writer.error().unwrap().kind(), ErrorKind::Stopped);
}

#[test]
fn what_a_stopped_writer_did_not_store_can_be_taken_back() {
    let (mut world, writer) = World::new(|builder| builder.max_batch_messages(1).max_in_flight(1));
    world.server.faults([Fault::None, Fault::Held]);
    for n in ["0", "1", "2"] {
        writer.try_append(n).unwrap();
    }
    while world.server.stored().is_empty() || world.server.in_flight() == 0 {
        assert!(world.step());
    }
    world.settle();
    world.driver = None;
    let unsent: Vec<_> = writer
        .take_unsent()
        .into_iter()
        .map(|unsent| (unsent.message, unsent.may_have_been_applied))
        .collect();
    assert_eq!(unsent, [("1".into(), true), ("2".into(), false)]);
}

#[test]
fn b40_after_giving_up_everything_comes_back_in_order_and_every_call_fails() {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let errors = Arc::clone(&errors);
        move |error: &durable_streams_client::Error| errors.lock().unwrap().push(error.kind())
    };
    let retry = RetryPolicy::writers().give_up_after(3, Duration::ZERO);
    let (mut world, writer) =
        World::new(|builder| builder.retry(retry).max_batch_messages(2).on_error(hook));
    world.server.faults([Fault::None, Fault::AnswerLost]);
    world.server.always(Fault::Status(503));
    let clone = writer.clone();
    let receipts = world.run(async move {
        let mut receipts = Vec::new();
        for n in 0..7_u64 {
            receipts.push(clone.append_json_with_receipt(&n).await.unwrap());
        }
        receipts
    });
    let clone = writer.clone();
    let error = world.run(async move { clone.flush().await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for (ticket, receipt) in receipts.into_iter().enumerate() {
        match world.run(receipt) {
            Ok(_) => assert!(ticket < 2),
            Err(error) => assert_eq!(error.may_have_been_applied(), ticket < 4, "{ticket}"),
        }
    }
    assert!(world.driver.is_none(), "the driver has ended");
    for (name, kind) in every_call(&mut world, &writer) {
        assert_eq!(kind, ErrorKind::Unavailable, "{name}");
    }
    let unsent = writer.take_unsent();
    let messages: Vec<_> = unsent.iter().map(|unsent| &unsent.message[..]).collect();
    assert_eq!(messages, [b"2", b"3", b"4", b"5", b"6"]);
    let tickets: Vec<_> = unsent.iter().map(|unsent| unsent.ticket).collect();
    assert_eq!(tickets, [2, 3, 4, 5, 6]);
    assert!(writer.take_unsent().is_empty(), "given once");
    assert_eq!(world.server.stored(), [0, 1, 2, 3], "the answer was lost");
    let errors = errors.lock().unwrap();
    assert_eq!(errors.last(), Some(&ErrorKind::Unavailable));
    assert!(errors.len() >= 3, "{errors:?}");
}

#[test]
fn the_error_hook_is_told_of_what_is_tried_again_and_may_use_the_writer() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let slot: Arc<Mutex<Option<Writer>>> = Arc::default();
    let hook = {
        let (told, slot) = (Arc::clone(&told), Arc::clone(&slot));
        move |error: &durable_streams_client::Error| {
            let pending = slot.lock().unwrap().as_ref().unwrap().pending();
            told.lock().unwrap().push((error.status(), pending));
        }
    };
    let (mut world, writer) = World::new(|builder| builder.on_error(hook));
    *slot.lock().unwrap() = Some(writer.clone());
    let faults = [
        Fault::Status(503),
        Fault::Fails(FailureKind::Connect),
        Fault::Status(502),
    ];
    world.server.faults(faults);
    writer.try_append("1").unwrap();
    world.run(async move { writer.flush().await }).unwrap();
    let told = told.lock().unwrap();
    let statuses: Vec<_> = told
        .iter()
        .map(|(status, _)| status.map(|s| s.as_u16()))
        .collect();
    assert_eq!(statuses, [Some(503), None, Some(502)]);
    assert!(told.iter().all(|(_, pending)| *pending == 1));
}

#[test]
fn b47_after_closing_every_call_has_an_answer() {
    for closes_stream in [false, true] {
        let (mut world, writer) = World::new(|builder| builder);
        writer.try_append("0").unwrap();
        let end = world.run({
            let writer = writer.clone();
            async move {
                match closes_stream {
                    true => writer.close_stream().await,
                    false => writer.close().await,
                }
            }
        });
        let end = end.unwrap();
        assert_eq!(end.as_ref().unwrap().as_str(), "00000001");
        assert_eq!(world.server.is_closed(), closes_stream);
        assert!(world.driver.is_none());
        // Everything accepted is stored, so there is nothing to wait for.
        let mut flush = with(&writer, |writer| async move { writer.flush().await });
        let flushed = world.run_for(&mut flush, 10).expect("flush hangs");
        assert_eq!(flushed.unwrap().next_offset, end);
        for closing in 0..2 {
            let again = world.run({
                let writer = writer.clone();
                async move { writer.close().await }
            });
            assert_eq!(again.unwrap(), end, "{closing}");
        }
        assert_eq!(
            kind(writer.try_append("9").unwrap_err()),
            ErrorKind::InvalidInput
        );
        let mut restart = with(&writer, |writer| async move { writer.restart().await });
        let restart = world.run_for(&mut restart, 10).expect("restart hangs");
        assert_eq!(restart.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn b48_a_restart_that_is_overtaken_by_closing_ends() {
    for pending in [false, true] {
        let (mut world, writer) = World::new(|builder| builder);
        if pending {
            writer.try_append("0").unwrap();
        }
        let mut restart = with(&writer, |writer| async move { writer.restart().await });
        assert!(restart.poll().is_pending());
        let mut close = with(&writer, |writer| async move { writer.close().await });
        world.run_for(&mut close, 10).expect("close hangs").unwrap();
        assert!(restart.is_woken(), "pending {pending}: it is not woken");
        assert!(restart.poll().is_ready(), "pending {pending}: it hangs");
    }
}

#[test]
fn b48_restarts_at_once_each_get_an_epoch_and_keep_the_order() {
    let (mut world, writer) = World::new(|builder| builder);
    let restart = |writer: &Writer| with(writer, |writer| async move { writer.restart().await });
    writer.try_append("0").unwrap();
    let mut first = restart(&writer);
    assert!(first.poll().is_pending());
    writer.try_append("1").unwrap();
    let mut second = restart(&writer);
    assert!(second.poll().is_pending());
    writer.try_append("2").unwrap();
    let epochs = (
        world.run_for(&mut first, 20).expect("hangs").unwrap(),
        world.run_for(&mut second, 20).expect("hangs").unwrap(),
    );
    assert!(epochs.0 >= 1 && epochs.1 == 2, "{epochs:?}");
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 2]);
    let epochs: Vec<_> = world
        .server
        .requests()
        .iter()
        .map(|request| request.headers()["producer-epoch"].clone())
        .collect();
    assert_eq!(epochs, ["0", "1", "2"]);
}

#[test]
fn b47_dropping_close_does_not_undo_it_and_an_unpolled_one_does_nothing() {
    let (mut world, writer) = World::new(|builder| builder);
    writer.try_append("0").unwrap();
    drop(writer.close());
    drop(writer.close_stream());
    writer.try_append("1").unwrap();
    let mut close = with(&writer, |writer| async move { writer.close().await });
    assert!(close.poll().is_pending());
    drop(close);
    assert!(writer.try_append("2").is_err());
    while world.driver.is_some() {
        assert!(world.step());
    }
    assert_eq!(world.server.stored(), [0, 1]);
    assert!(!world.server.is_closed());
}

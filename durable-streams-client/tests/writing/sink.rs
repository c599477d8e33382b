//! The writer as a sink.

use bytes::Bytes;
use durable_streams_client::{ErrorKind, Refused, RefusedReason};
use futures_util::{SinkExt, StreamExt, stream};

use crate::server::Fault;
use crate::world::{Task, World};

fn messages(
    range: std::ops::Range<u64>,
) -> impl futures_util::Stream<Item = Result<Bytes, Refused>> + Unpin {
    stream::iter(range).map(|n| Ok(Bytes::from(n.to_string())))
}

#[test]
fn b46_send_all_is_done_when_everything_is_stored() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(3));
    world.server.faults([Fault::AnswerLost, Fault::Status(503)]);
    let mut sink = writer.sink();
    world
        .run(async move {
            let sent = sink.send_all(&mut messages(0..100)).await;
            sent.map(|()| sink)
        })
        .unwrap();
    assert_eq!(writer.pending(), 0);
    assert_eq!(world.server.stored(), (0..100).collect::<Vec<_>>());
}

#[test]
fn b49_a_sink_is_not_ready_while_the_buffer_is_full() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(2));
    world.server.always(Fault::Held);
    let sink = writer.sink();
    let mut feeding = Task::new(async move {
        let mut sink = sink;
        for n in ["0", "1", "2", "3"] {
            sink.feed(Bytes::from(n)).await.unwrap();
        }
        sink.flush().await.unwrap();
        // Closing it leaves the writer open.
        sink.close().await.unwrap();
    });
    assert!(feeding.poll().is_pending());
    world.settle();
    assert_eq!(writer.pending(), 2);
    assert!(!feeding.is_woken());
    world.server.release();
    world.run_for(&mut feeding, 100).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 2, 3]);
    assert!(writer.try_append("4").is_ok());
}

#[test]
fn b50_a_sink_whose_batch_is_full_lets_the_driver_at_it_first() {
    let (mut world, writer) = World::new(|builder| builder.max_batch_messages(2));
    let sink = writer.sink();
    let mut feeding = Task::new(async move {
        let mut sink = sink;
        for n in ["0", "1", "2"] {
            sink.feed(Bytes::from(n)).await.unwrap();
        }
        sink.flush().await.unwrap();
    });
    assert!(feeding.poll().is_pending());
    assert_eq!(writer.pending(), 2, "the next one is not taken yet");
    assert!(feeding.is_woken(), "there is room: it goes on at once");
    world.run_for(&mut feeding, 100).unwrap();
    assert_eq!(world.server.stored(), [0, 1, 2]);
}

#[test]
fn b59_what_is_sent_after_a_dropped_flush_is_flushed_too() {
    let (mut world, writer) = World::new(|builder| builder.max_batch_messages(1));
    world.server.faults([Fault::None, Fault::Held]);
    let mut sink = writer.sink();
    // The first `send` is given up while it waits for the server.
    let mut sink = {
        let mut first = Task::new(async move {
            let mut send = Box::pin(sink.send(Bytes::from("0")));
            std::future::poll_fn(|cx| {
                assert!(send.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            drop(send);
            sink
        });
        world.run_for(&mut first, 10).unwrap()
    };
    let mut second = Task::new(async move { sink.send(Bytes::from("1")).await });
    assert!(second.poll().is_pending());
    // The clock stands: only what was flushed goes.
    world.settle();
    assert_eq!(world.server.stored(), [0]);
    if second.is_woken() {
        assert!(
            second.poll().is_pending(),
            "what was sent last is not stored"
        );
    }
    world.server.release();
    world.run_for(&mut second, 10).unwrap().unwrap();
    assert_eq!(world.server.stored(), [0, 1]);
}

#[test]
fn a_sink_gives_back_what_is_no_message_and_why_the_writer_is_over() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(1));
    let mut sink = writer.sink();
    let refused = world.run(async move { sink.send(Bytes::from("{")).await });
    assert_eq!(refused.unwrap_err().message, "{");
    world.server.always(Fault::Held);
    let mut sink = writer.sink();
    let mut feeding = Task::new(async move {
        let mut results = Vec::new();
        for n in ["0", "1", "2", "3"] {
            results.push(sink.feed(Bytes::from(n)).await);
        }
        (results, sink.flush().await)
    });
    assert!(feeding.poll().is_pending());
    world.driver = None;
    let (results, flushed) = world.run_for(&mut feeding, 10).unwrap();
    let shown: Vec<_> = results
        .into_iter()
        .map(|result| match result {
            Ok(()) => None,
            Err(Refused {
                message,
                reason: RefusedReason::Error(error),
            }) => Some((message, error.kind())),
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    let stopped = |n: &'static str| Some((Bytes::from(n), ErrorKind::Stopped));
    // The one that waited for room comes back from the call after it.
    assert_eq!(shown, [None, None, stopped("1"), stopped("3")]);
    assert!(flushed.is_err());
}

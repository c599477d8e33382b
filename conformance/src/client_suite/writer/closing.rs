//! Closing the stream, and streams that somebody else closed.

use durable_streams_client::{Error, ErrorKind};

use super::support::*;
use crate::client_suite::support::{ReplyExt, within};
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b42_closed_is_the_end_at_once,
        b42_closed_counts_before_a_gap,
        b47_closing_the_stream_drains_first,
        b47_closing_an_unused_stream_is_one_request,
        b47_the_last_message_and_the_end_are_one_request,
        b47_the_last_message_waits_for_room,
        b47_a_lost_close_is_repeated_with_its_number,
        b47_closed_by_others_is_what_a_close_wanted,
        b47_closed_by_others_a_last_message_is_not_stored,
        b47_an_answer_that_does_not_say_closed_is_none,
        b47_a_close_that_fails_says_so,
    ]
}

async fn b42_closed_is_the_end_at_once(cx: Context) {
    // It is the front that is told, or one behind it.
    for (told, expected) in [(1, ["1 a", "2 b", "3 c"]), (2, ["1 a maybe", "2 b", "3 c"])] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer().max_in_flight(2)).await;
        let [gate] = gates();
        let held = gate.clone();
        world.answer(move |sent| match sent.seq {
            seq if seq == told => closed().after(&held),
            _ => Reply::hang(),
        });
        append(&writer, &["a", "b", "c"]);
        let flushed = beside(&writer, |writer| async move { writer.flush().await });
        world.settle().await;
        gate.open();
        world.settle().await;
        let error = flushed.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamClosed);
        assert_eq!(error.next_offset().unwrap().as_str(), "9999");
        assert_eq!(unsent(&writer), expected);
        let refused = Error::from(writer.try_append("d").unwrap_err());
        assert_eq!(refused.kind(), ErrorKind::StreamClosed);
        world.turn(1000 * SECOND).await;
        assert_eq!((world.sent().len(), world.under_way()), (3, 0));
    }
}

async fn b42_closed_counts_before_a_gap(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.what() {
        (0, 1, _) => sent.stored().after(&held),
        // Only `true` is closed, and the body says nothing.
        (0, 2, 1) => sent.gap(1).header("Stream-Closed", "false"),
        (0, 2, _) => sent.gap(1).header("stream-closed", "TRUE"),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b"]);
    world.settle().await;
    assert!(writer.error().is_none());
    front.open();
    world.settle().await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b", "0/2 b"]);
    assert_eq!(writer.error().unwrap().kind(), ErrorKind::StreamClosed);
}

async fn b47_closing_the_stream_drains_first(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let gates = gates::<4>();
    let held = gates.clone();
    world.answer(move |sent| sent.stored().after(&held[sent.seq as usize]));
    append(&writer, &["a", "b"]);
    let end = beside(&writer, |writer| async move { writer.close_stream().await });
    world.settle().await;
    assert!(writer.try_append("x").is_err());
    gates[1].open();
    world.turn(SECOND).await;
    assert_eq!(
        world.sent_from(1),
        ["0/1 a", "0/2 b"],
        "it overtakes a message"
    );
    gates[2].open();
    world.settle().await;
    assert_eq!(world.sent_from(3), ["0/3  close"]);
    assert!(!end.is_finished());
    gates[3].open();
    assert_eq!(offset(within(end).await.unwrap()), "@0003");
    assert_eq!(offset(within(writer.close_stream()).await), "@0003");
    assert!(writer.try_append("x").is_err());
    world.turn(1000 * SECOND).await;
    assert_eq!(world.sent().len(), 4, "nothing behind the end");
}

async fn b47_closing_an_unused_stream_is_one_request(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.writer().start();
    assert_eq!(offset(within(writer.close_stream()).await), "@0000");
    assert_eq!(world.sent(), ["0/0  close"]);
    assert!(writer.closed_by_others().is_none());
}

async fn b47_the_last_message_and_the_end_are_one_request(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.what() {
        (0, 1, 1) => Reply::close(),
        (0, 1, _) => sent.duplicate(),
        _ => sent.stored(),
    });
    let stream = world.stream("application/json");
    let writer = stream.writer("w").start();
    append(&writer, &["1"]);
    let end = beside(&writer, |writer| async move {
        writer.close_stream_with("[2]").await
    });
    assert_eq!(offset(world.finish(end).await), "@0001");
    let expected = ["0/0 [1]", "0/1 [[2]] close", "0/1 [[2]] close"];
    assert_eq!(world.sent(), expected);
    // Without a message it is the same end again; another message has no place any more.
    assert_eq!(offset(within(writer.close_stream()).await), "@0001");
    let error = within(writer.close_stream_with("3")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.sent().len(), 3);

    // One that can never be taken closes nothing.
    let writer = world
        .stream("application/json")
        .writer("w")
        .epoch(1)
        .start();
    for bad in ["", "{"] {
        let error = within(writer.close_stream_with(bad)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    append(&writer, &["4"]);
    assert_eq!(flush(&writer).await, "@1000");
    assert_eq!(world.sent_from(3), ["1/0 [4]"]);
}

async fn b47_the_last_message_waits_for_room(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let writer = world.writer().max_buffer_messages(1).start();
    append(&writer, &["a"]);
    let dropped = beside(&writer, |writer| async move {
        writer.close_stream_with("b").await
    });
    world.settle().await;
    // Nothing happened yet, so nothing is closed.
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    assert!(writer.error().is_none());
    let end = beside(&writer, |writer| async move {
        writer.close_stream_with("c").await
    });
    world.settle().await;
    gate.open();
    assert_eq!(offset(world.finish(end).await), "@0001");
    assert_eq!(world.sent(), ["0/0 a", "0/1 c close"]);
}

async fn b47_a_lost_close_is_repeated_with_its_number(cx: Context) {
    for last in [None, Some("z")] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer()).await;
        world.answer(|sent| match sent.attempt {
            1 => Reply::close(),
            2 => Reply::new(503),
            3 => Reply::hang(),
            // The very request that closed it.
            _ => sent.duplicate(),
        });
        let end = beside(&writer, move |writer| async move {
            match last {
                Some(last) => writer.close_stream_with(last).await,
                None => writer.close_stream().await,
            }
        });
        assert_eq!(offset(world.finish(end).await), "@0001");
        let close = format!("0/1 {} close", last.unwrap_or_default());
        assert_eq!(world.sent_from(1), vec![close; 4]);
    }
}

async fn b47_closed_by_others_is_what_a_close_wanted(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|_| closed());
    assert_eq!(offset(within(writer.close_stream()).await), "@9999");
    let others = writer.closed_by_others().unwrap();
    assert_eq!(others.kind(), ErrorKind::StreamClosed);
    assert_eq!(world.sent_from(1), ["0/1  close"]);

    // What this writer may have closed itself is not said to be somebody else's doing.
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.attempt {
        1 => Reply::close(),
        _ => closed(),
    });
    let writer = world.writer().start();
    let end = beside(&writer, |writer| async move { writer.close_stream().await });
    assert_eq!(offset(world.finish(end).await), "@9999");
    assert!(writer.closed_by_others().is_none());
}

async fn b47_closed_by_others_a_last_message_is_not_stored(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| closed());
    let writer = world.writer().start();
    let end = within(writer.close_stream_with("z")).await;
    assert_eq!(offset(end), "StreamClosed");
    assert_eq!(unsent(&writer), ["0 z"]);
    assert_eq!(world.sent(), ["0/0 z close"]);
}

async fn b47_an_answer_that_does_not_say_closed_is_none(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.attempt {
        1 => Reply::new(200).next_offset("0001").echo(0, 0),
        _ => sent.duplicate(),
    });
    let writer = world.writer().start();
    let end = beside(&writer, |writer| async move {
        writer.close_stream_with("z").await
    });
    world.settle().await;
    assert!(!end.is_finished());
    assert_eq!(offset(world.finish(end).await), "@0000");
    assert_eq!(world.sent(), ["0/0 z close"; 2]);
}

async fn b47_a_close_that_fails_says_so(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|_| Reply::new(405));
    for _ in 0..2 {
        let end = within(writer.close_stream()).await;
        assert_eq!(offset(end), "NotSupported");
    }
    assert!(unsent(&writer).is_empty(), "no message was lost");
    assert_eq!(world.sent_from(1), ["0/1  close"]);
}

//! The end of a writer that leaves the stream open: closed, or dropped.

use durable_streams_client::{Error, ErrorKind};

use super::support::*;
use crate::client_suite::support::within;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b47_closing_the_writer_drains_and_leaves_it_open,
        b47_closing_an_unused_writer_sends_nothing,
        b47_a_dropped_close_is_not_undone,
        b47_dropping_the_writer_ends_what_is_under_way,
        b47_a_writer_lives_as_long_as_a_clone_of_it,
        b47_dropping_the_driver_fails_every_call,
    ]
}

async fn b47_closing_the_writer_drains_and_leaves_it_open(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| match sent.attempt {
        1 => Reply::new(503),
        _ => sent.stored().after(&held),
    });
    let writer = world.batching().linger(3600 * SECOND).start();
    append(&writer, &["a", "b"]);
    let end = beside(&writer, |writer| async move { writer.close().await });
    world.settle().await;
    // Without lingering, and with all the patience that the writer has.
    assert_eq!(world.sent(), ["0/0 ab"]);
    world.until_requests(2).await;
    let refused = writer.try_append("c").unwrap_err();
    assert_eq!(refused.message, "c");
    assert_eq!(Error::from(refused).kind(), ErrorKind::InvalidInput);
    assert!(!end.is_finished());
    gate.open();
    assert_eq!(offset(world.finish(end).await), "@0000");
    assert_eq!(offset(within(writer.close()).await), "@0000");
    assert_eq!(flush(&writer).await, "@0000");
    let error = within(writer.close_stream()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    world.turn(1000 * SECOND).await;
    // No request says that the stream is closed.
    assert_eq!(world.sent(), ["0/0 ab"; 2]);
    assert!(unsent(&writer).is_empty());
}

async fn b47_closing_an_unused_writer_sends_nothing(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.writer().start();
    assert_eq!(offset(within(writer.close()).await), "nothing");
    world.turn(1000 * SECOND).await;
    assert!(world.sent().is_empty());
}

async fn b47_a_dropped_close_is_not_undone(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| sent.stored().after(&held));
    let writer = world.writer().start();
    append(&writer, &["a"]);
    // One that was never polled did nothing.
    drop(writer.close());
    drop(writer.close_stream());
    append(&writer, &["b"]);
    let end = beside(&writer, |writer| async move { writer.close().await });
    world.settle().await;
    end.abort();
    assert!(end.await.unwrap_err().is_cancelled());
    assert!(writer.try_append("c").is_err());
    gate.open();
    assert_eq!(offset(within(writer.close()).await), "@0001");
    assert_eq!(world.sent(), ["0/0 a", "0/1 b"]);
}

async fn b47_dropping_the_writer_ends_what_is_under_way(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|_| Reply::hang());
    let receipts = receipts(&writer, &["a", "b", "c"]);
    append(&writer, &["d", "e", "f"]);
    world.settle().await;
    assert_eq!(world.under_way(), 5);
    drop(writer);
    for request in 1..=5 {
        within(world.server.wait_for_abandoned(request)).await;
    }
    // Nobody will answer for what was under way, and a receipt is no handle.
    assert_eq!(fates(receipts).await, ["Stopped maybe"; 3]);
    world.turn(1000 * SECOND).await;
    assert_eq!((world.sent().len(), world.under_way()), (6, 0));
}

async fn b47_a_writer_lives_as_long_as_a_clone_of_it(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let clone = writer.clone();
    let sink = clone.sink();
    world.answer(|sent| match sent.attempt {
        1 => Reply::new(503),
        _ => Reply::hang(),
    });
    append(&writer, &["a"]);
    drop(writer);
    drop(clone);
    world.until_requests(3).await;
    assert_eq!(world.sent_from(1), ["0/1 a"; 2]);
    drop(sink);
    within(world.server.wait_for_abandoned(2)).await;
    world.turn(1000 * SECOND).await;
    assert_eq!(world.sent().len(), 3);
}

async fn b47_dropping_the_driver_fails_every_call(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| Reply::hang());
    let (writer, driver) = world.writer().max_buffer_messages(2).into_parts();
    let driver = tokio::spawn(driver);
    let receipts = receipts(&writer, &["a", "b"]);
    let late = beside(&writer, |writer| async move { writer.append("c").await });
    let flushed = beside(&writer, |writer| async move { writer.flush().await });
    let restarted = beside(&writer, |writer| async move { writer.restart().await });
    world.settle().await;
    driver.abort();
    within(world.server.wait_for_abandoned(0)).await;
    let refused = within(late).await.unwrap().unwrap_err();
    assert_eq!(refused.message, "c");
    let errors = [
        refused.into(),
        within(flushed).await.unwrap().unwrap_err(),
        within(restarted).await.unwrap().unwrap_err(),
        within(writer.close()).await.unwrap_err(),
        within(writer.append_acked("d")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Stopped);
    }
    // What was under way may be stored; what waited behind it cannot be.
    assert_eq!(fates(receipts).await, ["Stopped maybe", "Stopped maybe"]);
    assert_eq!(unsent(&writer), ["0 a maybe", "1 b"]);
    world.turn(1000 * SECOND).await;
    assert_eq!(world.sent(), ["0/0 a"]);
}

//! A body that the server does not take as large as it is.

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b54b_a_batch_goes_in_two_halves_under_the_next_epoch,
        b54b_halves_are_split_until_they_pass,
        b54b_a_single_message_is_refused_and_the_others_go_on,
        b54b_behind_the_front_it_is_tried_once_more,
        b54b_after_a_lost_answer_it_is_not_stored_twice,
        b54b_a_last_message_leaves_the_stream_open,
    ]
}

async fn b54b_a_batch_goes_in_two_halves_under_the_next_epoch(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.epoch {
        0 => Reply::new(413),
        _ => sent.stored(),
    });
    let writer = world.stream("application/json").writer("w").start();
    let receipts = receipts(&writer, &["1", "[2,2]", " 3", "4", "5"]);
    assert_eq!(flush(&writer).await, "@1001");
    // Their number was given to another body, which may still be on its way.
    let expected = ["0/0 [1,[2,2], 3,4,5]", "1/0 [1,[2,2]]", "1/1 [ 3,4,5]"];
    assert_eq!(world.sent(), expected);
    let expected = ["@1000", "@1000", "@1001", "@1001", "@1001"];
    assert_eq!(fates(receipts).await, expected);
}

async fn b54b_halves_are_split_until_they_pass(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.body.len() {
        0..=2 => sent.stored(),
        _ => Reply::new(413),
    });
    let writer = world.batching().start();
    let receipts = receipts(&writer, &["a", "b", "c", "d", "e", "f", "g"]);
    assert!(flush(&writer).await.starts_with('@'));
    let sent = world.sent();
    let bodies = sent.iter().map(|sent| sent.split_once(' ').unwrap().1);
    let taken: Vec<_> = bodies.filter(|body| body.len() <= 2).collect();
    assert_eq!(taken.concat(), "abcdefg", "{sent:?}");
    assert!(
        fates(receipts)
            .await
            .iter()
            .all(|fate| fate.starts_with('@'))
    );
}

async fn b54b_a_single_message_is_refused_and_the_others_go_on(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match (sent.epoch, &*sent.body) {
        (_, "large") => Reply::new(413),
        (0, "c") => sent.gap(2),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "large", "c"]);
    world.settle().await;
    append(&writer, &["d"]);
    assert_eq!(flush(&writer).await, "PayloadTooLarge");
    assert_eq!(fates(receipts).await, ["@0001", "PayloadTooLarge", "@1000"]);
    assert!(writer.error().is_none());
    assert_eq!(
        world.sent().split_off(world.sent().len() - 2),
        ["1/0 c", "1/1 d"]
    );
    assert_eq!(writer.pending(), 0);
}

async fn b54b_behind_the_front_it_is_tried_once_more(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.batching().max_batch_messages(2)).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.what() {
        (0, 1, _) => sent.stored().after(&held),
        (0, 2, _) => Reply::new(413),
        (0, ..) => sent.gap(2),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b", "c", "d", "e", "f"]);
    world.turn(SECOND).await;
    // What comes before it is to be answered for under its own epoch.
    assert_eq!(world.sent_from(1), ["0/1 ab", "0/2 cd", "0/3 ef"]);
    front.open();
    assert_eq!(flush(&writer).await, "@1002");
    let sent = world.sent_from(4);
    assert!(sent.contains(&"0/2 cd".to_owned()), "{sent:?}");
    let last = &sent[sent.len() - 3..];
    assert_eq!(last, ["1/0 c", "1/1 d", "1/2 ef"]);
}

async fn b54b_after_a_lost_answer_it_is_not_stored_twice(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.attempt {
        1 => Reply::close(),
        _ => Reply::new(413),
    });
    let writer = world.batching().start();
    let receipts = receipts(&writer, &["a", "b"]);
    world.turn(1000 * SECOND).await;
    // The first attempt may be stored: it does not go under another epoch, and the caller learns it.
    assert_eq!(world.sent(), ["0/0 ab", "0/0 ab"]);
    assert_eq!(fates(receipts).await, ["PayloadTooLarge maybe"; 2]);
    assert_eq!(unsent(&writer), ["0 a maybe", "1 b maybe"]);
}

async fn b54b_a_last_message_leaves_the_stream_open(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|_| Reply::new(413));
    let end = beside(&writer, |writer| async move {
        writer.close_stream_with("large").await
    });
    assert_eq!(offset(world.finish(end).await), "PayloadTooLarge");
    assert_eq!(unsent(&writer), ["1 large"]);
    assert_eq!(world.sent_from(1), ["0/1 large close"]);
}

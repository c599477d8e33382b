//! Failures that can pass: the front is sent again, and the others wait.

use durable_streams_client::RetryPolicy;

use super::support::*;
use crate::client_suite::support::within;
use crate::script::{Gate, Reply};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b40_what_can_pass_is_tried_again_while_others_wait,
        b40_behind_the_front_it_waits_for_the_front,
        b40_no_answer_in_time_passes,
        b40_what_hangs_together_goes_again_from_the_front,
        b40_delays_have_bounds_and_start_over,
        b40_retry_after_is_a_floor_for_everything,
        b40_retry_after_behind_the_front_holds_too,
    ]
}

/// Every way to fail that can pass.
fn passing() -> Vec<fn() -> Reply> {
    vec![
        || Reply::new(408),
        || Reply::new(425),
        || Reply::new(429),
        || Reply::new(500),
        || Reply::new(502).body("<html>"),
        || Reply::new(503),
        || Reply::new(504),
        Reply::close,
        // The head is cut off.
        || Reply::raw("HTTP/1.1 200 O").then_close(),
    ]
}

async fn b40_what_can_pass_is_tried_again_while_others_wait(cx: Context) {
    for failing in passing() {
        let world = World::new(&cx).await;
        let errors = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = std::sync::Arc::clone(&errors);
        let hook = move |error: &durable_streams_client::Error| {
            heard.lock().unwrap().push(error.is_retryable());
        };
        let writer = world.open(world.writer().on_error(hook)).await;
        let [again] = gates();
        let held = again.clone();
        world.answer(move |sent| match sent.what() {
            (0, 1, 1) => failing(),
            (0, 1, 2) => sent.stored().after(&held),
            _ => sent.stored(),
        });
        append(&writer, &["a"]);
        world.settle().await;
        append(&writer, &["b", "c"]);
        // Full jitter, under 100 ms at first.
        assert!(world.until_requests(3).await <= 100 * MS);
        world.turn(SECOND).await;
        assert_eq!(world.sent_from(1), ["0/1 a", "0/1 a"], "only the front");
        again.open();
        world.settle().await;
        assert_eq!(world.sent_from(3), ["0/2 b", "0/3 c"]);
        assert_eq!(flush(&writer).await, "@0003");
        assert_eq!(*errors.lock().unwrap(), [true]);
    }
}

async fn b40_behind_the_front_it_waits_for_the_front(cx: Context) {
    for failing in passing() {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer()).await;
        let [front] = gates();
        let held = front.clone();
        world.answer(move |sent| match sent.what() {
            (0, 1, _) => sent.stored().after(&held),
            (0, 2, 1) => failing(),
            (0, 3, 1) => sent.gap(1),
            _ => sent.stored(),
        });
        append(&writer, &["a", "b", "c"]);
        world.settle().await;
        append(&writer, &["d"]);
        world.turn(20 * SECOND).await;
        let sent = ["0/1 a", "0/2 b", "0/3 c"];
        assert_eq!(world.sent_from(1), sent, "nothing beside the front");
        front.open();
        world.turn(SECOND).await;
        assert_eq!(world.sent_from(4), ["0/2 b", "0/3 c", "0/4 d"]);
        assert_eq!(flush(&writer).await, "@0004");
    }
}

async fn b40_no_answer_in_time_passes(cx: Context) {
    for (limit, seconds) in [(None, 30), (Some(7), 7)] {
        let world = World::new(&cx).await;
        let builder = match limit {
            Some(seconds) => world.writer().request_timeout(seconds * SECOND),
            None => world.writer(),
        };
        let writer = world.open(builder).await;
        world.answer(|sent| match sent.what() {
            (0, 1, 1) => Reply::hang(),
            (0, 1, 2) => sent.duplicate(),
            _ => sent.stored(),
        });
        let receipts = receipts(&writer, &["a"]);
        world.turn(seconds * SECOND - MS).await;
        assert_eq!(world.sent_from(1), ["0/1 a"]);
        world.turn(MS).await;
        within(world.server.wait_for_abandoned(1)).await;
        assert!(world.until_requests(3).await <= 100 * MS);
        assert_eq!(world.sent_from(1), ["0/1 a", "0/1 a"]);
        assert_eq!(fates(receipts).await, ["@0001 duplicate"]);
    }
}

async fn b40_what_hangs_together_goes_again_from_the_front(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [front] = gates();
    let held = front.clone();
    world.answer(move |sent| match sent.what() {
        (0, _, 1) => Reply::hang(),
        (0, 1, 2) => sent.stored().after(&held),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b", "c", "d", "e"]);
    world.turn(32 * SECOND).await;
    assert_eq!(world.server.requests().len(), 7);
    assert_eq!(world.sent_from(6), ["0/1 a"]);
    front.open();
    world.settle().await;
    assert_eq!(world.sent_from(7), ["0/2 b", "0/3 c", "0/4 d", "0/5 e"]);
    assert_eq!(flush(&writer).await, "@0005");
}

async fn b40_delays_have_bounds_and_start_over(cx: Context) {
    let world = World::new(&cx).await;
    let policy = RetryPolicy::writers().initial(SECOND).max(8 * SECOND);
    world.answer(|sent| match sent.what() {
        (0, 0, 1..=8) => Reply::new(503),
        (0, 1, 1..=2) => Reply::new(503),
        _ => sent.stored(),
    });
    let writer = world.writer().retry(policy).start();
    append(&writer, &["a", "b"]);
    world.until_requests(1).await;
    // After a success the first delay is a short one again.
    let bounds = [1, 2, 4, 8, 8, 8, 8, 8, 0, 1, 2];
    for (failures, bound) in bounds.into_iter().enumerate() {
        let delay = world.until_requests(failures + 2).await;
        assert!(delay <= bound * SECOND, "{delay:?} over {bound} s");
    }
    assert_eq!(flush(&writer).await, "@0001");
}

async fn b40_retry_after_is_a_floor_for_everything(cx: Context) {
    for status in [429, 503] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer()).await;
        world.answer(move |sent| match sent.what() {
            (0, 1, 1) => Reply::new(status).header("Retry-After", "40"),
            _ => sent.stored(),
        });
        append(&writer, &["a", "b"]);
        world.settle().await;
        append(&writer, &["c"]);
        world.turn(40 * SECOND - MS).await;
        assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b"]);
        world.turn(MS).await;
        assert_eq!(world.sent_from(3), ["0/1 a", "0/3 c"]);
    }
}

async fn b40_retry_after_behind_the_front_holds_too(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let front = Gate::new();
    let held = front.clone();
    world.answer(move |sent| match sent.what() {
        (0, 1, 1) => sent.stored().after(&held),
        (0, 2, 1) => Reply::new(429).header("Retry-After", "20"),
        _ => sent.stored(),
    });
    append(&writer, &["a", "b"]);
    world.turn(SECOND).await;
    front.open();
    world.settle().await;
    append(&writer, &["c"]);
    world.turn(19 * SECOND - MS).await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b"]);
    world.turn(MS).await;
    assert_eq!(world.sent_from(3), ["0/2 b", "0/3 c"]);
    assert_eq!(flush(&writer).await, "@0003");
}

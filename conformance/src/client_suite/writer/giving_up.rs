//! The end of trying: the writer has failed for good, says so to everybody, and gives back what was not stored.

use std::sync::atomic::Ordering::SeqCst;

use durable_streams_client::{Error, ErrorKind, RetryPolicy};

use super::support::*;
use crate::client_suite::support::{attempts, quick, within};
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b40_given_up_it_has_failed_for_good,
        b40_what_is_stored_is_not_given_back,
        b40_given_up_after_attempts_and_time,
        b40_a_final_answer_ends_it_at_once,
        b40_what_a_final_answer_says_of_the_others,
        b40_no_connection_is_tried_again,
        b40_no_connection_at_all_stored_nothing,
    ]
}

async fn b40_given_up_it_has_failed_for_good(cx: Context) {
    let world = World::new(&cx).await;
    let builder = world.writer().retry(attempts(3)).max_buffer_messages(7);
    let writer = world.open(builder).await;
    // What may be stored: the front, which was lost once, and what was lost behind it without an answer that says no.
    world.answer(|sent| match sent.what() {
        (0, 1, 1) => Reply::close(),
        (0, 1, _) => Reply::new(503),
        (0, 2, _) => Reply::new(500),
        _ => Reply::new(429),
    });
    let messages = ["a", "bb", "\u{0}odd\r\n", "d", "e", "queued", "too"];
    let receipts = receipts(&writer, &messages);
    // The buffer is full: this one waits.
    let late = beside(&writer, |writer| async move { writer.append("late").await });
    let flushed = beside(&writer, |writer| async move { writer.flush().await });
    world.settle().await;
    assert!(!late.is_finished() && !flushed.is_finished());
    let error = world.finish(flushed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let refused = world.finish(late).await.unwrap_err();
    assert_eq!(refused.message, "late");
    assert_eq!(Error::from(refused).kind(), ErrorKind::Unavailable);
    let no = "Unavailable";
    let maybe = "Unavailable maybe";
    assert_eq!(fates(receipts).await, [maybe, maybe, no, no, no, no, no]);

    // Every later call says so, and nothing is sent any more.
    let requests = world.server.requests().len();
    assert_eq!(
        requests,
        1 + 5 + 2,
        "five together, and the front twice more"
    );
    let refused = writer.try_append("more").unwrap_err();
    assert_eq!(refused.message, "more");
    let calls = [
        Error::from(refused),
        within(writer.append("more")).await.unwrap_err().into(),
        within(writer.append_acked("more")).await.unwrap_err(),
        within(writer.flush()).await.unwrap_err(),
        within(writer.close()).await.unwrap_err(),
        within(writer.close_stream()).await.unwrap_err(),
        within(writer.restart()).await.unwrap_err(),
        writer.error().unwrap(),
    ];
    for error in calls {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(
        unsent(&writer),
        [
            "1 a maybe",
            "2 bb maybe",
            "3 \u{0}odd\r\n",
            "4 d",
            "5 e",
            "6 queued",
            "7 too"
        ]
    );
    assert!(unsent(&writer).is_empty(), "given once");
    assert_eq!(writer.pending(), 0);
    world.turn(1000 * SECOND).await;
    assert_eq!(world.server.requests().len(), requests);
}

async fn b40_what_is_stored_is_not_given_back(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    let [last] = gates();
    let held = last.clone();
    world.answer(move |sent| match sent.seq {
        1 => Reply::hang(),
        3 => Reply::new(404).after(&held),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "b", "c"]);
    world.settle().await;
    last.open();
    // Numbers are taken without a gap: what comes before one that is stored is stored as well.
    let expected = ["@0002", "@0002", "StreamNotFound"];
    assert_eq!(fates(receipts).await, expected);
    assert_eq!(unsent(&writer), ["3 c"]);
}

async fn b40_given_up_after_attempts_and_time(cx: Context) {
    // Attempts of 30 s: after two minutes there are four of them, and ten are due.
    let world = World::new(&cx).await;
    world.answer(|_| Reply::hang());
    let writer = world.writer().start();
    append(&writer, &["a"]);
    let begin = durable_streams_client::Timer::now(&world.clock);
    let flushed = beside(&writer, |writer| async move { writer.flush().await });
    let error = world.finish(flushed).await.unwrap_err();
    assert_eq!(failure(&error), "Timeout maybe");
    assert_eq!(world.sent(), ["0/0 a"; 10]);
    let took = durable_streams_client::Timer::now(&world.clock) - begin;
    assert!(took >= 300 * SECOND, "{took:?}");

    // Short ones: more than ten, and two minutes are due.
    let world = World::new(&cx).await;
    world.answer(|_| Reply::new(503));
    let policy = RetryPolicy::writers().max(5 * SECOND);
    let writer = world.writer().retry(policy).start();
    append(&writer, &["a"]);
    world.turn(120 * SECOND - MS).await;
    assert!(writer.error().is_none());
    world.turn(5 * SECOND + MS).await;
    assert_eq!(failure(&writer.error().unwrap()), "Unavailable");
    assert!(world.sent().len() > 10);

    // None: the first failure is the end.
    let world = World::new(&cx).await;
    world.answer(|_| Reply::new(503));
    let writer = world.writer().retry(RetryPolicy::never()).start();
    assert_eq!(fates(receipts(&writer, &["a"])).await, ["Unavailable"]);
    assert_eq!(world.sent(), ["0/0 a"]);
}

async fn b40_a_final_answer_ends_it_at_once(cx: Context) {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::StreamNotFound),
        (405, ErrorKind::NotSupported),
        (409, ErrorKind::ContentTypeMismatch),
        (410, ErrorKind::Gone),
        (418, ErrorKind::UnexpectedStatus),
        (501, ErrorKind::NotSupported),
    ] {
        let world = World::new(&cx).await;
        world.answer(move |_| Reply::new(status).body("busy, try again"));
        let writer = world.writer().start();
        let receipts = receipts(&writer, &["a", "b"]);
        assert_eq!(
            fates(receipts).await,
            [format!("{kind:?}"), format!("{kind:?}")]
        );
        world.turn(1000 * SECOND).await;
        assert_eq!(world.sent(), ["0/0 a"], "{status}");
        assert_eq!(writer.error().unwrap().status().unwrap(), status);
    }
}

async fn b40_what_a_final_answer_says_of_the_others(cx: Context) {
    // Those before it are on their way, and those behind it cannot be stored.
    for (refused, expected) in [
        (1, ["1 a", "2 b", "3 c"]),
        (2, ["1 a maybe", "2 b", "3 c"]),
        (3, ["1 a maybe", "2 b maybe", "3 c"]),
    ] {
        let world = World::new(&cx).await;
        let writer = world.open(world.writer()).await;
        let [gate] = gates();
        let held = gate.clone();
        world.answer(move |sent| match sent.seq {
            seq if seq == refused => Reply::new(400).after(&held),
            _ => Reply::hang(),
        });
        append(&writer, &["a", "b", "c"]);
        world.settle().await;
        gate.open();
        world.settle().await;
        assert_eq!(unsent(&writer), expected);
        // What was under way is given up.
        assert_eq!(world.under_way(), 0);
    }
}

async fn b40_no_connection_is_tried_again(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(200).header("Stream-Next-Offset", "1"));
    let (client, tried) = cx.refused(&server, 0..3);
    let client = client.build().unwrap();
    let stream = client.stream("s").with_content_type("text/plain");
    let writer = stream.writer("w").auto_claim(true).retry(quick()).start();
    assert_eq!(fates(receipts(&writer, &["a"])).await, ["@1"]);
    assert_eq!(tried.load(SeqCst), 4);
    assert_eq!(server.requests().len(), 1);
}

async fn b40_no_connection_at_all_stored_nothing(cx: Context) {
    let server = cx.serve([]).await;
    let (client, tried) = cx.refused(&server, 0..usize::MAX);
    let client = client.build().unwrap();
    let stream = client.stream("s").with_content_type("text/plain");
    let writer = stream.writer("w").retry(attempts(4)).start();
    assert_eq!(fates(receipts(&writer, &["a"])).await, ["Transport"]);
    assert_eq!(unsent(&writer), ["0 a"]);
    assert_eq!(tried.load(SeqCst), 4);
    assert_eq!(server.connections(), 0);
}

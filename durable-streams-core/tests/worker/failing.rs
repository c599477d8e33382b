//! What becomes of work that fails, of streams that cannot be read, and of acknowledgements that are not taken.

use std::time::Duration;

use durable_streams_core::{Fate, RetryPolicy, WorkerConfig, WorkerEvent, WorkerNotice};
use serde_json::json;

use crate::common::SECOND;
use crate::support::{Bench, LEASE, working};

/// What fails is tried again after so long, more or less.
fn after(delay: Duration) -> impl FnOnce(WorkerConfig) -> WorkerConfig {
    move |config| config.work_retry(RetryPolicy::endless().initial(delay).max(delay))
}

/// Fails what is out of this stream until it is to rest for longer than that.
fn fail_for_long(bench: &mut Bench, stream: &str, than: Duration) {
    loop {
        match bench.fails(bench.ticket(stream)) {
            Fate::Again(delay) if delay > than => return,
            Fate::Again(delay) => {
                bench.go(delay);
                let tail = "1";
                bench.page(stream, tail, true, "[1]");
            }
            fate => panic!("{fate:?}"),
        }
    }
}

#[test]
fn b74_what_failed_comes_again_and_others_go_on() {
    let mut bench = working(after(SECOND / 2), &[("a", "0", "1"), ("b", "0", "1")]);
    bench.page("a", "1", true, "[1]");
    let Fate::Again(delay) = bench.fails(bench.last_ticket()) else {
        panic!("it comes again");
    };
    bench.page("b", "1", true, "[2]");
    bench.processed(bench.ticket("b"));
    assert_eq!(bench.said("/ack")["done"], json!(null));
    bench.confirm(false);
    bench.go(delay);
    bench.page("a", "1", true, "[1]");
    assert_eq!(bench.handed_out(), ["a [1]", "b [2]", "a [1]"]);
    bench.processed(bench.last_ticket());
    assert_eq!(bench.said("/ack")["done"], true);
}

#[test]
fn b74_what_failed_in_the_middle_of_an_answer_comes_again_from_there() {
    let mut bench = working(
        |config| after(SECOND / 2)(config).max_batch_bytes(1),
        &[("a", "0", "3")],
    );
    bench.page("a", "3", true, "[1,2,3]");
    bench.processed(bench.last_ticket());
    let Fate::Again(delay) = bench.fails(bench.last_ticket()) else {
        panic!("it comes again");
    };
    bench.go(delay);
    bench.page("a", "3", true, "[1,2,3]");
    assert_eq!(bench.handed_out(), ["a [1]", "a [2]", "a [2]"]);
}

#[test]
fn b74_what_rests_for_long_is_given_back_and_the_next_wake_left_to_others() {
    let mut bench = working(after(20 * SECOND), &[("a", "0", "1"), ("b", "0", "1")]);
    bench.page("a", "1", true, "[1]");
    fail_for_long(&mut bench, "a", 3 * SECOND);
    bench.page("b", "1", true, "[2]");
    bench.processed(bench.ticket("b"));
    // What is done is acknowledged before.
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "b", "offset": "1" }])
    );
    bench.confirm(false);
    let claims = bench.claims();
    bench.reply("/release", 204, &json!(null));
    assert_eq!(bench.releases(), [(1, false)]);
    bench.wake(2);
    assert_eq!(bench.claims(), claims);
    // There may be work in other streams by then.
    bench.go(SECOND);
    assert_eq!(bench.claims(), claims + 1);
    bench.grant(2, &[("a", "0", "1"), ("c", "0", "1")]);
    assert_eq!(bench.find("a"), None);
    bench.page("c", "1", true, "[3]");
    assert_eq!(bench.handed_out().last().unwrap(), "c [3]");
}

#[test]
fn b74_a_policy_can_give_up() {
    let mut bench = working(
        |config| config.work_retry(RetryPolicy::never()),
        &[("a", "0", "1")],
    );
    bench.page("a", "1", true, "[1]");
    assert_eq!(bench.fails(bench.last_ticket()), Fate::GivenUp);
    bench.reply("/release", 204, &json!(null));
    bench.go(SECOND);
    bench.grant(2, &[("a", "0", "1")]);
    assert_eq!(bench.find("a"), None);
}

#[test]
fn b74_a_stream_that_cannot_be_read_is_for_its_owner_to_judge() {
    let mut bench = working(after(SECOND / 2), &[("a", "0", "5"), ("b", "0", "1")]);
    bench.focus("a");
    bench.answer(410, &[], "");
    assert_eq!(bench.unreadable().stream, "a");
    let ticket = bench.unreadable().ticket;
    let Fate::Again(delay) = bench.fails(ticket) else {
        panic!("it is tried again");
    };
    bench.go(delay);
    bench.focus("a");
    bench.answer(410, &[], "");
    assert_ne!(bench.unreadable().ticket, ticket);
    // All that was pending is given up.
    bench.processed(bench.unreadable().ticket);
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "5" }])
    );
}

#[test]
fn b74_of_several_acknowledgements_that_are_refused_each_is_tried_by_itself() {
    let streams = [("a", "0", "1"), ("b", "0", "1"), ("c", "0", "1")];
    let mut bench = working(|config| config, &streams);
    for stream in ["a", "b", "c"] {
        bench.page(stream, "1", true, "[1]");
    }
    bench.processed(bench.ticket("c"));
    for stream in ["a", "b"] {
        bench.processed(bench.ticket(stream));
    }
    bench.confirm(false);
    assert_eq!(bench.said("/ack")["acks"].as_array().unwrap().len(), 2);
    bench.refuse("/ack", "INVALID_OFFSET");
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "1" }])
    );
    bench.refuse("/ack", "INVALID_OFFSET");
    let rejected = bench.events.iter().find_map(|(_, event)| match event {
        WorkerEvent::Notice(WorkerNotice::AckRejected { stream, .. }) => Some(stream.clone()),
        _ => None,
    });
    assert_eq!(rejected.as_deref(), Some("a"));
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "b", "offset": "1" }])
    );
    bench.confirm(false);
    // Not all was done.
    bench.reply("/release", 204, &json!(null));
    assert_eq!(bench.releases(), [(1, false)]);
    assert!(bench.elapsed() < LEASE);
}

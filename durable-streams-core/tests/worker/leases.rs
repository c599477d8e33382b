//! The lease: how it is counted, kept, and lost.

use durable_streams_core::{FailureKind, LeaseLoss};
use serde_json::json;

use crate::common::{MS, SECOND};
use crate::support::{Bench, LEASE, asking, working};

/// One that works on `a` and has `b` ready.
fn busy() -> Bench {
    let mut bench = working(|config| config, &[("a", "0", "1"), ("b", "0", "9")]);
    bench.page("a", "1", true, "[1]");
    bench.page("b", "5", false, "[2]");
    bench.page("b", "9", true, "[3]");
    bench
}

/// Nothing more is said about this wake, and nothing is handed out.
fn assert_withdrawn(bench: &mut Bench, reason: LeaseLoss) {
    assert_eq!(bench.losses(), [(1, reason)]);
    assert_eq!(bench.machine.generation(), None);
    let (handed_out, reports) = (
        bench.handed_out(),
        bench.count("__ds/subscriptions/jobs/ack"),
    );
    for stream in ["a", "b"] {
        let ticket = bench.ticket(stream);
        assert!(!bench.processed(ticket));
        assert_eq!(bench.fails(ticket), durable_streams_core::Fate::Withdrawn);
    }
    bench.go(SECOND / 2);
    assert_eq!(bench.handed_out(), handed_out);
    assert_eq!(bench.count("__ds/subscriptions/jobs/ack"), reports);
    assert_eq!((bench.find("a"), bench.find("b")), (None, None));
}

#[test]
fn b73_it_is_renewed_when_a_third_of_it_is_over() {
    let mut bench = busy();
    for _ in 0..20 {
        bench.go(LEASE / 3 - MS);
        assert_eq!(bench.control("/ack"), None);
        bench.go(MS);
        assert_eq!(
            bench.said("/ack"),
            json!({ "wake_id": "w1", "generation": 1 })
        );
        bench.confirm(false);
    }
    assert_eq!(bench.losses(), []);
    // A report on work does as well.
    bench.go(LEASE / 3 - MS);
    bench.processed(bench.ticket("a"));
    bench.confirm(false);
    bench.go(LEASE / 3 - MS);
    assert_eq!(bench.control("/ack"), None);
}

#[test]
fn b73_it_counts_from_before_it_was_asked_for() {
    let mut bench = asking(|config| config);
    bench.pass(LEASE / 2);
    bench.grant(1, &[("a", "0", "1")]);
    // A third of it is over already.
    assert_eq!(
        bench.said("/ack"),
        json!({ "wake_id": "w1", "generation": 1 })
    );
    let sent = bench.elapsed();
    bench.pass(LEASE / 4);
    bench.confirm(false);
    let origin = bench.instant() - bench.elapsed();
    assert_eq!(
        bench.machine.lease_until().unwrap() - origin,
        sent + LEASE - LEASE / 20
    );
}

#[test]
fn b73_an_answer_that_takes_longer_than_the_lease_gives_nothing() {
    let mut bench = asking(|config| config);
    bench.pass(LEASE - LEASE / 20);
    bench.grant(1, &[("a", "0", "1")]);
    assert_eq!(bench.machine.generation(), None);
    assert_eq!(bench.find("a"), None);
}

#[test]
fn b73_it_is_over_by_its_own_clock_before_it_can_be_for_the_server() {
    let mut bench = busy();
    // Whatever it sends, there is no answer.
    bench.go(LEASE - LEASE / 20 - MS);
    assert_eq!(bench.losses(), []);
    assert!(bench.count("__ds/subscriptions/jobs/ack") >= 2);
    bench.go(MS);
    assert_withdrawn(&mut bench, LeaseLoss::Expired);
}

#[test]
fn b73_one_that_stood_still_says_nothing_else_first() {
    let mut bench = busy();
    bench.pass(LEASE);
    // What is ready would be its turn.
    bench.processed(bench.ticket("b"));
    assert_withdrawn(&mut bench, LeaseLoss::Expired);
    assert_eq!(bench.handed_out(), ["a [1]", "b [2]"]);
}

#[test]
fn b73_a_fence_ends_it_at_once() {
    let mut bench = busy();
    bench.go(LEASE / 3);
    bench.refuse("/ack", "FENCED");
    assert_withdrawn(&mut bench, LeaseLoss::Fenced);
}

#[test]
fn b73_a_report_without_an_answer_is_repeated_with_what_came_since() {
    let mut bench = working(|config| config, &[("a", "0", "9"), ("b", "0", "1")]);
    bench.page("a", "5", false, "[1]");
    bench.processed(bench.last_ticket());
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "5" }])
    );
    bench.page("b", "1", true, "[2]");
    bench.processed(bench.last_ticket());
    bench.focus("__ds/subscriptions/jobs/ack");
    bench.failed(FailureKind::Interrupted);
    bench.go(LEASE / 6);
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "5" }, { "stream": "b", "offset": "1" }])
    );
    bench.confirm(false);
    assert_eq!(bench.control("/ack"), None);
}

#[test]
fn b73_a_stray_answer_confirms_nothing() {
    let mut bench = busy();
    bench.processed(bench.ticket("a"));
    bench.focus("__ds/subscriptions/jobs/ack");
    bench.answer(
        200,
        &[("content-type", "text/html")],
        "<h1>Please sign in</h1>",
    );
    bench.go(LEASE / 6);
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "1" }])
    );
}

#[test]
fn b73_when_it_may_have_said_that_all_is_done_nothing_more_is() {
    let mut bench = working(|config| config, &[("a", "0", "1")]);
    bench.page("a", "1", true, "[1]");
    bench.processed(bench.last_ticket());
    let done = bench.said("/ack");
    assert_eq!(done["done"], true);
    bench.focus("__ds/subscriptions/jobs/ack");
    bench.failed(FailureKind::Interrupted);
    bench.go(LEASE / 6);
    assert_eq!(bench.said("/ack"), done);
    // The lost one was taken.
    bench.refuse("/ack", "FENCED");
    assert_eq!(bench.losses(), [(1, LeaseLoss::Fenced)]);
}

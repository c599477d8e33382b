//! How it comes to its end.

use durable_streams_core::{FailureKind, LeaseLoss};
use serde_json::json;

use crate::support::{LEASE, asking, start, working};

#[test]
fn b73_one_with_nothing_to_do_ends_at_once() {
    let mut bench = start(|config| config);
    bench.stop();
    assert!(bench.is_done() && bench.machine.is_over());
    bench.assert_ended_after(1);

    let mut bench = asking(|config| config);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.stop();
    assert!(bench.is_done());
}

#[test]
fn b73_what_is_at_hand_is_waited_for_and_the_rest_given_back() {
    let mut bench = working(
        |config| config.concurrency(2),
        &[("a", "0", "5"), ("b", "0", "1"), ("c", "0", "1")],
    );
    bench.page("a", "3", false, "[1]");
    bench.page("a", "4", false, "[9]");
    bench.page("b", "1", true, "[2]");
    bench.stop();
    assert_eq!(bench.find("a"), None);
    // It keeps the lease meanwhile.
    bench.go(LEASE / 3);
    bench.confirm(false);
    bench.processed(bench.ticket("a"));
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "3" }])
    );
    bench.confirm(false);
    assert_eq!(bench.control("/release"), None);
    bench.processed(bench.ticket("b"));
    bench.confirm(false);
    bench.reply("/release", 204, &json!(null));
    assert_eq!(bench.releases(), [(1, false)]);
    assert!(bench.is_done());
    assert_eq!(bench.handed_out(), ["a [1]", "b [2]"]);
}

#[test]
fn b73_one_that_has_done_everything_says_so() {
    let mut bench = working(|config| config, &[("a", "0", "1")]);
    bench.page("a", "1", true, "[1]");
    bench.stop();
    bench.processed(bench.last_ticket());
    assert_eq!(bench.said("/ack")["done"], true);
    bench.confirm(true);
    assert_eq!(bench.releases(), [(1, true)]);
    assert!(bench.is_done());
}

#[test]
fn b73_what_was_not_taken_yet_is_not_handed_out() {
    let mut bench = working(|config| config, &[("a", "0", "1")]);
    bench.focus("a");
    bench.head(200, &[crate::common::JSON, crate::common::next("1")]);
    bench.chunk("[1");
    bench.stop();
    bench.reply("/release", 204, &json!(null));
    assert_eq!(bench.handed_out(), [""; 0]);
    assert!(bench.is_done());
}

#[test]
fn b73_a_claim_that_is_under_way_is_waited_for_and_given_back() {
    let mut bench = asking(|config| config);
    bench.stop();
    assert!(!bench.is_done());
    bench.grant(1, &[("a", "0", "1")]);
    assert_eq!(bench.find("a"), None);
    bench.reply("/release", 204, &json!(null));
    assert!(bench.is_done());
}

#[test]
fn b73_a_release_without_an_answer_is_repeated_as_long_as_the_lease_holds() {
    let mut bench = working(|config| config, &[("a", "0", "1")]);
    bench.stop();
    bench.focus("__ds/subscriptions/jobs/release");
    bench.failed(FailureKind::Interrupted);
    bench.go(LEASE / 6);
    // The lost one was taken.
    bench.refuse("/release", "FENCED");
    assert_eq!(bench.releases(), [(1, false)]);
    assert!(bench.is_done());

    let mut bench = working(|config| config, &[("a", "0", "1")]);
    bench.stop();
    bench.go(LEASE);
    assert_eq!(bench.losses(), [(1, LeaseLoss::Expired)]);
    assert!(bench.is_done());
}

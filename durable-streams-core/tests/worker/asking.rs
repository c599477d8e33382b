//! When it asks for work.

use std::time::Duration;

use durable_streams_core::{ErrorKind, FailureKind, Live, WorkerEvent, WorkerNotice};
use serde_json::json;

use crate::common::{MS, SECOND};
use crate::support::{asking, start, working};

#[test]
fn b75_it_asks_what_it_works_for_then_listens_and_claims() {
    let mut bench = start(|config| config);
    assert_eq!(bench.targets(), ["/v1/__ds/subscriptions/jobs"]);
    bench.describe();
    assert_eq!(
        bench.targets()[1..],
        ["/v1/wakes?offset=now", "/v1/__ds/subscriptions/jobs/claim"]
    );
    assert_eq!(bench.said("/claim"), json!({ "worker": "me" }));
}

#[test]
fn b75_what_cannot_be_claimed_is_a_failure() {
    let webhook = json!({ "id": "jobs", "type": "webhook", "webhook": { "url": "http://o/" } });
    for (status, body, kind) in [
        (200, webhook, ErrorKind::InvalidInput),
        (404, json!({}), ErrorKind::SubscriptionNotFound),
        (401, json!({}), ErrorKind::Unauthorized),
    ] {
        let mut bench = start(|config| config);
        bench.reply("", status, &body);
        let (_, last) = bench.events.last().unwrap();
        assert!(
            matches!(last, WorkerEvent::Failed(error) if error.kind() == kind),
            "{last:?}"
        );
        bench.assert_ended_after(1);
    }
}

#[test]
fn b75_what_can_pass_is_tried_again() {
    let mut bench = start(|config| config);
    bench.failed(FailureKind::Connect);
    bench.go(SECOND);
    bench.describe();
    bench.listen();
    let before = bench.claims();
    bench.reply("/claim", 503, &json!({}));
    // No page of a portal is an answer.
    bench.go(SECOND);
    assert_eq!(bench.claims(), before + 1);
    bench.focus("__ds/subscriptions/jobs/claim");
    bench.answer(
        200,
        &[("content-type", "text/html")],
        "<h1>Please sign in</h1>",
    );
    bench.go(SECOND);
    assert_eq!(bench.claims(), before + 2);
    assert!(!bench.is_done());
}

#[test]
fn b75_a_wake_is_not_missed_while_it_begins_to_listen() {
    let mut bench = start(|config| config);
    bench.describe();
    bench.refuse("/claim", "NO_PENDING_WORK");
    assert_eq!(bench.claims(), 1);
    // What came before this was heard by nobody.
    bench.listen();
    assert_eq!(bench.claims(), 2);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.wake(1);
    assert_eq!(bench.claims(), 3);
}

#[test]
fn b75_a_wake_that_is_heard_while_it_asks_is_asked_about() {
    let mut bench = asking(|config| config);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.wake(1);
    bench.wake(2);
    bench.refuse("/claim", "NO_PENDING_WORK");
    assert!(bench.control("/claim").is_some());
    assert_eq!(bench.claims(), 3);
}

#[test]
fn b75_the_wake_that_another_one_has_is_left_alone() {
    let mut bench = asking(|config| config);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.wake(7);
    let claims = bench.claims();
    let busy = json!({ "error": {
        "code": "ALREADY_CLAIMED", "current_holder": "you", "generation": 7,
    } });
    bench.reply("/claim", 409, &busy);
    assert!(bench.control("/claim").is_none());
    bench.wake(7);
    assert_eq!(bench.claims(), claims);
    bench.wake(8);
    assert_eq!(bench.claims(), claims + 1);
    let holder = bench.events.iter().find_map(|(_, event)| match event {
        WorkerEvent::Notice(WorkerNotice::Busy { holder }) => holder.clone(),
        _ => None,
    });
    assert_eq!(holder.as_deref(), Some("you"));
}

#[test]
fn b75_one_that_hears_nothing_asks_at_intervals() {
    let interval = Duration::from_secs(10);
    let mut bench = start(|config| config.live(Live::Off).poll_interval(interval));
    bench.describe();
    assert_eq!(bench.count("wakes"), 0);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.go(interval - MS);
    assert_eq!(bench.claims(), 1);
    bench.go(MS);
    assert_eq!(bench.claims(), 2);
    // The more often another one has it, the longer; the interval is the longest.
    for _ in 0..20 {
        bench.refuse("/claim", "ALREADY_CLAIMED");
        let since = bench.elapsed();
        while bench.control("/claim").is_none() {
            bench.timeout();
        }
        assert!(bench.elapsed() - since <= interval);
    }
}

#[test]
fn b75_one_that_cannot_listen_says_so_and_begins_anew() {
    let mut bench = start(|config| config);
    bench.describe();
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.focus("wakes");
    bench.answer(404, &[], "");
    let deaf = bench.events.iter().any(|(_, event)| {
        matches!(event, WorkerEvent::Notice(WorkerNotice::Deaf { error, .. })
            if error.kind() == ErrorKind::StreamNotFound)
    });
    assert!(deaf);
    bench.go(SECOND);
    let claims = bench.claims();
    bench.listen();
    assert_eq!(bench.claims(), claims + 1);
}

#[test]
fn b75_wakes_of_other_subscriptions_are_not_for_it() {
    let mut bench = asking(|config| config);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.refuse("/claim", "NO_PENDING_WORK");
    let claims = bench.claims();
    let foreign = json!([{ "type": "wake", "subscription_id": "other", "generation": 9 }, 5]);
    bench.focus("wakes");
    let headers = [
        crate::common::JSON,
        crate::common::next("w9"),
        crate::common::UP_TO_DATE,
    ];
    bench.answer(200, &headers, foreign.to_string());
    assert_eq!(bench.claims(), claims);
}

#[test]
fn b75_when_there_is_more_it_asks_at_once() {
    for more in [true, false] {
        let mut bench = working(|config| config, &[("a", "-1", "3")]);
        bench.page("a", "3", true, "[1]");
        bench.processed(bench.last_ticket());
        let claims = bench.claims();
        // Its own wake is no news.
        bench.wake(1);
        bench.confirm(more);
        assert_eq!(bench.claims(), claims + usize::from(more));
        assert_eq!(bench.releases(), [(1, true)]);
    }
}

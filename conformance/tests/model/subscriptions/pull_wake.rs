//! §7.2: wakes on a stream, claims and reports.

use http::Method;
use serde_json::json;

use super::{
    claim, code, is, json_of, links, post, pull_wake, put, report, subscription, wakes, world,
};
use crate::world::{JSON, TEXT, World};

/// A subscription to the stream `a`, and a wake.
fn awake() -> (World, String) {
    let mut world = world();
    world.create("/root/a", TEXT, "old");
    pull_wake(&mut world, "s", json!({ "streams": ["a"] }));
    let tail = world.append("/root/a", "new");
    (world, tail)
}

#[test]
fn r7_2_01_wake_streams_are_not_created() {
    let mut world = World::default();
    world.create("/root/a", TEXT, "");
    pull_wake(&mut world, "s", json!({ "streams": ["a"] }));
    world.append("/root/a", "x");
    assert_eq!(world.head("/root/wakes").status(), 404);
    // What could not be announced can be claimed.
    assert_eq!(claim(&mut world, "s").generation, 1);
}

#[test]
fn r7_2_02_a_wake_is_an_event_on_the_wake_stream() {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    pull_wake(&mut world, "s", json!({ "streams": ["a"] }));
    let poll = world.watch("/root/wakes?offset=now&live=long-poll");
    world.append("/root/a", "x");
    let event = json!({
        "type": "wake",
        "subscription_id": "s",
        "stream": "a",
        "generation": 1,
        "ts": 1_735_689_600_000_u64,
    });
    assert_eq!(json_of(&world.complete(poll)), json!([event]));
    // One wake at a time.
    world.append("/root/a", "y");
    assert_eq!(wakes(&mut world), [event]);
}

#[test]
fn r7_2_03_a_claim_gives_the_lease_and_says_what_there_is_to_do() {
    let (mut world, tail) = awake();
    let acked = links(&mut world, "s")[0].2.clone();
    let claim = claim(&mut world, "s");
    assert_eq!(
        claim.value,
        json!({
            "wake_id": claim.wake_id,
            "generation": 1,
            "token": claim.token,
            "streams": [{
                "path": "a",
                "link_type": "explicit",
                "acked_offset": acked,
                "tail_offset": tail,
                "has_pending": true,
            }],
            "lease_ttl_ms": 30000,
        })
    );
}

#[test]
fn r7_2_03_a_claim_needs_a_worker_and_work() {
    let (mut world, tail) = awake();
    for bad in [json!({}), json!({ "worker": "" }), json!({ "worker": 1 })] {
        let refused = post(&mut world, "s/claim", &bad);
        assert_eq!(code(&refused), is(400, "INVALID_REQUEST"));
    }
    let claim = claim(&mut world, "s");
    let acks = json!({ "acks": [{ "stream": "a", "offset": tail }], "done": true });
    claim.report(&mut world, "s/ack", acks);
    let refused = post(&mut world, "s/claim", &json!({ "worker": "w" }));
    assert_eq!(code(&refused), is(409, "NO_PENDING_WORK"));
}

#[test]
fn r7_2_04_a_claimed_wake_is_not_claimed_again() {
    let (mut world, _) = awake();
    let claim = claim(&mut world, "s");
    for worker in ["w", "v"] {
        let refused = post(&mut world, "s/claim", &json!({ "worker": worker }));
        assert_eq!(code(&refused), is(409, "ALREADY_CLAIMED"));
        let error = &json_of(&refused)["error"];
        assert_eq!(error["current_holder"], "w");
        assert_eq!(error["generation"], claim.generation);
    }
}

#[test]
fn r7_2_05_an_ack_that_is_done_moves_cursors_and_ends_the_wake() {
    let (mut world, tail) = awake();
    let claim = claim(&mut world, "s");
    let acks = json!({ "acks": [{ "stream": "a", "offset": tail }], "done": true });
    let acked = claim.report(&mut world, "s/ack", acks.clone());
    assert_eq!(acked.status(), 200);
    assert_eq!(json_of(&acked), json!({ "ok": true, "next_wake": false }));
    assert_eq!(links(&mut world, "s")[0].2, tail);
    let again = claim.report(&mut world, "s/ack", acks);
    assert_eq!(code(&again), is(409, "FENCED"));
    assert_eq!(world.model.next_deadline(), None);
}

#[test]
fn r7_2_05_an_ack_that_leaves_work_wakes_at_once() {
    let (mut world, tail) = awake();
    let first = claim(&mut world, "s");
    world.append("/root/a", "more");
    let acks = json!({ "acks": [{ "path": "a", "offset": tail }], "done": true });
    let acked = first.report(&mut world, "s/ack", acks);
    assert_eq!(json_of(&acked), json!({ "ok": true, "next_wake": true }));
    assert_eq!(wakes(&mut world)[1]["generation"], 2);
    let second = claim(&mut world, "s");
    assert_eq!(second.generation, 2);
    assert_ne!(second.wake_id, first.wake_id);
    assert_eq!(second.value["streams"][0]["acked_offset"], tail);
}

#[test]
fn r7_2_05_offsets_that_cannot_be_acknowledged_are_refused_together() {
    let (mut world, tail) = awake();
    let start = world.create("/root/b", TEXT, "");
    post(&mut world, "s/streams", &json!({ "streams": ["b"] }));
    let before = links(&mut world, "s");
    let claim = claim(&mut world, "s");
    for bad in [
        json!({ "stream": "c", "offset": tail }),
        json!({ "stream": "b", "offset": tail }),
        json!({ "stream": "a", "offset": start }),
        json!({ "stream": "a", "offset": "-1" }),
        json!({ "stream": "a", "offset": "now" }),
        json!({ "stream": "a", "offset": "x" }),
    ] {
        let acks = json!({ "acks": [{ "stream": "a", "offset": tail }, bad], "done": true });
        let refused = claim.report(&mut world, "s/ack", acks);
        assert_eq!(code(&refused), is(409, "INVALID_OFFSET"), "{bad}");
    }
    for bad in [json!(1), json!([1]), json!([{ "stream": "a" }])] {
        let refused = claim.report(&mut world, "s/ack", json!({ "acks": bad }));
        assert_eq!(code(&refused), is(400, "INVALID_REQUEST"), "{bad}");
    }
    assert_eq!(links(&mut world, "s"), before);
    let good = json!({ "acks": [{ "stream": "a", "offset": tail }] });
    assert_eq!(claim.report(&mut world, "s/ack", good).status(), 200);
}

#[test]
fn r7_2_07_a_release_with_work_wakes_again() {
    let (mut world, _) = awake();
    let before = links(&mut world, "s");
    let first = claim(&mut world, "s");
    let released = first.report(&mut world, "s/release", json!({}));
    assert_eq!(released.status(), 204);
    assert_eq!(wakes(&mut world).len(), 2);
    assert_eq!(links(&mut world, "s"), before);
    assert_eq!(claim(&mut world, "s").generation, 2);
}

#[test]
fn r7_2_08_r7_3_01_stale_reports_are_fenced_and_move_nothing() {
    let (mut world, tail) = awake();
    let before = links(&mut world, "s");
    let first = claim(&mut world, "s");
    first.report(&mut world, "s/release", json!({}));
    let second = claim(&mut world, "s");
    let acks = json!({ "acks": [{ "stream": "a", "offset": tail }], "done": true });
    let mixed = [
        (&first.token, &first.wake_id, first.generation),
        (&first.token, &second.wake_id, second.generation),
        (&second.token, &first.wake_id, second.generation),
        (&second.token, &second.wake_id, first.generation),
    ];
    for (token, wake_id, generation) in mixed {
        let mut body = json!({ "wake_id": wake_id, "generation": generation });
        super::merge(&mut body, acks.clone());
        for part in ["s/ack", "s/release"] {
            let refused = report(&mut world, part, token, &body);
            assert_eq!(code(&refused), is(409, "FENCED"), "{body}");
        }
    }
    let refused = report(&mut world, "s/ack", &second.token, &acks);
    assert_eq!(code(&refused), is(409, "FENCED"));
    assert_eq!(links(&mut world, "s"), before);
    assert_eq!(second.report(&mut world, "s/ack", acks).status(), 200);
}

#[test]
fn r12_06_tokens_come_in_authorization_and_are_checked() {
    let (mut world, _) = awake();
    let claim = claim(&mut world, "s");
    let body = claim.body(json!({ "done": true }));
    for part in ["s/ack", "s/release", "s/callback"] {
        for header in ["", "Bearer", "Bearer ", "Bearer x", "Bearer 1.x", "Basic x"] {
            let headers = [("authorization", header)];
            let text = body.to_string();
            let refused = world.post(&subscription(part), &headers, text.as_bytes());
            let expected = if part == "s/callback" { 400 } else { 401 };
            assert!(
                [401, expected].contains(&refused.status()),
                "{part} {header}"
            );
        }
        let target = subscription(&format!("{part}?token={}", claim.token));
        let refused = world.send(Method::POST, &target, &[], body.to_string().as_bytes());
        assert_eq!(code(&refused), is(401, "TOKEN_INVALID"));
    }
    let other = json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": ["a"] });
    put(&mut world, "t", &other);
    world.append("/root/a", "x");
    let foreign = super::claim(&mut world, "t");
    let refused = report(&mut world, "s/ack", &foreign.token, &body);
    assert_eq!(code(&refused), is(401, "TOKEN_INVALID"));
}

#[test]
fn a_wake_without_work_does_not_keep_the_next_one_from_being_heard() {
    let (mut world, _) = awake();
    world.delete("/root/a");
    let refused = post(&mut world, "s/claim", &json!({ "worker": "w" }));
    assert_eq!(code(&refused), is(409, "NO_PENDING_WORK"));
    world.create("/root/a", JSON, "");
    post(&mut world, "s/streams", &json!({ "streams": ["a"] }));
    world.append("/root/a", "1");
    assert_eq!(wakes(&mut world).len(), 2);
}

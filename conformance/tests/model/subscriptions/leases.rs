//! §7.2, §7.3: leases run out.

use std::time::Duration;

use serde_json::json;

use super::{answer, claim, code, delivery, is, links, post, pull_wake, wakes, webhook, world};
use crate::world::{TEXT, World};

const LEASE: Duration = Duration::from_secs(5);
const BEFORE: Duration = Duration::from_millis(4999);
const REST: Duration = Duration::from_millis(1);

fn leased() -> World {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    pull_wake(
        &mut world,
        "s",
        json!({ "streams": ["a"], "lease_ttl_ms": 5000 }),
    );
    world.append("/root/a", "x");
    world
}

#[test]
fn r7_3_02_a_lease_that_runs_out_wakes_again_and_fences() {
    let mut world = leased();
    let first = claim(&mut world, "s");
    world.pass(BEFORE);
    let refused = post(&mut world, "s/claim", &json!({ "worker": "v" }));
    assert_eq!(code(&refused), is(409, "ALREADY_CLAIMED"));
    assert_eq!(wakes(&mut world).len(), 1);
    world.pass(REST);
    assert_eq!(wakes(&mut world).len(), 2);
    let refused = first.report(&mut world, "s/ack", json!({}));
    assert_eq!(code(&refused), is(409, "FENCED"));
    assert_eq!(claim(&mut world, "s").generation, 2);
}

#[test]
fn r7_3_02_a_lease_without_work_just_ends() {
    let mut world = leased();
    let first = claim(&mut world, "s");
    let tail = world.head("/root/a").next_offset();
    let acks = json!({ "acks": [{ "stream": "a", "offset": tail }] });
    assert_eq!(first.report(&mut world, "s/ack", acks).status(), 200);
    assert_eq!(links(&mut world, "s")[0].2, tail);
    world.pass(LEASE);
    assert_eq!(wakes(&mut world).len(), 1);
    world.append("/root/a", "y");
    assert_eq!(wakes(&mut world).len(), 2);
}

#[test]
fn r7_2_06_a_heartbeat_extends_the_lease_by_its_full_time() {
    let mut world = leased();
    let claim = claim(&mut world, "s");
    for _ in 0..3 {
        world.pass(BEFORE);
        assert_eq!(claim.report(&mut world, "s/ack", json!({})).status(), 200);
    }
    world.pass(BEFORE);
    assert_eq!(wakes(&mut world).len(), 1);
    world.pass(REST);
    assert_eq!(wakes(&mut world).len(), 2);
}

#[test]
fn an_unclaimed_wake_waits_for_ever() {
    let mut world = leased();
    assert_eq!(world.model.next_deadline(), None);
    world.seconds(1_000_000);
    assert_eq!(wakes(&mut world).len(), 1);
    assert_eq!(claim(&mut world, "s").generation, 1);
}

#[test]
fn r7_3_02_a_webhook_without_an_end_is_followed_by_another_wake() {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    webhook(
        &mut world,
        "s",
        json!({ "streams": ["a"], "lease_ttl_ms": 5000 }),
    );
    world.append("/root/a", "x");
    let (sent, first) = delivery(&mut world);
    assert_eq!(sent.limit, LEASE);
    answer(&mut world, sent.id, 200, "");
    world.pass(LEASE);
    let (silent, second) = delivery(&mut world);
    assert_eq!((first.generation, second.generation), (1, 2));
    assert_ne!(first.wake_id, second.wake_id);
    let refused = first.report(&mut world, "s/callback", json!({ "done": true }));
    assert_eq!(code(&refused), is(409, "FENCED"));
    // An answer that comes too late is one to a wake that is over.
    world.pass(LEASE);
    let (_, third) = delivery(&mut world);
    answer(&mut world, silent.id, 200, r#"{"done":true}"#);
    assert_eq!(
        third.report(&mut world, "s/callback", json!({})).status(),
        200
    );
    let before = links(&mut world, "s");
    answer(&mut world, silent.id, 200, r#"{"done":true}"#);
    assert_eq!(links(&mut world, "s"), before);
}

#[test]
fn r7_2_06_a_callback_extends_the_lease_of_a_webhook() {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    webhook(
        &mut world,
        "s",
        json!({ "streams": ["a"], "lease_ttl_ms": 5000 }),
    );
    world.append("/root/a", "x");
    let (sent, claim) = delivery(&mut world);
    answer(&mut world, sent.id, 202, "");
    for _ in 0..3 {
        world.pass(BEFORE);
        assert_eq!(
            claim.report(&mut world, "s/callback", json!({})).status(),
            200
        );
    }
    assert!(world.model.poll_delivery().is_none());
    world.pass(LEASE);
    assert_eq!(delivery(&mut world).1.generation, 2);
}

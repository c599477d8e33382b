//! §7.1: webhooks are signed, answered, and tried again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_streams_conformance::reference::Delivery;
use ed25519_dalek::{Signature, VerifyingKey};
use http::Method;
use serde_json::json;

use super::{
    answer, code, delivery, described, is, json_of, links, post, subscription, webhook, world,
};
use crate::world::{TEXT, World};

const DONE: &str = r#"{"done":true}"#;

/// A subscription to the stream `a`, which holds nothing yet.
fn subscribed() -> World {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    webhook(
        &mut world,
        "s",
        json!({ "streams": ["a"], "lease_ttl_ms": 600_000 }),
    );
    world
}

#[test]
fn r7_1_a_wake_is_posted_to_the_url() {
    let mut world = world();
    let start = world.create("/root/a", TEXT, "");
    let host = [("host", "streams.test")];
    let settings = json!({
        "type": "webhook",
        "webhook": { "url": "http://127.0.0.1:9/hook?x=1" },
        "pattern": "*",
    });
    let target = subscription("s%2F1");
    world.send(Method::PUT, &target, &host, settings.to_string().as_bytes());
    assert!(world.model.poll_delivery().is_none());
    let tail = world.append("/root/a", "x");
    let (sent, claim) = delivery(&mut world);
    assert_eq!(sent.request.method(), Method::POST);
    assert_eq!(sent.request.uri(), "http://127.0.0.1:9/hook?x=1");
    assert_eq!(sent.request.headers()["content-type"], "application/json");
    let streams = claim.value["streams"].as_array().unwrap();
    assert_eq!(
        streams[0],
        json!({
            "path": "a",
            "link_type": "glob",
            "acked_offset": start,
            "tail_offset": tail,
            "has_pending": true,
        })
    );
    assert_eq!(streams[1]["has_pending"], false);
    assert_eq!(claim.value["subscription_id"], "s/1");
    let url = "http://streams.test/root/__ds/subscriptions/s%2F1/callback";
    assert_eq!(claim.value["callback_url"], url);
}

#[test]
fn r7_1_01_a_webhook_is_signed_with_the_published_key() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (sent, _) = delivery(&mut world);
    let header = sent.request.headers()["webhook-signature"]
        .to_str()
        .unwrap();
    let keys = json_of(&world.get("/root/__ds/jwks.json"));
    let key = &keys["keys"][0];
    let (seconds, kid) = (1_735_689_600, key["kid"].as_str().unwrap());
    let signature = header
        .strip_prefix(&format!("t={seconds},kid={kid},ed25519="))
        .unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let body = sent.request.body();
    let signed = [format!("{seconds}.").as_bytes(), body].concat();
    let signature = Signature::from_slice(&signature).unwrap();
    public.verify_strict(&signed, &signature).unwrap();
}

#[test]
fn r7_1_02_done_acknowledges_what_the_webhook_named() {
    let mut world = subscribed();
    let tail = world.append("/root/a", "x");
    let (sent, claim) = delivery(&mut world);
    answer(&mut world, sent.id, 200, DONE);
    assert_eq!(links(&mut world, "s")[0].2, tail);
    assert_eq!(world.model.next_deadline(), None);
    let refused = claim.report(&mut world, "s/callback", json!({}));
    assert_eq!(code(&refused), is(409, "FENCED"));
}

#[test]
fn r7_1_03_r7_01_what_comes_after_the_snapshot_wakes_again() {
    let mut world = subscribed();
    let tail = world.append("/root/a", "x");
    let (sent, first) = delivery(&mut world);
    world.append("/root/a", "y");
    assert!(world.model.poll_delivery().is_none());
    answer(&mut world, sent.id, 200, DONE);
    assert_eq!(links(&mut world, "s")[0].2, tail);
    let (_, second) = delivery(&mut world);
    assert_ne!(first.wake_id, second.wake_id);
    assert!(second.generation > first.generation);
    assert_eq!(second.value["streams"][0]["acked_offset"], tail);
}

#[test]
fn r7_1_04_a_callback_acknowledges_and_ends() {
    let mut world = subscribed();
    let tail = world.append("/root/a", "x");
    let (sent, first) = delivery(&mut world);
    // It may come before the answer.
    let acks = json!({ "acks": [{ "stream": "a", "offset": tail }] });
    let accepted = first.report(&mut world, "s/callback", acks);
    assert_eq!(accepted.status(), 200);
    assert_eq!(
        json_of(&accepted),
        json!({ "ok": true, "next_wake": false })
    );
    answer(&mut world, sent.id, 200, "");
    assert_eq!(links(&mut world, "s")[0].2, tail);
    world.append("/root/a", "y");
    let done = first.report(&mut world, "s/callback", json!({ "done": true }));
    assert_eq!(json_of(&done), json!({ "ok": true, "next_wake": true }));
    assert_eq!(delivery(&mut world).1.generation, 2);
}

#[test]
fn r7_1_05_a_stale_callback_is_fenced() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (sent, first) = delivery(&mut world);
    world.append("/root/a", "y");
    answer(&mut world, sent.id, 200, DONE);
    let (_, second) = delivery(&mut world);
    let before = links(&mut world, "s");
    for body in [
        first.body(json!({ "done": true })),
        json!({ "wake_id": second.wake_id, "generation": first.generation }),
        json!({ "wake_id": first.wake_id, "generation": second.generation }),
    ] {
        for token in [&first.token, &second.token] {
            let refused = super::report(&mut world, "s/callback", token, &body);
            assert_eq!(code(&refused), is(409, "FENCED"), "{body}");
        }
    }
    assert_eq!(links(&mut world, "s"), before);
}

/// Fails the next attempt, and gives the time until the one after it.
fn fails(world: &mut World, sent: &Delivery) -> Duration {
    answer(world, sent.id, 500, DONE);
    let next = world.model.next_deadline().expect("another attempt");
    let wait = next.duration_since(world.now).unwrap();
    assert!(world.model.poll_delivery().is_none());
    world.pass(wait);
    wait
}

#[test]
fn r7_1_06_r6_3_02_what_failed_is_sent_again_later_and_later() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (mut sent, first) = delivery(&mut world);
    assert_eq!(described(&mut world, "s")["status"], "active");
    let mut waits = Vec::new();
    for _ in 0..9 {
        waits.push(fails(&mut world, &sent));
        assert_eq!(described(&mut world, "s")["status"], "failed");
        let (again, claim) = delivery(&mut world);
        assert_eq!(again.request.body(), sent.request.body());
        assert_eq!(claim.wake_id, first.wake_id);
        sent = again;
    }
    for (wait, seconds) in waits.iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
        let wanted = Duration::from_secs(seconds);
        assert!(
            (wanted * 4 / 5..=wanted * 6 / 5).contains(wait),
            "{waits:?}"
        );
    }
    assert!(
        waits.iter().any(|wait| wait.subsec_millis() != 0),
        "{waits:?}"
    );
    answer(&mut world, sent.id, 204, "");
    assert_eq!(described(&mut world, "s")["status"], "active");
}

#[test]
fn r7_1_06_no_answer_and_a_redirect_are_failures_too() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (sent, _) = delivery(&mut world);
    world.model.delivered(sent.id, None, world.now);
    assert_eq!(described(&mut world, "s")["status"], "failed");
    world.seconds(2);
    let (sent, _) = delivery(&mut world);
    answer(&mut world, sent.id, 307, DONE);
    assert_eq!(described(&mut world, "s")["status"], "failed");
}

#[test]
fn r7_1_06_no_lease_runs_while_an_attempt_waits() {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    webhook(
        &mut world,
        "s",
        json!({ "streams": ["a"], "lease_ttl_ms": 1000 }),
    );
    world.append("/root/a", "x");
    for _ in 0..5 {
        let (sent, claim) = delivery(&mut world);
        assert_eq!(claim.generation, 1);
        fails(&mut world, &sent);
    }
    // The attempt itself has a lease.
    delivery(&mut world);
    world.seconds(1);
    assert_eq!(delivery(&mut world).1.generation, 2);
}

#[test]
fn a_callback_ends_the_attempts() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (sent, claim) = delivery(&mut world);
    answer(&mut world, sent.id, 500, "");
    assert_eq!(
        claim.report(&mut world, "s/callback", json!({})).status(),
        200
    );
    assert_eq!(described(&mut world, "s")["status"], "active");
    world.seconds(100);
    assert!(world.model.poll_delivery().is_none());
}

#[test]
fn a_deleted_subscription_sends_nothing_more() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (sent, _) = delivery(&mut world);
    world.delete(&subscription("s"));
    answer(&mut world, sent.id, 500, "");
    assert_eq!(world.model.next_deadline(), None);
    assert!(world.model.poll_delivery().is_none());
}

#[test]
fn webhooks_are_not_claimed_or_released() {
    let mut world = subscribed();
    world.append("/root/a", "x");
    let (_, claim) = delivery(&mut world);
    let refused = post(&mut world, "s/claim", &json!({ "worker": "w" }));
    assert_eq!(code(&refused), is(400, "INVALID_REQUEST"));
    for part in ["s/ack", "s/release"] {
        let refused = claim.report(&mut world, part, json!({}));
        assert_eq!(code(&refused), is(400, "INVALID_REQUEST"));
    }
}

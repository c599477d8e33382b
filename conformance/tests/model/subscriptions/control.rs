//! §6.2, §6.3, §6.5: subscriptions are made, described and ended.

use std::time::Duration;

use durable_streams_conformance::reference::Config;
use http::Method;
use serde_json::{Value, json};

use super::{
    Claim, claim, code, described, is, json_of, links, post, pull_wake, put, report, subscription,
    webhook, world,
};
use crate::world::{TEXT, World};

fn settings() -> Value {
    json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": ["a", "b"] })
}

#[test]
fn r6_01_nothing_below_the_reserved_segment_is_a_stream() {
    let mut world = world();
    for path in [
        "/root/__ds",
        "/root/__ds/x",
        "/root/__ds/subscriptions",
        "/root/%5F%5fds/x",
    ] {
        for method in [
            Method::PUT,
            Method::POST,
            Method::GET,
            Method::HEAD,
            Method::DELETE,
        ] {
            let refused = world.send(method, path, &[("content-type", TEXT)], b"x");
            assert_eq!(refused.status(), 404, "{path}");
        }
    }
    let forked = world.fork("/root/fork", "/root/__ds/jwks.json", &[]);
    assert_eq!(forked.status(), 404);
}

#[test]
fn r6_01_every_root_has_subscriptions_of_its_own() {
    let mut world = world();
    pull_wake(&mut world, "s", settings());
    assert_eq!(world.get("/__ds/subscriptions/s").status(), 404);
    let other = world.send(
        Method::PUT,
        "/__ds/subscriptions/s",
        &[],
        json!({ "type": "pull-wake", "wake_stream": "w", "pattern": "**" })
            .to_string()
            .as_bytes(),
    );
    assert_eq!(other.status(), 201);
    let all = json_of(&other);
    assert_eq!(all["streams"][0]["path"], "root/wakes");
    assert_eq!(described(&mut world, "s")["wake_stream"], "wakes");
}

#[test]
fn r6_2_01_02_05_the_same_settings_again_are_200_others_409() {
    let mut world = world();
    assert_eq!(put(&mut world, "s", &settings()).status(), 201);
    for same in [
        json!({ "streams": ["b", "a"] }),
        json!({ "streams": ["/b", "a", "a"] }),
        json!({ "lease_ttl_ms": 30000 }),
        json!({ "description": null }),
        json!({ "unknown": 1 }),
    ] {
        let mut settings = settings();
        super::merge(&mut settings, same);
        assert_eq!(put(&mut world, "s", &settings).status(), 200, "{settings}");
    }
    for other in [
        json!({ "streams": ["a"] }),
        json!({ "pattern": "*" }),
        json!({ "lease_ttl_ms": 30001 }),
        json!({ "wake_stream": "other" }),
        json!({ "description": "x" }),
        json!({ "type": "webhook", "webhook": { "url": "http://127.0.0.1/" } }),
    ] {
        let mut settings = settings();
        super::merge(&mut settings, other);
        let refused = put(&mut world, "s", &settings);
        assert_eq!(
            code(&refused),
            is(409, "SUBSCRIPTION_ALREADY_EXISTS"),
            "{settings}"
        );
    }
}

#[test]
fn r6_2_03_12_13_malformed_settings_are_400() {
    let mut world = world();
    for bad in [
        json!([]),
        json!({}),
        json!({ "type": "pull-wake", "wake_stream": "wakes" }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": [] }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": [1] }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": "a" }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": [""] }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": ["a/../b"] }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "streams": ["__ds/x"] }),
        json!({ "type": "pull-wake", "wake_stream": "wakes", "pattern": 1 }),
        json!({ "type": "pull-wake", "streams": ["a"] }),
        json!({ "type": "push", "wake_stream": "wakes", "streams": ["a"] }),
        json!({ "wake_stream": "wakes", "streams": ["a"] }),
        json!({ "type": "webhook", "streams": ["a"] }),
        json!({ "type": "webhook", "webhook": {}, "streams": ["a"] }),
        json!({ "type": "webhook", "webhook": { "url": 1 }, "streams": ["a"] }),
    ] {
        let refused = put(&mut world, "s", &bad);
        assert_eq!(code(&refused), is(400, "INVALID_REQUEST"), "{bad}");
    }
    for lease in [
        json!(999),
        json!(600_001),
        json!(-1),
        json!(1500.5),
        json!("2000"),
    ] {
        let mut settings = settings();
        super::merge(&mut settings, json!({ "lease_ttl_ms": lease }));
        let refused = put(&mut world, "s", &settings);
        assert_eq!(code(&refused), is(400, "INVALID_REQUEST"), "{settings}");
    }
    let refused = world.send(Method::PUT, &subscription("s"), &[], b"{");
    assert_eq!(code(&refused), is(400, "INVALID_REQUEST"));
    assert_eq!(world.get(&subscription("s")).status(), 404);
}

#[test]
fn r6_2_07_08_09_webhooks_go_over_tls_and_nowhere_local() {
    let mut world = World::default();
    let mut asked = |url: &str| {
        let webhook = json!({ "url": url });
        let settings = json!({ "type": "webhook", "webhook": webhook, "streams": ["a"] });
        put(&mut world, "s", &settings)
    };
    for bad in [
        "http://example.com/",
        "http://127.0.0.1:9/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://169.254.169.254/",
        "nonsense",
    ] {
        assert_eq!(code(&asked(bad)), is(400, "WEBHOOK_URL_REJECTED"), "{bad}");
    }
    assert_eq!(asked("https://example.com/hook").status(), 201);
}

#[test]
fn r6_3_01_a_get_describes_all_there_is() {
    let mut world = world();
    let tail = world.create("/root/a/b", TEXT, "abc");
    let more =
        json!({ "pattern": "a/*", "streams": ["c"], "lease_ttl_ms": 5000, "description": "d" });
    pull_wake(&mut world, "s%20x", more);
    let described = described(&mut world, "s%20x");
    assert_eq!(
        described,
        json!({
            "id": "s x",
            "subscription_id": "s x",
            "type": "pull-wake",
            "pattern": "a/*",
            "streams": [
                { "path": "a/b", "link_type": "glob", "acked_offset": tail },
                { "path": "c", "link_type": "explicit", "acked_offset": described["streams"][1]["acked_offset"] },
            ],
            "wake_stream": "wakes",
            "lease_ttl_ms": 5000,
            "created_at": "2025-01-01T00:00:00.000Z",
            "status": "active",
            "description": "d",
        })
    );
}

#[test]
fn r6_2_06_r6_5_webhooks_are_described_with_the_key_that_signs_them() {
    let mut world = world();
    webhook(&mut world, "s", json!({ "streams": ["a"] }));
    let host = [("host", "streams.test")];
    let body = json!({ "type": "webhook", "webhook": { "url": "http://127.0.0.1:9/hook" }, "pattern": "*" });
    let target = subscription("other");
    let created = world.send(Method::PUT, &target, &host, body.to_string().as_bytes());
    let webhook = &json_of(&created)["webhook"];
    assert_eq!(webhook["url"], "http://127.0.0.1:9/hook");
    assert_eq!(webhook["signing"]["alg"], "ed25519");
    assert_eq!(
        webhook["signing"]["jwks_url"],
        "http://streams.test/root/__ds/jwks.json"
    );
    let keys = json_of(&world.get("/root/__ds/jwks.json"));
    assert_eq!(webhook["signing"]["kid"], keys["keys"][0]["kid"]);
}

#[test]
fn r6_5_01_02_04_public_keys_are_a_jwk_set() {
    let mut world = world();
    let got = world.get("/root/__ds/jwks.json");
    assert_eq!(got.status(), 200);
    assert_eq!(got.header("content-type"), Some("application/jwk-set+json"));
    let key = &json_of(&got)["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    assert_eq!(key.get("d"), None);
    assert_eq!(world.put("/root/__ds/jwks.json", &[]).status(), 405);
}

#[test]
fn r6_5_05_the_key_comes_from_the_seed() {
    let key = |seed| {
        let mut world = World::new(Config::default().with_seed(seed));
        world.get("/__ds/jwks.json").body
    };
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
}

#[test]
fn r6_3_03_deleting_is_idempotent() {
    let mut world = world();
    pull_wake(&mut world, "s", settings());
    for _ in 0..2 {
        assert_eq!(world.delete(&subscription("s")).status(), 204);
        assert_eq!(
            code(&world.get(&subscription("s"))),
            is(404, "SUBSCRIPTION_NOT_FOUND")
        );
    }
}

#[test]
fn r6_3_04_a_deleted_subscription_takes_no_reports_and_its_successor_neither() {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    pull_wake(&mut world, "s", settings());
    let tail = world.append("/root/a", "x");
    let claim: Claim = claim(&mut world, "s");
    world.delete(&subscription("s"));
    let acks = json!({ "acks": [{ "stream": "a", "offset": tail }], "done": true });
    for part in ["s/ack", "s/release", "s/callback"] {
        let refused = claim.report(&mut world, part, acks.clone());
        assert_eq!(code(&refused), is(404, "SUBSCRIPTION_NOT_FOUND"));
    }
    pull_wake(&mut world, "s", settings());
    let before = links(&mut world, "s");
    world.append("/root/a", "y");
    for part in ["s/ack", "s/release"] {
        let refused = claim.report(&mut world, part, acks.clone());
        assert_eq!(code(&refused), is(401, "TOKEN_INVALID"));
    }
    assert_eq!(links(&mut world, "s"), before);
    // Nothing of the old one happens later either.
    world.pass(Duration::from_secs(3600));
    assert_eq!(world.model.next_deadline(), None);
}

#[test]
fn unknown_routes_and_methods_are_refused() {
    let mut world = world();
    pull_wake(&mut world, "s", settings());
    assert_eq!(world.get(&subscription("s/claim")).status(), 405);
    assert_eq!(world.post(&subscription("s"), &[], b"{}").status(), 405);
    assert_eq!(world.get(&subscription("s/streams")).status(), 405);
    assert_eq!(world.get(&subscription("s/other")).status(), 404);
    assert_eq!(
        post(&mut world, "none/claim", &json!({ "worker": "w" })).status(),
        404
    );
    assert_eq!(
        report(&mut world, "none/ack", "t", &json!({})).status(),
        404
    );
    assert_eq!(world.head(&subscription("s")).body, b"");
}

//! The receiver of webhooks fetches keys when it needs them, and not more often than it may.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_streams_client::testing::{Reply, Script, SkippingTimer};
use durable_streams_client::webhook::{Notice, WebhookError};
use durable_streams_client::{Client, RetryPolicy, Timer, WebhookReceiver};
use ed25519_dalek::{Signer, SigningKey};
use http::HeaderMap;
use serde_json::json;

const NOW: u64 = 1_700_000_000;
const BODY: &str = r#"{"subscription_id":"s","wake_id":"w","generation":1,"streams":[],
    "callback_url":"http://streams.test/c","callback_token":"t"}"#;

/// A receiver, what the server answers to it, and its clock.
struct World {
    receiver: WebhookReceiver,
    script: Script,
    clock: SkippingTimer,
}

impl World {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let (script, clock) = (Script::new(replies), SkippingTimer::new());
        let builder = Client::builder("http://streams.test/v1", script.clone(), clock.clone());
        let client = builder
            .unwrap()
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        Self {
            receiver: client.webhook_receiver(),
            script,
            clock,
        }
    }

    async fn verify(&self, key: u8) -> Result<Notice, WebhookError> {
        let headers = signed(key, NOW);
        self.receiver
            .verify_at(&headers, BODY.as_bytes(), now())
            .await
    }

    async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    fn fetches(&self) -> usize {
        self.script.requests().len()
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn signed(key: u8, time: u64) -> HeaderMap {
    let signature = SigningKey::from_bytes(&[key; 32]).sign(format!("{time}.{BODY}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    let mut headers = HeaderMap::new();
    let value = format!("t={time},kid=k{key},ed25519={signature}");
    headers.insert("webhook-signature", value.parse().unwrap());
    headers
}

fn keys(seeds: &[u8]) -> Reply {
    let keys: Vec<_> = seeds
        .iter()
        .map(|&seed| {
            let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
            let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": format!("k{seed}"), "x": x })
        })
        .collect();
    Reply::new(200).body(json!({ "keys": keys }).to_string())
}

fn is_unknown(checked: &Result<Notice, WebhookError>) -> bool {
    matches!(checked, Err(WebhookError::UnknownKey(_)))
}

#[tokio::test]
async fn b72_keys_are_fetched_once_and_kept() {
    let world = World::new([keys(&[1])]);
    for _ in 0..3 {
        assert_eq!(world.verify(1).await.unwrap().subscription_id, "s");
    }
    let request = &world.script.requests()[0];
    assert_eq!(request.uri(), "http://streams.test/v1/__ds/jwks.json");
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn b72_a_key_that_is_not_known_is_looked_for_but_not_all_the_time() {
    let world = World::new([keys(&[1]), keys(&[1, 2]), keys(&[2])]);
    world.verify(1).await.unwrap();
    // The server has changed its key right after.
    assert!(is_unknown(&world.verify(2).await));
    world.pass(Duration::from_secs(9)).await;
    assert!(is_unknown(&world.verify(2).await));
    assert_eq!(world.fetches(), 1);
    world.pass(Duration::from_secs(1)).await;
    world.verify(2).await.unwrap();
    world.verify(1).await.unwrap();
    assert_eq!(world.fetches(), 2);
    // One that is made up costs one fetch in a while, and what is known goes on.
    world.pass(Duration::from_secs(10)).await;
    assert!(is_unknown(&world.verify(9).await));
    assert!(is_unknown(&world.verify(9).await));
    world.verify(2).await.unwrap();
    assert!(is_unknown(&world.verify(1).await), "it was withdrawn");
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn b72_keys_are_not_kept_for_good() {
    let world = World::new([keys(&[1]), keys(&[2])]);
    world.verify(1).await.unwrap();
    world.pass(Duration::from_secs(299)).await;
    world.verify(1).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    assert!(is_unknown(&world.verify(1).await));
    world.verify(2).await.unwrap();
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn b72_what_is_odd_or_old_costs_no_fetch() {
    let world = World::new([]);
    let unsigned = world
        .receiver
        .verify_at(&HeaderMap::new(), b"", now())
        .await;
    assert!(matches!(unsigned, Err(WebhookError::Unsigned)));
    let old = signed(1, NOW - 301);
    let old = world.receiver.verify_at(&old, BODY.as_bytes(), now()).await;
    assert!(matches!(old, Err(WebhookError::OutsideWindow { .. })));
    // By the clock on the wall it is long ago.
    let headers = signed(1, NOW);
    let old = world.receiver.verify(&headers, BODY.as_bytes()).await;
    assert!(matches!(old, Err(WebhookError::OutsideWindow { .. })));
    assert_eq!(world.fetches(), 0);
}

#[tokio::test]
async fn b72_without_keys_that_is_what_is_said() {
    let world = World::new([Reply::new(500), Reply::new(200).body("<html>"), keys(&[1])]);
    for pause in [0, 1, 10, 10] {
        world.pass(Duration::from_secs(pause)).await;
        let checked = world.verify(1).await;
        match world.fetches() {
            3 => drop(checked.unwrap()),
            _ => assert!(matches!(checked, Err(WebhookError::Keys(_))), "{checked:?}"),
        }
    }
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn b72_who_needs_keys_at_the_same_time_shares_a_fetch() {
    let world = World::new([keys(&[1])]);
    let (first, second, third) = tokio::join!(world.verify(1), world.verify(1), world.verify(7));
    first.unwrap();
    second.unwrap();
    assert!(is_unknown(&third));
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn b72_a_fetch_that_is_dropped_keeps_nobody_waiting() {
    let world = World::new([Reply::new(200).hang(), keys(&[1])]);
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut dropped = pin!(world.verify(1));
        // It is under way.
        for _ in 0..5 {
            assert!(dropped.as_mut().poll(&mut cx).is_pending());
        }
        let mut waits = pin!(world.verify(1));
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        assert_eq!(world.fetches(), 1);
    }
    world.pass(Duration::from_secs(10)).await;
    let mut next = pin!(world.verify(1));
    let checked = loop {
        if let Poll::Ready(checked) = next.as_mut().poll(&mut cx) {
            break checked;
        }
    };
    checked.unwrap();
    assert_eq!(world.fetches(), 2);
}

//! Which webhooks are believed.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use durable_streams_core::ErrorKind;
use durable_streams_core::operation::Operation;
use durable_streams_core::operation::subscription::ReadKeys;
use durable_streams_core::webhook::{self, Jwks, Notice, Verifier, WebhookError};
use ed25519_dalek::{Signer, SigningKey};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::{TOKEN, answer, refused, root};

const NOW: u64 = 1_700_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwk(kid: &str, key: &SigningKey) -> serde_json::Value {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA" })
}

fn jwks(keys: &[serde_json::Value]) -> Jwks {
    Jwks::parse(json!({ "keys": keys, "more": 1 }).to_string().as_bytes()).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(jwks(&[jwk("k1", &key(1))]))
}

fn body() -> Vec<u8> {
    json!({
        "subscription_id": "billing", "wake_id": "w_1", "generation": 3, "more": {},
        "streams": [{ "path": "orders", "link_type": "glob", "acked_offset": "-1", "tail_offset": "0009", "has_pending": true }],
        "callback_url": "http://s/v1/stream/__ds/subscriptions/billing/callback",
        "callback_token": TOKEN,
    })
    .to_string()
    .into_bytes()
}

fn signature(key: &SigningKey, time: &str, body: &[u8]) -> String {
    let signed = [time.as_bytes(), b".", body].concat();
    URL_SAFE_NO_PAD.encode(key.sign(&signed).to_bytes())
}

fn header(body: &[u8]) -> String {
    format!(
        "t={NOW},kid=k1,ed25519={}",
        signature(&key(1), &NOW.to_string(), body)
    )
}

fn headers(values: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        let value = HeaderValue::from_bytes(value).unwrap();
        headers.append("webhook-signature", value);
    }
    headers
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn verify(header: &str, body: &[u8]) -> Result<Notice, WebhookError> {
    verifier().verify(&headers(&[header.as_bytes()]), body, at(NOW))
}

#[test]
fn b72_what_the_server_signed_is_believed() {
    let notice = verify(&header(&body()), &body()).unwrap();
    assert_eq!(
        (notice.subscription_id.as_str(), notice.wake.generation),
        ("billing", 3)
    );
    assert_eq!(notice.streams[0].path, "orders");
    assert_eq!(notice.streams[0].acked, None);
    assert_eq!(notice.wake.token.expose(), TOKEN);
    assert!(notice.callback.to_string().ends_with("/billing/callback"));
    assert!(!format!("{notice:?}").contains(TOKEN));
    // Parts in any order, and more of them.
    let reordered = header(&body())
        .split(',')
        .rev()
        .collect::<Vec<_>>()
        .join(",");
    verify(&format!("v2=x,{reordered},then="), &body()).unwrap();
}

#[test]
fn b72_no_bit_can_be_changed() {
    let (header, body) = (header(&body()), body());
    let flipped = |bytes: &[u8], bit: usize| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    for bit in 0..body.len() * 8 {
        let changed = verify(&header, &flipped(&body, bit));
        assert!(
            matches!(changed, Err(WebhookError::BadSignature)),
            "bit {bit} of the body"
        );
    }
    for bit in 0..header.len() * 8 {
        let changed = flipped(header.as_bytes(), bit);
        let Ok(value) = HeaderValue::from_bytes(&changed) else {
            continue;
        };
        let mut headers = HeaderMap::new();
        headers.insert("webhook-signature", value);
        let changed = verifier().verify(&headers, &body, at(NOW));
        assert!(changed.is_err(), "bit {bit} of the header");
    }
}

#[test]
fn b72_a_signature_is_no_older_and_no_newer_than_the_window() {
    let (header, body) = (header(&body()), body());
    let headers = headers(&[header.as_bytes()]);
    for (window, apart, good) in [
        (None, 0, true),
        (None, 300, true),
        (None, 301, false),
        (Some(0), 0, true),
        (Some(0), 1, false),
        (Some(10), 10, true),
        (Some(10), 11, false),
    ] {
        for now in [NOW - apart, NOW + apart] {
            let window = window.map_or(webhook::DEFAULT_WINDOW, Duration::from_secs);
            let checked = verifier().window(window).verify(&headers, &body, at(now));
            match checked {
                Ok(_) => assert!(good, "{apart} s of {window:?}"),
                Err(WebhookError::OutsideWindow { signed_at }) => {
                    assert!(!good, "{apart} s of {window:?}");
                    assert_eq!(signed_at, NOW);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    // A fraction of a second counts.
    let late = at(NOW + 300) + Duration::from_nanos(1);
    assert!(verifier().verify(&headers, &body, late).is_err());
}

#[test]
fn b72_an_odd_header_is_no_signature() {
    let good = header(&body());
    let sig = signature(&key(1), &NOW.to_string(), &body());
    let malformed = [
        String::new(),
        "t".to_owned(),
        format!("kid=k1,ed25519={sig}"),
        format!("t={NOW},ed25519={sig}"),
        format!("t={NOW},kid=k1"),
        format!("t={NOW},kid=,ed25519={sig}"),
        format!("{good},t={NOW}"),
        format!("{good},kid=k1"),
        format!("{good},ed25519={sig}"),
        format!("{good},"),
        format!("t=+{NOW},kid=k1,ed25519={sig}"),
        format!("t=0{NOW},kid=k1,ed25519={sig}"),
        format!("t={NOW}.0,kid=k1,ed25519={sig}"),
        format!("t=99999999999999999999,kid=k1,ed25519={sig}"),
        format!("t={NOW}, kid=k1,ed25519={sig}"),
        format!("t={NOW},kid=k1,ed25519={sig}=="),
        format!("t={NOW},kid=k1,ed25519={}", &sig[..84]),
        format!("t={NOW},kid=k1,ed25519={sig}AA"),
        format!("t={NOW},kid=k1,ed25519=+{}", &sig[1..]),
        format!("t={NOW},kid=k1,ed25519={sig} "),
    ];
    for header in &malformed {
        let checked = verify(header, &body());
        // What is missing and what is odd is told apart from what is wrong.
        assert!(
            matches!(checked, Err(WebhookError::Malformed(_))),
            "{header:?}: {checked:?}"
        );
    }
    let twice = headers(&[good.as_bytes(), good.as_bytes()]);
    let checked = verifier().verify(&twice, &body(), at(NOW));
    assert!(matches!(checked, Err(WebhookError::Malformed(_))));
    let checked = verifier().verify(&HeaderMap::new(), &body(), at(NOW));
    assert!(matches!(checked, Err(WebhookError::Unsigned)));
    let huge = format!("t=9007199254740991,kid=k1,ed25519={sig}");
    assert!(matches!(
        verify(&huge, &body()),
        Err(WebhookError::OutsideWindow { .. })
    ));
}

#[test]
fn b72_the_last_letter_of_a_signature_has_one_spelling() {
    // 64 bytes leave four bits of it unused.
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let good = header(&body());
    let (rest, last) = good.split_at(good.len() - 1);
    for letter in LETTERS.iter().map(|&letter| char::from(letter).to_string()) {
        let believed = verify(&format!("{rest}{letter}"), &body()).is_ok();
        assert_eq!(believed, letter == last, "{letter}");
    }
}

#[test]
fn b72_a_new_key_is_asked_for_and_an_old_one_goes_on() {
    let new = key(2);
    let signed = |kid: &str, key: &SigningKey| {
        format!(
            "t={NOW},kid={kid},ed25519={}",
            signature(key, &NOW.to_string(), &body())
        )
    };
    let mut verifier = verifier();
    let check = |verifier: &Verifier, header: &str| {
        verifier.verify(&headers(&[header.as_bytes()]), &body(), at(NOW))
    };
    match check(&verifier, &signed("k2", &new)) {
        Err(WebhookError::UnknownKey(kid)) => assert_eq!(kid, "k2"),
        other => panic!("{other:?}"),
    }
    verifier.set_keys(jwks(&[jwk("k1", &key(1)), jwk("k2", &new)]));
    assert_eq!(verifier.keys().ids().collect::<Vec<_>>(), ["k1", "k2"]);
    check(&verifier, &signed("k2", &new)).unwrap();
    check(&verifier, &signed("k1", &key(1))).unwrap();
    // A good signature under another key's name is none.
    let crossed = check(&verifier, &signed("k1", &new));
    assert!(matches!(crossed, Err(WebhookError::BadSignature)));
    verifier.set_keys(jwks(&[jwk("k2", &new)]));
    let withdrawn = check(&verifier, &signed("k1", &key(1)));
    assert!(matches!(withdrawn, Err(WebhookError::UnknownKey(_))));
}

#[test]
fn b72_keys_of_other_kinds_are_left_out() {
    let with = |name: &str, value: serde_json::Value| {
        let mut changed = jwk(name, &key(3));
        changed[name] = value;
        changed["kid"] = "other".into();
        changed
    };
    let mut unnamed = jwk("", &key(3));
    unnamed.as_object_mut().unwrap().remove("kid");
    let mut short = jwk("short", &key(3));
    short["x"] = "AAAA".into();
    let keys = jwks(&[
        with("kty", "EC".into()),
        with("crv", "X25519".into()),
        with("use", "enc".into()),
        with("alg", "RS256".into()),
        with("x", "not base64!".into()),
        with("x", json!(7)),
        short,
        unnamed,
        json!("key"),
        json!(null),
        jwk("k1", &key(1)),
    ]);
    assert_eq!(keys.ids().collect::<Vec<_>>(), ["k1"]);
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":"#] {
        assert!(Jwks::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let read = ReadKeys::new(&root());
    let empty = read.decode(&answer(200, r#"{"keys":[]}"#)).unwrap();
    assert_eq!(empty.ids().count(), 0);
    refused(read.decode(&answer(200, "{}")), ErrorKind::Protocol);
    refused(read.decode(&answer(503, "")), ErrorKind::Unavailable);
}

#[test]
fn b72_what_is_signed_and_no_webhook_says_so_without_its_token() {
    let good: serde_json::Value = serde_json::from_slice(&body()).unwrap();
    let mut bad = vec![b"nonsense".to_vec(), b"[]".to_vec(), b"{}".to_vec()];
    let members = good.as_object().unwrap().keys();
    for member in members.filter(|name| *name != "more") {
        for value in [
            json!(null),
            json!([TOKEN]),
            json!({ "x": TOKEN }),
            json!(-1),
        ] {
            let mut changed = good.clone();
            changed[member] = value;
            bad.push(changed.to_string().into_bytes());
        }
    }
    let mut changed = good.clone();
    changed["callback_url"] = "ftp://s/callback".into();
    bad.push(changed.to_string().into_bytes());
    for body in bad {
        let error = verify(&header(&body), &body).unwrap_err();
        assert!(matches!(error, WebhookError::Payload(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains(TOKEN));
    }
}

#[test]
fn b72_answers_say_what_became_of_it() {
    assert_eq!(webhook::done().body(), r#"{"done":true}"#);
    assert_eq!(webhook::accepted().body(), r#"{"done":false}"#);
    for answer in [webhook::done(), webhook::accepted()] {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
    }
    for (error, status) in [
        (WebhookError::Unsigned, 401),
        (WebhookError::UnknownKey("k".to_owned()), 401),
        (WebhookError::BadSignature, 401),
        (WebhookError::Payload("odd"), 400),
    ] {
        let refused = webhook::refused(&error);
        assert_eq!(
            (refused.status().as_u16(), refused.body()),
            (status, &Bytes::new())
        );
    }
}

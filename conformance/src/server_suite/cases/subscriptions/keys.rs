//! Keys that webhooks are signed with (§6.2, §6.5, §7.1).

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::WEBHOOKS;
use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::subscriptions::LONG;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.keys.are-a-jwk-set",
        &["6.5-01"],
        "The keys that webhooks are signed with are a JWK set, with its content type",
        check!(jwk_set),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.keys.have-names-that-stay",
        &["6.5-02"],
        "Every key has a kid that no other has, and keeps it",
        check!(names),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.keys.private-ones-stay-secret",
        &["6.5-04"],
        "No key of the JWK set has its private part",
        check!(private),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.keys.are-no-shared-secrets",
        &["6.2-06"],
        "No answer about a subscription holds a secret that webhooks are signed with",
        check!(shared),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.keys.sign-webhooks",
        &["7.1-01"],
        "A webhook is signed with a key of the JWK set: its time, a point, and its body, byte for byte",
        check!(signed),
    )
    .needs(WEBHOOKS),
];

/// How far two clocks may be apart: receivers allow as much.
const TOLERANCE: u64 = 300;

/// The keys of a server that sends webhooks.
pub(in crate::server_suite::cases) async fn keys(t: &Target) -> Verdict<(Answer, Vec<Value>)> {
    let answer = t.keys().get().send().await?;
    answer.status(&[200])?;
    let keys = answer.list("/keys")?;
    Ok((answer, keys))
}

async fn jwk_set(t: Target) -> Verdict {
    t.hooked(LONG).await?;
    let (answer, keys) = keys(&t).await?;
    answer.content_type("application/jwk-set+json")?;
    let signs =
        |key: &&Value| key["kty"] == "OKP" && key["crv"] == "Ed25519" && public(key).is_some();
    if keys.iter().any(|key| signs(&key)) {
        return Ok(());
    }
    answer.fail(
        "a key of the type OKP, on the curve Ed25519, with its x",
        "none",
    )
}

async fn names(t: Target) -> Verdict {
    t.hooked(LONG).await?;
    let (answer, first) = keys(&t).await?;
    let mut names = BTreeSet::new();
    for key in &first {
        match key["kid"].as_str() {
            Some(kid) if names.insert(kid) => {}
            Some(kid) => return answer.fail("a kid for each key", format!("{kid} twice")),
            None => return answer.fail("a kid for each key", key.to_string()),
        }
    }
    let (answer, second) = keys(&t).await?;
    for key in &first {
        let same = second.iter().find(|other| other["x"] == key["x"]);
        match same {
            Some(same) if same["kid"] != key["kid"] => {
                let actual = format!("{} and then {}", key["kid"], same["kid"]);
                return answer.fail("one kid for one key", actual);
            }
            _ => {}
        }
    }
    Ok(())
}

async fn private(t: Target) -> Verdict {
    t.hooked(LONG).await?;
    let (answer, keys) = keys(&t).await?;
    match keys.iter().any(|key| key.get("d").is_some()) {
        true => answer.fail("keys without d", "a key with d"),
        false => Ok(()),
    }
}

async fn shared(t: Target) -> Verdict {
    let hooked = t.hooked(LONG).await?;
    let described = hooked.subscription.described().await?;
    let (_, keys) = keys(&t).await?;
    let mut secrets = Vec::new();
    find_secrets(&described.json()?, &mut secrets);
    if let Some(secret) = secrets.first() {
        return described.fail("no secret", format!("the member {secret}"));
    }
    // What is said of the key is said in public.
    let kid = described.json()?["webhook"]["signing"]["kid"].clone();
    if kid.is_string() && !keys.iter().any(|key| key["kid"] == kid) {
        return described.fail("the kid of a key in the JWK set", kid.to_string());
    }
    Ok(())
}

/// The names of members that hold secrets, by what they say of themselves.
fn find_secrets(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let lower = name.to_ascii_lowercase();
                let is_secret = ["secret", "private", "hmac"];
                if lower == "d" || is_secret.iter().any(|word| lower.contains(word)) {
                    found.push(name.clone());
                }
                find_secrets(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| find_secrets(value, found)),
        _ => {}
    }
}

fn public(key: &Value) -> Option<VerifyingKey> {
    let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str()?).ok()?;
    VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()
}

async fn signed(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    hooked.append("new ").await?;
    let (webhook, _) = hooked.next().await?;
    let content = webhook.content.clone();
    webhook.accept(&json!({ "done": true }));
    let header = content.needs("Webhook-Signature")?.to_owned();
    let form = "Webhook-Signature: t=<seconds>,kid=<id>,ed25519=<base64url without padding>";
    let Some((seconds, kid, signature)) = parts(&header) else {
        return content.fail(form, header);
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or(Duration::ZERO).as_secs();
    if now.abs_diff(seconds) > TOLERANCE {
        let expected = format!("t within {TOLERANCE} seconds of {now}");
        return content.fail(expected, seconds.to_string());
    }
    let (answer, keys) = keys(&t).await?;
    let key = keys.iter().find(|key| key["kid"] == kid);
    let Some(key) = key.and_then(public) else {
        return answer.fail(format!("the key {kid}"), "none");
    };
    let text = [format!("{seconds}.").as_bytes(), &content.body].concat();
    match key.verify_strict(&text, &signature) {
        Ok(()) => Ok(()),
        Err(_) => content.fail("a signature of the time, a point and the body", header),
    }
}

fn parts(header: &str) -> Option<(u64, &str, Signature)> {
    let (seconds, rest) = header.strip_prefix("t=")?.split_once(",kid=")?;
    let (kid, signature) = rest.split_once(",ed25519=")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let signature = Signature::from_slice(&signature).ok()?;
    (!kid.is_empty()).then_some(())?;
    Some((seconds.parse().ok()?, kid, signature))
}

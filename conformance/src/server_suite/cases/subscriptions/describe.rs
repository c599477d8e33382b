//! What is said of subscriptions, and their end (§6.3).

use serde_json::json;

use super::SUBSCRIPTIONS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::subscriptions::{LONG, is_path};
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.get.describes-it",
        &["6.3-01"],
        "A GET of a subscription says what it was given, which streams it is linked to and how far they are acknowledged",
        check!(described),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.delete.answers-204-then-404",
        &["6.3-03"],
        "A DELETE of a subscription answers 204; it is gone then, and its id is free",
        check!(deleted),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.delete.ends-its-reports",
        &["6.3-04"],
        "Acks and releases for a subscription that was deleted fail, and move no cursor of one that is created anew",
        check!(reports),
    )
    .needs(SUBSCRIPTIONS),
];

async fn described(t: Target) -> Verdict {
    let name = t.unmade();
    let stream = t.below(&name, "a");
    stream.put().content_type("text/plain").prepare().await?;
    stream.append("text/plain", "content").prepare().await?;
    let tail = stream.tail().await?;
    let subscription = t.unmade_subscription();
    let pattern = format!("{}/*", name.name());
    let settings = json!({
        "type": "pull-wake",
        "pattern": pattern,
        "wake_stream": format!("{}/x/wakes", name.name()),
        "lease_ttl_ms": 45_000,
        "description": "what it is for",
    });
    subscription.create(&settings).await?;
    let answer = subscription.described().await?;
    answer
        .content_type("application/json")?
        .member_is("/id", &*subscription.id)?
        .member_is("/subscription_id", &*subscription.id)?
        .member_is("/type", "pull-wake")?
        .member_is("/lease_ttl_ms", 45_000)?
        .member_is("/status", "active")?
        .member_is("/description", "what it is for")?;
    for path in ["pattern", "wake_stream"] {
        let given = settings[path].as_str().unwrap_or_default();
        let shown = answer.text(&format!("/{path}"))?;
        if !is_path(&json!(shown), given) {
            return answer.fail(format!("{path}: {given}"), format!("{path}: {shown}"));
        }
    }
    answer.text("/created_at")?;
    let links = answer.list("/streams")?;
    if links.len() != 1 {
        return answer.fail("one stream", format!("{} of them", links.len()));
    }
    if !is_path(&links[0]["path"], stream.name()) {
        let actual = links[0]["path"].to_string();
        return answer.fail(format!("the path {}", stream.name()), actual);
    }
    answer
        .member_is("/streams/0/link_type", "glob")?
        .member_is("/streams/0/acked_offset", tail)?;
    Ok(())
}

async fn deleted(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let subscription = &pulling.subscription;
    subscription.delete().send().await?.status(&[204])?;
    subscription.get().send().await?.status(&[404])?;
    let again = subscription.put(&pulling.settings).send().await?;
    again.status(&[201])?;
    Ok(())
}

async fn reports(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let (tail, claim) = pulling.first_claim().await?;
    let subscription = &pulling.subscription;
    subscription.delete().prepare().await?;
    let acks = json!({ "acks": pulling.acks(&tail), "done": true });
    for part in ["ack", "release"] {
        let answer = claim.report(part, acks.clone()).send().await?;
        answer.refused_somehow()?;
    }
    // What is under the id now has nothing to do with it.
    subscription.create(&pulling.settings).await?;
    let before = pulling.acked().await?;
    let further = pulling.append("newer ").await?;
    pulling.wakes(2).await?;
    let acks = json!({ "acks": pulling.acks(&further), "done": true });
    for part in ["ack", "release"] {
        let answer = claim.report(part, acks.clone()).send().await?;
        answer.refused_somehow()?;
    }
    let described = subscription.described().await?;
    described.member_is("/streams/0/acked_offset", before)?;
    Ok(())
}

//! Wakes on a stream (§7, §7.2).

use std::collections::BTreeSet;

use serde_json::json;

use super::SUBSCRIPTIONS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::subscriptions::{LONG, is_path};
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.wakes.are-events-on-a-stream",
        &["7.2-02"],
        "A wake appends an event to the wake stream: what woke whom, with its generation and time",
        check!(event),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.wakes.stream-is-not-created",
        &["7.2-01"],
        "A wake stream that nobody has created is not there after a wake either",
        check!(not_created),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.wakes.rise-and-are-unique",
        &["7-01"],
        "Every wake has an id of its own and a higher generation than the one before it",
        check!(rise),
    )
    .needs(SUBSCRIPTIONS),
];

async fn event(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    pulling.append("new ").await?;
    let wake = pulling.wakes(1).await?.remove(0);
    let expected = |what: &str| fail(what, wake.to_string());
    if wake["type"] != "wake" {
        return expected("an event of the type wake");
    }
    if wake["subscription_id"] != *pulling.subscription.id {
        return expected("the subscription_id");
    }
    if !is_path(&wake["stream"], pulling.stream.name()) {
        return expected("the stream that grew");
    }
    if wake["generation"].as_u64().is_none() {
        return expected("a generation that is a whole number");
    }
    match &wake["ts"] {
        ts if ts.is_number() || ts.is_string() => Ok(()),
        _ => expected("a time in ts"),
    }
}

async fn not_created(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let wakes = t.unmade();
    let subscription = t.unmade_subscription();
    let settings = json!({
        "type": "pull-wake",
        "wake_stream": wakes.name(),
        "streams": [pulling.stream.name()],
    });
    let create = subscription.put(&settings).send().await?;
    if create.status != 201 {
        // Before there is a stream for the wakes, it may be refused.
        create.refused_somehow()?;
    }
    pulling.append("new ").await?;
    // By then the other subscription has been woken as well.
    pulling.wakes(1).await?;
    wakes.head().send().await?.status(&[404])?;
    Ok(())
}

async fn rise(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let (mut ids, mut last) = (BTreeSet::new(), None);
    for (count, body) in ["one ", "two ", "three ", "four "].into_iter().enumerate() {
        let tail = pulling.append(body).await?;
        let wakes = pulling.wakes(count + 1).await?;
        let claim = pulling.claim().await?;
        if wakes[count]["generation"] != claim.generation {
            let expected = format!(
                "generation {}, as the wake has it",
                wakes[count]["generation"]
            );
            return claim.answer.fail(expected, claim.generation.to_string());
        }
        if last.is_some_and(|last| claim.generation <= last) {
            let actual = format!("{} after {last:?}", claim.generation);
            return claim.answer.fail("a higher generation", actual);
        }
        last = Some(claim.generation);
        if !ids.insert(claim.wake_id.clone()) {
            return claim.answer.fail("a new wake_id", claim.wake_id);
        }
        let done = json!({ "acks": pulling.acks(&tail), "done": true });
        claim.report("ack", done).prepare().await?;
    }
    Ok(())
}

//! Webhooks: sent, answered, tried again (§6.3, §7.1).

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use super::WEBHOOKS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::subscriptions::LONG;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.webhook.done-acknowledges-it",
        &["7.1-02"],
        "The answer that a webhook is done acknowledges everything up to the tails that it named, and gives the lease back",
        check!(done),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.webhook.what-comes-later-wakes-again",
        &["7.1-03"],
        "What is appended while a webhook is under way causes another wake when that is done",
        check!(later),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.webhook.is-sent-again",
        &["7.1-06"],
        "A webhook that failed is sent again, after a second and then after longer and longer times",
        check!(again),
    )
    .needs(WEBHOOKS)
    .slow(),
    must(
        "subscriptions.webhook.that-failed-shows",
        &["6.3-02"],
        "A subscription has the status failed while a webhook is to be sent again, and is active before and after",
        check!(status),
    )
    .needs(WEBHOOKS)
    .slow(),
];

async fn done(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    let before = hooked.acked().await?;
    let tail = hooked.append("new ").await?;
    let (webhook, claim) = hooked.next().await?;
    let row = claim.row(hooked.stream.name())?;
    for (member, expected) in [
        ("link_type", json!("explicit")),
        ("acked_offset", json!(before)),
        ("tail_offset", json!(tail)),
        ("has_pending", json!(true)),
    ] {
        if row[member] != expected {
            let expected = format!("{member}: {expected}");
            return claim.answer.fail(expected, row.to_string());
        }
    }
    webhook.accept(&json!({ "done": true }));
    hooked.acked_until(&t, &tail).await?;
    // A lease that was not given back would keep this from coming for minutes.
    hooked.append("newer ").await?;
    let (webhook, next) = hooked.next().await?;
    webhook.accept(&json!({ "done": true }));
    let row = next.row(hooked.stream.name())?;
    if row["acked_offset"] != *tail {
        return next
            .answer
            .fail(format!("acked_offset {tail}"), row.to_string());
    }
    Ok(())
}

async fn later(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    let tail = hooked.append("new ").await?;
    let (webhook, first) = hooked.next().await?;
    let further = hooked.append("newer ").await?;
    webhook.accept(&json!({ "done": true }));
    let (webhook, second) = hooked.next().await?;
    if second.wake_id == first.wake_id || second.generation <= first.generation {
        let expected = "another wake_id and a higher generation";
        return second
            .answer
            .fail(expected, second.body(json!({})).to_string());
    }
    let row = second.row(hooked.stream.name())?;
    if row["acked_offset"] != *tail || row["tail_offset"] != *further {
        let expected = format!("acked_offset {tail}, tail_offset {further}");
        return second.answer.fail(expected, row.to_string());
    }
    webhook.accept(&json!({ "done": true }));
    hooked.acked_until(&t, &further).await
}

/// What the waits are at least, if they begin with a second, grow by half or more, and are off by a fifth. Nothing is said of
/// how long they are at most: that is as much up to the machine.
const SHORTEST: [Duration; 3] = [
    Duration::from_millis(800),
    Duration::from_millis(1_200),
    Duration::from_millis(1_800),
];

async fn again(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    hooked.append("new ").await?;
    let (mut webhook, _) = hooked.next().await?;
    for shortest in SHORTEST {
        let arrived = webhook.at;
        webhook.answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "done": true }));
        let (next, _) = hooked.next().await?;
        // The failure came after this, so the wait was no longer.
        let wait = next.at - arrived;
        if wait < shortest {
            let expected = format!("another attempt after at least {shortest:?}");
            return next.content.fail(expected, format!("one after {wait:?}"));
        }
        webhook = next;
    }
    webhook.accept(&json!({ "done": true }));
    Ok(())
}

async fn status(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    let described = hooked.subscription.described().await?;
    described.member_is("/status", "active")?;
    let tail = hooked.append("new ").await?;
    let (webhook, _) = hooked.next().await?;
    webhook.answer(StatusCode::SERVICE_UNAVAILABLE, &json!({}));
    // The next attempt waits for its answer meanwhile, if it comes so soon: it is not over either.
    hooked.has_status(&t, "failed").await?;
    let (webhook, _) = hooked.next().await?;
    webhook.accept(&json!({ "done": true }));
    hooked.acked_until(&t, &tail).await?;
    hooked.has_status(&t, "active").await?;
    if hooked.acked().await? != tail {
        return fail(format!("acked_offset {tail}"), hooked.acked().await?);
    }
    Ok(())
}

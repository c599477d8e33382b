//! Claiming a wake, and working on it (§7.2).

use serde_json::json;

use super::SUBSCRIPTIONS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::subscriptions::LONG;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.claim.says-what-there-is-to-do",
        &["7.2-03"],
        "A claim answers 200 with the wake, a token, the lease, and the streams with how far they are and should be",
        check!(claimed),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.claim.is-exclusive",
        &["7.2-04"],
        "A claim while somebody else holds the lease answers 409 and says who does",
        check!(exclusive),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.ack.done-ends-the-wake",
        &["7.2-05"],
        "An ack that is done moves the cursor, answers 200 and gives the lease back",
        check!(done),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.ack.of-a-part-wakes-for-the-rest",
        &["7.2-05"],
        "An ack that is done before everything is acknowledged moves the cursor as far as it says, and another wake follows",
        check!(part),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.release.wakes-for-what-is-left",
        &["7.2-07"],
        "A release while there is something to do answers 204, and another wake follows",
        check!(released),
    )
    .needs(SUBSCRIPTIONS),
];

async fn claimed(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let before = pulling.acked().await?;
    let (tail, claim) = pulling.first_claim().await?;
    claim.answer.content_type("application/json")?;
    claim.answer.member_is("/lease_ttl_ms", LONG)?;
    let row = claim.row(pulling.stream.name())?;
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
    pulling.stream.read_all(&before).await?.body("new ")?;
    Ok(())
}

async fn exclusive(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let (_, claim) = pulling.first_claim().await?;
    let second = pulling.subscription.claim_as("other").send().await?;
    second
        .refused_as(409, "ALREADY_CLAIMED")?
        .member_is("/error/current_holder", "worker")?
        .member_is("/error/generation", claim.generation)?;
    // The first one still has it.
    claim
        .report("ack", json!({}))
        .send()
        .await?
        .status(&[200])?;
    Ok(())
}

async fn done(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let (tail, claim) = pulling.first_claim().await?;
    let body = json!({ "acks": pulling.acks(&tail), "done": true });
    let ack = claim.report("ack", body).send().await?;
    ack.status(&[200])?
        .member_is("/ok", true)?
        .member_is("/next_wake", false)?;
    let described = pulling.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", &*tail)?;
    // The lease is free for whoever comes with the next wake.
    let further = pulling.append("newer ").await?;
    pulling.wakes(2).await?;
    let next = pulling.claim().await?;
    let row = next.row(pulling.stream.name())?;
    if row["acked_offset"] != *tail || row["tail_offset"] != *further {
        let expected = format!("acked_offset {tail}, tail_offset {further}");
        return next.answer.fail(expected, row.to_string());
    }
    Ok(())
}

async fn part(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let (middle, claim) = pulling.first_claim().await?;
    pulling.append("newer ").await?;
    let body = json!({ "acks": pulling.acks(&middle), "done": true });
    let ack = claim.report("ack", body).send().await?;
    ack.status(&[200])?
        .member_is("/ok", true)?
        .member_is("/next_wake", true)?;
    let wakes = pulling.wakes(2).await?;
    let next = pulling.claim().await?;
    if wakes[1]["generation"] != next.generation || next.generation <= claim.generation {
        let expected = format!("a generation above {} in wake and claim", claim.generation);
        let actual = format!("{} and {}", wakes[1]["generation"], next.generation);
        return fail(expected, actual);
    }
    let row = next.row(pulling.stream.name())?;
    let acked = row["acked_offset"].as_str().unwrap_or_default();
    if acked != middle {
        return next.answer.fail(format!("acked_offset {middle}"), acked);
    }
    pulling.stream.read_all(acked).await?.body("newer ")?;
    Ok(())
}

async fn released(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let before = pulling.acked().await?;
    let (_, claim) = pulling.first_claim().await?;
    let release = claim.report("release", json!({})).send().await?;
    release.status(&[204])?;
    pulling.wakes(2).await?;
    let next = pulling.subscription.claim_as("other").send().await?;
    next.status(&[200])?;
    let described = pulling.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", before)?;
    Ok(())
}

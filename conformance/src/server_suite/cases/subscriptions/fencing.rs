//! Who may report on a wake (§7.2, §7.3, §12.9).

use serde_json::{Value, json};

use super::SUBSCRIPTIONS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::subscriptions::LONG;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.fencing.stale-reports-are-refused",
        &["7.2-08"],
        "An ack or a release for an earlier wake answers 409 with FENCED, and leaves the current one as it is",
        check!(stale),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.fencing.everything-must-match",
        &["7.3-01"],
        "A report whose token, generation or wake is not that of the current wake is refused, and moves no cursor",
        check!(mixed),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.fencing.tokens-are-checked",
        &["12-06"],
        "A report without a token, or with one that was not issued for it, answers 401 or 403",
        check!(tokens),
    )
    .needs(SUBSCRIPTIONS),
];

async fn stale(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let before = pulling.acked().await?;
    let (tail, first) = pulling.first_claim().await?;
    first.report("release", json!({})).prepare().await?;
    pulling.wakes(2).await?;
    let second = pulling.claim().await?;
    let done = json!({ "acks": pulling.acks(&tail), "done": true });
    for part in ["ack", "release"] {
        let answer = first.report(part, done.clone()).send().await?;
        answer.refused_as(409, "FENCED")?;
    }
    let described = pulling.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", before)?;
    let ack = second.report("ack", done.clone()).send().await?;
    ack.status(&[200])?;
    // What ended it is not repeated.
    let again = second.report("ack", done).send().await?;
    again.refused_as(409, "FENCED")?;
    Ok(())
}

async fn mixed(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let before = pulling.acked().await?;
    let (tail, first) = pulling.first_claim().await?;
    first.report("release", json!({})).prepare().await?;
    pulling.wakes(2).await?;
    let second = pulling.claim().await?;
    let report = |token: &str, wake_id: &str, generation: u64| {
        let body: Value = json!({
            "wake_id": wake_id,
            "generation": generation,
            "acks": pulling.acks(&tail),
            "done": true,
        });
        ["ack", "release"].map(|part| pulling.subscription.report(part, token, &body))
    };
    for asks in [
        report(&first.token, &second.wake_id, second.generation),
        report(&second.token, &first.wake_id, second.generation),
        report(&second.token, &second.wake_id, first.generation),
        report(&second.token, &second.wake_id, second.generation + 1),
        report(&second.token, "no-such-wake", second.generation),
    ] {
        for ask in asks {
            let answer = ask.send().await?;
            if answer.status(&[401, 403, 409])?.status == 409 {
                answer.member_is("/error/code", "FENCED")?;
            }
        }
    }
    let described = pulling.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", before)?;
    let ack = second.report("ack", json!({ "acks": pulling.acks(&tail) }));
    ack.send().await?.status(&[200])?;
    Ok(())
}

async fn tokens(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let before = pulling.acked().await?;
    let (tail, claim) = pulling.first_claim().await?;
    // The token of somebody else, who works on something else.
    let other = t.pulling(LONG).await?;
    let (_, foreign) = other.first_claim().await?;
    let body = claim.body(json!({ "acks": pulling.acks(&tail), "done": true }));
    for part in ["ack", "release"] {
        let ask = || pulling.subscription.post(part, &body);
        for ask in [
            ask(),
            ask().query("token", &claim.token),
            ask().query("access_token", &claim.token),
            ask().bearer("not-a-token"),
            ask().bearer(&foreign.token),
            ask().bearer(&format!("{}x", claim.token)),
        ] {
            ask.send().await?.status(&[401, 403])?;
        }
    }
    let described = pulling.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", before)?;
    claim
        .report("ack", json!({}))
        .send()
        .await?
        .status(&[200])?;
    Ok(())
}

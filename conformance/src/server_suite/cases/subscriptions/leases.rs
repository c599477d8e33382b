//! Leases: how long they last (§7.2, §7.3).

use std::time::{Duration, Instant};

use serde_json::json;

use super::{SUBSCRIPTIONS, WEBHOOKS};
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::{Stop, Verdict, fail};
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.lease.that-runs-out-wakes-again",
        &["7.3-02"],
        "A lease that runs out, not before its time, has no holder any more, and another wake follows",
        check!(runs_out),
    )
    .needs(SUBSCRIPTIONS)
    .slow(),
    must(
        "subscriptions.lease.that-runs-out-leaves-no-holder",
        &["7.3-02"],
        "A lease that runs out when everything is acknowledged is free for the next wake",
        check!(runs_out_idle),
    )
    .needs(SUBSCRIPTIONS)
    .slow(),
    must(
        "subscriptions.lease.is-extended-by-heartbeats",
        &["7.2-06"],
        "An ack that is not done extends the lease by its full time, and keeps it with the worker",
        check!(heartbeats),
    )
    .needs(SUBSCRIPTIONS)
    .slow(),
    must(
        "subscriptions.lease.of-a-webhook-runs-out",
        &["7.3-02"],
        "A webhook that is accepted and not finished within the lease is followed by another, and its callback is stale",
        check!(webhook),
    )
    .needs(WEBHOOKS)
    .slow(),
];

/// The shortest lease that a server grants.
const SHORT: u64 = 1_000;

/// What is lost when two clocks round: not more than this.
const ROUNDING: Duration = Duration::from_millis(10);

async fn runs_out(t: Target) -> Verdict {
    let pulling = t.pulling(SHORT).await?;
    let tail = pulling.append("new ").await?;
    pulling.wakes(1).await?;
    let begun = Instant::now();
    let first = pulling.claim().await?;
    pulling.wakes(2).await?;
    let lasted = begun.elapsed();
    if lasted + ROUNDING < Duration::from_millis(SHORT) {
        let expected = format!("another wake {SHORT} ms after the claim, at the earliest");
        return fail(expected, format!("one after {lasted:?}"));
    }
    let done = json!({ "acks": pulling.acks(&tail), "done": true });
    let late = first.report("ack", done).send().await?;
    late.refused_as(409, "FENCED")?;
    let second = pulling.claim().await?;
    if second.generation <= first.generation {
        let expected = format!("a generation above {}", first.generation);
        return second.answer.fail(expected, second.generation.to_string());
    }
    Ok(())
}

async fn runs_out_idle(t: Target) -> Verdict {
    let pulling = t.pulling(SHORT).await?;
    let (tail, claim) = pulling.first_claim().await?;
    let ack = json!({ "acks": pulling.acks(&tail) });
    claim.report("ack", ack).prepare().await?;
    // It is the next wake, whether the lease has run out when this is appended or runs out later.
    pulling.append("newer ").await?;
    pulling.wakes(2).await?;
    let next = pulling.subscription.claim_as("other").send().await?;
    next.status(&[200])?;
    Ok(())
}

async fn heartbeats(t: Target) -> Verdict {
    // On a machine that is too busy for a short lease, a longer one shows it.
    for lease in [SHORT, 4 * SHORT, 16 * SHORT] {
        if keeps_its_lease(&t, lease).await? {
            return Ok(());
        }
    }
    Err(Stop::Skip(
        "the machine is too busy to send anything in time".to_owned(),
    ))
}

/// Whether it could be seen that heartbeats keep the lease.
async fn keeps_its_lease(t: &Target, lease_ms: u64) -> Verdict<bool> {
    let lease = Duration::from_millis(lease_ms);
    let pulling = t.pulling(lease_ms).await?;
    pulling.append("new ").await?;
    pulling.wakes(1).await?;
    // A lease that began after this lasts until a whole lease later.
    let mut begun = Instant::now();
    let claim = pulling.claim().await?;
    for _ in 0..3 {
        t.sleep((lease * 3 / 4).saturating_sub(begun.elapsed()))
            .await;
        let next = Instant::now();
        let ack = claim.report("ack", json!({})).send().await?;
        if begun.elapsed() >= lease {
            return Ok(false);
        }
        ack.status(&[200])?.member_is("/next_wake", false)?;
        begun = next;
    }
    let other = pulling.subscription.claim_as("other").send().await?;
    if begun.elapsed() >= lease {
        return Ok(false);
    }
    other
        .refused_as(409, "ALREADY_CLAIMED")?
        .member_is("/error/current_holder", "worker")?;
    Ok(true)
}

async fn webhook(t: Target) -> Verdict {
    let mut hooked = t.hooked(SHORT).await?;
    let tail = hooked.append("new ").await?;
    let (webhook, first) = hooked.next().await?;
    webhook.accept(&json!({}));
    let (webhook, second) = hooked.next().await?;
    if second.generation <= first.generation || second.wake_id == first.wake_id {
        let expected = "another wake_id and a higher generation";
        return second
            .answer
            .fail(expected, second.body(json!({})).to_string());
    }
    let acks = json!({ "acks": [{ "stream": hooked.stream.name(), "offset": tail }] });
    let late = hooked.callback(&t, &first, acks)?.send().await?;
    late.refused_as(409, "FENCED")?;
    webhook.accept(&json!({ "done": true }));
    Ok(())
}

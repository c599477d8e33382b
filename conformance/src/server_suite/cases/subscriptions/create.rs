//! Creating subscriptions (§6, §6.2).

use serde_json::{Value, json};

use super::SUBSCRIPTIONS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.reserved.is-no-stream",
        &["6-01"],
        "No stream is created, written or read below the reserved segment `__ds` of the root",
        check!(reserved),
    ),
    must(
        "subscriptions.create.answers-201-then-200",
        &["6.2-01"],
        "A PUT of a subscription answers 201, and 200 when it comes again",
        check!(created),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.create.other-settings-conflict",
        &["6.2-02"],
        "A PUT of a subscription that exists with other settings answers 409, and changes nothing",
        check!(conflicts),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.create.order-of-streams-is-no-difference",
        &["6.2-05"],
        "A PUT that lists the same streams in another order answers 200",
        check!(order),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.create.needs-pattern-or-streams",
        &["6.2-03"],
        "A PUT of a subscription with neither a pattern nor streams answers 400, and creates nothing",
        check!(to_nothing),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.create.needs-what-its-type-needs",
        &["6.2-13"],
        "A PUT of a subscription without a known type, a webhook without its URL, and a pull-wake without its stream of \
         wakes answer 400",
        check!(types),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.create.lease-is-limited",
        &["6.2-12"],
        "A lease lasts between a second and ten minutes: others are refused with 400, or become the nearest of these",
        check!(leases),
    )
    .needs(SUBSCRIPTIONS),
];

async fn reserved(t: Target) -> Verdict {
    let name = t.new_name();
    let paths = [
        format!("__ds/{name}"),
        format!("__ds/{name}/stream"),
        format!("__ds/subscriptions/{name}"),
    ];
    for path in paths {
        // Deleted at the end, if a server makes a stream of it.
        let stream = t.made(&path);
        let text = stream.put().content_type("text/plain").body("content");
        for ask in [
            text,
            stream.append("text/plain", "content"),
            stream.get(),
            stream.head(),
        ] {
            let answer = ask.send().await?;
            // Servers without subscriptions may say that as well.
            if answer.status != 501 {
                answer.refused_somehow()?;
            }
        }
    }
    Ok(())
}

fn pull_wake(name: &str) -> Value {
    json!({
        "type": "pull-wake",
        "wake_stream": format!("{name}/wakes"),
        "streams": [format!("{name}/a"), format!("{name}/b")],
        "lease_ttl_ms": 60_000,
    })
}

fn with(settings: &Value, name: &str, value: Value) -> Value {
    let mut settings = settings.clone();
    settings[name] = value;
    settings
}

fn without(settings: &Value, name: &str) -> Value {
    let mut settings = settings.clone();
    if let Some(members) = settings.as_object_mut() {
        members.remove(name);
    }
    settings
}

async fn created(t: Target) -> Verdict {
    let subscription = t.unmade_subscription();
    let settings = pull_wake(&t.new_name());
    let first = subscription.put(&settings).send().await?;
    subscription.is_supported(&first)?;
    first.status(&[201])?;
    for _ in 0..2 {
        let again = subscription.put(&settings).send().await?;
        again.status(&[200])?;
    }
    Ok(())
}

async fn conflicts(t: Target) -> Verdict {
    let subscription = t.unmade_subscription();
    let name = t.new_name();
    let settings = pull_wake(&name);
    subscription.create(&settings).await?;
    for other in [
        with(&settings, "lease_ttl_ms", json!(61_000)),
        with(&settings, "streams", json!([format!("{name}/a")])),
        with(&settings, "pattern", json!(format!("{name}/*"))),
        with(&settings, "wake_stream", json!(format!("{name}/others"))),
    ] {
        let answer = subscription.put(&other).send().await?;
        answer.status(&[409])?;
    }
    let described = subscription.described().await?;
    described.member_is("/lease_ttl_ms", 60_000)?;
    let again = subscription.put(&settings).send().await?;
    again.status(&[200])?;
    Ok(())
}

async fn order(t: Target) -> Verdict {
    let subscription = t.unmade_subscription();
    let name = t.new_name();
    let settings = pull_wake(&name);
    subscription.create(&settings).await?;
    let streams = json!([format!("{name}/b"), format!("{name}/a")]);
    let again = with(&settings, "streams", streams);
    subscription.put(&again).send().await?.status(&[200])?;
    Ok(())
}

async fn to_nothing(t: Target) -> Verdict {
    let name = t.new_name();
    t.unmade_subscription().create(&pull_wake(&name)).await?;
    let subscription = t.unmade_subscription();
    let settings = without(&pull_wake(&name), "streams");
    for bad in [settings.clone(), with(&settings, "streams", json!([]))] {
        let answer = subscription.put(&bad).send().await?;
        answer.status(&[400])?;
    }
    subscription.get().send().await?.status(&[404])?;
    Ok(())
}

async fn types(t: Target) -> Verdict {
    let name = t.new_name();
    let settings = pull_wake(&name);
    t.unmade_subscription().create(&settings).await?;
    let subscription = t.unmade_subscription();
    let webhook = without(&with(&settings, "type", json!("webhook")), "wake_stream");
    for bad in [
        without(&settings, "type"),
        with(&settings, "type", json!("carrier-pigeon")),
        without(&settings, "wake_stream"),
        webhook.clone(),
        with(&webhook, "webhook", json!({})),
    ] {
        let answer = subscription.put(&bad).send().await?;
        answer.status(&[400])?;
    }
    subscription.get().send().await?.status(&[404])?;
    Ok(())
}

async fn leases(t: Target) -> Verdict {
    let settings = pull_wake(&t.new_name());
    for limit in [1_000, 600_000] {
        let subscription = t.unmade_subscription();
        let settings = with(&settings, "lease_ttl_ms", json!(limit));
        subscription.create(&settings).await?;
        let described = subscription.described().await?;
        described.member_is("/lease_ttl_ms", limit)?;
    }
    for (beyond, nearest) in [(999, 1_000), (0, 1_000), (600_001, 600_000)] {
        let subscription = t.unmade_subscription();
        let settings = with(&settings, "lease_ttl_ms", json!(beyond));
        let answer = subscription.put(&settings).send().await?;
        if answer.status(&[201, 400])?.status == 201 {
            let described = subscription.described().await?;
            described.member_is("/lease_ttl_ms", nearest)?;
        }
    }
    Ok(())
}

//! Which streams belong to a subscription (§6.1, §6.2, §6.4).

use serde_json::{Value, json};

use super::SUBSCRIPTIONS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::subscriptions::{LONG, Subscription, is_path};
use crate::server_suite::target::{Stream, Target};

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.pattern.one-asterisk-is-one-segment",
        &["6.2-04"],
        "In a pattern `*` stands for exactly one segment of a path",
        check!(one_segment),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.pattern.two-asterisks-are-any-number",
        &["6.2-04"],
        "In a pattern `**` stands for any number of segments, none included",
        check!(any_number),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.pattern.what-is-there-is-no-work",
        &["6.2-10"],
        "Streams that match a pattern already are linked at their tails, and what they hold wakes nobody",
        check!(backfill),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.pattern.what-appears-is-work",
        &["6.2-11"],
        "The first append to a stream that appears later wakes, and is all to be done",
        check!(appears),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.links.are-added-at-the-tail",
        &["6.4-01"],
        "Streams are linked at their tails with 204, and linking them again changes nothing",
        check!(added),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.links.are-removed",
        &["6.4-02"],
        "An explicit link is taken away with 204, also where there is none, and then nothing wakes for its stream",
        check!(removed),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.links.by-pattern-stay",
        &["6.4-02"],
        "Taking an explicit link away leaves the one by pattern to the same stream",
        check!(stay),
    )
    .needs(SUBSCRIPTIONS),
    must(
        "subscriptions.links.explicit-ones-come-first",
        &["6.4-03"],
        "A stream that is linked both ways is listed once, as explicit",
        check!(both),
    )
    .needs(SUBSCRIPTIONS),
];

/// Streams below one that need not exist: its name is nobody else's.
async fn family(t: &Target, paths: &[&str]) -> Verdict<Stream> {
    let name = t.unmade();
    for path in paths {
        let stream = t.below(&name, path);
        stream.put().content_type("text/plain").prepare().await?;
    }
    Ok(name)
}

fn pull_wake(name: &Stream, more: Value) -> Value {
    let mut settings = json!({
        "type": "pull-wake",
        "wake_stream": format!("{}-wakes", name.name()),
        "lease_ttl_ms": LONG,
    });
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
    settings
}

/// A subscription with this pattern below a name is linked to these streams.
async fn chooses(t: &Target, name: &Stream, pattern: &str, expected: &[&str]) -> Verdict {
    let subscription = t.unmade_subscription();
    let pattern = format!("{}{pattern}", name.name());
    let settings = pull_wake(name, json!({ "pattern": pattern }));
    subscription.create(&settings).await?;
    let links = subscription.links().await?;
    let paths = links.iter().filter_map(|link| link["path"].as_str());
    let mut paths: Vec<_> = paths.map(|path| path.trim_start_matches('/')).collect();
    paths.sort_unstable();
    let expected = expected.iter().map(|path| format!("{}{path}", name.name()));
    let expected: Vec<_> = expected.collect();
    if paths == expected {
        return Ok(());
    }
    let actual = format!("{pattern} to be for {paths:?}");
    fail(format!("{pattern} to be for {expected:?}"), actual)
}

async fn one_segment(t: Target) -> Verdict {
    let name = family(&t, &["a", "a/b", "a/b/c", "b"]).await?;
    for (pattern, expected) in [
        ("/a", &["/a"][..]),
        ("/*", &["/a", "/b"]),
        ("/*/b", &["/a/b"]),
        ("/a/*/c", &["/a/b/c"]),
        ("/*/*", &["/a/b"]),
        ("/b/*", &[]),
    ] {
        chooses(&t, &name, pattern, expected).await?;
    }
    Ok(())
}

async fn any_number(t: Target) -> Verdict {
    let name = family(&t, &["a", "a/b", "a/b/c", "b"]).await?;
    for (pattern, expected) in [
        ("/**", &["/a", "/a/b", "/a/b/c", "/b"][..]),
        ("/a/**", &["/a", "/a/b", "/a/b/c"]),
        ("/**/c", &["/a/b/c"]),
        ("/**/b", &["/a/b", "/b"]),
        ("/a/**/b", &["/a/b"]),
        ("/a/**/c", &["/a/b/c"]),
        ("/**/d", &[]),
    ] {
        chooses(&t, &name, pattern, expected).await?;
    }
    Ok(())
}

async fn backfill(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let tail = pulling.stream.tail().await?;
    // Another one of its kind, by pattern and with the same wakes.
    let subscription = t.unmade_subscription();
    let settings = json!({
        "type": "pull-wake",
        "wake_stream": pulling.wakes.name(),
        "pattern": pulling.stream.name(),
        "lease_ttl_ms": LONG,
    });
    subscription.create(&settings).await?;
    let acked = subscription.acked(pulling.stream.name()).await?;
    if acked != tail {
        return fail(format!("the tail {tail} as acked_offset"), acked);
    }
    // A wake for what was there would come before those for this.
    pulling.append("new ").await?;
    let wakes = pulling.wakes(2).await?;
    let wakes = wakes
        .iter()
        .filter(|wake| wake["subscription_id"] == *subscription.id);
    match wakes.count() {
        1 => Ok(()),
        count => fail("one wake, for the append", format!("{count} wakes")),
    }
}

async fn appears(t: Target) -> Verdict {
    let name = t.unmade();
    let wakes = t.stream("application/json").await?;
    let settings = json!({
        "type": "pull-wake",
        "wake_stream": wakes.name(),
        "pattern": format!("{}/*", name.name()),
        "lease_ttl_ms": LONG,
    });
    let subscription = t.unmade_subscription();
    subscription.create(&settings).await?;
    let pulling = t.pull(subscription, t.below(&name, "a"), wakes, settings);
    let stream = &pulling.stream;
    stream.put().content_type("text/plain").prepare().await?;
    pulling.append("first").await?;
    let wake = pulling.wakes(1).await?.remove(0);
    if !is_path(&wake["stream"], stream.name()) {
        return fail(format!("a wake for {}", stream.name()), wake.to_string());
    }
    let claim = pulling.claim().await?;
    let row = claim.row(stream.name())?;
    if row["has_pending"] != true {
        return claim.answer.fail("has_pending: true", row.to_string());
    }
    let acked = row["acked_offset"].as_str().unwrap_or_default();
    stream.read_all(acked).await?.body("first")?;
    Ok(())
}

async fn added(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let other = t.filled("text/plain", &["content"]).await?;
    let tail = other.tail().await?;
    let subscription: &Subscription = &pulling.subscription;
    for _ in 0..2 {
        let paths = [other.name(), pulling.stream.name()];
        let link = subscription.link(&paths).send().await?;
        link.status(&[204])?;
        let Some(link) = subscription.link_to(other.name()).await? else {
            return fail(format!("{} in streams", other.name()), "it is not there");
        };
        if link["link_type"] != "explicit" || link["acked_offset"] != *tail {
            let expected = format!("an explicit link at the first tail {tail}");
            return fail(expected, link.to_string());
        }
        other.append("text/plain", "more").prepare().await?;
    }
    Ok(())
}

async fn removed(t: Target) -> Verdict {
    let pulling = t.pulling(LONG).await?;
    let name = family(&t, &["a/b"]).await?;
    let other = t.below(&name, "a/b");
    let subscription = &pulling.subscription;
    subscription.link(&[other.name()]).prepare().await?;
    for _ in 0..2 {
        let unlink = subscription.unlink(other.name()).send().await?;
        unlink.status(&[204])?;
        if subscription.link_to(other.name()).await?.is_some() {
            let expected = format!("{} not to be in streams", other.name());
            return fail(expected, "it is there");
        }
    }
    let never = format!("{}/never", name.name());
    subscription.unlink(&never).send().await?.status(&[204])?;
    // The wake for this would come before the other.
    other.append("text/plain", "more").prepare().await?;
    pulling.append("new ").await?;
    let wakes = pulling.wakes(1).await?;
    if !is_path(&wakes[0]["stream"], pulling.stream.name()) {
        let expected = format!("a wake for {}", pulling.stream.name());
        return fail(expected, wakes[0].to_string());
    }
    Ok(())
}

/// The type of the link to a stream of a subscription that is linked to it both ways.
async fn linked_both_ways(t: &Target) -> Verdict<(Subscription, Stream)> {
    let name = family(t, &["a"]).await?;
    let stream = t.below(&name, "a");
    let settings = pull_wake(
        &name,
        json!({ "pattern": format!("{}/*", name.name()), "streams": [stream.name()] }),
    );
    let subscription = t.unmade_subscription();
    subscription.create(&settings).await?;
    Ok((subscription, stream))
}

async fn has_type(subscription: &Subscription, stream: &Stream, expected: &str) -> Verdict {
    let link = subscription.link_to(stream.name()).await?;
    let actual = link.map_or(json!("no link"), |link| link["link_type"].clone());
    if actual == expected {
        return Ok(());
    }
    fail(format!("link_type: {expected}"), actual.to_string())
}

async fn stay(t: Target) -> Verdict {
    let (subscription, stream) = linked_both_ways(&t).await?;
    let unlink = subscription.unlink(stream.name()).send().await?;
    unlink.status(&[204])?;
    has_type(&subscription, &stream, "glob").await
}

async fn both(t: Target) -> Verdict {
    let (subscription, stream) = linked_both_ways(&t).await?;
    has_type(&subscription, &stream, "explicit").await?;
    // The same the other way round.
    let name = family(&t, &["a"]).await?;
    let stream = t.below(&name, "a");
    let settings = pull_wake(&name, json!({ "pattern": format!("{}/*", name.name()) }));
    let subscription = t.unmade_subscription();
    subscription.create(&settings).await?;
    has_type(&subscription, &stream, "glob").await?;
    subscription.link(&[stream.name()]).prepare().await?;
    has_type(&subscription, &stream, "explicit").await
}

//! What outlives a restart of the server (§4, §5.2.1), for servers that the suite can restart.

use super::subscriptions::keys::keys;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::subscriptions::LONG;
use crate::server_suite::target::Target;

const RESTART: &[Capability] = &[Capability::Write, Capability::Restart];

pub(super) const CASES: &[Case] = &[
    must(
        "restart.content.is-kept",
        &["4-01"],
        "What was acknowledged is there after a restart, at the same offsets, and the stream goes on behind it",
        check!(content),
    )
    .needs(RESTART),
    must(
        "restart.messages.are-kept",
        &["4-01"],
        "The messages of a JSON stream are there after a restart, each by itself",
        check!(messages),
    )
    .needs(RESTART)
    .after("restart.content.is-kept"),
    must(
        "restart.closed.stays-closed",
        &["4.1-01"],
        "A stream that was closed, with its last append or by itself, is closed after a restart",
        check!(closed),
    )
    .needs(RESTART)
    .after("restart.content.is-kept"),
    must(
        "restart.producers.are-remembered",
        &["5.2.1-25"],
        "After a restart what a producer sent before is a duplicate, an old epoch is fenced, and its next append is taken",
        check!(producers),
    )
    .needs(RESTART)
    .after("restart.content.is-kept"),
    should(
        "restart.keys.are-kept",
        &["6.5-05"],
        "The keys that webhooks are signed with are the same after a restart",
        check!(same_keys),
    )
    .needs(&[
        Capability::Restart,
        Capability::Subscriptions,
        Capability::Webhook,
    ]),
];

async fn content(t: Target) -> Verdict {
    let stream = t.stream("text/plain;charset=utf-8").await?;
    let mut offsets = vec![stream.tail().await?];
    for piece in ["<1>", "<2>", "<3>"] {
        let append = stream.append("text/plain;charset=utf-8", piece);
        let answer = append.prepare().await?;
        offsets.push(answer.next_offset()?.to_owned());
    }
    t.restart().await?;
    let head = stream.head().send().await?;
    head.status(&[200])?;
    head.has("Content-Type", "text/plain;charset=utf-8")?
        .has("Stream-Next-Offset", &offsets[3])?
        .does_not_say("Stream-Closed")?;
    for (offset, rest) in offsets.iter().zip(["<1><2><3>", "<2><3>", "<3>", ""]) {
        stream.read_all(offset).await?.body(rest)?;
    }
    let answer = stream.append("text/plain;charset=utf-8", "<4>");
    let answer = answer.send().await?;
    let next = answer.carried_out()?.next_offset()?.to_owned();
    if next <= offsets[3] {
        return answer.fail(
            format!("an offset behind {}", offsets[3]),
            format!("Stream-Next-Offset: {next}"),
        );
    }
    stream.holds("<1><2><3><4>").await?;
    Ok(())
}

async fn messages(t: Target) -> Verdict {
    let bodies = [r#"{"n":1}"#, r#"[{"n":2},[3,4]]"#, "5"];
    let stream = t.filled("application/json", &bodies).await?;
    t.restart().await?;
    let stored = serde_json::json!([{"n": 1}, {"n": 2}, [3, 4], 5]);
    stream.holds_messages(&stored).await?;
    Ok(())
}

async fn closed(t: Target) -> Verdict {
    let by_append = t.filled("text/plain", &["<1>"]).await?;
    let last = by_append.append("text/plain", "<2>").closing();
    last.prepare().await?;
    let by_itself = t.filled("text/plain", &["<1><2>"]).await?;
    by_itself.close().prepare().await?;
    t.restart().await?;
    for stream in [by_append, by_itself] {
        let read = stream.holds("<1><2>").await?;
        let tail = read.says("Stream-Closed")?.next_offset()?;
        let append = stream.append("text/plain", "<3>");
        append.send().await?.refused_at_end(tail)?;
        // Closing it again is no error.
        let again = stream.close().send().await?;
        again.carried_out()?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn producers(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = |epoch: u64, seq: u64| {
        let body = format!("<{epoch} {seq}>");
        stream.append("text/plain", body).producer("p", epoch, seq)
    };
    append(1, 0).prepare().await?;
    append(1, 1).prepare().await?;
    t.restart().await?;
    append(1, 1).send().await?.duplicate(1, 1)?;
    append(1, 3).send().await?.gap(2, 3)?;
    append(0, 0).send().await?.fenced(1)?;
    append(1, 2).send().await?.accepted(1, 2)?;
    stream.holds("<1 0><1 1><1 2>").await?;
    Ok(())
}

async fn same_keys(t: Target) -> Verdict {
    t.hooked(LONG).await?;
    let (_, before) = keys(&t).await?;
    t.restart().await?;
    let (answer, after) = keys(&t).await?;
    // More of them may have come; their members may be in another order.
    match before.iter().find(|key| !after.contains(key)) {
        Some(lost) => answer.fail(format!("the key {lost}"), "not that one"),
        None => Ok(()),
    }
}

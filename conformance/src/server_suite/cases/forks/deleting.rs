//! The end of a stream that has forks (§4.2, §5.4): it is gone for everybody but them.

use std::time::Duration;

use serde_json::json;

use super::{BASE, source};
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::target::{Stream, Target};

const DELETE: &[Capability] = &[Capability::Write, Capability::Fork, Capability::Delete];
const LONG_POLL: &[Capability] = &[
    Capability::Write,
    Capability::Fork,
    Capability::Delete,
    Capability::LongPoll,
];
const SSE: &[Capability] = &[
    Capability::Write,
    Capability::Fork,
    Capability::Delete,
    Capability::Sse,
];

const SOFT: &str = "forks.source.is-gone-when-deleted";

pub(in crate::server_suite::cases) const CASES: &[Case] = &[
    must(
        SOFT,
        &["4.2-34", "5.4-04", "5.5-07"],
        "A stream that has forks and is deleted answers 410 to GET, HEAD, POST and DELETE",
        check!(gone),
    )
    .needs(DELETE)
    .after(BASE),
    must(
        "forks.source.is-gone-for-long-polls",
        &["4.2-35"],
        "A stream that has forks and is deleted answers 410 to a long-poll",
        check!(gone_long_poll),
    )
    .needs(LONG_POLL)
    .after(SOFT),
    must(
        "forks.source.is-gone-for-sse",
        &["4.2-35"],
        "A stream that has forks and is deleted answers 410 to a GET with live=sse",
        check!(gone_sse),
    )
    .needs(SSE)
    .after(SOFT),
    must(
        "forks.source.keeps-its-url-when-deleted",
        &["4.2-36"],
        "Where a stream was deleted that has forks, a PUT answers 409",
        check!(url_taken),
    )
    .needs(DELETE)
    .after(SOFT),
    must(
        "forks.source.is-still-read-by-forks-when-deleted",
        &["4.2-37"],
        "Forks of a deleted stream are read and written as before",
        check!(forks_go_on),
    )
    .needs(DELETE)
    .after(SOFT),
    must(
        "forks.source.waits-for-its-last-fork",
        &["4.2-34", "4.2-37"],
        "A deleted stream stays for its other forks when one of them is deleted",
        check!(one_of_two),
    )
    .needs(DELETE)
    .after(SOFT),
    // When is not laid down: a server that takes more time than anybody waits here is no wrong one.
    should(
        "forks.source.goes-with-its-last-fork",
        &["4.2-38", "4.2-39"],
        "When the last fork of a deleted stream is deleted, the stream goes as well, and its URL is free",
        check!(last_fork),
    )
    .needs(DELETE)
    .after(SOFT),
    should(
        "forks.source.goes-with-the-last-of-a-chain",
        &["4.2-38", "4.2-39"],
        "Deleted forks of deleted streams go together with the last fork of them",
        check!(chain),
    )
    .needs(DELETE)
    .after("forks.source.goes-with-its-last-fork"),
];

async fn gone(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    t.forked(&source).await?;
    source.delete().send().await?.refused(204)?;
    for _ in 0..2 {
        source.head().send().await?.status(&[410])?;
        for offset in ["-1", &offsets[1], &offsets[3], "now"] {
            source.read(offset).send().await?.status(&[410])?;
        }
        let append = source.append("text/plain", "more");
        append.clone().send().await?.status(&[410])?;
        append.producer("p", 0, 0).send().await?.status(&[410])?;
        source.delete().send().await?.status(&[410])?;
    }
    Ok(())
}

async fn gone_live(t: Target, mode: &str) -> Verdict {
    let (source, offsets) = source(&t).await?;
    t.forked(&source).await?;
    source.delete().prepare().await?;
    for offset in ["-1", &offsets[3], "now"] {
        let read = source.read(offset).live(mode).send().await?;
        read.refused(410)?;
    }
    Ok(())
}

async fn gone_long_poll(t: Target) -> Verdict {
    gone_live(t, "long-poll").await
}

async fn gone_sse(t: Target) -> Verdict {
    gone_live(t, "sse").await
}

async fn url_taken(t: Target) -> Verdict {
    let (stream, offsets) = source(&t).await?;
    let fork = t.forked(&stream).await?;
    let (other, _) = source(&t).await?;
    stream.delete().prepare().await?;
    for create in [
        stream.put().content_type("text/plain"),
        stream.put().content_type("application/json").body("[1]"),
        stream.put().content_type("text/plain").closing(),
        stream.fork_of(&other, "text/plain"),
    ] {
        create.send().await?.status(&[409])?;
        stream.head().send().await?.status(&[410])?;
    }
    fork.read_all(&offsets[1]).await?.body("two three")?;
    Ok(())
}

async fn forks_go_on(t: Target) -> Verdict {
    let (text, offsets) = source(&t).await?;
    let fork = t.forked(&text).await?;
    let part = t.unmade();
    let create = part.fork_of(&text, "text/plain");
    create.from(&offsets[1]).behind(2).prepare().await?;
    text.delete().prepare().await?;
    fork.holds("one two three").await?;
    part.holds("one tw").await?;
    fork.append("text/plain", "!")
        .send()
        .await?
        .status(&[200, 204])?;
    fork.holds("one two three!").await?;
    for (offset, content) in offsets
        .iter()
        .zip(["one two three!", "two three!", "three!", "!"])
    {
        fork.read_all(offset).await?.body(content)?;
    }
    // It can be forked in turn, also where the content is that of the deleted stream.
    let child = t.unmade();
    let create = child.fork_of(&fork, "text/plain");
    let create = create.from(&offsets[2]);
    create.send().await?.status(&[201])?;
    child.holds("one two ").await?;
    let json = t.filled("application/json", &["[1,2]"]).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&json, "application/json");
    create.prepare().await?;
    json.delete().prepare().await?;
    fork.append("application/json", "3").prepare().await?;
    fork.holds_messages(&json!([1, 2, 3])).await?;
    Ok(())
}

async fn one_of_two(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let one = t.forked(&source).await?;
    let two = t.forked(&source).await?;
    source.delete().prepare().await?;
    one.delete().send().await?.refused(204)?;
    one.head().send().await?.status(&[404])?;
    source.head().send().await?.status(&[410])?;
    two.holds("one two three").await?;
    let create = source.put().content_type("text/plain").send().await?;
    create.status(&[409])?;
    Ok(())
}

/// It answers 410 until it is cleaned up, soon, and 404 from then on.
async fn goes(t: &Target, stream: &Stream) -> Verdict {
    let going = async {
        loop {
            let head = stream.head().send().await?;
            if head.status(&[404, 410])?.status == 404 {
                return Ok(());
            }
            t.sleep(Duration::from_millis(50)).await;
        }
    };
    let Some(gone) = t.within(going).await else {
        return fail("404 after the last fork was deleted", "410 all the time");
    };
    gone?;
    let create = stream.put().content_type("application/json").send().await?;
    create.status(&[201])?.content_type("application/json")?;
    stream.holds_messages(&json!([])).await?;
    Ok(())
}

async fn last_fork(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let one = t.forked(&source).await?;
    let two = t.forked(&source).await?;
    source.delete().prepare().await?;
    one.delete().prepare().await?;
    two.delete().send().await?.refused(204)?;
    two.head().send().await?.status(&[404])?;
    goes(&t, &source).await
}

async fn chain(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let child = t.forked(&source).await?;
    child.append("text/plain", " child").prepare().await?;
    let grandchild = t.forked(&child).await?;
    source.delete().prepare().await?;
    child.delete().send().await?.refused(204)?;
    for stream in [&source, &child] {
        stream.head().send().await?.status(&[410])?;
    }
    grandchild.holds("one two three child").await?;
    grandchild.delete().send().await?.refused(204)?;
    for stream in [&child, &source] {
        goes(&t, stream).await?;
    }
    Ok(())
}

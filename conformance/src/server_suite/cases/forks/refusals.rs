//! Forks that cannot be made (§4.2).

use serde_json::json;

use super::{BASE, FORK, source};
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Stream, Target};

const DELETE: &[Capability] = &[Capability::Write, Capability::Fork, Capability::Delete];

pub(in crate::server_suite::cases) const CASES: &[Case] = &[
    must(
        "forks.offset.needs-a-source",
        &["4.2-08"],
        "A PUT with Stream-Fork-Offset, but without Stream-Forked-From, forks nothing",
        check!(offset_alone),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.sub-offset.needs-a-source",
        &["4.2-08"],
        "A PUT with Stream-Fork-Sub-Offset, but without Stream-Forked-From, forks nothing",
        check!(sub_offset_alone),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.type.must-match",
        &["4.2-09"],
        "A fork of another content type than that of its source answers 409",
        check!(other_type),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.source.must-be-there",
        &["4.2-20"],
        "A fork of what is not there answers 404",
        check!(no_source),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.offset.not-past-the-tail",
        &["4.2-21"],
        "A fork offset past the tail of the source answers 400",
        check!(past_the_tail),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.offset.malformed",
        &["4.2-22"],
        "A Stream-Fork-Offset that can be no offset answers 400",
        check!(malformed_offset),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.sub-offset.malformed",
        &["4.2-23"],
        "A Stream-Fork-Sub-Offset that is no count answers 400",
        check!(malformed_sub_offset),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.sub-offset.not-past-the-end",
        &["4.2-24"],
        "A Stream-Fork-Sub-Offset past the end of the source answers 400",
        check!(past_the_end),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.target.must-be-free",
        &["4.2-25"],
        "A fork where another stream is answers 409, and leaves that as it is",
        check!(target_in_use),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.source.must-not-be-deleted",
        &["4.2-26"],
        "A fork of a stream that was deleted, and is kept for its other forks, answers 409",
        check!(soft_deleted),
    )
    .needs(DELETE)
    .after(BASE),
    must(
        "forks.refused.holds-no-source",
        &["4.2-42"],
        "A fork that was refused keeps nothing of its source when that is deleted",
        check!(no_reference),
    )
    .needs(DELETE)
    .after(BASE),
];

/// It is refused, and creates nothing.
async fn is_refused(target: &Stream, create: Ask, status: u16) -> Verdict {
    create.send().await?.refused(status)?;
    target.head().send().await?.status(&[404])?;
    Ok(())
}

/// The text does not say what becomes of it: it is refused, or a plain stream is created.
async fn forks_nothing(target: &Stream, create: Ask) -> Verdict {
    let answer = create.send().await?;
    if answer.status == 201 {
        target.holds("").await?;
        return Ok(());
    }
    answer.status(&[201, 400])?;
    target.head().send().await?.status(&[404])?;
    Ok(())
}

async fn offset_alone(t: Target) -> Verdict {
    let (_, offsets) = source(&t).await?;
    let target = t.unmade();
    let create = target.put().content_type("text/plain").from(&offsets[0]);
    forks_nothing(&target, create).await
}

async fn sub_offset_alone(t: Target) -> Verdict {
    for count in [0, 1] {
        let target = t.unmade();
        let create = target.put().content_type("text/plain").behind(count);
        forks_nothing(&target, create).await?;
    }
    Ok(())
}

async fn other_type(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    for content_type in ["application/json", "text/html", "application/octet-stream"] {
        let target = t.unmade();
        let create = target.fork_of(&source, content_type);
        is_refused(&target, create.clone(), 409).await?;
        is_refused(&target, create.from(&offsets[1]), 409).await?;
    }
    Ok(())
}

async fn no_source(t: Target) -> Verdict {
    let (_, offsets) = source(&t).await?;
    let missing = t.unmade();
    let target = t.unmade();
    let create = || target.put().of(&missing);
    is_refused(&target, create(), 404).await?;
    is_refused(&target, create().from(&offsets[1]), 404).await?;
    let typed = target.fork_of(&missing, "text/plain");
    is_refused(&target, typed, 404).await?;
    missing.head().send().await?.status(&[404])?;
    Ok(())
}

async fn past_the_tail(t: Target) -> Verdict {
    let short = t.filled("text/plain", &["one"]).await?;
    // Offsets cannot be made up. That of a longer and younger stream is past this one, or none of its own at all.
    let long = t.stream("text/plain").await?;
    let text = "long ".repeat(1000);
    let mut tail = String::new();
    for _ in 0..5 {
        let append = long.append("text/plain", text.clone()).prepare().await?;
        append.next_offset()?.clone_into(&mut tail);
    }
    let target = t.unmade();
    let create = target.fork_of(&short, "text/plain").from(&tail);
    is_refused(&target, create.clone(), 400).await?;
    is_refused(&target, create.behind(0), 400).await
}

async fn malformed_offset(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let tail = &offsets[3];
    // What no offset has in it (§8).
    for offset in [
        format!("{tail},{tail}"),
        format!("{tail}&"),
        format!("a={tail}"),
        format!("?{tail}"),
        format!("/{tail}"),
    ] {
        let target = t.unmade();
        let create = target.fork_of(&source, "text/plain").from(&offset);
        is_refused(&target, create, 400).await?;
    }
    Ok(())
}

async fn malformed_sub_offset(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    for count in ["-1", "1.5", "1e0", "0x1", "1 1", "one", "1,1"] {
        let target = t.unmade();
        let create = target.fork_of(&source, "text/plain");
        let create = create.from(&offsets[0]).behind(count);
        is_refused(&target, create, 400).await?;
    }
    Ok(())
}

async fn past_the_end(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let text = (&source, "text/plain");
    let json = t.stream("application/json").await?;
    let begin = json.tail().await?;
    json.append("application/json", "[1,[2,3]]")
        .prepare()
        .await?;
    let json = (&json, "application/json");
    let huge = "99999999999999999999999999";
    for ((source, content_type), offset, count) in [
        (text, Some(&offsets[0]), "14"),
        (text, Some(&offsets[0]), huge),
        (text, Some(&offsets[2]), "6"),
        (text, Some(&offsets[3]), "1"),
        (text, None, "1"),
        (json, Some(&begin), "3"),
        (json, Some(&begin), huge),
        (json, None, "1"),
    ] {
        let target = t.unmade();
        let create = target.fork_of(source, content_type).behind(count);
        let create = match offset {
            Some(offset) => create.from(offset),
            None => create,
        };
        is_refused(&target, create, 400).await?;
    }
    Ok(())
}

async fn target_in_use(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let text = t.filled("text/plain", &["mine"]).await?;
    for create in [
        text.put().of(&source),
        text.fork_of(&source, "text/plain"),
        text.fork_of(&source, "text/plain")
            .from(&offsets[0])
            .body("more"),
    ] {
        create.send().await?.refused(409)?;
    }
    text.holds("mine").await?;
    let json = t.filled("application/json", &["[1]"]).await?;
    let create = json.fork_of(&source, "text/plain");
    create.send().await?.refused(409)?;
    json.holds_messages(&json!([1])).await?;
    Ok(())
}

async fn soft_deleted(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.forked(&source).await?;
    source.delete().prepare().await?;
    let target = t.unmade();
    let create = target.fork_of(&source, "text/plain");
    is_refused(&target, create.clone(), 409).await?;
    is_refused(&target, create.from(&offsets[1]), 409).await?;
    fork.holds("one two three").await?;
    Ok(())
}

async fn no_reference(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let json = t.filled("application/json", &["[1]"]).await?;
    let taken = t.filled("text/plain", &["mine"]).await?;
    let text = "text/plain";
    for create in [
        t.unmade().fork_of(&source, "text/html"),
        t.unmade().fork_of(&source, text).from("a,b"),
        t.unmade().fork_of(&source, text).behind(1),
        t.unmade().fork_of(&source, text).header("Stream-TTL", "x"),
        taken.fork_of(&source, text),
        t.unmade().fork_of(&json, "application/json").body("{"),
    ] {
        create.send().await?.status(&[400, 409])?;
    }
    for stream in [source, json] {
        stream.delete().prepare().await?;
        // 410 would be: kept for forks.
        stream.head().send().await?.status(&[404])?;
        let create = stream.put().content_type("text/plain").send().await?;
        create.status(&[201])?;
    }
    Ok(())
}

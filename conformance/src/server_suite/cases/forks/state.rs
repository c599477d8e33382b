//! What a fork has of its own from the beginning: its state, its producers, its sequence (§4.2).

use super::{BASE, FORK, source};
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const DELETE: &[Capability] = &[Capability::Write, Capability::Fork, Capability::Delete];

pub(in crate::server_suite::cases) const CASES: &[Case] = &[
    must(
        "forks.type.is-inherited",
        &["4.2-10"],
        "A fork without a content type has that of its source, and says so",
        check!(inherited_type),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.type.may-be-named",
        &["4.2-09"],
        "A fork may name the content type of its source",
        check!(named_type),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.closed.source-has-open-forks",
        &["4.2-30"],
        "A fork of a closed stream is open",
        check!(of_a_closed_source),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.closed.does-not-close-others",
        &["4.2-01"],
        "Closing a fork does not close its source, nor the other way round",
        check!(closing),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.closed.from-the-beginning",
        &["4.2-41"],
        "A PUT with Stream-Closed makes a closed fork, with and without a body",
        check!(created_closed),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.deleted.leaves-the-source",
        &["4.2-01"],
        "Deleting a fork leaves its source and other forks",
        check!(deleting),
    )
    .needs(DELETE)
    .after(BASE),
    must(
        "forks.producers.are-not-inherited",
        &["4.2-31"],
        "A producer that wrote to the source is unknown to a fork",
        check!(producers),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.producers.of-the-source-stay",
        &["4.2-33"],
        "A producer goes on writing to the source where it was, whatever it writes to a fork",
        check!(producers_of_the_source),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.seq.is-not-inherited",
        &["4.2-32"],
        "A Stream-Seq that the source has seen is none of the fork",
        check!(seq),
    )
    .needs(FORK)
    .after(BASE),
];

async fn inherited_type(t: Target) -> Verdict {
    for content_type in ["text/html", "application/json", "application/x-example"] {
        let source = t.filled(content_type, &["[1]"]).await?;
        let fork = t.unmade();
        let created = fork.put().of(&source).send().await?;
        created.status(&[201])?.content_type(content_type)?;
        let head = fork.head().send().await?;
        head.status(&[200])?.content_type(content_type)?;
        let read = fork.read("-1").send().await?;
        read.status(&[200])?.content_type(content_type)?;
        let append = fork.append(content_type, "[2]").send().await?;
        append.status(&[200, 204])?;
    }
    Ok(())
}

async fn named_type(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain");
    let created = create.send().await?;
    created.status(&[201])?.content_type("text/plain")?;
    fork.holds("one two three").await?;
    Ok(())
}

async fn of_a_closed_source(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    source.close().prepare().await?;
    for (offset, content) in [(&offsets[3], "one two three"), (&offsets[1], "one ")] {
        let fork = t.unmade();
        let create = fork.fork_of(&source, "text/plain").from(offset);
        let created = create.send().await?;
        created.status(&[201])?.does_not_say("Stream-Closed")?;
        let head = fork.head().send().await?;
        head.status(&[200])?.does_not_say("Stream-Closed")?;
        fork.holds(content).await?.does_not_say("Stream-Closed")?;
        let append = fork.append("text/plain", "own").send().await?;
        append.status(&[200, 204])?.does_not_say("Stream-Closed")?;
        fork.holds(format!("{content}own")).await?;
    }
    Ok(())
}

async fn closing(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let closed = t.forked(&source).await?;
    let open = t.forked(&source).await?;
    let close = closed.close().send().await?;
    close.status(&[200, 204])?.says("Stream-Closed")?;
    for stream in [&source, &open] {
        let append = stream.append("text/plain", "!").send().await?;
        append.status(&[200, 204])?.does_not_say("Stream-Closed")?;
        stream
            .holds("one two three!")
            .await?
            .does_not_say("Stream-Closed")?;
    }
    closed.holds("one two three").await?.says("Stream-Closed")?;
    source.close().prepare().await?;
    let append = open.append("text/plain", "?").send().await?;
    append.status(&[200, 204])?.does_not_say("Stream-Closed")?;
    open.holds("one two three!?")
        .await?
        .does_not_say("Stream-Closed")?;
    Ok(())
}

async fn created_closed(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    for body in ["", "own"] {
        let fork = t.unmade();
        let create = fork.fork_of(&source, "text/plain");
        let create = create.from(&offsets[1]).closing().body(body);
        let created = create.clone().send().await?;
        created.status(&[201])?.says("Stream-Closed")?;
        let read = fork.holds(format!("one {body}")).await?;
        read.says("Stream-Closed")?;
        fork.append("text/plain", "more")
            .send()
            .await?
            .refused(409)?;
        let again = create.send().await?;
        again.status(&[200])?.says("Stream-Closed")?;
    }
    let head = source.head().send().await?;
    head.status(&[200])?.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn deleting(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let goes = t.forked(&source).await?;
    let stays = t.forked(&source).await?;
    goes.delete().send().await?.refused(204)?;
    goes.head().send().await?.status(&[404])?;
    for stream in [&source, &stays] {
        let append = stream.append("text/plain", "!").send().await?;
        append.status(&[200, 204])?;
        stream.holds("one two three!").await?;
    }
    Ok(())
}

async fn producers(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    let append = |seq| source.append("text/plain", "s").producer("p", 3, seq);
    append(0).prepare().await?;
    append(1).prepare().await?;
    let lower = t.forked(&source).await?;
    let same = t.forked(&source).await?;
    // Known, it would be fenced in the one, and a repetition in the other.
    for (fork, epoch) in [(&lower, 0), (&same, 3)] {
        for seq in [0, 1] {
            let append = fork.append("text/plain", "f").producer("p", epoch, seq);
            append.send().await?.status(&[200])?;
        }
        fork.holds("ssff").await?;
    }
    source.holds("ss").await?;
    Ok(())
}

async fn producers_of_the_source(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    let append = |seq| source.append("text/plain", "s").producer("p", 3, seq);
    append(0).prepare().await?;
    append(1).prepare().await?;
    let fork = t.forked(&source).await?;
    for seq in 0..4 {
        let append = fork.append("text/plain", "f").producer("p", 4, seq);
        append.prepare().await?;
    }
    append(1).send().await?.status(&[204])?;
    append(2).send().await?.status(&[200])?;
    source.holds("sss").await?;
    fork.holds("ssffff").await?;
    Ok(())
}

async fn seq(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    let append = source.append("text/plain", "s").header("Stream-Seq", "m");
    append.prepare().await?;
    let fork = t.forked(&source).await?;
    for seq in ["a", "m"] {
        let append = fork.append("text/plain", "f").header("Stream-Seq", seq);
        append.send().await?.status(&[200, 204])?;
    }
    // And the source has not lost its own.
    let append = source.append("text/plain", "s").header("Stream-Seq", "b");
    append.send().await?.refused(409)?;
    source.holds("s").await?;
    fork.holds("sff").await?;
    Ok(())
}

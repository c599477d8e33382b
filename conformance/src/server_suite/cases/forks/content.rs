//! What a fork holds: the content of its source up to a point, and then its own (§4.2).

use serde_json::json;

use super::{BASE, FORK, source};
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

pub(in crate::server_suite::cases) const CASES: &[Case] = &[
    must(
        BASE,
        &["4.2-02", "4.2-03"],
        "A fork without an offset begins with all that its source holds, and appends go behind that",
        check!(whole),
    )
    .needs(FORK),
    must(
        "forks.content.ends-before-the-offset",
        &["4.2-04"],
        "A fork has what its source holds up to the fork offset, and nothing from there on",
        check!(up_to_offset),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.content.of-json-is-one-array",
        &["4.2-02", "4.2-04", "9-10"],
        "Messages of a fork and those that it inherits are read as JSON like those of any stream",
        check!(messages),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.content.is-read-from-every-offset",
        &["4.2-02", "8-25"],
        "The offsets of the source up to the fork offset are offsets of the fork, and its own are greater",
        check!(offsets),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.content.does-not-change-with-the-source",
        &["4.2-01"],
        "What the source is given after the fork was made is not in the fork",
        check!(source_goes_on),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.content.does-not-change-the-source",
        &["4.2-01"],
        "What a fork is given is neither in its source nor in other forks",
        check!(fork_goes_on),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.content.of-a-fork",
        &["4.2-02"],
        "A fork of a fork has what both its ancestors hold, up to each fork offset",
        check!(fork_of_a_fork),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.sub-offset.counts-messages",
        &["4.2-05", "8-26"],
        "In a JSON stream Stream-Fork-Sub-Offset counts messages, as they are after an array was taken apart",
        check!(counts_messages),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.sub-offset.counts-bytes",
        &["4.2-06", "8-26"],
        "In other streams Stream-Fork-Sub-Offset counts bytes, also within a character",
        check!(counts_bytes),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.sub-offset.zero-is-none",
        &["4.2-07"],
        "A Stream-Fork-Sub-Offset of 0 is as good as none",
        check!(zero),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.body.goes-behind-what-is-inherited",
        &["4.2-40"],
        "The body of a PUT that forks is the first content of the fork's own",
        check!(body),
    )
    .needs(FORK)
    .after(BASE),
];

async fn whole(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let created = fork.fork_of(&source, "text/plain").send().await?;
    // A server that has no forks may say so.
    if matches!(created.status, 405 | 501) {
        created.refused(201)?;
    }
    created
        .status(&[201])?
        .has("Stream-Next-Offset", &offsets[3])?;
    fork.holds("one two three").await?;
    for body in ["!", "?"] {
        let append = fork.append("text/plain", body).send().await?;
        append.status(&[200, 204])?;
    }
    fork.holds("one two three!?").await?;
    Ok(())
}

async fn up_to_offset(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    for (offset, content) in offsets
        .iter()
        .zip(["", "one ", "one two ", "one two three"])
    {
        let fork = t.unmade();
        let create = fork.fork_of(&source, "text/plain").from(offset);
        let created = create.send().await?;
        created.status(&[201])?.has("Stream-Next-Offset", offset)?;
        fork.holds(content).await?;
        let append = fork.append("text/plain", "own").send().await?;
        append.status(&[200, 204])?;
        fork.holds(format!("{content}own")).await?;
    }
    source.holds("one two three").await?;
    Ok(())
}

async fn messages(t: Target) -> Verdict {
    let source = t.stream("application/json").await?;
    let first = source.append("application/json", r#"[1,{"a":[2]}]"#);
    let first = first.prepare().await?;
    source.append("application/json", "3").prepare().await?;
    let part = t.unmade();
    let create = part.fork_of(&source, "application/json");
    let create = create.from(first.next_offset()?);
    create.send().await?.status(&[201])?;
    let all = t.unmade();
    let create = all.fork_of(&source, "application/json");
    create.send().await?.status(&[201])?;
    part.holds_messages(&json!([1, {"a": [2]}])).await?;
    all.holds_messages(&json!([1, {"a": [2]}, 3])).await?;
    let empty = part.read(first.next_offset()?).send().await?;
    empty.status(&[200])?.messages(&json!([]))?;
    for fork in [&part, &all] {
        let append = fork.append("application/json", "[4,[5]]").send().await?;
        append.status(&[200, 204])?;
    }
    part.holds_messages(&json!([1, {"a": [2]}, 4, [5]])).await?;
    all.holds_messages(&json!([1, {"a": [2]}, 3, 4, [5]]))
        .await?;
    Ok(())
}

async fn offsets(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain");
    let create = create.from(&offsets[2]);
    create.send().await?.status(&[201])?;
    let mut tail = offsets[2].clone();
    for body in ["own", "ed"] {
        let append = fork.append("text/plain", body).send().await?;
        append.status(&[200, 204])?;
        let next = append.next_offset()?;
        if next <= tail.as_str() {
            let expected = format!("Stream-Next-Offset after {tail}, byte by byte");
            return append.fail(expected, format!("Stream-Next-Offset: {next}"));
        }
        next.clone_into(&mut tail);
    }
    for (offset, content) in offsets.iter().zip(["one two owned", "two owned", "owned"]) {
        fork.read_all(offset).await?.body(content)?;
    }
    fork.read_all(&tail).await?.body("")?;
    Ok(())
}

async fn source_goes_on(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let whole = t.forked(&source).await?;
    let part = t.unmade();
    let create = part.fork_of(&source, "text/plain");
    create.from(&offsets[1]).prepare().await?;
    source.append("text/plain", " four").prepare().await?;
    for (fork, content, tail) in [
        (&whole, "one two three", &offsets[3]),
        (&part, "one ", &offsets[1]),
    ] {
        fork.holds(content).await?;
        let head = fork.head().send().await?;
        head.status(&[200])?.has("Stream-Next-Offset", tail)?;
        let append = fork.append("text/plain", "own").send().await?;
        append.status(&[200, 204])?;
        fork.holds(format!("{content}own")).await?;
    }
    source.holds("one two three four").await?;
    Ok(())
}

async fn fork_goes_on(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let one = t.forked(&source).await?;
    let two = t.forked(&source).await?;
    one.append("text/plain", " of one").prepare().await?;
    two.append("text/plain", " of two").prepare().await?;
    let head = source.head().send().await?;
    head.has("Stream-Next-Offset", &offsets[3])?;
    source.holds("one two three").await?;
    one.holds("one two three of one").await?;
    two.holds("one two three of two").await?;
    Ok(())
}

async fn fork_of_a_fork(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let child = t.unmade();
    let create = child.fork_of(&source, "text/plain");
    create.from(&offsets[2]).prepare().await?;
    let first = child.append("text/plain", "child ").prepare().await?;
    child.append("text/plain", "more").prepare().await?;
    // One that leaves in the child's own content, and one that leaves in what the child inherited.
    for (offset, content) in [
        (first.next_offset()?, "one two child "),
        (&offsets[1], "one "),
    ] {
        let fork = t.unmade();
        let create = fork.fork_of(&child, "text/plain").from(offset);
        create.send().await?.status(&[201])?;
        fork.append("text/plain", "own").prepare().await?;
        fork.holds(format!("{content}own")).await?;
    }
    child.holds("one two child more").await?;
    Ok(())
}

async fn counts_messages(t: Target) -> Verdict {
    let source = t.stream("application/json").await?;
    let begin = source.tail().await?;
    let first = source.append("application/json", r#"[1,[2,3],"4"]"#);
    let first = first.prepare().await?;
    source.append("application/json", "[5,6]").prepare().await?;
    let middle = first.next_offset()?;
    // Whether the count may go beyond the append in which it begins is not said (§4.2: to the next boundary).
    for (offset, count, expected) in [
        (begin.as_str(), 1, json!([1])),
        (&begin, 2, json!([1, [2, 3]])),
        (middle, 1, json!([1, [2, 3], "4", 5])),
    ] {
        let fork = t.unmade();
        let create = fork.fork_of(&source, "application/json");
        let create = create.from(offset).behind(count);
        let created = create.send().await?;
        created.status(&[201])?.lacks("Stream-Fork-Sub-Offset")?;
        fork.holds_messages(&expected).await?;
        let rest = fork.read(created.next_offset()?).send().await?;
        rest.status(&[200])?.messages(&json!([]))?;
        let append = fork.append("application/json", "\"own\"").send().await?;
        append.status(&[200, 204])?;
        let mut expected = expected;
        if let Some(messages) = expected.as_array_mut() {
            messages.push(json!("own"));
        }
        fork.holds_messages(&expected).await?;
    }
    Ok(())
}

async fn counts_bytes(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    let begin = source.tail().await?;
    let first = source.append("text/plain", "aéb").prepare().await?;
    source.append("text/plain", "cd").prepare().await?;
    let middle = first.next_offset()?;
    for (offset, count, expected) in [
        (begin.as_str(), 1, "a".as_bytes()),
        (&begin, 2, &b"a\xc3"[..]),
        (&begin, 3, "aé".as_bytes()),
        (middle, 1, "aébc".as_bytes()),
    ] {
        let fork = t.unmade();
        let create = fork.fork_of(&source, "text/plain");
        let create = create.from(offset).behind(count);
        let created = create.send().await?;
        created.status(&[201])?.lacks("Stream-Fork-Sub-Offset")?;
        fork.holds(expected).await?;
        let rest = fork.read(created.next_offset()?).send().await?;
        rest.status(&[200])?.body("")?;
        let append = fork.append("text/plain", "own").send().await?;
        append.status(&[200, 204])?;
        fork.holds([expected, b"own"].concat()).await?;
    }
    Ok(())
}

async fn zero(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = || {
        let create = fork.fork_of(&source, "text/plain");
        create.from(&offsets[1])
    };
    let created = create().behind(0).send().await?;
    created
        .status(&[201])?
        .has("Stream-Next-Offset", &offsets[1])?;
    fork.holds("one ").await?;
    // The same fork, said in other words.
    create().send().await?.status(&[200])?;
    let tail = t.unmade();
    let create = tail.fork_of(&source, "text/plain").behind(0);
    create.send().await?.status(&[201])?;
    tail.holds("one two three").await?;
    Ok(())
}

async fn body(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain");
    let create = create.from(&offsets[1]).body("own");
    let created = create.send().await?;
    created.status(&[201])?;
    fork.holds("one own").await?;
    let rest = fork.read(created.next_offset()?).send().await?;
    rest.status(&[200])?.body("")?;
    fork.read_all(&offsets[1]).await?.body("own")?;
    source.holds("one two three").await?;
    let json = t.filled("application/json", &["[1]"]).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&json, "application/json");
    create.body("[2,[3]]").send().await?.status(&[201])?;
    fork.holds_messages(&json!([1, 2, [3]])).await?;
    Ok(())
}

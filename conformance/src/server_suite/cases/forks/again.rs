//! Forks that are made twice (§4.2).

use super::{BASE, FORK, source};
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::cases::expiry::at;
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const EXPIRY: &[Capability] = &[Capability::Write, Capability::Fork, Capability::Expiry];

pub(in crate::server_suite::cases) const CASES: &[Case] = &[
    must(
        "forks.again.answers-200",
        &["4.2-27"],
        "A PUT that repeats the one that made a fork answers 200, and changes nothing",
        check!(again),
    )
    .needs(FORK)
    .after(BASE),
    must(
        "forks.again.without-a-type-answers-200",
        &["4.2-10", "4.2-27"],
        "A PUT that repeats one that made a fork without a content type answers 200",
        check!(without_a_type),
    )
    .needs(FORK)
    .after("forks.again.answers-200"),
    must(
        "forks.again.with-an-inherited-expiry-answers-200",
        &["4.2-14", "4.2-17", "4.2-27"],
        "A PUT that repeats one that made a fork with the expiry of its source answers 200",
        check!(inherited_expiry),
    )
    .needs(EXPIRY)
    .after("forks.again.answers-200"),
    must(
        "forks.again.appends-nothing",
        &["4.2-27", "5.1-28"],
        "The body of a repeated PUT that forks is not appended",
        check!(with_a_body),
    )
    .needs(FORK)
    .after("forks.again.answers-200"),
    must(
        "forks.again.at-another-offset-is-refused",
        &["4.2-28"],
        "A PUT of a fork with another fork offset answers 409",
        check!(other_offset),
    )
    .needs(FORK)
    .after("forks.again.answers-200"),
    must(
        "forks.again.at-another-sub-offset-is-refused",
        &["4.2-25", "4.2-28"],
        "A PUT of a fork with another sub-offset answers 409",
        check!(other_sub_offset),
    )
    .needs(FORK)
    .after("forks.again.answers-200"),
    must(
        "forks.again.of-another-source-is-refused",
        &["4.2-29"],
        "A PUT of a fork with another source answers 409",
        check!(other_source),
    )
    .needs(FORK)
    .after("forks.again.answers-200"),
    must(
        "forks.again.with-another-type-is-refused",
        &["4.2-09", "4.2-25"],
        "A PUT of a fork with another content type than it has answers 409",
        check!(other_type),
    )
    .needs(FORK)
    .after("forks.again.answers-200"),
];

async fn again(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    // Without an offset, the tail of the source is still where it was.
    for offset in [Some(&offsets[1]), None] {
        let fork = t.unmade();
        let create = fork.fork_of(&source, "text/plain");
        let create = match offset {
            Some(offset) => create.from(offset),
            None => create,
        };
        create.clone().prepare().await?;
        let content = offset.map_or("one two three", |_| "one ");
        let repeated = create.clone().send().await?;
        repeated.status(&[200])?.content_type("text/plain")?;
        repeated.has("Stream-Next-Offset", offset.unwrap_or(&offsets[3]))?;
        let append = fork.append("text/plain", "own").prepare().await?;
        let repeated = create.send().await?;
        repeated.status(&[200])?;
        repeated.has("Stream-Next-Offset", append.next_offset()?)?;
        fork.holds(format!("{content}own")).await?;
    }
    // Nor does it matter that the source goes on, when the offset is named.
    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain");
    let create = create.from(&offsets[2]);
    create.clone().prepare().await?;
    source.append("text/plain", " four").prepare().await?;
    create.send().await?.status(&[200])?;
    fork.holds("one two ").await?;
    Ok(())
}

async fn without_a_type(t: Target) -> Verdict {
    let (source, _) = source(&t).await?;
    let fork = t.unmade();
    let create = fork.put().of(&source);
    create.clone().prepare().await?;
    let repeated = create.send().await?;
    repeated.status(&[200])?.content_type("text/plain")?;
    fork.holds("one two three").await?;
    Ok(())
}

async fn inherited_expiry(t: Target) -> Verdict {
    for (name, value) in [("Stream-TTL", "3600"), ("Stream-Expires-At", &at(3600))] {
        let source = t.unmade();
        let create = source.put().content_type("text/plain");
        create.header(name, value).prepare().await?;
        let fork = t.unmade();
        let create = fork.fork_of(&source, "text/plain");
        create.clone().prepare().await?;
        create.send().await?.status(&[200])?;
    }
    Ok(())
}

async fn with_a_body(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain");
    let create = create.from(&offsets[1]).body("own");
    create.clone().prepare().await?;
    create.send().await?.status(&[200])?;
    fork.holds("one own").await?;
    Ok(())
}

async fn other_offset(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = || fork.fork_of(&source, "text/plain");
    create().from(&offsets[2]).prepare().await?;
    for offset in [&offsets[0], &offsets[1], &offsets[3]] {
        create().from(offset).send().await?.refused(409)?;
    }
    fork.holds("one two ").await?;
    Ok(())
}

async fn other_sub_offset(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = || {
        let create = fork.fork_of(&source, "text/plain");
        create.from(&offsets[1])
    };
    create().behind(2).prepare().await?;
    for count in [0, 1, 3] {
        create().behind(count).send().await?.refused(409)?;
    }
    create().send().await?.refused(409)?;
    create().behind(2).send().await?.status(&[200])?;
    fork.holds("one tw").await?;
    Ok(())
}

async fn other_source(t: Target) -> Verdict {
    let (one, offsets) = source(&t).await?;
    let (other, others) = source(&t).await?;
    let fork = t.unmade();
    let create = fork.fork_of(&one, "text/plain");
    create.from(&offsets[2]).prepare().await?;
    let create = || fork.fork_of(&other, "text/plain");
    create().from(&others[2]).send().await?.refused(409)?;
    create().send().await?.refused(409)?;
    // The fork itself is a source as well, and not its own.
    let create = fork.fork_of(&fork, "text/plain");
    let create = create.from(&offsets[2]);
    create.send().await?.refused(409)?;
    fork.holds("one two ").await?;
    Ok(())
}

async fn other_type(t: Target) -> Verdict {
    let (source, offsets) = source(&t).await?;
    let fork = t.unmade();
    let create = |content_type| {
        let create = fork.fork_of(&source, content_type);
        create.from(&offsets[1])
    };
    create("text/plain").prepare().await?;
    create("text/plain").send().await?.status(&[200])?;
    create("application/json").send().await?.refused(409)?;
    let head = fork.head().send().await?;
    head.status(&[200])?.content_type("text/plain")?;
    Ok(())
}

//! When forks expire: as they ask, and otherwise as their source does (§4.2, the table).

use std::time::Duration;

use super::{BASE, source};
use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::cases::expiry::{at, has_ttl, same_moment, soon, too_slow};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Target};

const EXPIRY: &[Capability] = &[Capability::Write, Capability::Fork, Capability::Expiry];

pub(in crate::server_suite::cases) const CASES: &[Case] = &[
    must(
        "forks.expiry.of-a-stream-without-end",
        &["4.2-11", "4.2-12", "4.2-13"],
        "A fork of a stream that does not expire has the expiry that it asks for, or none",
        check!(of_none),
    )
    .needs(EXPIRY)
    .after(BASE),
    must(
        "forks.expiry.of-a-stream-with-a-ttl",
        &["4.2-14", "4.2-15", "4.2-16"],
        "A fork of a stream with a TTL has the expiry that it asks for, or that TTL",
        check!(of_ttl),
    )
    .needs(EXPIRY)
    .after(BASE),
    must(
        "forks.expiry.of-a-stream-with-a-moment",
        &["4.2-17", "4.2-18", "4.2-19"],
        "A fork of a stream that expires at a moment has the expiry that it asks for, or that moment",
        check!(of_moment),
    )
    .needs(EXPIRY)
    .after(BASE),
    must(
        "forks.expiry.ends-the-fork",
        &["4.2-01", "4.2-12", "4.2-14"],
        "A fork with a TTL of its own, or with an inherited one, ends when nobody touches it, and its source does not",
        check!(ends),
    )
    .needs(EXPIRY)
    .after(BASE)
    .slow(),
    must(
        "forks.expiry.outlives-the-source",
        &["4.2-15", "4.2-16", "4.2-18", "4.2-19"],
        "A fork that lives longer than its source keeps all its content when that has expired",
        check!(outlives),
    )
    .needs(EXPIRY)
    .after(BASE)
    .slow(),
];

/// When a stream expires, as it is asked for.
#[derive(Clone)]
enum End {
    Never,
    Ttl(u64),
    At(String),
}

impl End {
    fn ask(&self, ask: Ask) -> Ask {
        match self {
            Self::Never => ask,
            Self::Ttl(ttl) => ask.header("Stream-TTL", &ttl.to_string()),
            Self::At(moment) => ask.header("Stream-Expires-At", moment),
        }
    }

    fn is(&self, head: &Answer) -> Verdict {
        head.status(&[200])?;
        match self {
            Self::Never => {
                head.lacks("Stream-TTL")?.lacks("Stream-Expires-At")?;
                Ok(())
            }
            Self::Ttl(ttl) => has_ttl(head, *ttl),
            Self::At(moment) => same_moment(head.lacks("Stream-TTL")?, moment),
        }
    }
}

/// Forks of a source with this end have the end that they ask for, or else that of the source, which keeps its own.
async fn table(t: &Target, of: End, asked: &[End]) -> Verdict {
    let source = t.unmade();
    let create = source.put().content_type("text/plain").body("one");
    of.ask(create).prepare().await?;
    for end in asked {
        let fork = t.unmade();
        let create = end.ask(fork.fork_of(&source, "text/plain"));
        create.send().await?.status(&[201])?;
        let expected = if matches!(end, End::Never) { &of } else { end };
        expected.is(&fork.head().send().await?)?;
        of.is(&source.head().send().await?)?;
    }
    Ok(())
}

async fn of_none(t: Target) -> Verdict {
    let asked = [End::Never, End::Ttl(600), End::At(at(3600))];
    table(&t, End::Never, &asked).await
}

async fn of_ttl(t: Target) -> Verdict {
    let asked = [End::Never, End::Ttl(600), End::Ttl(7200), End::At(at(7200))];
    table(&t, End::Ttl(3600), &asked).await
}

async fn of_moment(t: Target) -> Verdict {
    let asked = [
        End::Never,
        End::Ttl(7200),
        End::At(at(1800)),
        End::At(at(7200)),
    ];
    table(&t, End::At(at(3600)), &asked).await
}

/// A fork of a stream that has not long to live. When it is gone already, nothing can be said.
async fn fork_in_time(create: Ask) -> Verdict {
    let created = create.send().await?;
    if created.status == 404 {
        return Err(too_slow());
    }
    created.status(&[201])?;
    Ok(())
}

async fn ends(t: Target) -> Verdict {
    let (endless, _) = source(&t).await?;
    let own = t.unmade();
    let create = own.fork_of(&endless, "text/plain");
    create.header("Stream-TTL", "1").prepare().await?;
    let mortal = t.unmade();
    let create = mortal.put().content_type("text/plain").body("one");
    create.header("Stream-TTL", "2").prepare().await?;
    let heir = t.unmade();
    fork_in_time(heir.fork_of(&mortal, "text/plain")).await?;
    t.sleep(Duration::from_secs(4)).await;
    for fork in [own, heir] {
        fork.read("-1").send().await?.status(&[404])?;
    }
    endless.holds("one two three").await?;
    Ok(())
}

async fn outlives(t: Target) -> Verdict {
    let moment = soon(&t, 4).await?;
    let mut sources = Vec::new();
    let mut forks = Vec::new();
    for end in [End::Ttl(2), End::At(moment)] {
        let source = t.unmade();
        let create = source.put().content_type("text/plain").body("one ");
        end.ask(create).prepare().await?;
        for end in [End::Ttl(3600), End::At(at(3600))] {
            let fork = t.unmade();
            let create = fork.fork_of(&source, "text/plain");
            fork_in_time(end.ask(create).body("own")).await?;
            forks.push(fork);
        }
        sources.push(source);
    }
    t.sleep(Duration::from_secs(5)).await;
    for source in sources {
        // Its forks may keep it as a deleted one.
        source.read("-1").send().await?.status(&[404, 410])?;
    }
    for fork in forks {
        fork.holds("one own").await?;
        let append = fork.append("text/plain", " more").send().await?;
        append.status(&[200, 204])?;
        fork.holds("one own more").await?;
    }
    Ok(())
}

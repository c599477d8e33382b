//! HEAD: what there is to know about a stream without reading it (§5.5).

use std::time::Duration;

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

use super::expiry::{at, has_ttl, same_moment};

const WRITE: &[Capability] = &[Capability::Write];
const EXPIRY: &[Capability] = &[Capability::Write, Capability::Expiry];

pub(super) const CASES: &[Case] = &[
    must(
        "head.open.answers-200",
        &["5.5-01"],
        "A HEAD of a stream answers 200 with its content type, and without a body",
        check!(open),
    )
    .needs(WRITE),
    must(
        "head.tail.follows-the-appends",
        &["5.5-02"],
        "A HEAD names the tail: the offset that the last append answered, behind which nothing is",
        check!(tail),
    )
    .needs(WRITE)
    .after("head.open.answers-200"),
    must(
        "head.closed.says-so",
        &["5.5-05"],
        "A HEAD says Stream-Closed when the stream is closed, and only then",
        check!(closed),
    )
    .needs(WRITE)
    .after("head.open.answers-200"),
    should(
        "head.caching.is-not-wanted",
        &["5.5-06"],
        "The answer of a HEAD is not to be stored by caches",
        check!(caching),
    )
    .needs(WRITE)
    .after("head.open.answers-200"),
    must(
        "head.missing.answers-404",
        &["5.5-07"],
        "A HEAD of what is not there answers 404, and creates nothing",
        check!(missing),
    ),
    must(
        "head.plain.has-no-expiry",
        &["5.5-03", "5.5-04"],
        "A HEAD of a stream that does not expire has neither Stream-TTL nor Stream-Expires-At",
        check!(no_expiry),
    )
    .needs(WRITE)
    .after("head.open.answers-200"),
    must(
        "head.ttl.is-the-window",
        &["5.5-03"],
        "A HEAD has the Stream-TTL that the stream was created with",
        check!(ttl),
    )
    .needs(EXPIRY)
    .after("head.open.answers-200"),
    must(
        "head.ttl.is-not-the-time-left",
        &["5.5-03"],
        "The Stream-TTL of a HEAD stays what it is while time passes",
        check!(ttl_later),
    )
    .needs(EXPIRY)
    .after("head.ttl.is-the-window")
    .slow(),
    must(
        "head.expires-at.is-the-moment",
        &["5.5-04"],
        "A HEAD has the moment of Stream-Expires-At that the stream was created with",
        check!(expires_at),
    )
    .needs(EXPIRY)
    .after("head.open.answers-200"),
];

async fn open(t: Target) -> Verdict {
    for content_type in ["text/plain", "application/json"] {
        let stream = t.filled(content_type, &["[1]"]).await?;
        let head = stream.head().send().await?;
        head.status(&[200])?.content_type(content_type)?.body("")?;
    }
    Ok(())
}

async fn tail(t: Target) -> Verdict {
    let stream = t.unmade();
    let created = stream.put().content_type("text/plain").prepare().await?;
    let mut tail = created.next_offset()?.to_owned();
    for body in ["", "one", "two"] {
        if !body.is_empty() {
            let append = stream.append("text/plain", body).prepare().await?;
            tail = append.next_offset()?.to_owned();
        }
        let head = stream.head().send().await?;
        head.status(&[200])?.has("Stream-Next-Offset", &tail)?;
        let rest = stream.read(&tail).send().await?;
        rest.status(&[200])?.body("")?;
    }
    let closed = stream.close().prepare().await?;
    let head = stream.head().send().await?;
    head.has("Stream-Next-Offset", closed.next_offset()?)?;
    Ok(())
}

async fn closed(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one"]).await?;
    let head = stream.head().send().await?;
    head.status(&[200])?.lacks("Stream-Closed")?;
    stream.close().prepare().await?;
    for _ in 0..2 {
        let head = stream.head().send().await?;
        head.status(&[200])?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn caching(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let head = stream.head().send().await?;
    head.status(&[200])?;
    let value = head.needs("Cache-Control")?;
    let mut directives = value.split(',').map(str::trim);
    if directives.any(|directive| directive.eq_ignore_ascii_case("no-store")) {
        return Ok(());
    }
    head.fail(
        "no-store in Cache-Control",
        format!("Cache-Control: {value}"),
    )
}

async fn missing(t: Target) -> Verdict {
    let stream = t.unmade();
    for _ in 0..2 {
        stream.head().send().await?.status(&[404])?;
    }
    stream.read("-1").send().await?.status(&[404])?;
    Ok(())
}

async fn no_expiry(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let head = stream.head().send().await?;
    head.status(&[200])?
        .lacks("Stream-TTL")?
        .lacks("Stream-Expires-At")?;
    Ok(())
}

async fn ttl(t: Target) -> Verdict {
    for ttl in [60, 3600, 86400] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain");
        create
            .header("Stream-TTL", &ttl.to_string())
            .prepare()
            .await?;
        let head = stream.head().send().await?;
        has_ttl(head.status(&[200])?, ttl)?;
    }
    Ok(())
}

async fn ttl_later(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    create.header("Stream-TTL", "600").prepare().await?;
    // Long enough for what counts down in whole seconds, whichever way it rounds.
    t.sleep(Duration::from_millis(2100)).await;
    let head = stream.head().send().await?;
    head.status(&[200])?.has("Stream-TTL", "600")?;
    Ok(())
}

async fn expires_at(t: Target) -> Verdict {
    let wanted = at(3600);
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    create
        .header("Stream-Expires-At", &wanted)
        .prepare()
        .await?;
    let head = stream.head().send().await?;
    head.status(&[200])?.lacks("Stream-TTL")?;
    same_moment(&head, &wanted)
}

//! POST to a closed stream: what is refused, and what is said then (§5.2).

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "append.closed.names-the-final-offset",
        &["5.2-15"],
        "An append to a closed stream answers 409 with Stream-Closed and the final offset, and stores nothing",
        check!(append),
    )
    .needs(WRITE),
    must(
        "append.closed.refuses-to-append-and-close",
        &["5.2-14", "5.2-15"],
        "An append that closes is refused by a closed stream as any other: 409 with Stream-Closed and the final offset",
        check!(append_and_close),
    )
    .needs(WRITE)
    .after("append.closed.names-the-final-offset"),
    must(
        "append.closed.refuses-producers-alike",
        &["5.2-16"],
        "An append of a producer to a closed stream answers 409 with Stream-Closed and the final offset",
        check!(producers),
    )
    .needs(WRITE)
    .after("append.closed.names-the-final-offset"),
    should(
        "append.closed.says-it-in-a-standard-format",
        &["5.2-17"],
        "The 409 of a closed stream has no body, or one in a standard format for errors",
        check!(format),
    )
    .needs(WRITE)
    .after("append.closed.names-the-final-offset"),
    should(
        "append.closed.comes-before-the-type",
        &["5.2-18"],
        "An append of another type to a closed stream is refused because the stream is closed",
        check!(before_type),
    )
    .needs(WRITE)
    .after("append.closed.names-the-final-offset"),
    should(
        "append.closed.comes-before-the-sequence",
        &["5.2-19"],
        "An append to a closed stream whose Stream-Seq does not rise is refused because the stream is closed",
        check!(before_sequence),
    )
    .needs(WRITE)
    .after("append.closed.names-the-final-offset"),
    should(
        "append.closed.comes-before-the-content",
        &["5.2-20"],
        "An append to a closed stream of JSON that is no JSON is refused because the stream is closed",
        check!(before_content),
    )
    .needs(WRITE)
    .after("append.closed.names-the-final-offset"),
];

/// A closed stream with one message, and its final offset.
async fn closed(t: &Target, content_type: &str, body: &'static str) -> Verdict<(Stream, String)> {
    let stream = t.filled(content_type, &[body]).await?;
    let tail = stream.tail().await?;
    stream.close().prepare().await?;
    Ok((stream, tail))
}

async fn append(t: Target) -> Verdict {
    let (stream, tail) = closed(&t, "text/plain", "all").await?;
    let append = stream.append("text/plain", "more");
    append.clone().send().await?.refused_at_end(&tail)?;
    append.send().await?.refused_at_end(&tail)?;
    let read = stream.holds("all").await?;
    read.has("Stream-Next-Offset", &tail)?;
    Ok(())
}

async fn append_and_close(t: Target) -> Verdict {
    let (stream, tail) = closed(&t, "text/plain", "all").await?;
    for body in ["more", "all"] {
        let append = stream.append("text/plain", body).closing();
        append.send().await?.refused_at_end(&tail)?;
    }
    // Nor where an append closed it.
    let by_append = t.unmade();
    by_append.put().content_type("text/plain").prepare().await?;
    let append = by_append.append("text/plain", "all").closing();
    append.clone().prepare().await?;
    let tail = by_append.tail().await?;
    append.send().await?.refused_at_end(&tail)?;
    stream.holds("all").await?;
    by_append.holds("all").await?;
    Ok(())
}

async fn producers(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = |id, seq| {
        let append = stream.append("text/plain", "<>");
        append.producer(id, 0, seq)
    };
    append("known", 0).prepare().await?;
    let tail = stream.tail().await?;
    stream.close().prepare().await?;
    for ask in [append("known", 1), append("new", 0)] {
        ask.clone().send().await?.refused_at_end(&tail)?;
        ask.closing().send().await?.refused_at_end(&tail)?;
    }
    stream.holds("<>").await?;
    Ok(())
}

async fn format(t: Target) -> Verdict {
    let (stream, _) = closed(&t, "text/plain", "all").await?;
    let answer = stream.append("text/plain", "more").send().await?;
    answer.refused(409)?;
    if answer.body.is_empty() {
        return Ok(());
    }
    // Which formats are standard is not said: plain text, JSON and XML, also as problem details (RFC 9457), pass.
    let content_type = answer.needs("Content-Type")?.to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "text/plain" | "application/xml" | "text/xml" | "application/problem+xml" => Ok(()),
        "application/json" | "application/problem+json" => answer.json().map(drop),
        _ => answer.fail(
            "no body, or one of plain text, JSON, XML or problem details",
            format!("Content-Type: {essence}"),
        ),
    }
}

async fn before_type(t: Target) -> Verdict {
    let (stream, tail) = closed(&t, "text/plain", "all").await?;
    let append = stream.append("application/json", "[1]");
    append.clone().send().await?.refused_at_end(&tail)?;
    append.closing().send().await?.refused_at_end(&tail)?;
    Ok(())
}

async fn before_sequence(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = |seq| {
        let append = stream.append("text/plain", "<>");
        append.header("Stream-Seq", seq)
    };
    append("b").prepare().await?;
    let tail = stream.tail().await?;
    stream.close().prepare().await?;
    for seq in ["a", "b"] {
        append(seq).send().await?.refused_at_end(&tail)?;
    }
    Ok(())
}

async fn before_content(t: Target) -> Verdict {
    let (stream, tail) = closed(&t, "application/json", "1").await?;
    let append = stream.append("application/json", "{");
    append.clone().send().await?.refused_at_end(&tail)?;
    append.closing().send().await?.refused_at_end(&tail)?;
    Ok(())
}

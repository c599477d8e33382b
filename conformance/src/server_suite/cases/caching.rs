//! What caches are told: how long to keep an answer, and how to find out whether it is still right (§10.1).

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::target::{Ask, Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "caching.etag.is-there",
        &["10-02"],
        "A GET answers with an ETag that is one: of content, of JSON, of an empty stream, at the tail, and of a closed stream",
        check!(etag),
    )
    .needs(WRITE),
    should(
        "caching.control.lets-caches-keep-it",
        &["10-01"],
        "A GET of content has Cache-Control with public or private, max-age=60 and stale-while-revalidate=300",
        check!(cache_control),
    )
    .needs(WRITE),
    must(
        "caching.match.answers-304",
        &["10-04"],
        "A GET with the ETag of its answer in If-None-Match answers 304 without a body",
        check!(not_modified),
    )
    .needs(WRITE)
    .after("caching.etag.is-there"),
    must(
        "caching.match.repeats-the-etag",
        &["10-08"],
        "A 304 has the ETag that the 200 would have",
        check!(repeated),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.match.in-a-list",
        &["10-05"],
        "An ETag matches in a list as well, wherever in it",
        check!(list),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.match.as-a-weak-tag",
        &["10-05"],
        "An ETag matches as a weak tag as well",
        check!(weak),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.match.not-another-tag",
        &["10-04"],
        "A GET whose If-None-Match has other tags only answers 200 with the content",
        check!(other_tag),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.match.not-the-tag-of-another-range",
        &["10-04"],
        "A GET with the ETag of an answer from another offset answers 200 with the content",
        check!(other_range),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.change.an-append-is-seen",
        &["10-04"],
        "A GET with the ETag from before an append answers 200 with what was appended",
        check!(appended),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.change.the-closure-is-seen",
        &["10-06"],
        "A GET with the ETag from before the stream was closed answers 200 with Stream-Closed, although there is no new content",
        check!(closed),
    )
    .needs(WRITE)
    .after("caching.match.answers-304"),
    must(
        "caching.change.a-new-stream-is-seen",
        &["10-07"],
        "A GET with the ETag of a stream that was deleted answers 200 with the content of the new one at its URL",
        check!(created_again),
    )
    .needs(&[Capability::Write, Capability::Delete])
    .after("caching.match.answers-304"),
];

fn unless(ask: Ask, tag: &str) -> Ask {
    ask.header("If-None-Match", tag)
}

/// The ETag, which has the form of one (RFC 9110 §8.8.3).
fn tag(answer: &Answer) -> Verdict<&str> {
    let value = answer.needs("ETag")?;
    let opaque = value.strip_prefix("W/").unwrap_or(value);
    let inner = opaque.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    let is = |byte: u8| byte == b'!' || (b'#'..=b'~').contains(&byte);
    match inner {
        Some(inner) if inner.bytes().all(is) => Ok(value),
        _ => answer.fail("an entity tag in quotes", format!("ETag: {value}")),
    }
}

/// A stream with one append, and the answer that has it: of one byte, which no page is too small for.
async fn one_page(t: &Target) -> Verdict<(Stream, Answer)> {
    let stream = t.filled("text/plain", &["c"]).await?;
    let answer = stream.read("-1").send().await?;
    answer.status(&[200])?.body("c")?;
    Ok((stream, answer))
}

async fn etag(t: Target) -> Verdict {
    let empty = t.stream("text/plain").await?;
    let json = t.filled("application/json", &["[1]"]).await?;
    let full = t.filled("text/plain", &["c"]).await?;
    let tail = full.tail().await?;
    for read in [
        empty.read("-1"),
        json.read("-1"),
        full.get(),
        full.read("-1"),
        full.read(&tail),
    ] {
        tag(read.send().await?.status(&[200])?)?;
    }
    full.close().prepare().await?;
    for read in [full.read("-1"), full.read(&tail)] {
        tag(read.send().await?.status(&[200])?)?;
    }
    Ok(())
}

async fn cache_control(t: Target) -> Verdict {
    let (_, answer) = one_page(&t).await?;
    if answer.cache_directive("private").is_err() {
        answer.cache_directive("public")?;
    }
    answer.cache_directive("max-age=60")?;
    answer.cache_directive("stale-while-revalidate=300")?;
    Ok(())
}

async fn not_modified(t: Target) -> Verdict {
    let (stream, answer) = one_page(&t).await?;
    let at_the_tail = stream.tail().await?;
    let ask = || stream.read("-1");
    unless(ask(), tag(&answer)?)
        .send()
        .await?
        .status(&[304])?
        .body("")?;
    let ask = || stream.read(&at_the_tail);
    let answer = ask().prepare().await?;
    unless(ask(), tag(&answer)?)
        .send()
        .await?
        .status(&[304])?
        .body("")?;
    Ok(())
}

async fn repeated(t: Target) -> Verdict {
    let (stream, answer) = one_page(&t).await?;
    let tag = tag(&answer)?;
    let known = unless(stream.read("-1"), tag).send().await?;
    known.status(&[304])?.has("ETag", tag)?;
    Ok(())
}

async fn list(t: Target) -> Verdict {
    let (stream, answer) = one_page(&t).await?;
    let tag = tag(&answer)?;
    for list in [
        format!(r#"{tag}, "other""#),
        format!(r#""other", {tag}"#),
        format!(r#""one","two",{tag},W/"three""#),
    ] {
        let known = unless(stream.read("-1"), &list).send().await?;
        known.status(&[304])?;
    }
    Ok(())
}

async fn weak(t: Target) -> Verdict {
    let (stream, answer) = one_page(&t).await?;
    let tag = tag(&answer)?;
    // If-None-Match compares weakly (RFC 9110 §13.1.2), whatever the server's own tag is.
    let opaque = tag.strip_prefix("W/").unwrap_or(tag);
    for one in [format!("W/{opaque}"), opaque.to_owned()] {
        let known = unless(stream.read("-1"), &one).send().await?;
        known.status(&[304])?;
    }
    Ok(())
}

async fn other_tag(t: Target) -> Verdict {
    let (stream, answer) = one_page(&t).await?;
    let tag = tag(&answer)?;
    let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    for other in [
        r#""other""#.to_owned(),
        r#""other", W/"another""#.to_owned(),
        // What contains it, and what it contains.
        format!(r#""{opaque}x""#),
        format!(r#""x{opaque}""#),
        format!(r#""{}""#, opaque.get(1..).unwrap_or("other")),
    ] {
        let fresh = unless(stream.read("-1"), &other).send().await?;
        fresh.status(&[200])?.body("c")?;
    }
    Ok(())
}

async fn other_range(t: Target) -> Verdict {
    let (stream, answer) = one_page(&t).await?;
    let tail = answer.next_offset()?;
    let behind = stream.read(tail).prepare().await?;
    let fresh = unless(stream.read("-1"), tag(&behind)?).send().await?;
    fresh.status(&[200])?.body("c")?;
    let fresh = unless(stream.read(tail), tag(&answer)?).send().await?;
    fresh.status(&[200])?.body("")?;
    Ok(())
}

async fn appended(t: Target) -> Verdict {
    let (stream, first) = one_page(&t).await?;
    let tail = first.next_offset()?;
    let before = stream.read(tail).prepare().await?;
    stream.append("text/plain", "m").prepare().await?;
    let after = unless(stream.read(tail), tag(&before)?).send().await?;
    after.status(&[200])?.body("m")?;
    // From the beginning the page may still be the same one; but when it is not, that must be seen.
    let plain = stream.read("-1").prepare().await?;
    let asked = unless(stream.read("-1"), tag(&first)?).send().await?;
    if plain.body != first.body {
        asked.status(&[200])?.body(&plain.body)?;
    }
    Ok(())
}

async fn closed(t: Target) -> Verdict {
    let (stream, content) = one_page(&t).await?;
    let tail = content.next_offset()?;
    let nothing = stream.read(tail).prepare().await?;
    let empty = t.stream("text/plain").await?;
    let beginning = empty.read("-1").prepare().await?;
    stream.close().prepare().await?;
    empty.close().prepare().await?;
    for (read, before) in [
        (stream.read("-1"), &content),
        (stream.read(tail), &nothing),
        (empty.read("-1"), &beginning),
    ] {
        let after = unless(read, tag(before)?).send().await?;
        after.status(&[200])?.says("Stream-Closed")?;
        after.body(&before.body)?;
        if tag(&after)? == tag(before)? {
            return after.fail("another ETag than before it was closed", "the same");
        }
    }
    Ok(())
}

async fn created_again(t: Target) -> Verdict {
    let (stream, old) = one_page(&t).await?;
    stream.delete().prepare().await?;
    let create = stream.put().content_type("text/plain");
    // As long as the old content, but different.
    let again = create.body("C").send().await?;
    if again.status != 201 {
        // A URL should not be used again (§4).
        let why = format!(
            "the server answers {} where a stream was deleted",
            again.status
        );
        return Err(Stop::Skip(why));
    }
    let fresh = unless(stream.read("-1"), tag(&old)?).send().await?;
    fresh.status(&[200])?.body("C")?;
    Ok(())
}

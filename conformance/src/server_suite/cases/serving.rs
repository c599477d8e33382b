//! How requests are served, whatever they are about: what a server ignores, and how it protects itself and browsers (§11.1, §12).

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::target::{Ask, Target};

const WRITE: &[Capability] = &[Capability::Write];
const SSE: &[Capability] = &[Capability::Write, Capability::Sse];
const LONG_POLL: &[Capability] = &[Capability::Write, Capability::LongPoll];

pub(super) const CASES: &[Case] = &[
    must(
        "serving.extensions.parameters-are-ignored",
        &["11-01"],
        "Parameters of a GET that the protocol does not have change nothing",
        check!(parameters),
    )
    .needs(WRITE),
    must(
        "serving.extensions.live-parameters-are-ignored",
        &["11-01"],
        "Parameters of a long-poll that the protocol does not have change nothing",
        check!(live_parameters),
    )
    .needs(LONG_POLL),
    must(
        "serving.extensions.headers-are-ignored",
        &["11-01"],
        "Headers that the protocol does not have change nothing, in any request",
        check!(headers),
    )
    .needs(WRITE),
    should(
        "serving.urls.do-not-lead-out-of-the-root",
        &["12-02"],
        "A URL with encoded steps upwards names no file of the server",
        check!(traversal),
    ),
    should(
        "serving.urls.do-not-lead-to-another-stream",
        &["12-02"],
        "A URL with encoded steps upwards does not name the stream that they would lead to",
        check!(detour),
    )
    .needs(WRITE),
    should(
        "serving.urls.with-a-nul-do-no-harm",
        &["12-02"],
        "A URL with an encoded NUL is refused, or names a stream of its own",
        check!(nul),
    )
    .needs(WRITE),
    should(
        "serving.urls.that-are-too-long-do-no-harm",
        &["12-02"],
        "A URL of many kilobytes is refused, or names a stream of its own",
        check!(too_long),
    )
    .needs(WRITE),
    should(
        "serving.browsers.do-not-guess-types",
        &["12-04"],
        "Every answer has X-Content-Type-Options: nosniff, also when it is none to be glad of",
        check!(nosniff),
    )
    .needs(WRITE),
    should(
        "serving.browsers.do-not-guess-types-of-events",
        &["12-04"],
        "An answer with events has X-Content-Type-Options: nosniff",
        check!(events_nosniff),
    )
    .needs(SSE),
    should(
        "serving.browsers.know-who-may-embed-it",
        &["12-05"],
        "An answer with content has a Cross-Origin-Resource-Policy",
        check!(resource_policy),
    )
    .needs(WRITE),
];

async fn parameters(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let tail = stream.tail().await?;
    for query in [
        "suite=1",
        "suite",
        "suite=1&suite=2",
        "Offset=x",
        "x-live=sse",
    ] {
        // Before what the protocol has, and behind it.
        let before = stream.get().raw_query(query).query("offset", "-1");
        let behind = stream.read("-1").raw_query(query);
        for read in [before, behind, stream.get().raw_query(query)] {
            let answer = read.send().await?;
            answer.status(&[200])?.body("c")?;
            answer.has("Stream-Next-Offset", &tail)?;
        }
    }
    Ok(())
}

async fn live_parameters(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let poll = stream.poll("-1").raw_query("suite=1");
    poll.send().await?.refused(200)?.body("c")?;
    Ok(())
}

async fn headers(t: Target) -> Verdict {
    let extension = |ask: Ask| {
        ask.header("Stream-Suite", "an extension")
            .header("X-Suite", "1")
    };
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    extension(create.clone()).send().await?.status(&[201])?;
    // They are no part of the configuration.
    create.send().await?.status(&[200])?;
    let append = extension(stream.append("text/plain", "c"));
    append.send().await?.status(&[200, 204])?;
    let read = extension(stream.read("-1")).send().await?;
    read.status(&[200])?.body("c")?;
    extension(stream.head()).send().await?.status(&[200])?;
    Ok(())
}

/// It is a refusal: neither content nor a breakdown.
fn is_refused(answer: &Answer) -> Verdict {
    if (400..500).contains(&answer.status) {
        return Ok(());
    }
    answer.fail(
        "a status of 400 to 499",
        format!("status {}", answer.status),
    )
}

async fn traversal(t: Target) -> Verdict {
    for path in [
        "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "..%5c..%5c..%5c..%5cwindows%5cwin.ini",
        "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
        "%2fetc%2fpasswd",
    ] {
        is_refused(&t.named(path).read("-1").send().await?)?;
    }
    Ok(())
}

async fn detour(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let mut segments = stream.url.rsplit('/');
    let name = segments.next().unwrap_or_default();
    let root = segments.next().unwrap_or_default();
    for path in [
        format!("x%2f..%2f{name}"),
        format!("x%2F.%2F..%2F{name}"),
        format!("x%5c..%5c{name}"),
        format!("..%2f{root}%2f{name}"),
    ] {
        let detour = t.named(&path);
        let answers = [
            detour.append("text/plain", "more").send().await?,
            detour.delete().send().await?,
        ];
        let contents = stream.read("-1").send().await?;
        if contents.status != 200 || contents.body != "c" {
            let [append, delete] = answers.map(|answer| answer.status);
            return fail(
                format!("nothing of a stream that is changed by way of {path}"),
                format!(
                    "a POST there answers {append}, a DELETE {delete}, and the stream is not what it was"
                ),
            );
        }
    }
    Ok(())
}

/// A PUT is refused, or makes a stream that has what is put into it, and is none of the others.
async fn harmless(t: &Target, path: &str, others: &[&str]) -> Verdict {
    let stream = t.named(path);
    let create = stream.put().content_type("text/plain").body("s");
    let created = create.send().await?;
    if created.status != 201 {
        return is_refused(&created);
    }
    let read = stream.read("-1").send().await?;
    let mut found = None;
    for other in others {
        let head = t.named(other).head().send().await?;
        if head.status != 404 {
            found = Some(head);
        }
    }
    // Before anything else, as nobody else does it.
    stream.delete().send().await?;
    read.status(&[200])?.body("s")?;
    match found {
        None => Ok(()),
        Some(head) => head.fail("status 404", format!("status {}", head.status)),
    }
}

/// The name of a stream that is not there, of this run alone.
fn fresh(t: &Target) -> String {
    let stream = t.unmade();
    let name = stream.url.rsplit('/').next();
    name.unwrap_or_default().to_owned()
}

async fn nul(t: Target) -> Verdict {
    let name = fresh(&t);
    harmless(
        &t,
        &format!("{name}%00end"),
        &[&name, &format!("{name}end")],
    )
    .await
}

async fn too_long(t: Target) -> Verdict {
    let name = fresh(&t);
    // Longer than a file can be called, and longer than a path can be.
    for length in [300, 7000] {
        let long = format!("{name}-{length}-{}", "x".repeat(length));
        // Two that differ in the last letter only are two.
        harmless(&t, &format!("{long}a"), &[&format!("{long}b"), &long]).await?;
    }
    Ok(())
}

async fn nosniff(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = || stream.put().content_type("text/plain");
    let append = || stream.append("text/plain", "content");
    let mut answers = vec![stream.read("-1").send().await?];
    answers.push(create().send().await?);
    answers.push(create().send().await?);
    answers.push(append().send().await?);
    let content = stream.read("-1").send().await?;
    let tag = content.header("ETag").map(str::to_owned);
    answers.push(content);
    if let Some(tag) = tag {
        let known = stream.read("-1").header("If-None-Match", &tag);
        answers.push(known.send().await?);
    }
    answers.push(stream.read("now").send().await?);
    answers.push(stream.head().send().await?);
    // Refused: as malformed, and as in conflict.
    answers.push(stream.get().raw_query("offset=").send().await?);
    answers.push(stream.put().content_type("text/html").send().await?);
    answers.push(stream.close().send().await?);
    answers.push(append().send().await?);
    answers.push(stream.delete().send().await?);
    for answer in &answers {
        answer.has("X-Content-Type-Options", "nosniff")?;
    }
    Ok(())
}

async fn events_nosniff(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let events = stream.read("-1").live("sse").events().await?;
    events.head().has("X-Content-Type-Options", "nosniff")?;
    Ok(())
}

async fn resource_policy(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let answer = stream.read("-1").prepare().await?;
    let policy = answer.needs("Cross-Origin-Resource-Policy")?;
    if matches!(policy, "same-origin" | "same-site" | "cross-origin") {
        return Ok(());
    }
    answer.fail(
        "same-origin, same-site or cross-origin",
        format!("Cross-Origin-Resource-Policy: {policy}"),
    )
}

//! `offset=now`: from the tail on (§8).

use serde_json::{Value, json};

use crate::server_suite::answer::quoted;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::events::{Event, is};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];
const LONG_POLL: &[Capability] = &[Capability::Write, Capability::LongPoll];
const SSE: &[Capability] = &[Capability::Write, Capability::Sse];

pub(super) const CASES: &[Case] = &[
    must(
        "now.catch-up.is-empty-and-up-to-date",
        &["8-08", "8-10", "8-11", "8-12", "8-14"],
        "A GET from now answers 200 with nothing, the tail, and Stream-Up-To-Date",
        check!(catch_up),
    )
    .needs(WRITE),
    must(
        "now.catch-up.of-json-is-an-empty-array",
        &["8-09", "8-11", "8-12", "8-14"],
        "A GET from now of a JSON stream answers []",
        check!(json_catch_up),
    )
    .needs(WRITE)
    .after("now.catch-up.is-empty-and-up-to-date"),
    must(
        "now.catch-up.has-no-etag",
        &["10-03"],
        "A GET from now has no ETag: what now is changes",
        check!(no_etag),
    )
    .needs(WRITE)
    .after("now.catch-up.is-empty-and-up-to-date"),
    should(
        "now.catch-up.is-not-stored-by-caches",
        &["8-13"],
        "The answer to a GET from now has Cache-Control: no-store",
        check!(no_store),
    )
    .needs(WRITE)
    .after("now.catch-up.is-empty-and-up-to-date"),
    must(
        "now.long-poll.waits-for-what-comes",
        &["8-15", "8-16"],
        "A long-poll from now waits at once, and answers with what is appended, and nothing older",
        check!(long_poll),
    )
    .needs(LONG_POLL),
    must(
        "now.sse.begins-at-the-tail",
        &["8-17", "8-18", "8-19"],
        "Events from now begin with a control event that has the tail and upToDate, and go on with what is appended",
        check!(sse),
    )
    .needs(SSE),
    must(
        "now.closed.catch-up-answers-as-at-the-end",
        &["8-20", "8-21"],
        "A GET from now of a closed stream answers 200 with nothing, the final offset, Stream-Up-To-Date and Stream-Closed",
        check!(closed_catch_up),
    )
    .needs(WRITE)
    .after("now.catch-up.is-empty-and-up-to-date"),
    must(
        "now.closed.long-poll-does-not-wait",
        &["8-20", "8-22"],
        "A long-poll from now of a closed stream answers 204 at once, with the final offset, Stream-Up-To-Date and Stream-Closed",
        check!(closed_long_poll),
    )
    .needs(LONG_POLL),
    must(
        "now.closed.sse-is-one-control-event",
        &["8-20", "8-23"],
        "Events from now of a closed stream are one control event, with streamClosed and upToDate, and the end",
        check!(closed_sse),
    )
    .needs(SSE)
    .after("now.sse.begins-at-the-tail"),
];

async fn catch_up(t: Target) -> Verdict {
    for bodies in [&["before"][..], &[]] {
        let stream = t.filled("text/plain", bodies).await?;
        let tail = stream.tail().await?;
        let answer = stream.read("now").send().await?;
        answer.status(&[200])?.body("")?;
        answer
            .has("Stream-Next-Offset", &tail)?
            .says("Stream-Up-To-Date")?;
        answer.does_not_say("Stream-Closed")?;
    }
    Ok(())
}

async fn json_catch_up(t: Target) -> Verdict {
    let stream = t.filled("application/json", &["[1,2]"]).await?;
    let tail = stream.tail().await?;
    let answer = stream.read("now").send().await?;
    answer.status(&[200])?.messages(&json!([]))?;
    answer
        .has("Stream-Next-Offset", &tail)?
        .says("Stream-Up-To-Date")?;
    Ok(())
}

async fn no_etag(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["before"]).await?;
    let answer = stream.read("now").send().await?;
    answer.status(&[200])?.lacks("ETag")?;
    Ok(())
}

async fn no_store(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["before"]).await?;
    let answer = stream.read("now").send().await?;
    answer.status(&[200])?.cache_directive("no-store")?;
    Ok(())
}

async fn long_poll(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["before;"]).await?;
    let (answer, appended) = t.woken_from_now(&stream, "text/plain").await?;
    answer.status(&[200])?;
    // What was appended before the poll arrived is not in it; what was appended since is in it, or behind it.
    let rest = stream.pages(answer.next_offset()?).await?;
    let mut content = answer.body.to_vec();
    for page in rest.all() {
        content.extend_from_slice(&page.body);
    }
    let mut run = String::new();
    for body in appended.iter().rev() {
        run.insert_str(0, body);
        if !answer.body.is_empty() && content == run.as_bytes() {
            return Ok(());
        }
    }
    answer.fail(
        format!("some of {appended:?}, which the rest follows"),
        format!(
            "{}, and with the rest {}",
            quoted(&answer.body),
            quoted(&content)
        ),
    )
}

async fn sse(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["before;"]).await?;
    let tail = stream.tail().await?;
    let mut events = stream.read("now").live("sse").events().await?;
    let first = events.control().await?;
    if first["streamNextOffset"] != tail || !is(&first, "upToDate") {
        let expected = format!("streamNextOffset {tail} and upToDate in the first control event");
        return events.not(expected, &first);
    }
    let append = stream.append("text/plain", "after;").prepare().await?;
    let content = events.content_up_to(append.next_offset()?).await?;
    events.content_is(&content, "after;")
}

/// A closed stream with something in it, and its final offset.
async fn closed(t: &Target, content_type: &str, body: &'static str) -> Verdict<(Stream, String)> {
    let stream = t.filled(content_type, &[body]).await?;
    stream.close().prepare().await?;
    let tail = stream.tail().await?;
    Ok((stream, tail))
}

async fn closed_catch_up(t: Target) -> Verdict {
    for (content_type, body, nothing) in
        [("text/plain", "all", ""), ("application/json", "[1]", "[]")]
    {
        let (stream, tail) = closed(&t, content_type, body).await?;
        let answer = stream.read("now").send().await?;
        answer.status(&[200])?.body(nothing)?;
        answer.has("Stream-Next-Offset", &tail)?;
        answer.says("Stream-Up-To-Date")?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn closed_long_poll(t: Target) -> Verdict {
    let (stream, tail) = closed(&t, "text/plain", "all").await?;
    let answer = stream.poll("now").send().await?;
    answer.refused(204)?.has("Stream-Next-Offset", &tail)?;
    answer.says("Stream-Up-To-Date")?.says("Stream-Closed")?;
    Ok(())
}

async fn closed_sse(t: Target) -> Verdict {
    let (stream, tail) = closed(&t, "text/plain", "all").await?;
    let mut events = stream.read("now").live("sse").events().await?;
    let mut seen = Vec::new();
    loop {
        match events.next().await? {
            Event::Control(control) => seen.push(control),
            Event::Data(_) => return events.head().fail("no data event", "one"),
            Event::End => break,
        }
    }
    let right = |control: &Value| {
        control["streamNextOffset"] == tail
            && is(control, "streamClosed")
            && is(control, "upToDate")
    };
    if matches!(seen.as_slice(), [one] if right(one)) {
        return Ok(());
    }
    events.head().fail(
        format!("one control event with streamNextOffset {tail}, streamClosed and upToDate"),
        Value::from(seen).to_string(),
    )
}

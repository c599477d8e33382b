//! GET with `live=sse`: what comes as events, and how it goes on (§5.8). How content is written as text is in `sse_data`.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::{Value, json};

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::events::{Event, Events, is};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::target::{Stream, Target};

const SSE: &[Capability] = &[Capability::Write, Capability::Sse];
const FORK: &[Capability] = &[Capability::Write, Capability::Sse, Capability::Fork];

pub(super) const CASES: &[Case] = &[
    must(
        "sse.content.comes-as-events",
        &["5.8-01", "5.8-08", "5.8-11", "5.8-13"],
        "What is stored comes as data events, and a control event says where the reader is, and that it is up to date",
        check!(content),
    )
    .needs(SSE),
    must(
        "sse.control.follows-every-data-event",
        &["5.8-07"],
        "Behind every data event comes a control event, or behind several of them",
        check!(control_follows),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.control.has-a-cursor",
        &["5.8-10", "10-09"],
        "Every control event of an open stream has streamCursor",
        check!(cursor),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.control.has-where-to-go-on",
        &["5.8-09"],
        "The offset of every control event is behind what has come before it, and before everything else",
        check!(go_on),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.appends.are-delivered",
        &["5.8-17", "5.8-09"],
        "What is appended while a reader is connected is delivered in order, and can be resumed behind",
        check!(appends),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.appends.to-json-are-delivered",
        &["5.8-17"],
        "What is appended to a JSON stream while a reader is connected comes message by message, in order",
        check!(json_appends),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.offset.is-required",
        &["5.8-04"],
        "A GET of events without an offset answers 400",
        check!(without_offset),
    )
    .needs(SSE),
    must(
        "sse.missing.answers-404",
        &["5.8-04"],
        "A GET of events of a stream that is not there answers 404",
        check!(missing),
    )
    .needs(&[Capability::Sse]),
    must(
        "sse.closed.ends-the-connection",
        &["5.8-12", "5.8-14"],
        "At the end of a closed stream a control event says so, and the connection ends",
        check!(closed),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.closed.at-the-end-is-one-control-event",
        &["5.8-12", "5.8-14", "5.8-15"],
        "At the final offset of a closed stream there is nothing but a control event with streamClosed and upToDate, and the end",
        check!(closed_at_the_end),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.closed.while-connected",
        &["5.8-12", "5.8-14", "5.8-16"],
        "When a stream is closed while a reader is connected, it is told so, and the connection ends",
        check!(closed_meanwhile),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.closed.with-the-last-content",
        &["5.8-12", "5.8-14", "5.8-17"],
        "When a stream is closed with content while a reader is connected, that comes before it is told so",
        check!(closed_with_content),
    )
    .needs(SSE)
    .after("sse.closed.while-connected"),
    must(
        "sse.fork.has-no-later-appends-to-its-source",
        &["5.8-19"],
        "Events of a fork bring what it has inherited and what is appended to it, and nothing that is appended to its source later",
        check!(fork),
    )
    .needs(FORK)
    .after("sse.appends.are-delivered"),
    should(
        "sse.head.is-that-of-an-open-end",
        &["5.8-23"],
        "The answer with the events has Cache-Control: no-cache, and no Content-Length",
        check!(head),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    should(
        "sse.connection.ends-after-a-minute",
        &["5.8-18", "10-12"],
        "The server ends a connection after about a minute, at the end of an event",
        check!(ends),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events")
    .slow(),
];

fn up_to_date(control: &Value) -> bool {
    is(control, "upToDate")
}

fn says_closed(control: &Value) -> bool {
    is(control, "streamClosed")
}

async fn content(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let (content, control) = events.until(up_to_date).await?;
    events.content_is(&content, "one two")?;
    let tail = stream.tail().await?;
    if control["streamNextOffset"] != tail {
        return events.not(format!("streamNextOffset {tail}"), &control);
    }
    if says_closed(&control) {
        return events.not("no streamClosed", &control);
    }
    Ok(())
}

async fn control_follows(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let mut content = Vec::new();
    let mut bodies = ["three ", "four"].into_iter();
    loop {
        let (more, control) = events.group().await?;
        content.extend_from_slice(&more);
        if up_to_date(&control) {
            match bodies.next() {
                Some(body) => drop(stream.append("text/plain", body).prepare().await?),
                None if content == b"one twothree four" => return Ok(()),
                // What was appended is on its way.
                None => {}
            }
        }
    }
}

async fn cursor(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one"]).await?;
    for offset in ["-1", "now"] {
        let mut events = stream.read(offset).live("sse").events().await?;
        let (_, control) = events.until(up_to_date).await?;
        let appended = stream.append("text/plain", "two").prepare().await?;
        let tail = appended.next_offset()?;
        let (_, later) = events.until(|c| c["streamNextOffset"] == tail).await?;
        for control in [control, later] {
            if control["streamCursor"].as_str().is_none_or(str::is_empty) {
                return events.not("a streamCursor that is a string", &control);
            }
        }
    }
    Ok(())
}

async fn go_on(t: Target) -> Verdict {
    let bodies = ["one ", "two ", "three ", "four"];
    let stream = t.filled("text/plain", &bodies).await?;
    let all = bodies.concat();
    let mut events = stream.read("-1").live("sse").events().await?;
    let mut content = Vec::new();
    loop {
        let (more, control) = events.group().await?;
        content.extend_from_slice(&more);
        let Some(offset) = control["streamNextOffset"].as_str() else {
            return events.not("a streamNextOffset", &control);
        };
        let Some(rest) = all.as_bytes().strip_prefix(content.as_slice()) else {
            return events.content_is(&content, all);
        };
        stream.pages(offset).await?.are(rest)?;
        if up_to_date(&control) {
            return events.content_is(&content, all);
        }
    }
}

async fn appends(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    events.until(up_to_date).await?;
    for body in ["a", "b\n", "c"] {
        let append = stream.append("text/plain", body).prepare().await?;
        let tail = append.next_offset()?;
        let content = events.content_up_to(tail).await?;
        events.content_is(&content, body)?;
        stream.pages(tail).await?.are("")?;
    }
    Ok(())
}

/// The messages of data events. Each holds an array of them; one that is written alone is one, too.
fn messages(events: &Events, content: &[u8]) -> Verdict<Vec<Value>> {
    let mut messages = Vec::new();
    for value in serde_json::Deserializer::from_slice(content).into_iter() {
        match value {
            Ok(Value::Array(array)) => messages.extend(array),
            Ok(other) => messages.push(other),
            Err(error) => return events.head().fail("JSON in data events", error.to_string()),
        }
    }
    Ok(messages)
}

async fn json_appends(t: Target) -> Verdict {
    let stored = r#"[{"n":0},{"n":1}]"#;
    let stream = t.filled("application/json", &[stored]).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let (mut content, _) = events.until(up_to_date).await?;
    for body in [r#"{"n":2}"#, r#"[{"n":3},{"n":4}]"#] {
        let append = stream.append("application/json", body).prepare().await?;
        let more = events.content_up_to(append.next_offset()?).await?;
        content.extend_from_slice(&more);
    }
    let seen = messages(&events, &content)?;
    let expected: Vec<_> = (0..5).map(|n| json!({ "n": n })).collect();
    if seen == expected {
        return Ok(());
    }
    events.head().fail(
        format!("the messages {} in data events", Value::from(expected)),
        format!("the messages {}", Value::from(seen)),
    )
}

async fn without_offset(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let answer = stream.get().live("sse").open().await?;
    answer.head().refused(400)?;
    Ok(())
}

async fn missing(t: Target) -> Verdict {
    for offset in ["-1", "now"] {
        let answer = t.unmade().read(offset).live("sse").open().await?;
        answer.head().refused(404)?;
    }
    Ok(())
}

/// What there is to the end: the content is this, the last event has the final offset and says that the stream is closed.
async fn ends_closed(events: &mut Events, tail: &str, content: &str) -> Verdict {
    let (seen, control) = events.until(says_closed).await?;
    events.content_is(&seen, content)?;
    if control["streamNextOffset"] != tail {
        return events.not(format!("streamNextOffset {tail}"), &control);
    }
    events.end().await
}

async fn closed(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let closed = stream.close().prepare().await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    ends_closed(&mut events, closed.next_offset()?, "one two").await
}

async fn closed_at_the_end(t: Target) -> Verdict {
    for bodies in [&["all"][..], &[]] {
        let stream = t.filled("text/plain", bodies).await?;
        let closed = stream.close().prepare().await?;
        let tail = closed.next_offset()?;
        let mut events = stream.read(tail).live("sse").events().await?;
        let control = events.control().await?;
        let right = says_closed(&control) && up_to_date(&control);
        if !right || control["streamNextOffset"] != tail {
            let expected = format!("streamClosed, upToDate and streamNextOffset {tail}");
            return events.not(expected, &control);
        }
        events.end().await?;
    }
    Ok(())
}

/// A stream with something in it, and its events from there on.
async fn connected(t: &Target) -> Verdict<(Stream, Events)> {
    let stream = t.filled("text/plain", &["before"]).await?;
    let tail = stream.tail().await?;
    let mut events = stream.read(&tail).live("sse").events().await?;
    // Now the server has taken it in.
    events.until(up_to_date).await?;
    Ok((stream, events))
}

async fn closed_meanwhile(t: Target) -> Verdict {
    let (stream, mut events) = connected(&t).await?;
    let closed = stream.close().prepare().await?;
    ends_closed(&mut events, closed.next_offset()?, "").await
}

async fn closed_with_content(t: Target) -> Verdict {
    let (stream, mut events) = connected(&t).await?;
    let last = stream.append("text/plain", "last").closing();
    let closed = last.prepare().await?;
    ends_closed(&mut events, closed.next_offset()?, "last").await
}

async fn fork(t: Target) -> Verdict {
    let source = t.filled("text/plain", &["inherited "]).await?;
    let fork = t.forked(&source).await?;
    let mut events = fork.read("-1").live("sse").events().await?;
    let (mut content, _) = events.until(up_to_date).await?;
    source.append("text/plain", "not this ").prepare().await?;
    // Whatever is sent because of that comes before what is sent because of this.
    let own = fork.append("text/plain", "own").prepare().await?;
    let more = events.content_up_to(own.next_offset()?).await?;
    content.extend_from_slice(&more);
    events.content_is(&content, "inherited own")
}

async fn head(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let events = stream.read("-1").live("sse").events().await?;
    let head = events.head();
    head.lacks("Content-Length")?;
    // Stricter is right as well.
    if head.cache_directive("no-store").is_err() {
        head.cache_directive("no-cache")?;
    }
    Ok(())
}

/// About a minute, and much more than that.
const LONGEST: Duration = Duration::from_secs(120);

async fn ends(t: Target) -> Verdict {
    let t = t.patient(2 * LONGEST);
    let stream = t.filled("text/plain", &["content"]).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let head = events.head();
    let until_it_ends = pin!(async {
        while events.next().await? != Event::End {}
        Ok::<_, Stop>(())
    });
    match select(until_it_ends, pin!(t.sleep(LONGEST))).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => head.fail(
            "the end of the answer after about 60 seconds",
            format!("none for {LONGEST:?}"),
        ),
    }
}

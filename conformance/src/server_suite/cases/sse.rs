//! GET with `live=sse`: server-sent events (§5.8).

use serde_json::{Value, json};

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::events::{Event, Events};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const SSE: &[Capability] = &[Capability::Write, Capability::Sse];

pub(super) const CASES: &[Case] = &[
    must(
        "sse.content.comes-with-its-control-event",
        &["5.8-01", "5.8-07", "5.8-08", "5.8-10", "5.8-11"],
        "What is stored comes as data events, each followed by a control event; the last one says that the reader is up to date",
        check!(content),
    )
    .needs(SSE),
    must(
        "sse.appends.are-delivered",
        &["5.8-17", "5.8-09"],
        "What is appended while a reader is connected is delivered in order, and can be resumed behind",
        check!(appends),
    )
    .needs(SSE)
    .after("sse.content.comes-with-its-control-event"),
    must(
        "sse.closed.ends-the-connection",
        &["5.8-12", "5.8-14", "5.8-15"],
        "At the end of a closed stream one control event says so, and the connection ends",
        check!(closed),
    )
    .needs(SSE)
    .after("sse.content.comes-with-its-control-event"),
];

/// The next control event, and the content before it.
async fn group(events: &mut Events) -> Verdict<(Vec<u8>, Value)> {
    let mut content = Vec::new();
    loop {
        match events.next().await? {
            Event::Data(data) => content.extend_from_slice(&data),
            Event::Control(control) => return Ok((content, control)),
            Event::End => {
                return events
                    .head()
                    .fail("a control event", "the end of the answer");
            }
        }
    }
}

fn is(control: &Value, field: &str) -> bool {
    control.get(field) == Some(&json!(true))
}

async fn content(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let mut content = Vec::new();
    let mut control = json!({});
    while !is(&control, "upToDate") {
        content.extend_from_slice(&events.data().await?);
        control = events.control().await?;
        if control["streamNextOffset"]
            .as_str()
            .is_none_or(str::is_empty)
        {
            return events
                .head()
                .fail("streamNextOffset in a control event", control.to_string());
        }
        if !control["streamCursor"].is_string() {
            return events
                .head()
                .fail("streamCursor in a control event", control.to_string());
        }
    }
    if content != b"one two" {
        let content = String::from_utf8_lossy(&content).into_owned();
        return events
            .head()
            .fail("\"one two\" in data events", format!("{content:?}"));
    }
    let tail = stream.tail().await?;
    if control["streamNextOffset"] != tail {
        return events
            .head()
            .fail(format!("streamNextOffset {tail}"), control.to_string());
    }
    Ok(())
}

async fn appends(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let (mut content, mut control) = group(&mut events).await?;
    for body in ["a", "b\n", "c"] {
        let append = stream.append("text/plain", body).prepare().await?;
        let tail = append.next_offset()?;
        while control["streamNextOffset"] != tail {
            let (more, next) = group(&mut events).await?;
            content.extend_from_slice(&more);
            control = next;
        }
        let rest = stream.read(tail).send().await?;
        rest.status(&[200])?.body("")?;
    }
    if content != b"ab\nc" {
        let content = String::from_utf8_lossy(&content).into_owned();
        return events
            .head()
            .fail("\"ab\\nc\" in data events", format!("{content:?}"));
    }
    Ok(())
}

async fn closed(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all"]).await?;
    let closed = stream.close().prepare().await?;
    let tail = closed.next_offset()?.to_owned();
    for (offset, expected) in [("-1", "all"), (tail.as_str(), "")] {
        let mut events = stream.read(offset).live("sse").events().await?;
        let mut content = Vec::new();
        let mut control = json!({});
        while !is(&control, "streamClosed") {
            let (more, next) = group(&mut events).await?;
            content.extend_from_slice(&more);
            control = next;
        }
        events.end().await?;
        if content != expected.as_bytes() {
            let content = String::from_utf8_lossy(&content).into_owned();
            return events.head().fail(
                format!("{expected:?} in data events"),
                format!("{content:?}"),
            );
        }
        if control["streamNextOffset"] != tail || !is(&control, "upToDate") {
            let expected =
                format!("streamNextOffset {tail} and upToDate in the last control event");
            return events.head().fail(expected, control.to_string());
        }
    }
    Ok(())
}

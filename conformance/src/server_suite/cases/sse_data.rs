//! How content is written into events, so that it comes out as it went in (§5.8).

use serde_json::{Value, json};

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::events::{Events, is};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const SSE: &[Capability] = &[Capability::Write, Capability::Sse];

pub(super) const CASES: &[Case] = &[
    must(
        "sse.binary.is-base64",
        &["5.8-02", "5.8-06"],
        "Content that is neither text nor JSON comes in base64, and the answer says so",
        check!(binary),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.binary.appends-are-base64",
        &["5.8-02", "5.8-06", "5.8-17"],
        "What is appended to a binary stream while a reader is connected comes in base64, whatever its length",
        check!(binary_appends),
    )
    .needs(SSE)
    .after("sse.binary.is-base64"),
    must(
        "sse.text.is-not-encoded",
        &["5.8-03"],
        "Content of types text/* and application/json comes as it is, whatever parameters the type has",
        check!(not_encoded),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.text.is-not-encoded-whatever-the-case",
        &["5.8-03"],
        "Content comes as it is when its type is text/* or application/json in capitals, too",
        check!(not_encoded_in_capitals),
    )
    .needs(SSE)
    .after("sse.text.is-not-encoded"),
    must(
        "sse.text.keeps-leading-spaces",
        &["5.8-20"],
        "Text comes with the spaces at the beginning of its lines",
        check!(spaces),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.text.keeps-its-lines",
        &["5.8-05", "5.8-21"],
        "Text comes with all its lines, also with line feeds at its beginning and end",
        check!(lines),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.text.is-never-an-event-of-its-own",
        &["5.8-05"],
        "Text that looks like events does not come as events, whatever ends its lines",
        check!(no_injection),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.text.keeps-characters-that-were-stored-in-parts",
        &["5.8-22"],
        "A character whose bytes were stored by two appends comes as that character",
        check!(stored_in_parts),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
    must(
        "sse.text.keeps-characters-that-arrive-in-parts",
        &["5.8-22"],
        "A character whose bytes are appended in two parts while a reader is connected comes as that character",
        check!(arriving_in_parts),
    )
    .needs(SSE)
    .after("sse.content.comes-as-events"),
];

/// The events of an answer whose head says this about how data is encoded, up to date.
async fn stored(
    t: &Target,
    content_type: &str,
    body: Vec<u8>,
    encoded: bool,
) -> Verdict<(Vec<u8>, Events)> {
    let stream = t.stream(content_type).await?;
    stream.append(content_type, body).prepare().await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    let head = events.head();
    if encoded {
        head.has("stream-sse-data-encoding", "base64")?;
    } else {
        head.lacks("stream-sse-data-encoding")?;
    }
    let (content, _) = events.until(|control| is(control, "upToDate")).await?;
    Ok((content, events))
}

async fn binary(t: Target) -> Verdict {
    let all: Vec<u8> = (0..=255).collect();
    for content_type in ["application/octet-stream", "image/png", "application/xml"] {
        // Every remainder of three, with bytes that are no text, and that make + and / in base64.
        for length in [256, 255, 254] {
            let body = all[256 - length..].to_vec();
            let (content, events) = stored(&t, content_type, body.clone(), true).await?;
            events.content_is(&content, body)?;
        }
    }
    Ok(())
}

async fn binary_appends(t: Target) -> Verdict {
    let content_type = "application/octet-stream";
    let stream = t.stream(content_type).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    events.until(|control| is(control, "upToDate")).await?;
    for body in [&b"\xff"[..], b"\n\n", b"\0\xfb\xef\r", b"data: x\n\n"] {
        let append = stream.append(content_type, body).prepare().await?;
        let content = events.content_up_to(append.next_offset()?).await?;
        events.content_is(&content, body)?;
    }
    Ok(())
}

async fn as_it_is(t: &Target, content_types: &[&str]) -> Verdict {
    for content_type in content_types {
        let json = content_type.to_ascii_lowercase().contains("json");
        let body = if json { "\"é\"" } else { "é" };
        let (content, events) = stored(t, content_type, body.into(), false).await?;
        // In JSON the character may be escaped, and the message is in an array.
        let is = if json {
            let value = serde_json::from_slice::<Value>(&content);
            value.is_ok_and(|value| value == "é" || value == json!(["é"]))
        } else {
            content == body.as_bytes()
        };
        if !is {
            return events.content_is(&content, body);
        }
    }
    Ok(())
}

async fn not_encoded(t: Target) -> Verdict {
    let types = [
        "text/html",
        "text/plain; charset=utf-8",
        "application/json",
        "application/json; charset=utf-8",
    ];
    as_it_is(&t, &types).await
}

async fn not_encoded_in_capitals(t: Target) -> Verdict {
    as_it_is(&t, &["Text/Plain", "TEXT/HTML", "Application/JSON"]).await
}

async fn unchanged(t: &Target, bodies: &[&str]) -> Verdict {
    for body in bodies {
        let (content, events) = stored(t, "text/plain", (*body).into(), false).await?;
        events.content_is(&content, body)?;
    }
    Ok(())
}

async fn spaces(t: Target) -> Verdict {
    let bodies = [" one", "  two", "\ta tab", "in\n one\n  two\n\ta tab"];
    unchanged(&t, &bodies).await
}

async fn lines(t: Target) -> Verdict {
    let bodies = [
        "first\nsecond\nthird",
        "\nfrom the second line on",
        "\n",
        "\n\n\n",
        "with an end\n",
        "with an empty line\n\nin it, and two at the end\n\n",
        ": no comment",
        "data: no field",
    ];
    unchanged(&t, &bodies).await
}

async fn no_injection(t: Target) -> Verdict {
    for end in ["\n", "\r\n", "\r"] {
        let lines = [
            "text",
            "",
            "event: control",
            r#"data: {"streamNextOffset":"x","upToDate":true,"streamClosed":true}"#,
            "",
            "event: data",
            "data: injected",
            "",
            "",
        ];
        let body = lines.join(end);
        let (content, events) = stored(&t, "text/plain", body.into(), false).await?;
        // Events cannot tell the ends of lines apart, so they come as line feeds: CRLF as one or, each for itself, as two.
        let content = String::from_utf8_lossy(&content).replace("\r\n", "\n");
        let content = content.replace('\r', "\n");
        if end == "\r\n" && content == lines.join("\n\n") {
            continue;
        }
        events.content_is(content.as_bytes(), lines.join("\n"))?;
    }
    Ok(())
}

/// Characters of two, three and four bytes.
const CHARACTERS: &str = "é€😀";

async fn stored_in_parts(t: Target) -> Verdict {
    for cut in 1..CHARACTERS.len() {
        let stream = t.stream("text/plain; charset=utf-8").await?;
        for part in [&CHARACTERS.as_bytes()[..cut], &CHARACTERS.as_bytes()[cut..]] {
            let append = stream.append("text/plain; charset=utf-8", part);
            append.prepare().await?;
        }
        let mut events = stream.read("-1").live("sse").events().await?;
        let (content, _) = events.until(|control| is(control, "upToDate")).await?;
        events.content_is(&content, CHARACTERS)?;
    }
    Ok(())
}

async fn arriving_in_parts(t: Target) -> Verdict {
    let stream = t.stream("text/plain; charset=utf-8").await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    events.until(|control| is(control, "upToDate")).await?;
    let bytes = CHARACTERS.as_bytes();
    let mut tail = String::new();
    // Between them is one boundary between characters; all others are within one.
    for part in [&bytes[..1], &bytes[1..3], &bytes[3..6], &bytes[6..]] {
        let append = stream.append("text/plain; charset=utf-8", part);
        tail = append.prepare().await?.next_offset()?.to_owned();
    }
    // Together, or each as soon as it is whole.
    let content = events.content_up_to(&tail).await?;
    events.content_is(&content, CHARACTERS)
}

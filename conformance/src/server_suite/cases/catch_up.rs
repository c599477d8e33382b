//! GET without `live`: what is stored, page by page (§5.6).

use serde_json::json;

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::target::{Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "catch-up.content.comes-from-an-offset-on",
        &["5.6-07", "5.6-12", "8-07"],
        "A GET answers 200 with what is stored from the offset on, and with an offset to go on from",
        check!(content),
    )
    .needs(WRITE),
    must(
        "catch-up.content.of-json-comes-in-arrays",
        &["5.6-07", "5.6-12"],
        "A GET of a JSON stream answers arrays of the messages from the offset on",
        check!(json_content),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    must(
        "catch-up.offset.may-be-left-out",
        &["5.6-01"],
        "A GET without an offset reads from the beginning",
        check!(without_offset),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    must(
        "catch-up.offset.not-empty",
        &["5.6-02"],
        "A GET with an empty offset answers 400",
        check!(empty_offset),
    )
    .needs(WRITE),
    must(
        "catch-up.offset.not-twice",
        &["5.6-02"],
        "A GET with two offsets answers 400",
        check!(two_offsets),
    )
    .needs(WRITE),
    must(
        "catch-up.offset.not-with-characters-that-none-has",
        &["5.6-02"],
        "A GET from an offset with one of , & = ? / in it answers 400",
        check!(malformed_offset),
    )
    .needs(WRITE),
    must(
        "catch-up.live.not-in-an-unknown-way",
        &["5.6-03"],
        "A GET with a value of live that the protocol does not have answers 400",
        check!(unknown_live),
    )
    .needs(WRITE),
    must(
        "catch-up.missing.answers-404",
        &["5.6-13"],
        "A GET of a stream that is not there answers 404",
        check!(missing),
    ),
    should(
        "catch-up.tail.answers-200-and-stays-there",
        &["5.6-04"],
        "A GET at the tail answers 200 with nothing, and with the offset of the request",
        check!(at_the_tail),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    must(
        "catch-up.tail.is-up-to-date",
        &["5.6-08"],
        "An answer that reaches the tail has Stream-Up-To-Date, and does not say that an open stream is closed",
        check!(up_to_date),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    must(
        "catch-up.closed.says-so-with-the-last-content",
        &["5.6-10"],
        "The answer that reaches the final offset of a closed stream has Stream-Closed",
        check!(closed_content),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    must(
        "catch-up.closed.says-so-behind-the-last-content",
        &["5.6-05"],
        "A GET at the final offset of a stream that was closed later answers 200 with nothing, and Stream-Closed",
        check!(closed_later),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    must(
        "catch-up.pages.join-without-a-gap",
        &["5.6-07", "5.6-12"],
        "What a long stream holds comes exactly once when a reader follows Stream-Next-Offset",
        check!(long_content),
    )
    .needs(WRITE)
    .after("catch-up.content.comes-from-an-offset-on"),
    should(
        "catch-up.pages.are-not-up-to-date-before-the-tail",
        &["5.6-09"],
        "Of the pages of a long stream, only the one that reaches the tail has Stream-Up-To-Date",
        check!(partly_up_to_date),
    )
    .needs(WRITE)
    .after("catch-up.pages.join-without-a-gap"),
    should(
        "catch-up.pages.are-not-closed-before-the-end",
        &["5.6-11"],
        "Of the pages of a long closed stream, only the one that reaches the final offset has Stream-Closed",
        check!(partly_closed),
    )
    .needs(WRITE)
    .after("catch-up.pages.join-without-a-gap"),
];

async fn content(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut offsets = vec!["-1".to_owned()];
    for body in ["one ", "two ", "three"] {
        let appended = stream.append("text/plain", body).prepare().await?;
        offsets.push(appended.next_offset()?.to_owned());
    }
    let rests = ["one two three", "two three", "three", ""];
    for (offset, rest) in offsets.iter().zip(rests) {
        let pages = stream.pages(offset).await?;
        pages.are(rest)?;
        for page in pages.all() {
            page.content_type("text/plain")?;
        }
    }
    Ok(())
}

async fn json_content(t: Target) -> Verdict {
    let stream = t.stream("application/json").await?;
    let messages = [json!({"a": 1}), json!(2), json!("three"), json!(null)];
    let first = stream.append("application/json", r#"[{"a":1},2]"#);
    let first = first.prepare().await?;
    for body in [r#""three""#, "null"] {
        stream.append("application/json", body).prepare().await?;
    }
    stream.pages("-1").await?.hold(&messages)?;
    let rest = stream.pages(first.next_offset()?).await?;
    rest.hold(&messages[2..])?;
    Ok(())
}

async fn without_offset(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let first = stream.get().send().await?;
    first.status(&[200])?;
    if first.body.is_empty() {
        return first.fail("the beginning of the content", "nothing");
    }
    let rest = stream.pages(first.next_offset()?).await?;
    let mut content = first.body.to_vec();
    for page in rest.all() {
        content.extend_from_slice(&page.body);
    }
    if content == b"one two" {
        return Ok(());
    }
    first.fail(
        "\"one two\", with what follows",
        format!("{:?}", String::from_utf8_lossy(&content)),
    )
}

async fn empty_offset(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    for query in ["offset=", "offset"] {
        let answer = stream.get().raw_query(query).send().await?;
        answer.status(&[400])?;
    }
    Ok(())
}

async fn two_offsets(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let tail = stream.tail().await?;
    for second in ["-1", &tail] {
        let answer = stream.read("-1").query("offset", second).send().await?;
        answer.status(&[400])?;
    }
    Ok(())
}

async fn malformed_offset(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let tail = stream.tail().await?;
    for character in [',', '&', '=', '?', '/'] {
        // Alone, behind an offset that is one, and behind the sentinel.
        for before in ["", &tail, "-1"] {
            let offset = format!("{before}{character}1");
            stream.read(&offset).send().await?.status(&[400])?;
        }
    }
    Ok(())
}

async fn unknown_live(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    for live in ["websocket", "true", "longpoll"] {
        let answer = stream.read("-1").live(live).send().await?;
        answer.status(&[400])?;
    }
    Ok(())
}

async fn missing(t: Target) -> Verdict {
    let stream = t.unmade();
    for read in [stream.get(), stream.read("-1"), stream.read("now")] {
        read.send().await?.status(&[404])?;
    }
    Ok(())
}

async fn at_the_tail(t: Target) -> Verdict {
    for (content_type, body, nothing) in [
        ("text/plain", "content", ""),
        ("application/json", "[1]", "[]"),
    ] {
        let stream = t.filled(content_type, &[body]).await?;
        let tail = stream.tail().await?;
        let answer = stream.read(&tail).send().await?;
        answer.status(&[200])?.body(nothing)?;
        answer.has("Stream-Next-Offset", &tail)?;
    }
    Ok(())
}

/// Of the pages of a stream the last one does say it. Afterwards, at the tail, it is said again.
async fn said_at_the_tail(stream: &Stream, name: &str) -> Verdict<Answer> {
    let pages = stream.pages("-1").await?;
    let last = pages.last;
    last.says(name)?;
    let behind = stream.read(last.next_offset()?).send().await?;
    behind.status(&[200])?.says(name)?;
    Ok(last)
}

async fn up_to_date(t: Target) -> Verdict {
    for bodies in [&[][..], &["one "], &["one ", "two ", "three"]] {
        let stream = t.filled("text/plain", bodies).await?;
        let last = said_at_the_tail(&stream, "Stream-Up-To-Date").await?;
        last.does_not_say("Stream-Closed")?;
    }
    Ok(())
}

async fn closed_content(t: Target) -> Verdict {
    // Closed by a request of its own, and with the last content.
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let open = stream.read("-1").send().await?;
    open.status(&[200])?.does_not_say("Stream-Closed")?;
    stream.close().prepare().await?;
    said_at_the_tail(&stream, "Stream-Closed").await?;
    let stream = t.filled("text/plain", &["one "]).await?;
    let last = stream.append("text/plain", "two").closing();
    last.prepare().await?;
    said_at_the_tail(&stream, "Stream-Closed").await?;
    said_at_the_tail(&stream, "Stream-Up-To-Date").await?;
    Ok(())
}

async fn closed_later(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let tail = stream.tail().await?;
    let open = stream.read(&tail).send().await?;
    open.status(&[200])?.does_not_say("Stream-Closed")?;
    stream.close().prepare().await?;
    let closed = stream.read(&tail).send().await?;
    closed.status(&[200])?.body("")?.says("Stream-Closed")?;
    closed.has("Stream-Next-Offset", &tail)?;
    closed.says("Stream-Up-To-Date")?;
    Ok(())
}

/// More than servers like to send at once, in requests that are small enough for all.
const REQUESTS: usize = 12;
const REQUEST_BYTES: usize = 256 << 10;

/// A long stream, and its content: no two lines of it are the same.
async fn long(t: &Target) -> Verdict<(Stream, String)> {
    let stream = t.stream("text/plain").await?;
    let mut content = String::new();
    for number in 0..REQUESTS {
        let lines = (0..REQUEST_BYTES / 16).map(|line| format!("{number:5} {line:9}\n"));
        let body: String = lines.collect();
        content.push_str(&body);
        stream.append("text/plain", body).prepare().await?;
    }
    Ok((stream, content))
}

async fn long_content(t: Target) -> Verdict {
    let (stream, content) = long(&t).await?;
    stream.pages("-1").await?.are(content)
}

/// Only the last page says it.
async fn said_last(stream: &Stream, name: &str) -> Verdict {
    let pages = stream.pages("-1").await?;
    if pages.partial.is_empty() {
        let why = "the server sends all of a long stream at once";
        return Err(Stop::Skip(why.to_owned()));
    }
    for page in &pages.partial {
        page.does_not_say(name)?;
    }
    Ok(())
}

async fn partly_up_to_date(t: Target) -> Verdict {
    let (stream, _) = long(&t).await?;
    said_last(&stream, "Stream-Up-To-Date").await
}

async fn partly_closed(t: Target) -> Verdict {
    let (stream, _) = long(&t).await?;
    stream.close().prepare().await?;
    said_last(&stream, "Stream-Closed").await
}

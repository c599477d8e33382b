//! POST with `Stream-Closed`: closing, alone and with a last append (§5.2, §5.3).

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "close.open.answers-204",
        &["5.3-01", "5.3-02", "5.3-03"],
        "A POST that closes and brings nothing answers 204 with the unchanged tail and Stream-Closed",
        check!(open),
    )
    .needs(WRITE),
    must(
        "close.open.takes-no-more",
        &["5.3-01"],
        "After a POST that closes the stream is closed: it takes nothing more, and readers find its end",
        check!(takes_no_more),
    )
    .needs(WRITE)
    .after("close.open.answers-204"),
    must(
        "close.missing.answers-404",
        &["5.3-01"],
        "A POST that closes where nothing is answers 404, and creates nothing",
        check!(missing),
    )
    .needs(WRITE),
    must(
        "close.empty.with-any-type",
        &["5.2-04"],
        "A POST that closes and brings nothing is not refused for its content type, whatever that is",
        check!(any_type),
    )
    .needs(WRITE)
    .after("close.open.answers-204"),
    should(
        "close.again.answers-204",
        &["5.2-13"],
        "Closing a closed stream again answers 204 with Stream-Closed and the final offset",
        check!(again),
    )
    .needs(WRITE)
    .after("close.open.answers-204"),
    must(
        "close.with-append.does-both",
        &["5.2-23", "5.2-24"],
        "A POST with content and Stream-Closed appends and closes; its answer has the new tail and Stream-Closed",
        check!(with_append),
    )
    .needs(WRITE)
    .after("close.open.answers-204"),
    must(
        "close.with-append.is-one-step",
        &["5.2-21"],
        "What appends and closes is the end: what other writers append at the same time is before it, or is refused",
        check!(one_step),
    )
    .needs(WRITE)
    .after("close.with-append.does-both"),
    must(
        "close.with-append.refused-leaves-it-open",
        &["5.2-22"],
        "A POST with Stream-Closed that is refused neither appends nor closes",
        check!(refused),
    )
    .needs(WRITE)
    .after("close.with-append.does-both"),
    must(
        "close.with-append.of-a-refused-producer-leaves-it-open",
        &["5.2-22"],
        "A POST with Stream-Closed that is refused for its producer headers neither appends nor closes",
        check!(refused_producer),
    )
    .needs(WRITE)
    .after("close.with-append.does-both"),
];

async fn open(t: Target) -> Verdict {
    for stream in [
        t.stream("text/plain").await?,
        t.filled("text/plain", &["all of it"]).await?,
    ] {
        let tail = stream.tail().await?;
        let answer = stream.close().send().await?;
        answer.status(&[204])?.says("Stream-Closed")?;
        answer.has("Stream-Next-Offset", &tail)?;
    }
    Ok(())
}

async fn takes_no_more(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all of it"]).await?;
    let tail = stream.tail().await?;
    stream.close().send().await?.carried_out()?;
    let append = stream.append("text/plain", "more").send().await?;
    append.refused(409)?;
    let read = stream.holds("all of it").await?;
    read.says("Stream-Closed")?;
    let head = stream.head().send().await?;
    head.status(&[200])?.says("Stream-Closed")?;
    head.has("Stream-Next-Offset", &tail)?;
    Ok(())
}

async fn missing(t: Target) -> Verdict {
    let stream = t.unmade();
    stream.close().send().await?.refused(404)?;
    stream.head().send().await?.status(&[404])?;
    Ok(())
}

async fn any_type(t: Target) -> Verdict {
    for (own, given) in [
        ("text/plain", "application/json"),
        ("text/plain", "text/plain"),
        ("application/json", "application/octet-stream"),
        // No body is no JSON, and need not be.
        ("application/json", "application/json"),
        ("application/octet-stream", "nonsense"),
    ] {
        let stream = t.stream(own).await?;
        let answer = stream.close().content_type(given).send().await?;
        answer.status(&[204])?.says("Stream-Closed")?;
        let head = stream.head().send().await?;
        head.content_type(own)?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn again(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all of it"]).await?;
    let closed = stream.close().prepare().await?;
    let tail = closed.next_offset()?;
    for _ in 0..2 {
        let answer = stream.close().send().await?;
        answer.status(&[204])?.says("Stream-Closed")?;
        answer.has("Stream-Next-Offset", tail)?;
    }
    stream.holds("all of it").await?;
    Ok(())
}

async fn with_append(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["first, "]).await?;
    let append = stream.append("text/plain", "last").closing();
    let answer = append.send().await?;
    answer.status(&[204])?.says("Stream-Closed")?;
    let tail = answer.next_offset()?;
    let read = stream.holds("first, last").await?;
    read.says("Stream-Closed")?
        .has("Stream-Next-Offset", tail)?;
    let append = stream.append("text/plain", "more").send().await?;
    append.refused_at_end(tail)?;
    Ok(())
}

async fn one_step(t: Target) -> Verdict {
    const WRITERS: usize = 16;
    let stream = t.stream("text/plain").await?;
    let append = |number: usize| stream.append("text/plain", format!("<{number:02}>")).send();
    let closing = stream.append("text/plain", "<end>").closing().send();
    // Some go before it and some behind; however they meet, this must come of it.
    let early = join_all((0..WRITERS / 2).map(append));
    let late = join_all((WRITERS / 2..WRITERS).map(append));
    let (early, (closed, late)) = join(early, join(closing, late)).await;
    let closed = closed?;
    closed.carried_out()?.says("Stream-Closed")?;
    let tail = closed.next_offset()?;
    let read = stream.read_all("-1").await?;
    read.has("Stream-Next-Offset", tail)?
        .says("Stream-Closed")?;
    let text = String::from_utf8_lossy(&read.body).into_owned();
    let Some(mut rest) = text.strip_suffix("<end>").map(str::to_owned) else {
        return read.fail("<end>, which closed the stream, at its end", text);
    };
    for (number, answer) in early.into_iter().chain(late).enumerate() {
        let answer = answer?;
        if answer.status == 409 {
            answer.refused_at_end(tail)?;
            continue;
        }
        answer.carried_out()?;
        let own = format!("<{number:02}>");
        if !rest.contains(&own) {
            let expected = format!("{own}, which was accepted, before the end and once");
            return read.fail(expected, text);
        }
        rest = rest.replacen(&own, "", 1);
    }
    if !rest.is_empty() {
        return read.fail("what was accepted, once, and nothing else", text);
    }
    Ok(())
}

async fn refused(t: Target) -> Verdict {
    let stream = t.stream("application/json").await?;
    let append = |body: &'static str| stream.append("application/json", body);
    append("1").header("Stream-Seq", "b").prepare().await?;
    let tail = stream.tail().await?;
    for (ask, status) in [
        (append("{"), 400),
        (append("[1,"), 400),
        (stream.append("text/plain", "2"), 409),
        (append("3").header("Stream-Seq", "a"), 409),
    ] {
        let answer = ask.closing().send().await?;
        answer.refused(status)?.does_not_say("Stream-Closed")?;
        let head = stream.head().send().await?;
        head.status(&[200])?.does_not_say("Stream-Closed")?;
        head.has("Stream-Next-Offset", &tail)?;
    }
    let untyped = stream.post().body("4").closing().send_untyped().await?;
    untyped.refused(400)?.does_not_say("Stream-Closed")?;
    append("5").send().await?.carried_out()?;
    let read = stream.holds_messages(&json!([1, 5])).await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn refused_producer(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = |epoch, seq| {
        let append = stream.append("text/plain", format!("<{epoch} {seq}>"));
        append.producer("p", epoch, seq)
    };
    append(1, 0).prepare().await?;
    let tail = stream.tail().await?;
    for (ask, status) in [
        (append(1, 2), 409),
        (append(0, 1), 403),
        (append(2, 1), 400),
        (
            stream.append("text/plain", "<>").header("Producer-Id", "p"),
            400,
        ),
    ] {
        let answer = ask.closing().send().await?;
        answer.refused(status)?.does_not_say("Stream-Closed")?;
        let head = stream.head().send().await?;
        head.status(&[200])?.does_not_say("Stream-Closed")?;
        head.has("Stream-Next-Offset", &tail)?;
    }
    append(1, 1).send().await?.carried_out()?;
    let read = stream.holds("<1 0><1 1>").await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

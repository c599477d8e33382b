//! GET with `live=long-poll`: an answer as soon as there is something (§5.7).

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::json;

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::polls::timed_out;
use crate::server_suite::target::{Stream, Target};

const LONG_POLL: &[Capability] = &[Capability::Write, Capability::LongPoll];
const FORK: &[Capability] = &[Capability::Write, Capability::LongPoll, Capability::Fork];

pub(super) const CASES: &[Case] = &[
    must(
        "long-poll.content.comes-at-once",
        &["5.7-02", "5.7-06"],
        "A long-poll where there is content answers 200 with it at once, and with Stream-Cursor",
        check!(content),
    )
    .needs(LONG_POLL),
    must(
        "long-poll.content.has-an-etag",
        &["5.7-15"],
        "A long-poll that answers 200 has an ETag",
        check!(etag),
    )
    .needs(LONG_POLL)
    .after("long-poll.content.comes-at-once"),
    must(
        "long-poll.content.of-json-comes-in-arrays",
        &["5.7-18"],
        "A long-poll of a JSON stream answers arrays, with what is stored and with what arrives",
        check!(json_content),
    )
    .needs(LONG_POLL)
    .after("long-poll.content.comes-at-once"),
    must(
        "long-poll.offset.is-required",
        &["5.7-01"],
        "A long-poll without an offset answers 400",
        check!(without_offset),
    )
    .needs(LONG_POLL),
    must(
        "long-poll.missing.answers-404",
        &["5.7-05"],
        "A long-poll of a stream that is not there answers 404",
        check!(missing),
    )
    .needs(&[Capability::LongPoll]),
    must(
        "long-poll.tail.waits",
        &["5.7-04", "8-15"],
        "A long-poll at the tail of an open stream waits",
        check!(waits),
    )
    .needs(LONG_POLL),
    must(
        "long-poll.tail.answers-what-arrives",
        &["5.7-03", "5.7-06"],
        "A long-poll that waits answers 200 with what is appended, its offset, and Stream-Cursor",
        check!(arrives),
    )
    .needs(LONG_POLL)
    .after("long-poll.content.comes-at-once"),
    must(
        "long-poll.tail.learns-of-the-closure",
        &["5.7-12"],
        "A long-poll that waits is answered when the stream is closed, and told so",
        check!(closed_meanwhile),
    )
    .needs(LONG_POLL),
    must(
        "long-poll.tail.answers-the-last-content",
        &["5.7-13", "5.7-14"],
        "A long-poll that waits is answered with the content that closes the stream, and Stream-Closed",
        check!(closed_with_content),
    )
    .needs(LONG_POLL)
    .after("long-poll.tail.answers-what-arrives"),
    must(
        "long-poll.closed.does-not-wait",
        &["5.7-10", "5.7-11"],
        "A long-poll at the final offset of a closed stream answers 204 at once, with Stream-Closed, Stream-Up-To-Date and the offset",
        check!(closed),
    )
    .needs(LONG_POLL),
    must(
        "long-poll.closed.says-so-with-the-last-content",
        &["5.7-14"],
        "A long-poll that answers 200 up to the final offset of a closed stream has Stream-Closed",
        check!(closed_content),
    )
    .needs(LONG_POLL)
    .after("long-poll.content.comes-at-once"),
    must(
        "long-poll.fork.does-not-wait-for-what-is-inherited",
        &["5.7-16"],
        "A long-poll of a fork answers at once with what the fork has inherited",
        check!(inherited),
    )
    .needs(FORK)
    .after("long-poll.content.comes-at-once"),
    must(
        "long-poll.fork.waits-for-its-own-appends",
        &["5.7-17"],
        "A long-poll at the tail of a fork is not woken by an append to the source, but by one to the fork",
        check!(own_appends),
    )
    .needs(FORK)
    .after("long-poll.tail.answers-what-arrives"),
    must(
        "long-poll.timeout.answers-204",
        &["5.7-04", "5.7-07", "5.7-08", "5.7-09", "10-09"],
        "A long-poll whose time is up answers 204 without a body, with the tail, Stream-Up-To-Date and Stream-Cursor",
        check!(timeout),
    )
    .needs(LONG_POLL)
    .slow(),
];

/// It is what a long-poll answers when there is something.
fn has_content<'a>(answer: &'a Answer, content_type: &str) -> Verdict<&'a Answer> {
    answer.status(&[200])?.content_type(content_type)?;
    answer.next_offset()?;
    answer.needs("Stream-Cursor")?;
    Ok(answer)
}

async fn content(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let tail = stream.tail().await?;
    let mut content = Vec::new();
    let mut offset = "-1".to_owned();
    while offset != tail {
        let answer = stream.poll(&offset).send().await?;
        if matches!(answer.status, 405 | 501) {
            answer.refused(200)?;
        }
        has_content(&answer, "text/plain")?.does_not_say("Stream-Closed")?;
        if answer.body.is_empty() {
            return answer.fail("content", "an empty body");
        }
        content.extend_from_slice(&answer.body);
        offset = answer.next_offset()?.to_owned();
        if offset == tail && content != b"one two" {
            let content = String::from_utf8_lossy(&content).into_owned();
            return answer.fail("\"one two\" up to the tail", format!("{content:?}"));
        }
    }
    Ok(())
}

async fn etag(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let answer = stream.poll("-1").send().await?;
    answer.status(&[200])?.needs("ETag")?;
    Ok(())
}

async fn json_content(t: Target) -> Verdict {
    let stream = t.filled("application/json", &[r#"{"a":1}"#]).await?;
    let stored = stream.poll("-1").send().await?;
    has_content(&stored, "application/json")?.messages(&json!([{"a": 1}]))?;
    let polled = t
        .woken("application/json", "0", |stream| {
            stream.append("application/json", r#""one""#)
        })
        .await?;
    has_content(&polled.answer, "application/json")?.messages(&json!(["one"]))?;
    Ok(())
}

async fn without_offset(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let answer = stream.get().live("long-poll").send().await?;
    answer.refused(400)?;
    Ok(())
}

async fn missing(t: Target) -> Verdict {
    for offset in ["-1", "now"] {
        let answer = t.unmade().poll(offset).send().await?;
        answer.refused(404)?;
    }
    Ok(())
}

async fn waits(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["content"]).await?;
    let tail = stream.tail().await?;
    for offset in [tail.as_str(), "now"] {
        t.waits(stream.poll(offset)).await?;
    }
    Ok(())
}

async fn arrives(t: Target) -> Verdict {
    let polled = t
        .woken("text/plain", "before", |stream| {
            stream.append("text/plain", "a")
        })
        .await?;
    let answer = has_content(&polled.answer, "text/plain")?;
    answer.body("a")?;
    answer.has("Stream-Next-Offset", polled.event.next_offset()?)?;
    answer.does_not_say("Stream-Closed")?;
    let rest = polled.stream.pages(&polled.tail).await?;
    rest.are("a")
}

async fn closed_meanwhile(t: Target) -> Verdict {
    let polled = t.woken("text/plain", "all", Stream::close).await?;
    let answer = &polled.answer;
    // Without content: whether that is an empty answer or none is not said for this case.
    answer.status(&[200, 204])?.body("")?;
    answer.says("Stream-Closed")?;
    answer.has("Stream-Next-Offset", &polled.tail)?;
    answer.says("Stream-Up-To-Date")?;
    Ok(())
}

async fn closed_with_content(t: Target) -> Verdict {
    let polled = t
        .woken("text/plain", "before", |stream| {
            stream.append("text/plain", "z").closing()
        })
        .await?;
    let answer = &polled.answer;
    answer.status(&[200])?.body("z")?.says("Stream-Closed")?;
    answer.has("Stream-Next-Offset", polled.event.next_offset()?)?;
    Ok(())
}

async fn closed(t: Target) -> Verdict {
    for bodies in [&["all"][..], &[]] {
        let stream = t.filled("text/plain", bodies).await?;
        let closed = stream.close().prepare().await?;
        let tail = closed.next_offset()?;
        let answer = stream.poll(tail).send().await?;
        answer.refused(204)?.says("Stream-Closed")?;
        answer.says("Stream-Up-To-Date")?;
        answer.has("Stream-Next-Offset", tail)?;
    }
    Ok(())
}

async fn closed_content(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one ", "two"]).await?;
    let closed = stream.close().prepare().await?;
    let tail = closed.next_offset()?;
    let mut offset = "-1".to_owned();
    loop {
        let answer = stream.poll(&offset).send().await?;
        answer.status(&[200])?;
        if answer.next_offset()? == tail {
            answer.says("Stream-Closed")?;
            return Ok(());
        }
        if answer.body.is_empty() {
            return answer.fail("content", "an empty body");
        }
        offset = answer.next_offset()?.to_owned();
    }
}

async fn inherited(t: Target) -> Verdict {
    let source = t.filled("text/plain", &["i"]).await?;
    let fork = t.forked(&source).await?;
    let answer = fork.poll("-1").send().await?;
    has_content(&answer, "text/plain")?.body("i")?;
    Ok(())
}

/// How often it is tried, as with other polls.
const ATTEMPTS: usize = 3;

async fn own_appends(t: Target) -> Verdict {
    for _ in 0..ATTEMPTS {
        let source = t.filled("text/plain", &["inherited "]).await?;
        let fork = t.forked(&source).await?;
        let tail = fork.tail().await?;
        let events = async {
            source.append("text/plain", "not this").prepare().await?;
            t.head_start().await;
            fork.append("text/plain", "o").prepare().await
        };
        let polled = t.while_polling(fork.poll(&tail), events).await;
        let (answer, own) = polled?;
        if timed_out(&answer) {
            answer.has("Stream-Next-Offset", &tail)?;
            continue;
        }
        answer.status(&[200])?.body("o")?;
        answer.has("Stream-Next-Offset", own.next_offset()?)?;
        return Ok(());
    }
    let why = "the server's long-polls were over before anything could happen";
    Err(Stop::Skip(why.to_owned()))
}

/// How long a server may let a long-poll wait and still be asked. There is no limit in the protocol; 30 seconds are usual.
const WAIT: Duration = Duration::from_secs(65);

async fn timeout(t: Target) -> Verdict {
    let t = t.patient(2 * WAIT);
    let stream = t.filled("text/plain", &["content"]).await?;
    let tail = stream.tail().await?;
    let poll = pin!(stream.poll(&tail).send());
    let answer = match select(poll, pin!(t.sleep(WAIT))).await {
        Either::Left((answer, _)) => answer?,
        Either::Right(_) => {
            let why = format!("the server waits for longer than {WAIT:?}");
            return Err(Stop::Skip(why));
        }
    };
    answer.status(&[204])?.body("")?;
    answer.has("Stream-Next-Offset", &tail)?;
    answer.says("Stream-Up-To-Date")?.needs("Stream-Cursor")?;
    answer.does_not_say("Stream-Closed")?;
    Ok(())
}

//! What a stream is: bytes that stay, in one order, of one type, open and then closed (§3–4).

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::target::{Ask, Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "model.content.stays",
        &["4-02"],
        "What was read from an offset is read from it again, with what was appended since behind it",
        check!(content_stays),
    )
    .needs(WRITE),
    must(
        "model.writers.lose-nothing",
        &["4-03"],
        "What several writers append at the same time is there once each, in the order of each",
        check!(writers),
    )
    .needs(WRITE),
    must(
        "model.type.stays",
        &["4-04"],
        "A stream has the content type that it was created with, parameters included, in the answers of GET and HEAD",
        check!(type_stays),
    )
    .needs(WRITE),
    must(
        "model.closed.stays-closed",
        &["4-06"],
        "Nothing opens a closed stream",
        check!(stays_closed),
    )
    .needs(WRITE),
    must(
        "model.closed.again-is-no-error",
        &["4.1-02"],
        "Closing a closed stream answers as closing it did",
        check!(closed_again),
    )
    .needs(WRITE),
    must(
        "model.closed.is-readable",
        &["4.1-03"],
        "A closed stream is read as before, from every offset",
        check!(closed_readable),
    )
    .needs(WRITE),
    must(
        "model.closing.in-any-case",
        &["4.1-04"],
        "The value of Stream-Closed counts as true in upper and lower case, on POST and on PUT",
        check!(in_any_case),
    )
    .needs(WRITE),
    must(
        "model.closing.only-by-true",
        &["4.1-05"],
        "Stream-Closed with another value than true closes nothing",
        check!(only_by_true),
    )
    .needs(WRITE),
    should(
        "model.closing.other-values-are-no-error",
        &["4.1-06"],
        "An append or a PUT whose Stream-Closed has another value than true succeeds as without it",
        check!(other_values),
    )
    .needs(WRITE),
    must(
        "model.closing.is-not-seen-before-the-last-content",
        &["4.1-07"],
        "A reader that is told of the end has the content that came with the closing request",
        check!(closing_is_atomic),
    )
    .needs(WRITE),
    must(
        "model.closing.is-the-last-write",
        &["4.1-07"],
        "Of appends that race with a closing append, those that succeed are before it, and no other is stored",
        check!(closing_is_last),
    )
    .needs(WRITE),
];

/// Values of Stream-Closed that are not `true`.
const NOT_TRUE: [&str; 6] = ["false", "yes", "1", "", "truex", "closed"];

async fn content_stays(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut read = vec![("-1".to_owned(), Vec::new())];
    for body in ["one", "two", "three", "four"] {
        let append = stream.append("text/plain", body).prepare().await?;
        for (_, content) in &mut read {
            content.extend_from_slice(body.as_bytes());
        }
        for (offset, content) in &read {
            stream.read_all(offset).await?.body(content)?;
        }
        read.push((append.next_offset()?.to_owned(), Vec::new()));
    }
    stream.close().prepare().await?;
    for (offset, content) in &read {
        stream.read_all(offset).await?.body(content)?;
    }
    Ok(())
}

const WRITERS: usize = 6;
const EACH: usize = 5;

async fn writers(t: Target) -> Verdict {
    let stream = t.stream("application/json").await?;
    let writer = |writer: usize| {
        let stream = stream.clone();
        async move {
            for number in 0..EACH {
                let body = json!([[writer, number]]).to_string();
                let append = stream.append("application/json", body).send().await?;
                append.status(&[200, 204])?;
            }
            Ok(())
        }
    };
    let written: Verdict = join_all((0..WRITERS).map(writer))
        .await
        .into_iter()
        .collect();
    written?;
    let read = stream.read_all("-1").await?;
    let mut next = [0; WRITERS];
    for message in messages(&read.json()?) {
        let place = (message[0].as_u64(), message[1].as_u64());
        let (Some(writer), Some(number)) = place else {
            return read.fail("only what was written", message.to_string());
        };
        let expected = next.get_mut(writer as usize);
        match expected {
            Some(expected) if *expected == number => *expected += 1,
            Some(expected) => {
                let expected = format!("message {expected} of writer {writer}");
                return read.fail(expected, format!("message {number}"));
            }
            None => return read.fail("only what was written", message.to_string()),
        }
    }
    if next.iter().any(|&next| next != EACH as u64) {
        return read.fail(
            format!("{EACH} messages of each of {WRITERS} writers"),
            format!("{next:?} of them"),
        );
    }
    Ok(())
}

fn messages(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A type without what may be written in several ways: case, white space, and quotation marks.
fn normal(content_type: &str) -> String {
    let kept = content_type.chars().filter(|c| !" \t\"".contains(*c));
    kept.collect::<String>().to_ascii_lowercase()
}

async fn type_stays(t: Target) -> Verdict {
    for content_type in [
        "text/plain; charset=iso-8859-1",
        "text/html",
        "application/vnd.example.v1+octets; version=2",
        "application/json; profile=example",
    ] {
        let stream = t.stream(content_type).await?;
        stream.append(content_type, "[1]").prepare().await?;
        for answer in [
            stream.head().send().await?,
            stream.read("-1").send().await?,
            stream.read("-1").send().await?,
        ] {
            answer.status(&[200])?;
            let value = answer.needs("Content-Type")?;
            if normal(value) != normal(content_type) {
                return answer.fail(
                    format!("Content-Type: {content_type}"),
                    format!("Content-Type: {value}"),
                );
            }
        }
    }
    Ok(())
}

async fn stays_closed(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all"]).await?;
    stream.close().prepare().await?;
    let not_closing = |ask: Ask| ask.header("Stream-Closed", "false");
    let append = || stream.append("text/plain", "more");
    for attempt in [
        append(),
        not_closing(append()),
        append().producer("p", 0, 0),
        append().header("Stream-Seq", "1"),
        not_closing(stream.put().content_type("text/plain")),
        stream.put().content_type("text/plain").body("more"),
        not_closing(stream.post()),
    ] {
        let answer = attempt.send().await?;
        if answer.status < 300 {
            return answer.fail("a refusal", format!("status {}", answer.status));
        }
        let head = stream.head().send().await?;
        head.status(&[200])?.says("Stream-Closed")?;
    }
    stream.holds("all").await?.says("Stream-Closed")?;
    Ok(())
}

async fn closed_again(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all"]).await?;
    let first = stream.close().prepare().await?;
    let tail = first.next_offset()?;
    for _ in 0..2 {
        let again = stream.close().send().await?;
        // 204 is what §5.3 has for it; a 200 says the same.
        again.status(&[200, 204])?.says("Stream-Closed")?;
        again.has("Stream-Next-Offset", tail)?;
    }
    stream.holds("all").await?.says("Stream-Closed")?;
    Ok(())
}

async fn closed_readable(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let begin = stream.tail().await?;
    let one = stream.append("text/plain", "one").prepare().await?;
    let two = stream.append("text/plain", "two").prepare().await?;
    stream.close().prepare().await?;
    for (offset, content) in [
        ("-1", "onetwo"),
        (&begin, "onetwo"),
        (one.next_offset()?, "two"),
        (two.next_offset()?, ""),
    ] {
        let read = stream.read_all(offset).await?;
        read.body(content)?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn in_any_case(t: Target) -> Verdict {
    for value in ["TRUE", "True", "tRuE"] {
        let alone = t.stream("text/plain").await?;
        let close = alone.post().header("Stream-Closed", value).send().await?;
        close.status(&[200, 204])?.says("Stream-Closed")?;
        let appended = t.stream("text/plain").await?;
        let append = appended.append("text/plain", "all");
        let append = append.header("Stream-Closed", value).send().await?;
        append.status(&[200, 204])?.says("Stream-Closed")?;
        let created = t.unmade();
        let create = created.put().content_type("text/plain");
        let create = create.header("Stream-Closed", value).send().await?;
        create.status(&[201])?.says("Stream-Closed")?;
        for stream in [alone, appended, created] {
            stream.head().send().await?.says("Stream-Closed")?;
            let more = stream.append("text/plain", "more").send().await?;
            more.status(&[409])?;
        }
    }
    Ok(())
}

/// It takes an append, and says nowhere that it is closed.
async fn is_open(stream: &Stream) -> Verdict {
    let head = stream.head().send().await?;
    head.status(&[200])?.does_not_say("Stream-Closed")?;
    let append = stream.append("text/plain", "more").send().await?;
    append.status(&[200, 204])?.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn only_by_true(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for value in NOT_TRUE {
        // Whether it is an error is for another case.
        let append = stream.append("text/plain", "text");
        let append = append.header("Stream-Closed", value).send().await?;
        append.does_not_say("Stream-Closed")?;
        // An empty POST that does not close is none at all (§5.2).
        let empty = stream.post().header("Stream-Closed", value).send().await?;
        empty.refused(400)?;
        is_open(&stream).await?;
        let other = t.unmade();
        let create = other.put().content_type("text/plain");
        let create = create.header("Stream-Closed", value).send().await?;
        if create.status == 201 {
            is_open(&other).await?;
        }
    }
    Ok(())
}

async fn other_values(t: Target) -> Verdict {
    for value in NOT_TRUE {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain");
        let create = create.header("Stream-Closed", value).send().await?;
        create.status(&[201])?;
        let append = stream.append("text/plain", "text");
        let append = append.header("Stream-Closed", value).send().await?;
        append.status(&[200, 204])?;
        stream.holds("text").await?;
    }
    Ok(())
}

/// Reads until it is told of the end, and gives what it has by then.
async fn read_to_the_end(t: &Target, stream: &Stream) -> Verdict<Vec<u8>> {
    let mut content = Vec::new();
    let mut offset = "-1".to_owned();
    let reading = async {
        loop {
            let answer = stream.read(&offset).send().await?;
            answer.status(&[200])?;
            content.extend_from_slice(&answer.body);
            if answer.says("Stream-Closed").is_ok() {
                return Ok(());
            }
            offset = answer.next_offset()?.to_owned();
        }
    };
    match t.within(reading).await {
        Some(ended) => ended.map(|()| content),
        None => fail("Stream-Closed at the end of a closed stream", "none"),
    }
}

async fn closing_is_atomic(t: Target) -> Verdict {
    for _ in 0..3 {
        let stream = t.filled("text/plain", &["begin "]).await?;
        let readers = join_all((0..4).map(|_| read_to_the_end(&t, &stream)));
        let closing = async {
            let close = stream.append("text/plain", "end").closing();
            close.send().await
        };
        let (read, closed) = join(readers, closing).await;
        closed?.status(&[200, 204])?;
        for content in read {
            let content = content?;
            if content != b"begin end" {
                return fail(
                    "\"begin end\" before Stream-Closed",
                    format!("{:?}", String::from_utf8_lossy(&content)),
                );
            }
        }
    }
    Ok(())
}

async fn closing_is_last(t: Target) -> Verdict {
    let stream = t.stream("application/json").await?;
    // The closing request is one in the middle of them.
    let requests = (0..9).map(|number| {
        let append = stream.append("application/json", json!([number]).to_string());
        let append = if number == 4 {
            append.closing()
        } else {
            append
        };
        async move { Ok((number, append.send().await?)) }
    });
    let answers: Verdict<Vec<_>> = join_all(requests).await.into_iter().collect();
    let mut stored = Vec::new();
    for (number, answer) in &answers? {
        if *number == 4 {
            answer.status(&[200, 204])?;
        } else {
            answer.status(&[200, 204, 409])?;
        }
        if answer.status != 409 {
            stored.push(*number);
        }
    }
    let read = stream.read_all("-1").await?;
    read.says("Stream-Closed")?;
    let content = read.json()?;
    let content = messages(&content);
    if content.last() != Some(&json!(4)) {
        return read.fail(
            "the closing message, 4, as the last one",
            format!("{content:?}"),
        );
    }
    let mut there: Vec<_> = content.iter().filter_map(Value::as_u64).collect();
    there.sort_unstable();
    if there != stored {
        return read.fail(
            format!("the messages whose appends succeeded: {stored:?}"),
            format!("{there:?}"),
        );
    }
    Ok(())
}

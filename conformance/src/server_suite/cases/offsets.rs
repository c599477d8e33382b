//! Offsets: opaque, ordered, and good for as long as the stream is there (§8).

use serde_json::json;

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::target::{Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];
const FORK: &[Capability] = &[Capability::Write, Capability::Fork];

pub(super) const CASES: &[Case] = &[
    must(
        "offsets.order.is-that-of-the-stream",
        &["8-01", "8-02", "8-03"],
        "Every append moves the tail to an offset that is greater, byte by byte, than all before it",
        check!(order),
    )
    .needs(WRITE),
    must(
        "offsets.order.holds-for-json",
        &["8-01", "8-02", "8-03"],
        "Every append to a JSON stream moves the tail to a greater offset, whether it brings one message or many",
        check!(json_order),
    )
    .needs(WRITE),
    must(
        "offsets.life.is-that-of-the-stream",
        &["8-04", "5.6-12"],
        "An offset keeps its place when more is appended, and when the stream is closed",
        check!(life),
    )
    .needs(WRITE),
    must(
        "offsets.beginning.is-minus-one",
        &["8-07"],
        "A GET from -1 reads from the beginning, of a stream without content as well",
        check!(beginning),
    )
    .needs(WRITE),
    must(
        "offsets.tokens.are-none-of-the-sentinels",
        &["8-05", "8-24"],
        "No answer names an offset that is -1 or now, or that has one of , & = ? / in it",
        check!(tokens),
    )
    .needs(WRITE),
    should(
        "offsets.tokens.are-safe-in-urls",
        &["8-06"],
        "Offsets are shorter than 256 characters, and need no encoding in a URL",
        check!(url_safe),
    )
    .needs(WRITE),
    must(
        "offsets.forks.share-those-before-them",
        &["8-25"],
        "Up to where a fork begins, the offsets of its source are its own; behind that it has greater ones",
        check!(fork),
    )
    .needs(FORK),
    must(
        "offsets.forks.have-no-sub-offsets-in-answers",
        &["8-26"],
        "The offsets of a fork that began between two of its source are plain offsets, and no answer has a sub-offset",
        check!(sub_offset),
    )
    .needs(FORK),
];

/// Each is greater than the one before it.
fn ascend(offsets: &[String]) -> Verdict {
    for pair in offsets.windows(2) {
        if pair[0].as_bytes() >= pair[1].as_bytes() {
            return fail(
                "offsets that are greater with each append, compared byte by byte",
                format!("{} and then {}", pair[0], pair[1]),
            );
        }
    }
    Ok(())
}

async fn order(t: Target) -> Verdict {
    let stream = t.unmade();
    let created = stream.put().content_type("text/plain").prepare().await?;
    let mut offsets = vec![created.next_offset()?.to_owned()];
    // Whatever is counted, requests or bytes: the numbers get more digits on the way, several times.
    for length in [
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 90, 900, 9000, 60_000, 40_000,
    ] {
        let append = stream.append("text/plain", "x".repeat(length));
        let appended = append.send().await?;
        appended.status(&[200, 204])?;
        offsets.push(appended.next_offset()?.to_owned());
    }
    ascend(&offsets)?;
    let head = stream.head().send().await?;
    head.has("Stream-Next-Offset", offsets.last().map_or("", |o| o))?;
    Ok(())
}

async fn json_order(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("application/json");
    let created = create.prepare().await?;
    let mut offsets = vec![created.next_offset()?.to_owned()];
    for messages in [1, 1, 7, 1, 1, 89, 1, 1, 898, 1, 1] {
        let body = json!(vec![0; messages]).to_string();
        let appended = stream.append("application/json", body).send().await?;
        appended.status(&[200, 204])?;
        offsets.push(appended.next_offset()?.to_owned());
    }
    ascend(&offsets)
}

async fn life(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let content = "abcdefghijkl";
    let mut offsets = vec![stream.tail().await?];
    for at in 0..content.len() {
        let append = stream.append("text/plain", &content[at..=at]);
        let append = if at + 1 == content.len() {
            append.closing()
        } else {
            append
        };
        let appended = append.prepare().await?;
        offsets.push(appended.next_offset()?.to_owned());
    }
    // Some from the beginning, the middle and the end, backwards, so that nothing but the offset says where to go on.
    for at in [12, 11, 6, 1, 0] {
        stream.pages(&offsets[at]).await?.are(&content[at..])?;
    }
    Ok(())
}

async fn beginning(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let empty = stream.read("-1").send().await?;
    empty.status(&[200])?.body("")?;
    // What it was given then leads on, too.
    let offset = empty.next_offset()?;
    stream.append("text/plain", "content").prepare().await?;
    for offset in ["-1", offset] {
        stream.pages(offset).await?.are("content")?;
    }
    Ok(())
}

/// Every answer that names an offset, for streams with and without content, open and closed.
async fn answers(t: &Target) -> Verdict<Vec<Answer>> {
    let stream = t.unmade();
    let create = || stream.put().content_type("text/plain");
    let mut answers = vec![create().prepare().await?, create().prepare().await?];
    answers.extend(reads(&stream).await?);
    answers.push(stream.append("text/plain", "content").prepare().await?);
    answers.extend(reads(&stream).await?);
    answers.push(stream.close().prepare().await?);
    answers.extend(reads(&stream).await?);
    let append = stream.append("text/plain", "more").send().await?;
    if append.header("Stream-Next-Offset").is_some() {
        answers.push(append);
    }
    Ok(answers)
}

async fn reads(stream: &Stream) -> Verdict<Vec<Answer>> {
    Ok(vec![
        stream.head().prepare().await?,
        stream.get().prepare().await?,
        stream.read("-1").prepare().await?,
        stream.read("now").prepare().await?,
    ])
}

async fn tokens(t: Target) -> Verdict {
    for answer in answers(&t).await? {
        answer.next_offset()?;
    }
    Ok(())
}

async fn url_safe(t: Target) -> Verdict {
    for answer in answers(&t).await? {
        let offset = answer.next_offset()?;
        // What a query may hold as it is (RFC 3986 §3.4), without the plus sign, which many take for a space.
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$'()*;:@".contains(&byte);
        if offset.len() >= 256 || !offset.bytes().all(safe) {
            return answer.fail(
                "an offset of less than 256 characters that are safe in a URL",
                format!("Stream-Next-Offset: {offset}"),
            );
        }
    }
    Ok(())
}

async fn fork(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    let first = source.append("text/plain", "one ").prepare().await?;
    let first = first.next_offset()?;
    let second = source.append("text/plain", "two ").prepare().await?;
    let divergence = second.next_offset()?;
    source.append("text/plain", "not this ").prepare().await?;

    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain").from(divergence);
    let created = create.prepare().await?;
    created.has("Stream-Next-Offset", divergence)?;
    fork.pages(first).await?.are("two ")?;
    fork.pages(divergence).await?.are("")?;

    let own = fork.append("text/plain", "own").send().await?;
    own.status(&[200, 204])?;
    ascend(&[divergence.to_owned(), own.next_offset()?.to_owned()])?;
    fork.pages(first).await?.are("two own")?;
    fork.pages(divergence).await?.are("own")?;
    Ok(())
}

async fn sub_offset(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    let first = source.append("text/plain", "one ").prepare().await?;
    source.append("text/plain", "two ").prepare().await?;

    let fork = t.unmade();
    let create = fork.fork_of(&source, "text/plain");
    let created = create.from(first.next_offset()?).behind(2);
    let mut answers = vec![created.prepare().await?];
    answers.extend(reads(&fork).await?);
    answers.push(fork.append("text/plain", "own").prepare().await?);
    answers.extend(reads(&fork).await?);
    for answer in &answers {
        answer.lacks("Stream-Fork-Sub-Offset")?;
        answer.next_offset()?;
    }
    // Where the fork begins is a place of its own: between what it has inherited and what it has got since.
    let begin = answers[0].next_offset()?;
    ascend(&[first.next_offset()?.to_owned(), begin.to_owned()])?;
    fork.pages(begin).await?.are("own")?;
    fork.pages(first.next_offset()?).await?.are("twown")?;
    Ok(())
}

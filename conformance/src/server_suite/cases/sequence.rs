//! `Stream-Seq`: writers that coordinate (§5.2).

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "sequence.rising.is-accepted",
        &["5.2-07"],
        "A Stream-Seq that is greater than the last one, byte by byte, is accepted",
        check!(rising),
    )
    .needs(WRITE),
    must(
        "sequence.not-rising.is-refused",
        &["5.2-07", "5.2-09"],
        "A Stream-Seq that is not greater than the last one, byte by byte, answers 409",
        check!(not_rising),
    )
    .needs(WRITE)
    .after("sequence.rising.is-accepted"),
    must(
        "sequence.refused.changes-nothing",
        &["5.2-09", "5.2-10"],
        "What is refused for its Stream-Seq is not stored, and the last Stream-Seq stays what it was",
        check!(refused),
    )
    .needs(WRITE)
    .after("sequence.not-rising.is-refused"),
    must(
        "sequence.none.is-accepted-and-keeps-the-last",
        &["5.2-09"],
        "An append without Stream-Seq is accepted, and leaves the last one in force",
        check!(none_between),
    )
    .needs(WRITE)
    .after("sequence.not-rising.is-refused"),
    must(
        "sequence.failed-append.does-not-use-it-up",
        &["5.2-11"],
        "An append that is refused for its content or its type does not use up its Stream-Seq",
        check!(failed),
    )
    .needs(WRITE)
    .after("sequence.rising.is-accepted"),
];

fn append(stream: &Stream, seq: &str) -> Ask {
    let append = stream.append("text/plain", format!("<{seq}>"));
    append.header("Stream-Seq", seq)
}

async fn rising(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut stored = String::new();
    // Neither numbers nor words: "10" is before "9", "Z" before "a", and the beginning of a text before the text.
    for seq in ["-", "0", "00", "10", "2", "9", "90", "Z", "a", "a-", "aa"] {
        let answer = append(&stream, seq).send().await?;
        answer.carried_out()?;
        stored.push_str(&format!("<{seq}>"));
    }
    stream.holds(&stored).await?;
    Ok(())
}

async fn not_rising(t: Target) -> Verdict {
    for (last, refused) in [
        ("b", "b"),
        ("b", "a"),
        ("9", "10"),
        ("a", "Z"),
        ("aa", "a"),
        ("2", "10000000000000000000000"),
    ] {
        let stream = t.stream("text/plain").await?;
        append(&stream, last).prepare().await?;
        append(&stream, refused).send().await?.conflict()?;
        stream.holds(format!("<{last}>")).await?;
    }
    Ok(())
}

async fn refused(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, "5").prepare().await?;
    let tail = stream.tail().await?;
    // Had the first refusal been remembered, the second would be greater.
    append(&stream, "3").send().await?.conflict()?;
    append(&stream, "4").send().await?.conflict()?;
    let read = stream.holds("<5>").await?;
    read.has("Stream-Next-Offset", &tail)?;
    append(&stream, "6").send().await?.carried_out()?;
    stream.holds("<5><6>").await?;
    Ok(())
}

async fn none_between(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, "5").prepare().await?;
    let without = stream.append("text/plain", "<>").send().await?;
    without.carried_out()?;
    append(&stream, "5").send().await?.conflict()?;
    append(&stream, "6").send().await?.carried_out()?;
    stream.holds("<5><><6>").await?;
    Ok(())
}

async fn failed(t: Target) -> Verdict {
    let stream = t.stream("application/json").await?;
    for (content_type, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("text/plain", "9", 409),
    ] {
        let append = stream.append(content_type, body).header("Stream-Seq", "z");
        append.send().await?.refused(status)?;
    }
    // Any of them would be in the way of both.
    for (seq, body) in [("a", "1"), ("z", "2")] {
        let append = stream.append("application/json", body);
        let answer = append.header("Stream-Seq", seq).send().await?;
        answer.carried_out()?;
    }
    stream.holds_messages(&serde_json::json!([1, 2])).await?;
    Ok(())
}

//! What is refused for another reason leaves the producer where it is.

use serde_json::json;

use super::{WRITE, append};
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const FORK: &[Capability] = &[Capability::Write, Capability::Fork];

pub(super) const CASES: &[Case] = &[
    must(
        "producer.refused.does-not-use-up-the-number",
        &["5.2.1-17"],
        "An append that is refused for its content or its type does not use up the producer's number",
        check!(content),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.refused.for-its-sequence-does-not-use-up-the-number",
        &["5.2.1-17"],
        "An append that is refused for its Stream-Seq does not use up the producer's number",
        check!(sequence),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.refused.does-not-use-up-the-sequence",
        &["5.2-11"],
        "An append that is refused for its producer headers does not use up its Stream-Seq",
        check!(keeps_sequence),
    )
    .needs(WRITE)
    .after("producer.seq.gap-is-refused"),
    must(
        "producer.fork.begins-without-producers",
        &["5.2.1-14"],
        "A fork knows none of the producers of its source",
        check!(fork),
    )
    .needs(FORK)
    .after("producer.seq.next-is-accepted"),
];

async fn content(t: Target) -> Verdict {
    let stream = t.stream("application/json").await?;
    let json = |body: &'static str| stream.append("application/json", body);
    for (number, (epoch, seq)) in [(0, 0), (0, 1), (1, 0)].into_iter().enumerate() {
        for (ask, status) in [
            (json("{"), 400),
            (json("[1,"), 400),
            (json("[]"), 400),
            (json(""), 400),
            (stream.append("text/plain", "1"), 409),
        ] {
            let answer = ask.producer("p", epoch, seq).send().await?;
            answer.refused(status)?;
        }
        let right = stream.append("application/json", number.to_string());
        let right = right.producer("p", epoch, seq);
        right.send().await?.accepted(epoch, seq)?;
    }
    stream.holds_messages(&json!([0, 1, 2])).await?;
    Ok(())
}

async fn sequence(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let before = stream.append("text/plain", "<>").header("Stream-Seq", "m");
    before.prepare().await?;
    let first = append(&stream, 0, 0).header("Stream-Seq", "b");
    first.send().await?.conflict()?;
    append(&stream, 0, 0).send().await?.accepted(0, 0)?;
    let second = append(&stream, 0, 1).header("Stream-Seq", "m");
    second.send().await?.conflict()?;
    let second = append(&stream, 0, 1).header("Stream-Seq", "n");
    second.send().await?.accepted(0, 1)?;
    stream.holds("<><0 0><0 1>").await?;
    Ok(())
}

async fn keeps_sequence(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 1, 0).prepare().await?;
    for (epoch, seq, status) in [(1, 2, 409), (0, 1, 403), (2, 1, 400)] {
        let ask = append(&stream, epoch, seq).header("Stream-Seq", "z");
        ask.send().await?.refused(status)?;
    }
    let lower = append(&stream, 1, 1).header("Stream-Seq", "a");
    lower.send().await?.accepted(1, 1)?;
    Ok(())
}

async fn fork(t: Target) -> Verdict {
    let source = t.stream("text/plain").await?;
    append(&source, 3, 0).prepare().await?;
    let fork = t.forked(&source).await?;
    append(&fork, 0, 0).send().await?.accepted(0, 0)?;
    append(&source, 3, 1).send().await?.accepted(3, 1)?;
    fork.holds("<3 0><0 0>").await?;
    source.holds("<3 0><3 1>").await?;
    Ok(())
}

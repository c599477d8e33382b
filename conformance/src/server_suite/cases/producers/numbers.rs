//! The numbers of a producer within an epoch: each request is carried out once, in order.

use super::{WRITE, append, text};
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "producer.seq.next-is-accepted",
        &["5.2.1-06", "5.2.1-07", "5.2.1-13", "5.2-23"],
        "The next append of a producer answers 200 with its epoch, its number and the new tail",
        check!(next),
    )
    .needs(WRITE),
    must(
        "producer.duplicate.stores-nothing",
        &["5.2.1-06", "5.2.1-12"],
        "An append that was carried out before answers 204 with the epoch, and is not stored again",
        check!(duplicate),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.duplicate.names-the-highest-number",
        &["5.2.1-07", "5.2.1-12"],
        "The answer to a repeated append has the highest accepted number, not the repeated one",
        check!(highest),
    )
    .needs(WRITE)
    .after("producer.duplicate.stores-nothing"),
    must(
        "producer.duplicate.names-the-tail",
        &["5.2-23"],
        "The answer to a repeated append has Stream-Next-Offset, as every 200 and 204 of a POST",
        check!(tail),
    )
    .needs(WRITE)
    .after("producer.duplicate.stores-nothing"),
    must(
        "producer.duplicate.is-known-by-its-number-alone",
        &["5.2.1-12"],
        "An append with a number that was accepted is a repetition, whatever it brings",
        check!(other_content),
    )
    .needs(WRITE)
    .after("producer.duplicate.stores-nothing"),
    must(
        "producer.seq.gap-is-refused",
        &["5.2.1-08", "5.2.1-15"],
        "An append that leaves out a number answers 409 with the expected and the received one, and stores nothing",
        check!(gap),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.unknown.begins-at-0",
        &["5.2.1-14", "5.2.1-15"],
        "The first append of a producer is a gap if its number is not 0",
        check!(unknown),
    )
    .needs(WRITE)
    .after("producer.seq.gap-is-refused"),
    must(
        "producer.state.is-of-one-id-and-stream",
        &["5.2.1-13"],
        "Producers on a stream, and streams of a producer, do not know of each other",
        check!(independent),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.state.is-not-moved-by-others",
        &["5.2.1-12", "5.2.1-13"],
        "Appends without producer headers leave producers where they are",
        check!(plain_between),
    )
    .needs(WRITE)
    .after("producer.duplicate.stores-nothing"),
];

async fn next(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut stored = String::new();
    for seq in 0..4 {
        let answer = append(&stream, 0, seq).send().await?;
        answer.accepted(0, seq)?.does_not_say("Stream-Closed")?;
        stored.push_str(&text(0, seq));
        let read = stream.holds(&stored).await?;
        read.has("Stream-Next-Offset", answer.next_offset()?)?;
    }
    Ok(())
}

async fn duplicate(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for seq in 0..3 {
        append(&stream, 4, seq).prepare().await?;
        for _ in 0..2 {
            let answer = append(&stream, 4, seq).send().await?;
            answer.duplicate(4, seq)?.does_not_say("Stream-Closed")?;
        }
    }
    stream.holds("<4 0><4 1><4 2>").await?;
    Ok(())
}

async fn highest(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for seq in 0..3 {
        append(&stream, 0, seq).prepare().await?;
    }
    for seq in [1, 0, 2] {
        let answer = append(&stream, 0, seq).send().await?;
        answer.duplicate(0, 2)?;
    }
    // And it goes on where it was.
    append(&stream, 0, 3).send().await?.accepted(0, 3)?;
    stream.holds("<0 0><0 1><0 2><0 3>").await?;
    Ok(())
}

async fn tail(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    let tail = stream.tail().await?;
    let answer = append(&stream, 0, 0).send().await?;
    answer.status(&[204])?.has("Stream-Next-Offset", &tail)?;
    Ok(())
}

async fn other_content(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    let other = stream.append("text/plain", "something else");
    let answer = other.producer("p", 0, 0).send().await?;
    answer.duplicate(0, 0)?;
    stream.holds("<0 0>").await?;
    Ok(())
}

async fn gap(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    let tail = stream.tail().await?;
    append(&stream, 0, 2).send().await?.gap(1, 2)?;
    // What was refused is not kept for later, and is not the number that the next is measured by.
    append(&stream, 0, 3).send().await?.gap(1, 3)?;
    let read = stream.holds("<0 0>").await?;
    read.has("Stream-Next-Offset", &tail)?;
    append(&stream, 0, 1).send().await?.accepted(0, 1)?;
    stream.holds("<0 0><0 1>").await?;
    append(&stream, 0, 2).send().await?.accepted(0, 2)?;
    stream.holds("<0 0><0 1><0 2>").await?;
    Ok(())
}

async fn unknown(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 1).send().await?.gap(0, 1)?;
    append(&stream, 3, 7).send().await?.gap(0, 7)?;
    // Neither number nor epoch of what was refused is kept.
    append(&stream, 0, 0).send().await?.accepted(0, 0)?;
    stream.holds("<0 0>").await?;
    Ok(())
}

async fn independent(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let other = t.stream("text/plain").await?;
    for seq in 0..2 {
        append(&stream, 5, seq).prepare().await?;
    }
    let second = stream.append("text/plain", "<q>").producer("q", 0, 0);
    second.send().await?.accepted(0, 0)?;
    append(&other, 0, 0).send().await?.accepted(0, 0)?;
    append(&stream, 5, 2).send().await?.accepted(5, 2)?;
    stream.holds("<5 0><5 1><q><5 2>").await?;
    other.holds("<0 0>").await?;
    Ok(())
}

async fn plain_between(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    let plain = stream.append("text/plain", "<>").send().await?;
    plain.carried_out()?;
    append(&stream, 0, 0).send().await?.duplicate(0, 0)?;
    append(&stream, 0, 1).send().await?.accepted(0, 1)?;
    stream.holds("<0 0><><0 1>").await?;
    Ok(())
}

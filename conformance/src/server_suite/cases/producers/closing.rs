//! Producers that close: once, in order, and recognised when they repeat it.

use super::{WRITE, append};
use crate::server_suite::case::{Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Stream, Target};

pub(super) const CASES: &[Case] = &[
    must(
        "producer.close.with-append-does-both",
        &["5.2.1-20", "5.2-24"],
        "An append of a producer that closes answers 200 with the new tail and Stream-Closed",
        check!(with_append),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.close.with-append-is-stored-once",
        &["5.2.1-20"],
        "An append of a producer that closes is stored once, however often it is sent, and the stream stays closed",
        check!(stored_once),
    )
    .needs(WRITE)
    .after("producer.close.with-append-does-both"),
    must(
        "producer.close.takes-its-turn",
        &["5.2.1-21"],
        "A close of a producer that brings nothing has a number: the next one closes, a gap and an old epoch do not",
        check!(takes_its_turn),
    )
    .needs(WRITE)
    .after("producer.seq.gap-is-refused"),
    should(
        "producer.close.repeated-answers-204",
        &["5.2.1-22"],
        "The close of a producer answers 204 with Stream-Closed when it is sent again",
        check!(repeated),
    )
    .needs(WRITE)
    .after("producer.close.takes-its-turn"),
    should(
        "producer.close.with-append-repeated-answers-204",
        &["5.2.1-20", "5.2.1-22"],
        "The append of a producer that closed answers 204 with Stream-Closed when it is sent again",
        check!(repeated_append),
    )
    .needs(WRITE)
    .after("producer.close.with-append-does-both"),
    must(
        "producer.closed.refuses-everything-else",
        &["5.2.1-23"],
        "What a producer sends to a closed stream answers 409 with Stream-Closed, unless it is what closed the stream",
        check!(everything_else),
    )
    .needs(WRITE)
    .after("producer.close.with-append-does-both"),
    must(
        "producer.closed.refuses-another-close",
        &["5.2.1-23"],
        "A close of a producer answers 409 with Stream-Closed if another request has closed the stream",
        check!(another_close),
    )
    .needs(WRITE)
    .after("producer.close.takes-its-turn"),
    must(
        "producer.closed.old-epoch-is-refused",
        &["5.2.1-24"],
        "An append of an old epoch to a closed stream is refused: as fenced, or because the stream is closed",
        check!(old_epoch),
    )
    .needs(WRITE)
    .after("producer.close.with-append-does-both"),
];

fn close(stream: &Stream, epoch: u64, seq: u64) -> Ask {
    stream.close().producer("p", epoch, seq)
}

async fn with_append(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    let answer = append(&stream, 0, 1).closing().send().await?;
    answer.accepted(0, 1)?.says("Stream-Closed")?;
    let read = stream.holds("<0 0><0 1>").await?;
    read.says("Stream-Closed")?
        .has("Stream-Next-Offset", answer.next_offset()?)?;
    Ok(())
}

async fn stored_once(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let closing = append(&stream, 0, 0).closing();
    for _ in 0..3 {
        let answer = closing.clone().send().await?;
        // Its status is what other cases are about.
        answer.says("Stream-Closed")?;
    }
    let read = stream.holds("<0 0>").await?;
    read.says("Stream-Closed")?;
    Ok(())
}

async fn takes_its_turn(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 1, 0).prepare().await?;
    let tail = stream.tail().await?;
    close(&stream, 1, 2).send().await?.gap(1, 2)?;
    close(&stream, 0, 1).send().await?.fenced(1)?;
    close(&stream, 2, 1).send().await?.refused(400)?;
    let head = stream.head().send().await?;
    head.status(&[200])?.does_not_say("Stream-Closed")?;
    // New, but without content: both may be meant.
    let answer = close(&stream, 1, 1).send().await?;
    answer.carried_out()?.echoes(1, 1)?.says("Stream-Closed")?;
    answer.has("Stream-Next-Offset", &tail)?;
    let read = stream.holds("<1 0>").await?;
    read.says("Stream-Closed")?;
    Ok(())
}

async fn repeated(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    close(&stream, 0, 1).prepare().await?;
    for _ in 0..2 {
        let answer = close(&stream, 0, 1).send().await?;
        answer.duplicate(0, 1)?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn repeated_append(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    append(&stream, 0, 1).closing().prepare().await?;
    for _ in 0..2 {
        let answer = append(&stream, 0, 1).closing().send().await?;
        answer.duplicate(0, 1)?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn everything_else(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 1, 0).prepare().await?;
    append(&stream, 1, 1).closing().prepare().await?;
    let tail = stream.tail().await?;
    let other = stream.append("text/plain", "<q>").producer("q", 0, 0);
    let same_numbers = stream.append("text/plain", "<q>").producer("q", 1, 1);
    for ask in [
        append(&stream, 1, 2),
        append(&stream, 1, 3),
        append(&stream, 2, 0),
        other,
        same_numbers,
    ] {
        ask.clone().send().await?.refused_at_end(&tail)?;
        ask.closing().send().await?.refused_at_end(&tail)?;
    }
    stream.holds("<1 0><1 1>").await?;
    Ok(())
}

async fn another_close(t: Target) -> Verdict {
    // Closed by a producer, and by a request without producer headers.
    for by_producer in [true, false] {
        let stream = t.stream("text/plain").await?;
        append(&stream, 0, 0).prepare().await?;
        let closing = if by_producer {
            close(&stream, 0, 1)
        } else {
            stream.close()
        };
        closing.prepare().await?;
        let tail = stream.tail().await?;
        for ask in [
            close(&stream, 0, 2),
            close(&stream, 1, 0),
            stream.close().producer("q", 0, 0),
        ] {
            ask.send().await?.refused_at_end(&tail)?;
        }
    }
    Ok(())
}

async fn old_epoch(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 2, 0).prepare().await?;
    append(&stream, 2, 1).closing().prepare().await?;
    let tail = stream.tail().await?;
    let old = append(&stream, 1, 0);
    for ask in [old.clone(), old.closing()] {
        let answer = ask.send().await?;
        // "Closed" comes first in §5.2, the epoch in §5.2.1.
        answer.status(&[403, 409])?;
        if answer.status == 403 {
            answer.has("Producer-Epoch", "2")?;
        } else {
            answer.refused_at_end(&tail)?;
        }
    }
    stream.holds("<2 0><2 1>").await?;
    Ok(())
}

//! The headers of a producer: all three, and what they may be.

use super::{WRITE, append};
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

/// The greatest number that a producer may use.
const MAX: u64 = (1 << 53) - 1;

/// What is no integer, or none from 0 on. Spellings that could be read as one (`01`, `+1`) are not asked for.
const NO_INTEGERS: &[&str] = &["", "-1", "1.0", "1e3", "0x10", "1a", "one", "1,2"];

/// Integers that are too large. The last ones wrap around to 0 in 64 bits, and in 53.
const TOO_LARGE: &[&str] = &[
    "9007199254740992",
    "9223372036854775808",
    "18446744073709551616",
    "100000000000000000000000000000",
];

pub(super) const CASES: &[Case] = &[
    must(
        "producer.headers.go-together",
        &["5.2.1-01"],
        "An append with some of the producer headers, but not all three, answers 400, and stores nothing",
        check!(together),
    )
    .needs(WRITE),
    must(
        "producer.headers.of-a-close-go-together",
        &["5.2.1-01"],
        "A close with some of the producer headers, but not all three, answers 400, and does not close",
        check!(together_closing),
    )
    .needs(WRITE),
    must(
        "producer.id.is-not-empty",
        &["5.2.1-02"],
        "An append with an empty Producer-Id answers 400, and stores nothing",
        check!(empty_id),
    )
    .needs(WRITE),
    must(
        "producer.id.is-compared-as-it-is",
        &["5.2.1-02", "5.2.1-13"],
        "Any other text is a Producer-Id, and two that differ in case only are two producers",
        check!(ids),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.epoch.is-an-integer",
        &["5.2.1-03"],
        "A Producer-Epoch that is no integer from 0 on answers 400, and nothing is stored",
        check!(epoch_syntax),
    )
    .needs(WRITE),
    must(
        "producer.seq.is-an-integer",
        &["5.2.1-03"],
        "A Producer-Seq that is no integer from 0 on answers 400, and nothing is stored",
        check!(seq_syntax),
    )
    .needs(WRITE),
    must(
        "producer.epoch.is-below-two-to-the-53",
        &["5.2.1-04"],
        "A Producer-Epoch of 2^53-1 is accepted and echoed digit by digit, one of 2^53 answers 400",
        check!(epoch_limit),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.seq.is-below-two-to-the-53",
        &["5.2.1-05"],
        "A Producer-Seq of 2^53-1 is a number like any other, one of 2^53 answers 400",
        check!(seq_limit),
    )
    .needs(WRITE)
    .after("producer.seq.gap-is-refused"),
];

/// All choices of some headers.
const INCOMPLETE: &[&[(&str, &str)]] = &[
    &[("Producer-Id", "p")],
    &[("Producer-Epoch", "0")],
    &[("Producer-Seq", "0")],
    &[("Producer-Id", "p"), ("Producer-Epoch", "0")],
    &[("Producer-Id", "p"), ("Producer-Seq", "0")],
    &[("Producer-Epoch", "0"), ("Producer-Seq", "0")],
];

async fn together(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for headers in INCOMPLETE {
        let mut ask = stream.append("text/plain", "<>");
        for (name, value) in *headers {
            ask = ask.header(name, value);
        }
        ask.send().await?.refused(400)?;
    }
    stream.holds("").await?;
    Ok(())
}

async fn together_closing(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for headers in INCOMPLETE {
        let mut ask = stream.close();
        for (name, value) in *headers {
            ask = ask.header(name, value);
        }
        ask.send().await?.refused(400)?;
    }
    let head = stream.head().send().await?;
    head.status(&[200])?.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn empty_id(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = stream.append("text/plain", "<>").producer("", 0, 0);
    append.clone().send().await?.refused(400)?;
    append.closing().send().await?.refused(400)?;
    let read = stream.holds("").await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn ids(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let long = "p".repeat(200);
    let ids = ["p", "P", "p/1", "p:1", "a b", "{\"p\"}", "0", "-1", &long];
    for id in ids {
        let append = stream.append("text/plain", "<>").producer(id, 0, 0);
        append.send().await?.accepted(0, 0)?;
    }
    stream.holds("<>".repeat(ids.len())).await?;
    Ok(())
}

async fn epoch_syntax(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for epoch in NO_INTEGERS {
        let append = stream.append("text/plain", "<>");
        let append = append
            .header("Producer-Id", "p")
            .header("Producer-Epoch", epoch)
            .header("Producer-Seq", "0");
        append.send().await?.refused(400)?;
    }
    stream.holds("").await?;
    Ok(())
}

async fn seq_syntax(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    for seq in NO_INTEGERS {
        let append = stream.append("text/plain", "<>");
        let append = append
            .header("Producer-Id", "p")
            .header("Producer-Epoch", "0")
            .header("Producer-Seq", seq);
        append.send().await?.refused(400)?;
    }
    stream.holds("<0 0>").await?;
    Ok(())
}

async fn epoch_limit(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for epoch in TOO_LARGE {
        let append = stream.append("text/plain", "<>");
        let append = append
            .header("Producer-Id", "p")
            .header("Producer-Epoch", epoch)
            .header("Producer-Seq", "0");
        append.send().await?.refused(400)?;
    }
    let answer = append(&stream, MAX, 0).send().await?;
    answer.accepted(MAX, 0)?;
    // It is told apart from the one before it.
    let stale = append(&stream, MAX - 1, 0).send().await?;
    stale.fenced(MAX)?;
    stream.holds(super::text(MAX, 0)).await?;
    Ok(())
}

async fn seq_limit(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    for seq in TOO_LARGE {
        let append = stream.append("text/plain", "<>");
        let append = append
            .header("Producer-Id", "p")
            .header("Producer-Epoch", "0")
            .header("Producer-Seq", seq);
        append.send().await?.refused(400)?;
    }
    // Nobody can send that many; that it is a number shows where it is missing others.
    append(&stream, 0, MAX).send().await?.gap(1, MAX)?;
    stream.holds("<0 0>").await?;
    Ok(())
}

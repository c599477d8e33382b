//! Requests of producers at the same time: however they meet, each is carried out once and in order.

use futures_util::future::join_all;

use super::{WRITE, append, text};
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::target::Target;

/// How many requests are under way at the same time.
const AT_ONCE: u64 = 12;

pub(super) const CASES: &[Case] = &[
    must(
        "producer.concurrent.repetitions-are-stored-once",
        &["5.2.1-16"],
        "Of appends with the same number at the same time one answers 200 and is stored; the others answer 204",
        check!(repetitions),
    )
    .needs(WRITE)
    .after("producer.duplicate.stores-nothing"),
    must(
        "producer.concurrent.numbers-stay-in-order",
        &["5.2.1-16"],
        "Of appends with many numbers at the same time each is either stored in order or refused as a gap",
        check!(numbers),
    )
    .needs(WRITE)
    .after("producer.seq.gap-is-refused"),
    must(
        "producer.concurrent.producers-do-not-disturb-each-other",
        &["5.2.1-16"],
        "Appends of different producers at the same time are all stored, once",
        check!(producers),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
];

async fn repetitions(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut stored = String::new();
    for seq in 0..3 {
        // What each brings tells which was stored.
        let requests = (0..AT_ONCE).map(|copy| {
            let append = stream.append("text/plain", format!("<{seq} {copy:02}>"));
            append.producer("p", 0, seq).send()
        });
        let mut accepted = Vec::new();
        for (copy, answer) in join_all(requests).await.into_iter().enumerate() {
            let answer = answer?;
            answer.status(&[200, 204])?.echoes(0, seq)?;
            if answer.status == 200 {
                accepted.push(copy);
            }
        }
        let [copy] = accepted[..] else {
            let expected = format!("one status 200 for number {seq}, and 204 for its repetitions");
            return fail(expected, format!("status 200 {} times", accepted.len()));
        };
        stored.push_str(&format!("<{seq} {copy:02}>"));
        stream.holds(&stored).await?;
    }
    Ok(())
}

async fn numbers(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut next = 0;
    let mut waiting: Vec<u64> = (0..AT_ONCE).collect();
    while !waiting.is_empty() {
        // The upper half goes first, so that there are gaps. At least the lowest number gets through in every round.
        let asked = waiting.len();
        waiting.rotate_left(asked / 2);
        let requests = waiting.iter().map(|&seq| append(&stream, 0, seq).send());
        let mut answers: Vec<_> = join_all(requests).await.into_iter().zip(waiting).collect();
        answers.sort_by_key(|(_, seq)| *seq);
        let mut refused = Vec::new();
        for (answer, seq) in answers {
            let answer = answer?;
            if answer.status == 409 {
                answer
                    .conflict()?
                    .has("Producer-Received-Seq", &seq.to_string())?;
                refused.push(seq);
                continue;
            }
            answer.status(&[200])?;
            if seq != next {
                return answer.fail(format!("{next} to be accepted before {seq}"), "status 200");
            }
            next += 1;
        }
        if refused.len() == asked {
            return fail(
                format!("number {next}, which is the next, to be accepted"),
                format!("{refused:?} refused as gaps"),
            );
        }
        waiting = refused;
    }
    let stored: String = (0..AT_ONCE).map(|seq| text(0, seq)).collect();
    stream.holds(stored).await?;
    Ok(())
}

async fn producers(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for seq in 0..2 {
        let requests = (0..AT_ONCE).map(|producer| {
            let append = stream.append("text/plain", format!("<{seq} {producer:02}>"));
            append.producer(&format!("p{producer}"), 0, seq).send()
        });
        for answer in join_all(requests).await {
            answer?.accepted(0, seq)?;
        }
    }
    let read = stream.read_all("-1").await?;
    let text = String::from_utf8_lossy(&read.body).into_owned();
    let (first, second) = text.split_at_checked(text.len() / 2).unwrap_or_default();
    for (seq, part) in [(0, first), (1, second)] {
        let mut found: Vec<_> = part.split_inclusive('>').collect();
        found.sort_unstable();
        let all: Vec<_> = (0..AT_ONCE)
            .map(|producer| format!("<{seq} {producer:02}>"))
            .collect();
        if found != all {
            let expected = format!("number {seq} of {AT_ONCE} producers, in any order, and once");
            return read.fail(expected, text.as_str());
        }
    }
    Ok(())
}

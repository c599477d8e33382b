//! Epochs: a producer that begins anew, and fences off what it was before.

use super::{WRITE, append};
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "producer.epoch.higher-begins-anew",
        &["5.2.1-06", "5.2.1-07", "5.2.1-11"],
        "An append with a higher epoch and the number 0 answers 200, and numbers begin anew",
        check!(higher),
    )
    .needs(WRITE)
    .after("producer.seq.next-is-accepted"),
    must(
        "producer.epoch.higher-begins-at-0",
        &["5.2.1-10", "5.2.1-15"],
        "An append with a higher epoch and another number than 0 answers 400, and changes nothing",
        check!(higher_not_at_0),
    )
    .needs(WRITE)
    .after("producer.epoch.higher-begins-anew"),
    must(
        "producer.epoch.lower-is-fenced",
        &["5.2.1-06", "5.2.1-09", "5.2.1-15"],
        "An append with a lower epoch answers 403 with the current one, and stores nothing",
        check!(lower),
    )
    .needs(WRITE)
    .after("producer.epoch.higher-begins-anew"),
    must(
        "producer.epoch.lower-is-fenced-even-for-a-repetition",
        &["5.2.1-09"],
        "What was carried out in an earlier epoch is fenced as well when it is sent again",
        check!(lower_repeated),
    )
    .needs(WRITE)
    .after("producer.epoch.lower-is-fenced"),
    must(
        "producer.epoch.of-another-does-not-fence",
        &["5.2.1-09"],
        "A producer is fenced by its own epochs only",
        check!(other),
    )
    .needs(WRITE)
    .after("producer.epoch.lower-is-fenced"),
];

async fn higher(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    // Epochs need not be one behind the other, and the first need not be 0.
    for epoch in [2, 3, 10] {
        for seq in 0..2 {
            let answer = append(&stream, epoch, seq).send().await?;
            answer.accepted(epoch, seq)?;
        }
        append(&stream, epoch, 0)
            .send()
            .await?
            .duplicate(epoch, 1)?;
    }
    stream.holds("<2 0><2 1><3 0><3 1><10 0><10 1>").await?;
    Ok(())
}

async fn higher_not_at_0(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 1, 0).prepare().await?;
    // Also with the number that would be the next.
    for seq in [1, 2] {
        append(&stream, 2, seq).send().await?.refused(400)?;
    }
    stream.holds("<1 0>").await?;
    // The epoch is still the old one.
    append(&stream, 1, 1).send().await?.accepted(1, 1)?;
    append(&stream, 2, 0).send().await?.accepted(2, 0)?;
    stream.holds("<1 0><1 1><2 0>").await?;
    Ok(())
}

async fn lower(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 1, 0).prepare().await?;
    append(&stream, 4, 0).prepare().await?;
    // Whatever the number: the next of the old epoch, of the current one, a gap, or an epoch that never was.
    for (epoch, seq) in [(1, 1), (1, 5), (3, 0), (3, 1), (0, 0)] {
        let answer = append(&stream, epoch, seq).send().await?;
        answer.fenced(4)?;
    }
    stream.holds("<1 0><4 0>").await?;
    append(&stream, 4, 1).send().await?.accepted(4, 1)?;
    Ok(())
}

async fn lower_repeated(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    append(&stream, 1, 0).prepare().await?;
    append(&stream, 0, 0).send().await?.fenced(1)?;
    stream.holds("<0 0><1 0>").await?;
    Ok(())
}

async fn other(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    append(&stream, 0, 0).prepare().await?;
    let other = stream.append("text/plain", "<q>").producer("q", 9, 0);
    other.prepare().await?;
    append(&stream, 0, 1).send().await?.accepted(0, 1)?;
    stream.holds("<0 0><q><0 1>").await?;
    Ok(())
}

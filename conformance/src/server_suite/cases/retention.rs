//! Old content that is dropped (§4, §5.6), for servers of which the suite knows how much they keep.

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Stream, Target};

const RETENTION: &[Capability] = &[Capability::Write, Capability::Retention];

pub(super) const CASES: &[Case] = &[
    must(
        "retention.dropped.answers-410",
        &["4-07", "5.6-06"],
        "A read from an offset whose content was dropped answers 410, in every mode",
        check!(dropped),
    )
    .needs(RETENTION),
    must(
        "retention.kept.is-whole",
        &["4-07"],
        "What is kept when old content is dropped is whole and in order, up to the tail, at the offsets that it had",
        check!(kept),
    )
    .needs(RETENTION)
    .after("retention.dropped.answers-410"),
];

/// How many appends fill what a server keeps.
const PIECES: usize = 8;

/// A stream to which four times as much was appended as the server keeps; and the offset and the content of each append, the
/// first of which is gone.
async fn overfull(t: &Target) -> Verdict<(Stream, Vec<(String, String)>)> {
    let size = t.retention()?.div_ceil(PIECES).max(8);
    let stream = t.stream("text/plain").await?;
    let mut offset = stream.tail().await?;
    let mut pieces = Vec::new();
    for number in 0..4 * PIECES {
        let piece = format!("{number:0size$}");
        let append = stream.append("text/plain", piece.clone());
        let next = append.prepare().await?.next_offset()?.to_owned();
        pieces.push((offset, piece));
        offset = next;
    }
    let gone = async {
        loop {
            let answer = stream.read(&pieces[0].0).send().await?;
            if answer.status == 410 {
                return Ok(());
            }
            answer.status(&[200])?;
            // It may drop it in its own time.
            t.head_start().await;
        }
    };
    if let Some(gone) = t.within(gone).await {
        gone?;
    } else {
        let answer = stream.read(&pieces[0].0).send().await?;
        answer.status(&[410])?;
    }
    Ok((stream, pieces))
}

async fn dropped(t: Target) -> Verdict {
    let (stream, pieces) = overfull(&t).await?;
    let first = stream.read(&pieces[0].0);
    for live in ["long-poll", "sse"] {
        first.clone().live(live).send().await?.refused(410)?;
    }
    Ok(())
}

async fn kept(t: Target) -> Verdict {
    let (stream, pieces) = overfull(&t).await?;
    let mut rest = String::new();
    for (offset, piece) in pieces.iter().rev() {
        rest.insert_str(0, piece);
        let first = stream.read(offset).send().await?;
        if first.status == 410 {
            // Nothing older can be there.
            stream.read(&pieces[0].0).send().await?.status(&[410])?;
            return Ok(());
        }
        stream.read_all(offset).await?.body(&rest)?;
    }
    Ok(())
}

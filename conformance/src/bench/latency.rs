//! How long an append takes.

use std::time::Instant;

use super::measure::{micros, quantile};
use super::{BYTES, Bench, Better, BoxError, bare, message};

const PARTS: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Appends of 100 bytes, one after the other, by turns.
pub(super) async fn appends(bench: &mut Bench<'_>) -> Result<(), BoxError> {
    let (stream, url) = bench.stream(BYTES).await?;
    let body = message(BYTES, 100);
    let mut rounds = [const { Vec::new() }; 6];
    for _ in 0..bench.effort.rounds {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..bench.effort.appends {
            let begun = Instant::now();
            stream.append(body.clone()).await?;
            ours.push(micros(begun.elapsed()));
            let begun = Instant::now();
            bare::append(&*bench.bare, &url, BYTES, body.clone()).await?;
            theirs.push(micros(begun.elapsed()));
        }
        for (index, (_, share)) in PARTS.iter().enumerate() {
            rounds[index].push(quantile(&mut ours, *share));
            rounds[3 + index].push(quantile(&mut theirs, *share));
        }
    }
    for (index, (name, _)) in PARTS.iter().enumerate() {
        let what = format!("append {name}, µs");
        bench.row(what, Better::Less, &rounds[index], &rounds[3 + index]);
    }
    stream.delete().await?;
    Ok(())
}

/// The first append of a new client, with its connection.
pub(super) async fn cold(bench: &mut Bench<'_>) -> Result<(), BoxError> {
    let (stream, url) = bench.stream(BYTES).await?;
    let body = message(BYTES, 100);
    let path = url.rsplit('/').next().unwrap_or_default().to_owned();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds.max(20) {
        let begun = Instant::now();
        let client = (bench.contender.client)(&bench.root)?.build()?;
        client
            .stream(&path)
            .with_content_type(BYTES)
            .append(body.clone())
            .await?;
        ours.push(micros(begun.elapsed()));
        let begun = Instant::now();
        let bare = (bench.contender.bare)()?;
        bare::append(&*bare, &url, BYTES, body.clone()).await?;
        theirs.push(micros(begun.elapsed()));
    }
    bench.row("first append p50, µs", Better::Less, &ours, &theirs);
    stream.delete().await?;
    Ok(())
}

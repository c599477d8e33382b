//! `offset=now`: from the tail on (§8).

use serde_json::json;

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "now.catch-up.is-empty-and-up-to-date",
        &["8-08", "8-10", "8-11", "8-12", "8-14"],
        "A GET from now answers 200 with nothing, the tail, and Stream-Up-To-Date",
        check!(catch_up),
    )
    .needs(WRITE),
    must(
        "now.catch-up.of-json-is-an-empty-array",
        &["8-09"],
        "A GET from now of a JSON stream answers []",
        check!(json),
    )
    .needs(WRITE)
    .after("now.catch-up.is-empty-and-up-to-date"),
    must(
        "now.catch-up.has-no-etag",
        &["10-03"],
        "A GET from now has no ETag: what now is changes",
        check!(no_etag),
    )
    .needs(WRITE)
    .after("now.catch-up.is-empty-and-up-to-date"),
];

async fn catch_up(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["before"]).await?;
    let tail = stream.tail().await?;
    let answer = stream.read("now").send().await?;
    answer.status(&[200])?.body("")?;
    answer
        .has("Stream-Next-Offset", &tail)?
        .says("Stream-Up-To-Date")?;
    Ok(())
}

async fn json(t: Target) -> Verdict {
    let stream = t.filled("application/json", &["[1,2]"]).await?;
    let answer = stream.read("now").send().await?;
    answer.status(&[200])?.messages(&json!([]))?;
    Ok(())
}

async fn no_etag(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["before"]).await?;
    stream
        .read("now")
        .send()
        .await?
        .status(&[200])?
        .lacks("ETag")?;
    Ok(())
}

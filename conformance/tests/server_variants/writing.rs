//! The suite cannot tell in which of the legal ways a server writes.

use durable_streams_conformance::reference::{AnswerStyle, Config, OffsetFormat, SseStyle};
use durable_streams_conformance::server_suite::{Capability, cases};

use super::{not_passed, over_hyper, serve, shown};

/// What is about long streams takes most of the time, and is the same whatever they are written like.
const LONG: [&str; 1] = ["catch-up.pages"];

async fn assert_is_legal(config: Config, selected: &[&str]) {
    let like = format!("{:?} {:?} {:?}", config.offsets, config.sse, config.answers);
    let escaped = config.offsets == OffsetFormat::Escaped;
    let (_server, root) = serve(config, "/v1/stream").await;
    let suite = over_hyper(&root).only(selected.iter().copied()).not(LONG);
    let mut bad = not_passed(suite).await;
    // Offsets should be safe in URLs, and need not.
    bad.retain(|run| !escaped || run.case != "offsets.tokens.are-safe-in-urls");
    assert_eq!(shown(&bad), [], "{like}");
}

#[tokio::test]
async fn offsets_may_look_like_anything() {
    // The first is what all other tests have.
    for &format in &OffsetFormat::ALL[1..] {
        assert_is_legal(Config::default().with_offsets(format), &[]).await;
    }
}

#[tokio::test]
async fn events_may_be_written_in_any_way() {
    let cases = cases();
    let about_events = cases
        .iter()
        .filter(|case| case.capabilities().contains(&Capability::Sse));
    let about_events: Vec<_> = about_events.map(|case| case.id()).collect();
    for &style in SseStyle::ALL {
        assert_is_legal(Config::default().with_sse([style]), &about_events).await;
    }
    let all = Config::default().with_sse(SseStyle::ALL.iter().copied());
    assert_is_legal(all, &about_events).await;
}

/// Each style once, with others that do not hide it.
#[tokio::test]
async fn answers_may_be_written_in_any_way() {
    use AnswerStyle::*;
    let some = [Ok, Headers, Capitals, Private, WeakTags, Path, Bare, Pieces];
    let others = [Spread, OddTags, Cursors, Space, Text];
    assert_eq!(some.len() + others.len(), AnswerStyle::ALL.len());
    for styles in [some.as_slice(), &others] {
        let config = Config::default().with_answers(styles.iter().copied());
        assert_is_legal(config, &[]).await;
    }
}

#[tokio::test]
async fn ways_to_write_may_come_together() {
    for seed in 1..=2 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut half =
            |length: usize| -> Vec<usize> { (0..length).filter(|_| rng.bool()).collect() };
        let sse = half(SseStyle::ALL.len())
            .into_iter()
            .map(|at| SseStyle::ALL[at]);
        let answers = half(AnswerStyle::ALL.len()).into_iter();
        let config = Config::default()
            .with_sse(sse)
            .with_answers(answers.map(|at| AnswerStyle::ALL[at]))
            .with_offsets(OffsetFormat::ALL[rng.usize(..OffsetFormat::ALL.len())])
            .with_page_bytes(rng.usize(1..2000))
            .with_page_appends(rng.bool().then_some(rng.usize(1..5)))
            .with_seed(seed);
        assert_is_legal(config, &[]).await;
    }
}

//! The examples, run as a user runs them: to their end, which they judge themselves.

mod browser;
mod running;
mod web;

use running::{run, run_with};

fn ends_with(text: &str, line: &str) {
    assert_eq!(text.lines().next_back(), Some(line), "{text}");
}

#[test]
fn llm() {
    let said = run(env!("CARGO_BIN_EXE_llm"));
    ends_with(&said, "complete   each token once");
    assert_eq!(said.matches("generator  dies").count(), 2, "{said}");
    assert!(said.contains("reader     leaves at "), "{said}");
}

#[test]
fn change_feed() {
    let said = run(env!("CARGO_BIN_EXE_change_feed"));
    ends_with(&said, "the same   each change was applied once");
    assert_eq!(said.matches("publisher  dies").count(), 2, "{said}");
    assert_eq!(
        said.matches("publisher  had appended entry").count(),
        2,
        "{said}"
    );
    assert!(!said.contains("died 0 times"), "{said}");
}

#[test]
fn event_sourcing() {
    let said = run(env!("CARGO_BIN_EXE_event_sourcing"));
    ends_with(&said, "the same   from the snapshot and from the beginning");
    assert!(
        said.contains("20 events: {\"apples\": 10, \"pears\": 10}"),
        "{said}"
    );
}

#[test]
fn parallel_fold() {
    let said = run(env!("CARGO_BIN_EXE_parallel_fold"));
    ends_with(&said, "the same   each visit was counted once");
    assert!(said.contains("fold       dies"), "{said}");
}

#[test]
fn forks() {
    let said = run(env!("CARGO_BIN_EXE_forks"));
    ends_with(&said, "done       each fork has its own end");
}

#[test]
fn middleware() {
    let said = run(env!("CARGO_BIN_EXE_middleware"));
    ends_with(&said, "done       through four layers");
    assert!(said.contains("log        PUT /v1/stream/layers-"), "{said}");
    assert!(said.contains("201 Created"), "{said}");
}

#[test]
fn webhook() {
    let said = run(env!("CARGO_BIN_EXE_webhook"));
    // A wake that finds nothing left may be spoken of behind it.
    let done = "done       each of 60 orders was worked on";
    assert!(said.lines().any(|line| line == done), "{said}");
    assert!(
        said.contains("stranger   the webhook is not signed"),
        "{said}"
    );
    assert!(said.contains("wake       1 done, "), "{said}");
}

#[test]
fn worker_pool() {
    let smaller = [
        "--processes=2",
        "--divisions=2",
        "--streams=10",
        "--events=200",
        "--seconds=3",
    ];
    let said = run_with(env!("CARGO_BIN_EXE_worker_pool"), &smaller);
    ends_with(
        &said,
        "done       none was lost, none came again that was acknowledged",
    );
    assert!(!said.contains("killed     0 processes"), "{said}");
    assert!(said.contains("handled    200 of 200 events"), "{said}");
}

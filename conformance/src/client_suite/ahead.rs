//! Answers that are asked for ahead of their turn.

use durable_streams_client::{DurableStream, ErrorKind};

use super::support::*;
use crate::script::{Gate, Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b76_while_an_answer_arrives_the_next_are_asked_for,
        b76_without_it_one_answer_is_asked_for_at_a_time,
        b76_what_is_behind_a_cut_answer_is_asked_for_again,
        b76_a_failure_ahead_counts_in_its_turn,
        b76_a_dropped_reader_gives_up_what_is_ahead,
    ]
}

/// The stream of a client that asks for this many answers ahead.
fn stream(cx: &Context, server: &ScriptServer, answers: usize) -> DurableStream {
    let client = cx.builder(server).prefetch(answers);
    client.build().unwrap().stream("s")
}

/// An answer that is held between two messages.
fn held(next: &str, first: &'static str, gate: &Gate, second: &'static str) -> Reply {
    json(next, first).gate(gate).body(second)
}

async fn b76_while_an_answer_arrives_the_next_are_asked_for(cx: Context) {
    let gate = Gate::new();
    let server = cx
        .serve([
            held("a", "[1,", &gate, "2]"),
            json("b", "[3]"),
            json("c", "[4]"),
            json("d", "[5]").tail(),
        ])
        .await;
    let mut running = Running::start(stream(&cx, &server, 2).read().start());
    // Two ahead, and no more.
    within(server.wait_for_requests(3)).await;
    let asked = ["GET ?offset=-1", "GET ?offset=a", "GET ?offset=b"];
    assert_eq!(targets(&server), asked);
    assert_eq!(running.next().await, "[1] @-1,1");
    running.assert_silent();
    gate.open();
    for batch in ["[2] @a", "[3] @b", "[4] @c", "[5] @d tail"] {
        assert_eq!(running.next_ended().await, batch);
    }
    let (_, error) = running.end().await;
    assert!(error.is_none(), "{error:?}");
    server.assert_finished();
}

async fn b76_without_it_one_answer_is_asked_for_at_a_time(cx: Context) {
    let gate = Gate::new();
    let server = cx
        .serve([held("a", "[1,", &gate, "2]"), json("b", "[3]").tail()])
        .await;
    let mut running = Running::start(stream(&cx, &server, 0).read().start());
    // Its head has come.
    assert_eq!(running.next().await, "[1] @-1,1");
    assert_eq!(targets(&server), ["GET ?offset=-1"]);
    gate.open();
    assert_eq!(running.next_ended().await, "[2] @a");
    assert_eq!(running.next_ended().await, "[3] @b tail");
    server.assert_finished();
    running.abort();
}

async fn b76_what_is_behind_a_cut_answer_is_asked_for_again(cx: Context) {
    let gate = Gate::new();
    let server = cx
        .serve([
            held("a", "[1,", &gate, "2").cut_after(4),
            json("b", "[3]").tail(),
            json("a", "[1,2]"),
            json("b", "[3]").tail(),
        ])
        .await;
    let mut running = Running::start(stream(&cx, &server, 1).read().start());
    within(server.wait_for_requests(2)).await;
    assert_eq!(running.next().await, "[1] @-1,1");
    gate.open();
    assert_eq!(running.next_ended().await, "[2] @a");
    assert_eq!(running.next_ended().await, "[3] @b tail");
    let (_, error) = running.end().await;
    assert!(error.is_none(), "{error:?}");
    let asked = targets(&server);
    assert_eq!(asked[..2], ["GET ?offset=-1", "GET ?offset=a"]);
    assert_eq!(asked[2..], ["GET ?offset=-1", "GET ?offset=a"]);
    server.assert_finished();
}

async fn b76_a_failure_ahead_counts_in_its_turn(cx: Context) {
    let gate = Gate::new();
    let server = cx
        .serve([held("a", "[1,", &gate, "2]"), Reply::new(404)])
        .await;
    let mut running = Running::start(stream(&cx, &server, 2).read().start());
    within(server.wait_for_requests(2)).await;
    assert_eq!(running.next().await, "[1] @-1,1");
    running.assert_silent();
    gate.open();
    assert_eq!(running.next_ended().await, "[2] @a");
    let (reader, error) = running.end().await;
    assert_eq!(error.unwrap().kind(), ErrorKind::StreamNotFound);
    assert_eq!(reader.checkpoint().unwrap().to_string(), "a");
    server.assert_finished();
}

async fn b76_a_dropped_reader_gives_up_what_is_ahead(cx: Context) {
    let gate = Gate::new();
    let server = cx
        .serve([held("a", "[1,", &gate, "2]"), Reply::hang()])
        .await;
    let running = Running::start(stream(&cx, &server, 2).read().start());
    within(server.wait_for_requests(2)).await;
    running.abort();
    within(server.wait_for_abandoned(0)).await;
    within(server.wait_for_abandoned(1)).await;
    server.assert_finished();
}

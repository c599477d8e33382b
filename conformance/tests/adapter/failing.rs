//! Reads over answers that no good server gives, and over none.

use std::time::{Duration, Instant};

use durable_streams_conformance::script::{Gate, Reply};
use serde_json::json;

use crate::over::Over;
use crate::replies::{control, page, read, tail, text};
use crate::support::{data, failed};

over_every_transport! {
    what_is_no_json_is_a_parse_error,
    json_that_ends_early_is_asked_for_again_and_never_a_success,
    a_control_event_that_is_none_is_a_parse_error,
    faults_within_a_live_read_are_survived,
    a_server_that_asks_for_patience_gets_it,
}

async fn what_is_no_json_is_a_parse_error(over: Over) {
    for body in [
        "{\"a\":1}",
        "nonsense",
        "XY\"a\":1}]",
        "[{\"a\":}]",
        "[1 2]",
        "[01]",
        "[\"\\x\"]",
        "[1]]",
    ] {
        let (server, mut adapter) = over.scripted([page("3", "").body(body)]).await;
        let error = adapter.err(read(json!(false))).await;
        assert_eq!(error, failed("PARSE_ERROR", 200), "{body:?}");
        server.assert_finished();
    }
    let events = Reply::sse()
        .event("data", "[{\"a\":}]")
        .event("control", &control("1", ""));
    let (_server, mut adapter) = over.scripted([page("0", "[]"), events]).await;
    assert_eq!(
        adapter.err(read(json!("sse"))).await,
        failed("PARSE_ERROR", 200)
    );
}

async fn json_that_ends_early_is_asked_for_again_and_never_a_success(over: Over) {
    let cut = || page("3", "[1,");
    let (server, mut adapter) = over.scripted([cut(), page("3", "[1,2]")]).await;
    assert_eq!(data(&adapter.ok(read(json!(false))).await), "[1,2]");
    server.assert_finished();
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(move |_, _| cut());
    let error = adapter.err(read(json!(false))).await;
    assert_eq!(error, failed("NETWORK_ERROR", 0));
}

async fn a_control_event_that_is_none_is_a_parse_error(over: Over) {
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        "{\"upToDate\":true}",
        "nonsense",
    ] {
        let events = Reply::sse().event("data", "x").event("control", bad);
        let (server, mut adapter) = over.scripted([tail(), events.gate(&Gate::new())]).await;
        let error = adapter.err(read(json!("sse"))).await;
        assert_eq!(error, failed("PARSE_ERROR", 200), "{bad:?}");
        server.assert_finished();
    }
}

async fn faults_within_a_live_read_are_survived(over: Over) {
    let end = control("2", ",\"streamClosed\":true");
    for (live, last) in [
        ("long-poll", text("2", "b").header("Stream-Closed", "true")),
        (
            "sse",
            Reply::sse().event("data", "b").event("control", &end),
        ),
    ] {
        let (server, mut adapter) = over
            .scripted([
                Reply::new(503),
                text("1", "a"),
                Reply::new(500),
                Reply::reset(),
                Reply::new(429).header("Retry-After", "0"),
                last,
            ])
            .await;
        let result = adapter.ok(read(json!(live))).await;
        assert_eq!(
            (data(&result), &result["streamClosed"]),
            ("ab".into(), &json!(true))
        );
        server.assert_finished();
    }
}

async fn a_server_that_asks_for_patience_gets_it(over: Over) {
    let busy = Reply::new(429).header("Retry-After", "1");
    let (_server, mut adapter) = over.scripted([busy, text("1", "a")]).await;
    let asked = Instant::now();
    let result = adapter.ok(read(json!(false))).await;
    assert!(asked.elapsed() >= Duration::from_secs(1));
    assert_eq!(data(&result), "a");
}

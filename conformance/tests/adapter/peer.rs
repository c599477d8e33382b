//! A server that others wrote, and that fails when it is asked to: the npm package `@durable-streams/server`, at
//! `DURABLE_STREAMS_NPM_ROOT`. What it holds afterwards shows what really happened.

use serde_json::{Value, json};

use crate::over::Over;
use crate::support::{Adapter, data, failed, npm_root, path};

over_every_transport! {
    #[ignore = "for a server that injects faults"]
    one_fault_is_survived_and_what_is_written_is_stored_once,
    #[ignore = "for a server that injects faults"]
    a_fault_that_stays_is_reported_and_nothing_is_stored,
    #[ignore = "for a server that injects faults"]
    a_page_that_is_corrupt_is_a_parse_error_and_one_that_is_cut_is_asked_for_again,
    #[ignore = "for a server that injects faults"]
    events_that_nobody_knows_are_nothing_and_control_events_that_are_none_a_parse_error,
}

async fn stream(over: Over, content_type: &str) -> (Adapter, String) {
    let root = npm_root().expect("DURABLE_STREAMS_NPM_ROOT");
    let (mut adapter, path) = (over.adapter(&root).await, path());
    let create = json!({"type": "create", "path": path, "contentType": content_type});
    adapter.ok(create).await;
    (adapter, path)
}

/// Asks the server to do this to requests about the stream.
async fn inject(path: &str, mut fault: Value) {
    let root = npm_root().expect("DURABLE_STREAMS_NPM_ROOT");
    let stream = reqwest::Url::parse(&format!("{root}{path}")).unwrap();
    fault["path"] = json!(stream.path());
    let asked = reqwest::Client::new()
        .post(stream.join("/_test/inject-error").unwrap())
        .body(fault.to_string())
        .send();
    let answer = asked.await.unwrap();
    assert_eq!(answer.status(), 200, "the server injects no faults");
}

async fn contents(adapter: &mut Adapter, path: &str) -> String {
    data(&adapter.ok(json!({"type": "read", "path": path})).await)
}

async fn one_fault_is_survived_and_what_is_written_is_stored_once(over: Over) {
    for fault in [
        json!({"status": 503}),
        json!({"status": 500}),
        json!({"status": 429, "retryAfter": 0}),
        json!({"dropConnection": true}),
        json!({"delayMs": 50}),
    ] {
        let (mut adapter, path) = stream(over, "text/plain").await;
        for command in [
            json!({"type": "append", "data": "a"}),
            json!({"type": "idempotent-append", "data": "b", "producerId": "p"}),
            json!({"type": "idempotent-append-batch", "items": ["c", "d"], "producerId": "q"}),
            json!({"type": "idempotent-append-batch", "items": ["e", "f", "g"], "producerId": "r", "maxInFlight": 5}),
            json!({"type": "head"}),
            json!({"type": "read"}),
            json!({"type": "idempotent-close", "data": "z", "producerId": "p"}),
            json!({"type": "close"}),
        ] {
            let mut command = command;
            command["path"] = json!(path);
            inject(&path, fault.clone()).await;
            adapter.ok(command).await;
        }
        assert_eq!(contents(&mut adapter, &path).await, "abcdefgz", "{fault}");
        inject(&path, fault).await;
        adapter.ok(json!({"type": "delete", "path": path})).await;
    }
}

async fn a_fault_that_stays_is_reported_and_nothing_is_stored(over: Over) {
    for (fault, reported) in [
        (json!({"status": 503}), failed("UNEXPECTED_STATUS", 503)),
        (json!({"dropConnection": true}), failed("NETWORK_ERROR", 0)),
    ] {
        let (mut adapter, path) = stream(over, "text/plain").await;
        let mut fault = fault;
        fault["method"] = json!("POST");
        fault["count"] = json!(1_000_000);
        inject(&path, fault).await;
        for command in [
            json!({"type": "append", "data": "x"}),
            json!({"type": "idempotent-append", "data": "x", "producerId": "p"}),
            json!({"type": "idempotent-append-batch", "items": ["x", "y"], "producerId": "q"}),
            json!({"type": "idempotent-close", "data": "x", "producerId": "r"}),
            json!({"type": "close", "data": "x"}),
        ] {
            let mut command = command;
            command["path"] = json!(path);
            let error = adapter.err(command.clone()).await;
            assert_eq!(error, reported, "{command}");
        }
        let read = adapter.ok(json!({"type": "read", "path": path})).await;
        assert_eq!((&*data(&read), &read["streamClosed"]), ("", &json!(false)));
    }
}

async fn a_page_that_is_corrupt_is_a_parse_error_and_one_that_is_cut_is_asked_for_again(
    over: Over,
) {
    let (mut adapter, path) = stream(over, "application/json").await;
    let append = json!({"type": "append", "path": path, "data": r#"{"a":"some text"}"#});
    adapter.ok(append).await;
    let read = json!({"type": "read", "path": path});
    inject(&path, json!({"corruptBody": true})).await;
    assert_eq!(adapter.err(read.clone()).await, failed("PARSE_ERROR", 200));
    inject(&path, json!({"truncateBodyBytes": 9})).await;
    assert_eq!(data(&adapter.ok(read).await), r#"[{"a":"some text"}]"#);
}

async fn events_that_nobody_knows_are_nothing_and_control_events_that_are_none_a_parse_error(
    over: Over,
) {
    let (mut adapter, path) = stream(over, "text/plain").await;
    let text = "ä€😀 one\ntwo";
    adapter
        .ok(json!({"type": "append", "path": path, "data": text}))
        .await;
    let tail = json!({"type": "read", "path": path, "offset": "now"});
    let tail = adapter.ok(tail).await["offset"].clone();
    adapter
        .ok(json!({"type": "append", "path": path, "data": text}))
        .await;
    let read = json!({
        "type": "read", "path": path, "live": "sse", "offset": tail, "waitForUpToDate": true, "timeoutMs": 3_600_000,
    });
    for (kind, injected, expected) in [
        ("unknown", "nonsense", None),
        ("control", "{nonsense", Some("PARSE_ERROR")),
        ("control", "", Some("PARSE_ERROR")),
    ] {
        let event = json!({"eventType": kind, "data": injected});
        // The first request may be no live one, and then it has no events.
        let fault = json!({"count": 2, "method": "GET", "injectSseEvent": event});
        inject(&path, fault).await;
        let mut read = read.clone();
        if expected.is_some() {
            // Not before there was an event.
            read["waitForUpToDate"] = json!(false);
        }
        match expected {
            Some(name) => assert_eq!(adapter.err(read).await, failed(name, 200), "{injected:?}"),
            None => assert_eq!(data(&adapter.ok(read).await), text),
        }
    }
}

//! Lines: one result for each command, whatever the line.

use serde_json::{Value, json};

use crate::over::Over;
use crate::replies::text;
use crate::support::{Adapter, Server, code, failed, path};

#[tokio::test]
async fn the_introduction_names_every_feature() {
    let server = Server::start().await;
    let mut adapter = Adapter::new(Over::Reqwest);
    let init = adapter
        .ok(json!({"type": "init", "serverUrl": server.url(), "timeoutMs": 5000}))
        .await;
    let expected = json!({
        "clientName": "the adapter under test",
        "clientVersion": env!("CARGO_PKG_VERSION"),
        "features": {
            "batching": true, "sse": true, "longPoll": true, "auto": true, "streaming": true,
            "dynamicHeaders": true, "retryOptions": true, "batchItems": true,
            "strictZeroValidation": true,
        },
    });
    assert_eq!(init, expected);
}

#[tokio::test]
async fn a_line_that_is_no_command_is_an_error_and_the_next_one_is_done() {
    let (_server, mut adapter, path) = Over::Reqwest.stream("text/plain").await;
    let lines: [&[u8]; 8] = [
        b"nonsense",
        b"{\"type\":\"read\",\"path\"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b"{\"type\":1}",
    ];
    for line in lines {
        adapter.send_line(line).await;
        let error = adapter.result().await;
        assert_eq!(code(&error), failed("PARSE_ERROR", 0));
        assert_eq!(error["commandType"], "init");
        adapter.ok(json!({"type": "head", "path": path})).await;
    }
}

#[tokio::test]
async fn blank_lines_are_nothing_and_every_command_has_one_result_in_order() {
    let (_server, mut adapter, path) = Over::Reqwest.stream("text/plain").await;
    for line in ["", "  ", "\r", "\t"] {
        adapter.send_line(line.as_bytes()).await;
    }
    // All at once: the adapter takes one after the other.
    for n in 0..5 {
        adapter
            .send(json!({"type": "append", "path": path, "data": n.to_string()}))
            .await;
        adapter.send_line(b"").await;
    }
    adapter.send(json!({"type": "nonsense"})).await;
    adapter.send(json!({"type": "read", "path": path})).await;
    for _ in 0..5 {
        assert_eq!(adapter.result().await["type"], "append");
    }
    assert_eq!(adapter.result().await["commandType"], "nonsense");
    let read = adapter.result().await;
    assert_eq!(crate::support::data(&read), "01234");
    adapter.end().await;
}

#[tokio::test]
async fn unknown_commands_are_not_supported_and_unknown_fields_ignored() {
    let (_server, mut adapter, path) = Over::Reqwest.stream("text/plain").await;
    for kind in ["dance", "server-close", "server-append", "", "Create"] {
        let result = adapter.err(json!({"type": kind, "path": path})).await;
        assert_eq!(result, failed("NOT_SUPPORTED", 0), "{kind}");
    }
    let head = json!({"type": "head", "path": path, "colour": {"of": ["the", "sky"]}});
    adapter.ok(head).await;
}

#[tokio::test]
async fn a_field_that_cannot_be_is_an_invalid_argument_of_that_command() {
    let (_server, mut adapter, path) = Over::Reqwest.stream("text/plain").await;
    for command in [
        json!({"type": "read"}),
        json!({"type": "read", "path": path, "live": "forever"}),
        json!({"type": "read", "path": path, "timeoutMs": -1}),
        json!({"type": "append", "path": path}),
        json!({"type": "append", "path": path, "data": "x", "seq": -1}),
        json!({"type": "create", "path": path, "ttlSeconds": 1.5}),
        json!({"type": "idempotent-append", "path": path, "data": "x", "producerId": "p", "epoch": -1}),
        json!({"type": "set-dynamic-header", "name": "x", "valueType": "dice"}),
        json!({"type": "init"}),
    ] {
        let error = adapter.error(command).await;
        assert_eq!(code(&error), failed("INVALID_ARGUMENT", 0), "{error}");
    }
}

#[tokio::test]
async fn line_separators_are_escaped() {
    let (_server, mut adapter, path) = Over::Reqwest.stream("text/plain").await;
    let data = "a\u{2028}b\u{2029}c\u{85}d\n\u{feff}\"\\";
    adapter
        .ok(json!({"type": "append", "path": path, "data": data}))
        .await;
    adapter.send(json!({"type": "read", "path": path})).await;
    let line = adapter.line().await;
    assert!(!line.contains(['\u{2028}', '\u{2029}']), "{line:?}");
    assert!(line.contains("a\\u2028b\\u2029c"), "{line:?}");
    assert_eq!(line.matches('\n').count(), 1);
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["chunks"][0]["data"], data);
}

#[tokio::test]
async fn nothing_works_before_init_but_init() {
    let mut adapter = Adapter::new(Over::Reqwest);
    for command in [
        json!({"type": "create", "path": "/s"}),
        json!({"type": "read", "path": "/s"}),
        json!({"type": "idempotent-append", "path": "/s", "data": "x", "producerId": "p"}),
        json!({"type": "set-dynamic-header", "name": "x", "valueType": "counter"}),
        json!({"type": "benchmark", "iterationId": "1", "operation": {"op": "create", "path": "/s"}}),
    ] {
        assert_eq!(adapter.err(command).await, failed("INVALID_ARGUMENT", 0));
    }
    for url in ["", "nonsense", "ftp://h/", "http://"] {
        let init = json!({"type": "init", "serverUrl": url});
        assert_eq!(
            adapter.err(init).await,
            failed("INVALID_ARGUMENT", 0),
            "{url:?}"
        );
    }
    let server = Server::start().await;
    adapter
        .ok(json!({"type": "init", "serverUrl": server.url()}))
        .await;
    adapter.ok(json!({"type": "create", "path": path()})).await;
}

#[tokio::test]
async fn init_forgets_everything() {
    let (server, mut adapter) = Over::Reqwest.scripted([]).await;
    server.answer_with(|request, _| match &*request.method {
        "GET" => text("1", ""),
        _ => crate::replies::done("1")
            .header("Producer-Epoch", "0")
            .header(
                "Producer-Seq",
                request.header("producer-seq").unwrap_or("0"),
            ),
    });
    let work = [
        json!({"type": "set-dynamic-header", "name": "X-N", "valueType": "counter"}),
        json!({"type": "idempotent-append", "path": "/s", "data": "x", "producerId": "p"}),
        json!({"type": "append", "path": "/s", "data": "x"}),
    ];
    for command in work.clone() {
        adapter.ok(command).await;
    }
    adapter
        .ok(json!({"type": "init", "serverUrl": server.url("")}))
        .await;
    let append = adapter.ok(work[2].clone()).await;
    assert_eq!(append["headersSent"], Value::Null, "{append}");
    adapter.ok(work[1].clone()).await;
    let requests = server.requests();
    assert_eq!(
        requests[3].header("producer-seq"),
        Some("0"),
        "another writer"
    );
    assert_eq!(requests[2].header("x-n"), None);
}

#[tokio::test]
async fn shutdown_is_answered_and_the_end() {
    for init in [false, true] {
        let server = Server::start().await;
        let mut adapter = match init {
            true => server.adapter(Over::Reqwest).await,
            false => Adapter::new(Over::Reqwest),
        };
        assert_eq!(adapter.ok(json!({"type": "shutdown"})).await, json!({}));
        adapter.ended().await;
    }
}

#[tokio::test]
async fn the_end_of_the_input_is_the_end_too() {
    Adapter::new(Over::Reqwest).end().await;
    Server::start()
        .await
        .adapter(Over::Reqwest)
        .await
        .end()
        .await;
    // Of an unfinished line as well: it is a command like others.
    let mut adapter = Adapter::new(Over::Reqwest);
    adapter.send_unfinished(br#"{"type":"shutdown"}"#).await;
    assert_eq!(adapter.result().await["type"], "shutdown");
    adapter.ended().await;
}

//! Errors: what each answer, or the lack of one, is called; and what is survived first.

use std::time::Duration;

use durable_streams_conformance::script::{RecordedRequest, Reply};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::over::Over;
use crate::replies::{done, text};
use crate::support::{Clock, all, code, data, failed, path, within};

over_every_transport! {
    every_refusal_has_its_name_and_status,
    closed_is_said_by_the_header_and_never_by_the_body,
    a_success_that_promises_nothing_is_none,
    a_server_that_keeps_failing_is_an_error_with_its_status,
    no_server_is_a_network_error_without_a_status,
    a_server_that_never_answers_is_a_timeout_of_every_command,
    one_fault_is_survived_by_every_command,
    the_status_of_create_is_that_of_the_answer,
    headers_of_a_command_go_on_its_requests_and_on_no_other,
    what_is_sent_is_what_the_commands_say,
    a_read_says_what_came_although_it_failed_before,
}

fn command(kind: &str) -> Value {
    let path = path();
    match kind {
        "append" => json!({"type": "append", "path": path, "data": "x"}),
        "append with seq" => json!({"type": "append", "path": path, "data": "x", "seq": 1}),
        "close with data" => json!({"type": "close", "path": path, "data": "x"}),
        "idempotent-append" => json!({"type": kind, "path": path, "data": "x", "producerId": "p"}),
        "idempotent-append-batch" => {
            json!({"type": kind, "path": path, "items": ["x"], "producerId": "p"})
        }
        "idempotent-close" => json!({"type": kind, "path": path, "producerId": "p"}),
        "read live" => json!({"type": "read", "path": path, "live": true}),
        kind => json!({"type": kind, "path": path}),
    }
}

/// Everything that asks the server.
const COMMANDS: [&str; 13] = [
    "create",
    "connect",
    "append",
    "append with seq",
    "read",
    "read live",
    "head",
    "delete",
    "close",
    "close with data",
    "idempotent-append",
    "idempotent-append-batch",
    "idempotent-close",
];

fn is_write(kind: &str) -> bool {
    kind.starts_with("append") || kind.starts_with("idempotent-append") || kind.ends_with("data")
}

async fn every_refusal_has_its_name_and_status(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    for (status, name) in [
        (400, "UNEXPECTED_STATUS"),
        (401, "UNEXPECTED_STATUS"),
        (403, "UNEXPECTED_STATUS"),
        (404, "NOT_FOUND"),
        (405, "UNEXPECTED_STATUS"),
        (409, "CONFLICT"),
        (410, "UNEXPECTED_STATUS"),
        (413, "UNEXPECTED_STATUS"),
        (418, "UNEXPECTED_STATUS"),
        (501, "UNEXPECTED_STATUS"),
    ] {
        for kind in COMMANDS {
            let before = server.requests().len();
            server.reply(Reply::new(status).body("the server says no"));
            let command = command(kind);
            let error = adapter.error(command.clone()).await;
            let name = match (status, kind) {
                (400, "read" | "read live") => "INVALID_OFFSET",
                (409, "append with seq") => "SEQUENCE_CONFLICT",
                _ => name,
            };
            assert_eq!(
                code(&error),
                failed(name, u64::from(status)),
                "{kind}: {error}"
            );
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains(command["path"].as_str().unwrap()),
                "{kind}: {message}"
            );
            let said = !matches!(kind, "head" | "connect");
            assert_eq!(
                message.contains("the server says no"),
                said,
                "{kind}: {message}"
            );
            assert_eq!(server.requests().len(), before + 1, "{kind}: it is final");
        }
    }
}

async fn closed_is_said_by_the_header_and_never_by_the_body(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    for kind in COMMANDS.into_iter().filter(|kind| is_write(kind)) {
        for closed in [true, false] {
            let mut reply = Reply::new(409).body("Stream is closed. Sequence conflict");
            if closed {
                reply = reply.header("Stream-Closed", "true");
            }
            server.reply(reply);
            let (name, status) = adapter.err(command(kind)).await;
            assert_eq!(status, 409);
            assert_eq!(name == "STREAM_CLOSED", closed, "{kind}: {name}");
        }
    }
}

async fn a_success_that_promises_nothing_is_none(over: Over) {
    let finds_a_portal = |kind: &'static str| async move {
        let (server, mut adapter) = over.scripted([]).await;
        server.answer_with(|_, _| {
            Reply::new(200)
                .header("Content-Type", "text/html")
                .body("<h1>Welcome</h1>")
        });
        let error = adapter.error(command(kind)).await;
        assert_eq!(code(&error), failed("PARSE_ERROR", 200), "{kind}: {error}");
    };
    all(COMMANDS.map(finds_a_portal)).await;
}

async fn a_server_that_keeps_failing_is_an_error_with_its_status(over: Over) {
    let keeps_failing = |kind: &'static str| async move {
        let (server, mut adapter) = over.scripted([]).await;
        server.answer_with(|_, _| Reply::new(500).body("broken"));
        let mut told = command(kind);
        told["timeoutMs"] = json!(3_600_000);
        let error = adapter.error(told).await;
        assert_eq!(
            code(&error),
            failed("UNEXPECTED_STATUS", 500),
            "{kind}: {error}"
        );
        let requests = server.requests().len();
        assert!((2..20).contains(&requests), "{kind}: {requests} requests");
    };
    all(COMMANDS.map(keeps_failing)).await;
}

async fn no_server_is_a_network_error_without_a_status(over: Over) {
    // It has the port, and does not listen.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    let finds_nobody = |kind: &'static str| {
        let address = address.clone();
        async move {
            let mut told = command(kind);
            told["timeoutMs"] = json!(3_600_000);
            let error = over.adapter(&address).await.err(told).await;
            assert_eq!(error, failed("NETWORK_ERROR", 0), "{kind}");
        }
    };
    all(COMMANDS.map(finds_nobody)).await;
}

async fn a_server_that_never_answers_is_a_timeout_of_every_command(over: Over) {
    let clock = Clock::stopped().await;
    for kind in COMMANDS {
        let (server, mut adapter) = over.scripted([]).await;
        server.answer_with(|_, _| Reply::hang());
        adapter.send(command(kind)).await;
        // A try that is given up is followed by another, until the command as a whole is.
        let error = loop {
            within(server.wait_for_requests(1)).await;
            clock.turn(Duration::from_secs(1)).await;
            if let Some(error) = adapter.result_now().await {
                break error;
            }
        };
        assert_eq!(code(&error), failed("TIMEOUT", 0), "{kind}: {error}");
    }
}

async fn one_fault_is_survived_by_every_command(over: Over) {
    let faults: [fn() -> Reply; 6] = [
        || Reply::new(500).body("injected"),
        || Reply::new(503).body("injected"),
        || Reply::new(429).header("Retry-After", "0"),
        || Reply::new(502),
        Reply::close,
        Reply::reset,
    ];
    let answer = |request: &RecordedRequest| match &*request.method {
        "PUT" => done_with(201),
        "GET" => text("7", "").header("Stream-Closed", "true"),
        "HEAD" => done_with(200),
        "DELETE" => Reply::new(204),
        _ => done("7")
            .header("Stream-Closed", "true")
            .header("Producer-Epoch", "0")
            .header("Producer-Seq", "0"),
    };
    let survives = |(number, fault): (usize, fn() -> Reply)| async move {
        let (server, mut adapter) = over.scripted([]).await;
        server.answer_with(move |request, _| answer(request));
        for kind in COMMANDS {
            let before = server.requests().len();
            server.reply(fault());
            let result = adapter.ok(command(kind)).await;
            let status = match kind {
                "create" => json!(201),
                "close" | "close with data" => Value::Null,
                _ => json!(200),
            };
            assert_eq!(result["status"], status, "{kind} after fault {number}");
            let requests = &server.requests()[before..];
            assert_eq!(requests.len(), 2, "{kind} after fault {number}");
            assert_eq!(requests[0].body, requests[1].body);
        }
    };
    all(faults.into_iter().enumerate().map(survives)).await;
}

fn done_with(status: u16) -> Reply {
    Reply::new(status)
        .header("Stream-Next-Offset", "7")
        .header("Content-Type", "text/plain")
}

async fn the_status_of_create_is_that_of_the_answer(over: Over) {
    for (status, told) in [(201, 201), (200, 200)] {
        let (server, mut adapter) = over.scripted([done_with(status)]).await;
        let created = adapter.ok(command("create")).await;
        assert_eq!(created, json!({"status": told, "offset": "7"}));
        assert_eq!(
            server.requests().len(),
            1,
            "there is no other request to find out by"
        );
    }
}

async fn headers_of_a_command_go_on_its_requests_and_on_no_other(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| match &*request.method {
        "GET" => text("7", "").header("Stream-Closed", "true"),
        "HEAD" => done_with(200),
        _ => done("7").header("Content-Type", "text/plain"),
    });
    for kind in [
        "create",
        "connect",
        "append",
        "read",
        "head",
        "idempotent-append",
        "delete",
    ] {
        let before = server.requests().len();
        let mut told = command(kind);
        let path = told["path"].clone();
        told["headers"] = json!({"X-Test": "yes", "Authorization": "Bearer t"});
        if kind == "idempotent-append" {
            server.reply(
                done("8")
                    .header("Producer-Epoch", "0")
                    .header("Producer-Seq", "0"),
            );
        }
        adapter.ok(told).await;
        adapter.ok(json!({"type": "head", "path": path})).await;
        let requests = &server.requests()[before..];
        assert_eq!(requests[0].header("x-test"), Some("yes"), "{kind}");
        assert_eq!(
            requests[0].header("authorization"),
            Some("Bearer t"),
            "{kind}"
        );
        assert_eq!(requests[1].header("x-test"), None, "after {kind}");
    }
    // One that cannot be sent is an error, and nothing is.
    let before = server.requests().len();
    for headers in [
        json!({"bad name": "x"}),
        json!({"X": "a\nb"}),
        json!({"Producer-Id": "x"}),
    ] {
        for kind in ["head", "append", "read"] {
            let mut told = command(kind);
            told["headers"] = headers.clone();
            assert_eq!(adapter.err(told).await, failed("INVALID_ARGUMENT", 0));
        }
    }
    assert_eq!(server.requests().len(), before);
}

async fn what_is_sent_is_what_the_commands_say(over: Over) {
    let (server, mut adapter) = over.scripted([done_with(201), done("8"), done("9")]).await;
    let create = json!({
        "type": "create", "path": "/a/b c?x=1", "contentType": "text/plain", "ttlSeconds": 60, "closed": true, "data": "d",
    });
    adapter.ok(create).await;
    let append = json!({"type": "append", "path": "/a/b c?x=1", "data": "e", "seq": 9_007_199_254_740_991_u64});
    adapter.ok(append).await;
    let plain = json!({"type": "append", "path": "/unknown", "data": "e"});
    adapter.ok(plain).await;
    let [create, append, plain] = &server.requests()[..] else {
        panic!("three requests")
    };
    assert_eq!((&*create.method, &*create.target), ("PUT", "/a/b%20c?x=1"));
    assert_eq!(create.header("content-type"), Some("text/plain"));
    assert_eq!(create.header("stream-ttl"), Some("60"));
    assert_eq!(create.header("stream-closed"), Some("true"));
    assert_eq!(&create.body[..], b"d");
    assert_eq!((&*append.method, &*append.target), ("POST", "/a/b%20c?x=1"));
    assert_eq!(append.header("stream-seq"), Some("9007199254740991"));
    assert_eq!(append.header("content-type"), Some("text/plain"));
    assert_eq!(
        plain.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(plain.header("stream-seq"), None);
}

async fn a_read_says_what_came_although_it_failed_before(over: Over) {
    let (_server, mut adapter) = over
        .scripted([
            Reply::reset(),
            Reply::new(500),
            text("5", "whole").cut_after(2),
            text("5", "whole"),
        ])
        .await;
    let read = adapter.ok(command("read")).await;
    assert_eq!(data(&read), "whole");
    assert_eq!(read["chunks"], json!([{"data": "whole", "offset": "5"}]));
}

//! Headers and parameters that are made anew for each command: what is reported is what is sent.

use durable_streams_conformance::script::{RecordedRequest, Reply};
use serde_json::{Value, json};

use crate::over::Over;
use crate::replies::{done, text};
use crate::support::failed;

over_every_transport! {
    counters_move_once_for_each_command_whatever_is_tried_again,
    they_go_with_append_and_read_and_nothing_else,
    a_value_is_a_count_a_time_or_a_token,
    headers_of_the_command_replace_dynamic_ones,
    what_cannot_be_sent_is_refused_when_it_is_set,
}

const PATH: &str = "/s";

fn set(kind: &str, name: &str, value_type: &str) -> Value {
    json!({"type": format!("set-dynamic-{kind}"), "name": name, "valueType": value_type})
}

fn append() -> Value {
    json!({"type": "append", "path": PATH, "data": "x"})
}

fn read() -> Value {
    json!({"type": "read", "path": PATH})
}

fn answer(request: &RecordedRequest) -> Reply {
    match &*request.method {
        "GET" => text("1", "").header("Stream-Closed", "true"),
        "HEAD" => Reply::new(200).header("Stream-Next-Offset", "1"),
        _ => done("1")
            .header("Producer-Epoch", "0")
            .header("Producer-Seq", "0"),
    }
}

async fn counters_move_once_for_each_command_whatever_is_tried_again(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    assert_eq!(
        adapter
            .ok(set("header", "X-Request-Counter", "counter"))
            .await,
        json!({})
    );
    assert_eq!(
        adapter.ok(set("param", "request_id", "counter")).await,
        json!({})
    );
    let more = || {
        Reply::new(200)
            .header("Content-Type", "text/plain")
            .header("Stream-Next-Offset", "0")
            .body("more")
    };
    let fault: fn() -> Reply = || Reply::new(503);
    for (n, command, replies) in [
        (1, append(), vec![done("1")]),
        (
            2,
            append(),
            vec![fault(), Reply::close(), fault(), done("1")],
        ),
        (
            3,
            read(),
            vec![
                fault(),
                more(),
                Reply::reset(),
                text("1", "x").header("Stream-Closed", "true"),
            ],
        ),
        (4, read(), vec![Reply::new(404)]),
        (5, append(), vec![done("1")]),
    ] {
        let before = server.requests().len();
        let count = replies.len();
        server.replies(replies);
        let result = adapter.tell(command).await;
        let n = n.to_string();
        if result["success"] == true {
            assert_eq!(result["headersSent"], json!({"X-Request-Counter": n}));
            assert_eq!(result["paramsSent"], json!({"request_id": n}));
        } else {
            assert_eq!(result["status"], 404);
        }
        let requests = &server.requests()[before..];
        assert_eq!(requests.len(), count);
        for request in requests {
            assert_eq!(request.header("x-request-counter"), Some(&*n));
            assert_eq!(
                request.query_param("request_id"),
                Some(&*n),
                "{}",
                request.target
            );
        }
    }
}

async fn they_go_with_append_and_read_and_nothing_else(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| answer(request));
    adapter.ok(set("header", "X-N", "counter")).await;
    adapter.ok(set("param", "n", "counter")).await;
    for command in [
        json!({"type": "create", "path": PATH}),
        json!({"type": "head", "path": PATH}),
        json!({"type": "connect", "path": PATH}),
        json!({"type": "idempotent-append", "path": PATH, "data": "x", "producerId": "p"}),
        json!({"type": "delete", "path": PATH}),
    ] {
        adapter.ok(command).await;
    }
    for request in server.requests() {
        assert_eq!((request.header("x-n"), request.query()), (None, None));
    }
    // So none of them moved the counter.
    assert_eq!(adapter.ok(append()).await["headersSent"]["X-N"], "1");
    assert_eq!(adapter.ok(read()).await["paramsSent"]["n"], "2");
}

async fn a_value_is_a_count_a_time_or_a_token(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| answer(request));
    let since = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.unwrap().as_millis()
    };
    let mut token = set("header", "Authorization", "token");
    token["initialValue"] = json!("Bearer token-v1");
    adapter.ok(token.clone()).await;
    adapter.ok(set("header", "X-Empty", "token")).await;
    adapter.ok(set("header", "X-Time", "timestamp")).await;
    adapter.ok(set("param", "t", "timestamp")).await;
    let before = since();
    let sent = adapter.ok(append()).await;
    let headers = &sent["headersSent"];
    assert_eq!(headers["Authorization"], "Bearer token-v1");
    assert_eq!(headers["X-Empty"], "");
    for time in [&headers["X-Time"], &sent["paramsSent"]["t"]] {
        let time: u128 = time.as_str().unwrap().parse().unwrap();
        assert!((before..=since()).contains(&time), "{time}");
    }
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer token-v1"));
    assert_eq!(request.header("x-empty"), Some(""));
    assert_eq!(request.header("x-time"), headers["X-Time"].as_str());
    assert_eq!(request.query_param("t"), sent["paramsSent"]["t"].as_str());

    // Set again is replaced, and a counter starts over.
    token["initialValue"] = json!("Bearer token-v2");
    adapter.ok(token).await;
    assert_eq!(
        adapter.ok(append()).await["headersSent"]["Authorization"],
        "Bearer token-v2"
    );
    for _ in 0..2 {
        adapter.ok(set("header", "X-Time", "counter")).await;
        assert_eq!(adapter.ok(append()).await["headersSent"]["X-Time"], "1");
    }
    assert_eq!(
        adapter.ok(json!({"type": "clear-dynamic"})).await,
        json!({})
    );
    assert_eq!(
        adapter.ok(append()).await,
        json!({"status": 200, "offset": "1"})
    );
    let last = server.requests().pop().unwrap();
    assert_eq!((last.header("authorization"), last.query()), (None, None));
}

async fn headers_of_the_command_replace_dynamic_ones(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| answer(request));
    adapter.ok(set("header", "X-N", "counter")).await;
    for command in [append(), read()] {
        let mut command = command;
        command["headers"] = json!({"x-n": "mine", "X-Other": "also"});
        let sent = adapter.ok(command).await;
        assert_eq!(sent["headersSent"], json!({"X-N": "mine"}));
    }
    for request in server.requests() {
        let values: Vec<_> = request.header_all("x-n").collect();
        assert_eq!(values, ["mine"], "one, not two");
        assert_eq!(request.header("x-other"), Some("also"));
    }
    assert_eq!(
        adapter.ok(append()).await["headersSent"],
        json!({"X-N": "3"})
    );
}

async fn what_cannot_be_sent_is_refused_when_it_is_set(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| answer(request));
    for (kind, name) in [
        ("header", "bad name"),
        ("header", ""),
        ("header", "Content-Type"),
        ("header", "Producer-Id"),
        ("param", "offset"),
        ("param", "live"),
        ("param", ""),
    ] {
        let error = adapter.err(set(kind, name, "counter")).await;
        assert_eq!(error, failed("INVALID_ARGUMENT", 0), "{kind} {name:?}");
    }
    let mut token = set("header", "X-Token", "token");
    token["initialValue"] = json!("a\nb");
    assert_eq!(adapter.err(token).await, failed("INVALID_ARGUMENT", 0));
    assert_eq!(
        adapter.ok(append()).await,
        json!({"status": 200, "offset": "1"})
    );
}

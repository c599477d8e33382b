//! Reads over answers that no good server gives, and their limits in time.

use std::time::Duration;

use durable_streams_conformance::script::{Gate, Reply};
use serde_json::{Value, json};

use crate::over::Over;
use crate::support::{Clock, code, data, failed, page, text, within};

over_every_transport! {
    text_arrives_intact_whatever_its_pieces_and_line_ends,
    base64_events_are_bytes_again,
    a_closed_stream_causes_no_further_request,
    the_limit_of_a_live_read_is_a_success_at_the_tail,
    the_limit_of_a_read_that_got_no_answer_is_a_failure,
    a_read_that_did_not_reach_the_tail_does_not_say_so,
    a_page_that_arrives_in_pieces_is_one_chunk,
    chunks_are_counted_where_there_is_something_in_them,
    waiting_for_the_tail_goes_on_until_an_answer_is_there,
    what_is_no_json_is_a_parse_error,
    json_that_ends_early_is_asked_for_again_and_never_a_success,
    a_control_event_that_is_none_is_a_parse_error,
    faults_within_a_live_read_are_survived,
    a_server_that_asks_for_patience_gets_it,
}

/// Longer than the client waits before it asks again after a poll that was answered at once, with nothing.
const BETWEEN_POLLS: Duration = Duration::from_millis(150);

fn read(live: Value) -> Value {
    json!({"type": "read", "path": "/s", "live": live, "timeoutMs": 3_600_000})
}

fn with(mut command: Value, fields: Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    command.as_object_mut().unwrap().extend(fields);
    command
}

fn control(next: &str, more: &str) -> String {
    format!("{{\"streamNextOffset\":\"{next}\"{more}}}")
}

/// An empty stream: what comes after it is live.
fn tail() -> Reply {
    text("0", "")
}

fn quiet(next: &str) -> Reply {
    Reply::new(204).header("Stream-Next-Offset", next)
}

async fn text_arrives_intact_whatever_its_pieces_and_line_ends(over: Over) {
    let message = "ä€😀\u{2028}\u{85}";
    let said = "ä€😀\u{2028}\u{85}\n two lines";
    for end in ["\n", "\r", "\r\n"] {
        let lines = [
            "event: data",
            &format!("data: {message}"),
            "data:  two lines",
            "",
            ": a comment",
            "event: unknown",
            "data: to be ignored",
            "",
            "event: control",
            &format!("data: {}", control("9", ",\"streamClosed\":true")),
            "",
            "",
        ];
        let (server, mut adapter) = over
            .scripted([tail(), Reply::sse().body(lines.join(end)).byte_by_byte()])
            .await;
        let result = adapter.ok(read(json!("sse"))).await;
        assert_eq!(data(&result), said, "{end:?}");
        assert_eq!(result["chunks"], json!([{"data": said, "offset": "9"}]));
        assert_eq!(
            (&result["offset"], &result["streamClosed"]),
            (&json!("9"), &json!(true))
        );
        server.assert_finished();
    }
}

async fn base64_events_are_bytes_again(over: Over) {
    let empty = || {
        Reply::new(200)
            .header("Content-Type", "application/octet-stream")
            .header("Stream-Next-Offset", "0")
            .header("Stream-Up-To-Date", "true")
    };
    let events = || Reply::sse().header("Stream-SSE-Data-Encoding", "base64");
    let end = control("9", ",\"streamClosed\":true");
    let good = events()
        .event("data", "SGVsbG8g\nQmluYXJ5IQ==")
        .event("control", &end);
    let (_server, mut adapter) = over.scripted([empty(), good]).await;
    let result = adapter.ok(read(json!("sse"))).await;
    assert_eq!(data(&result), "Hello Binary!");

    let bad = events().event("data", "no base64").event("control", &end);
    let (_server, mut adapter) = over.scripted([empty(), bad]).await;
    let error = adapter.err(read(json!("sse"))).await;
    assert_eq!(error, failed("PARSE_ERROR", 200));
}

async fn a_closed_stream_causes_no_further_request(over: Over) {
    let closed = |reply: Reply| reply.header("Stream-Closed", "true");
    let end = control("9", ",\"streamClosed\":true");
    for (live, replies) in [
        ("long-poll", vec![closed(text("9", "x"))]),
        ("long-poll", vec![tail(), closed(text("9", "x"))]),
        ("long-poll", vec![tail(), closed(quiet("0"))]),
        ("sse", vec![closed(text("9", ""))]),
        (
            "sse",
            vec![
                tail(),
                Reply::sse().event("data", "x").event("control", &end),
            ],
        ),
        ("sse", vec![tail(), Reply::sse().event("control", &end)]),
    ] {
        let count = replies.len();
        let (server, mut adapter) = over.scripted(replies).await;
        let result = adapter.ok(read(json!(live))).await;
        assert_eq!(
            (&result["streamClosed"], &result["upToDate"]),
            (&json!(true), &json!(true))
        );
        // Nor does the next command find one on its way.
        server.reply(tail());
        adapter.ok(read(json!(false))).await;
        assert_eq!(server.requests().len(), count + 1, "{live}");
        server.assert_finished();
    }
}

async fn the_limit_of_a_live_read_is_a_success_at_the_tail(over: Over) {
    let clock = Clock::stopped().await;
    for (start, live, replies, status, chunks, offset) in [
        (
            "-1",
            "long-poll",
            vec![text("3", "old"), Reply::hang()],
            200,
            json!([{"data": "old", "offset": "3"}]),
            "3",
        ),
        (
            "now",
            "long-poll",
            vec![tail(), quiet("0"), Reply::hang()],
            204,
            json!([]),
            "0",
        ),
        (
            "now",
            "long-poll",
            vec![tail(), quiet("5"), Reply::hang()],
            204,
            json!([]),
            "5",
        ),
        (
            "now",
            "sse",
            vec![tail(), Reply::sse().gate(&Gate::new())],
            200,
            json!([]),
            "0",
        ),
        // What came was not the tail; that nothing more comes is.
        (
            "now",
            "sse",
            vec![
                tail(),
                Reply::sse()
                    .event("data", "x")
                    .event("control", &control("4", "")),
                Reply::sse().gate(&Gate::new()),
            ],
            200,
            json!([{"data": "x", "offset": "4"}]),
            "4",
        ),
        // Of an answer that is not whole nothing is told: one goes on before it.
        (
            "now",
            "sse",
            vec![
                tail(),
                Reply::sse().event("data", "half").gate(&Gate::new()),
            ],
            200,
            json!([]),
            "0",
        ),
        (
            "now",
            "long-poll",
            vec![
                tail(),
                text("9", "half of ")
                    .body("it")
                    .gate(&Gate::new())
                    .body("!"),
            ],
            200,
            json!([]),
            "0",
        ),
    ] {
        let count = replies.len();
        let (server, mut adapter) = over.scripted(replies).await;
        let command = with(
            read(json!(live)),
            json!({"offset": start, "timeoutMs": 7000}),
        );
        adapter.send(command).await;
        let mut left = Duration::from_millis(6999);
        for answered in 1..count {
            within(server.wait_for_requests(answered)).await;
            // A poll that is answered at once, with nothing, is not repeated at once.
            clock.turn(BETWEEN_POLLS).await;
            left -= BETWEEN_POLLS;
        }
        within(server.wait_for_requests(count)).await;
        clock.turn(left).await;
        assert_eq!(adapter.result_now().await, None, "{live}: too early");
        clock.turn(Duration::from_millis(2)).await;
        let mut result = adapter.result().await;
        result.as_object_mut().unwrap().remove("cursor");
        let expected = json!({
            "type": "read", "success": true, "status": status, "chunks": chunks, "offset": offset,
            "upToDate": true, "streamClosed": false,
        });
        assert_eq!(result, expected, "{live}");
        assert_eq!(server.requests().len(), count);
    }
}

async fn the_limit_of_a_read_that_got_no_answer_is_a_failure(over: Over) {
    let clock = Clock::stopped().await;
    for live in [json!(false), json!("long-poll"), json!("sse"), json!(true)] {
        for reply in [
            Reply::hang(),
            text("9", "half").gate(&Gate::new()).body("!"),
        ] {
            let (server, mut adapter) = over.scripted([reply]).await;
            // Five seconds, when nothing is said.
            adapter
                .send(json!({"type": "read", "path": "/s", "live": live}))
                .await;
            within(server.wait_for_requests(1)).await;
            clock.turn(Duration::from_millis(4999)).await;
            assert_eq!(adapter.result_now().await, None, "too early");
            clock.turn(Duration::from_millis(2)).await;
            let error = adapter.result().await;
            assert_eq!(code(&error), failed("TIMEOUT", 0), "{live}");
        }
    }
}

async fn a_read_that_did_not_reach_the_tail_does_not_say_so(over: Over) {
    let clock = Clock::stopped().await;
    let first = Reply::new(200)
        .header("Content-Type", "text/plain")
        .header("Stream-Next-Offset", "3")
        .body("old");
    let (server, mut adapter) = over.scripted([first, Reply::hang()]).await;
    adapter
        .send(json!({"type": "read", "path": "/s", "live": "sse"}))
        .await;
    within(server.wait_for_requests(2)).await;
    clock.turn(Duration::from_millis(5001)).await;
    let result = adapter.result().await;
    assert_eq!(
        (data(&result), &result["upToDate"]),
        ("old".into(), &json!(false))
    );
}

async fn a_page_that_arrives_in_pieces_is_one_chunk(over: Over) {
    for piece in 1..4 {
        let body = r#"[{"a":"ä"},[],{"b":2}]"#;
        let pieces = body.as_bytes().chunks(piece).map(<[u8]>::to_vec);
        let gate = Gate::new();
        let reply = page("3", "").gate(&gate).pieces(pieces).byte_by_byte();
        gate.open();
        let (_server, mut adapter) = over.scripted([reply]).await;
        let result = adapter
            .ok(with(read(json!(true)), json!({"maxChunks": 1})))
            .await;
        assert_eq!(result["chunks"], json!([{"data": body, "offset": "3"}]));
    }
}

async fn chunks_are_counted_where_there_is_something_in_them(over: Over) {
    let events = Reply::sse()
        .event("control", &control("0", ",\"upToDate\":true"))
        .event("data", "[]")
        .event("control", &control("1", ""))
        .event("data", "[1]")
        .event("data", "[2]")
        .event("control", &control("2", ""))
        .event("data", "[3]")
        .event("control", &control("3", ",\"upToDate\":true"))
        .event("data", "[4]")
        .event("control", &control("4", ",\"upToDate\":true"))
        .gate(&Gate::new());
    let (server, mut adapter) = over.scripted([page("0", "[]"), events]).await;
    let result = adapter
        .ok(with(read(json!("sse")), json!({"maxChunks": 2})))
        .await;
    let chunks = json!([{"data": "[1,2]", "offset": "2"}, {"data": "[3]", "offset": "3"}]);
    assert_eq!(
        (&result["chunks"], &result["offset"]),
        (&chunks, &json!("3"))
    );
    assert_eq!(result["upToDate"], true);
    server.assert_finished();

    let polls = [tail(), text("1", "a"), quiet("1"), text("2", "b")];
    let (server, mut adapter) = over.scripted(polls).await;
    let result = adapter
        .ok(with(read(json!("long-poll")), json!({"maxChunks": 2})))
        .await;
    assert_eq!(
        (data(&result), &result["status"]),
        ("ab".into(), &json!(200))
    );
    server.assert_finished();
}

async fn waiting_for_the_tail_goes_on_until_an_answer_is_there(over: Over) {
    let part = |next: &str, body: &'static str| {
        Reply::new(200)
            .header("Content-Type", "text/plain")
            .header("Stream-Next-Offset", next)
            .body(body)
    };
    for live in [json!(false), json!("long-poll"), json!("sse")] {
        let (server, mut adapter) = over
            .scripted([part("1", "a"), part("2", "b"), text("3", "c")])
            .await;
        let result = adapter
            .ok(with(read(live), json!({"waitForUpToDate": true})))
            .await;
        assert_eq!(
            (data(&result), &result["upToDate"]),
            ("abc".into(), &json!(true))
        );
        assert_eq!(
            result["chunks"].as_array().unwrap().len(),
            3,
            "an answer is a chunk"
        );
        server.assert_finished();
    }
    // A read that is not live has no limit of chunks, and ends at the tail by itself.
    let (_server, mut adapter) = over.scripted([part("1", "a"), text("2", "b")]).await;
    let result = adapter
        .ok(with(read(json!(false)), json!({"maxChunks": 1})))
        .await;
    assert_eq!(data(&result), "ab");
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
    let clock = Clock::stopped().await;
    let (server, mut adapter) = over
        .scripted([Reply::new(429).header("Retry-After", "2"), text("1", "a")])
        .await;
    adapter.send(read(json!(false))).await;
    within(server.wait_for_requests(1)).await;
    let mut waited = 0;
    let result = loop {
        clock.turn(Duration::from_millis(100)).await;
        waited += 100;
        if let Some(result) = adapter.result_now().await {
            break result;
        }
    };
    assert!(waited >= 2000, "{waited} ms");
    assert_eq!(data(&result), "a");
}

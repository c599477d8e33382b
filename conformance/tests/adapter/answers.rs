//! Reads over answers that no server need give: in pieces, in parts, with ends of all kinds.

use durable_streams_conformance::script::{Gate, Reply};
use serde_json::json;

use crate::over::Over;
use crate::replies::{control, page, quiet, read, tail, text, with};
use crate::support::{data, failed};

over_every_transport! {
    text_arrives_intact_whatever_its_pieces_and_line_ends,
    base64_events_are_bytes_again,
    a_closed_stream_causes_no_further_request,
    a_page_that_arrives_in_pieces_is_one_chunk,
    chunks_are_counted_where_there_is_something_in_them,
    waiting_for_the_tail_goes_on_until_an_answer_is_there,
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

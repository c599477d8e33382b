//! Reads that end at the tail, and the whole of what a read says, over a server that keeps streams.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::over::Over;
use crate::support::{Server, code, data, failed, path};

over_every_transport! {
    a_read_is_one_chunk_and_says_where_to_go_on,
    reads_go_on_from_any_offset,
    an_empty_stream_has_no_chunk,
    json_is_one_compact_array,
    bytes_that_are_text_are_text_and_others_base64,
    now_becomes_an_offset_to_go_on_from,
    a_closed_stream_ends_every_read_at_once,
    a_missing_stream_and_an_offset_of_nobody_are_errors_at_once,
    a_long_stream_is_read_whole,
}

const LIVE: [fn() -> Value; 3] = [|| json!("long-poll"), || json!("sse"), || json!(true)];

async fn a_read_is_one_chunk_and_says_where_to_go_on(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    adapter
        .ok(json!({"type": "append", "path": path, "data": "one "}))
        .await;
    let last = adapter
        .ok(json!({"type": "append", "path": path, "data": "two"}))
        .await;
    let offset = &last["offset"];
    for read in [
        json!({"type": "read", "path": path}),
        json!({"type": "read", "path": path, "live": false, "offset": "-1", "maxChunks": 1}),
        json!({"type": "read", "path": path, "live": "long-poll", "waitForUpToDate": true}),
        json!({"type": "read", "path": path, "live": "sse", "waitForUpToDate": true}),
        json!({"type": "read", "path": path, "live": true, "waitForUpToDate": true}),
    ] {
        let mut result = adapter.ok(read).await;
        result.as_object_mut().unwrap().remove("cursor");
        let expected = json!({
            "status": 200,
            "chunks": [{"data": "one two", "offset": offset}],
            "offset": offset, "upToDate": true, "streamClosed": false,
        });
        assert_eq!(result, expected);
    }
    // And from there nothing is left.
    let rest = adapter
        .ok(json!({"type": "read", "path": path, "offset": offset}))
        .await;
    assert_eq!((&rest["chunks"], &rest["offset"]), (&json!([]), offset));
    assert_eq!(rest["upToDate"], true);
}

async fn reads_go_on_from_any_offset(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let mut offsets = vec![json!("-1")];
    for text in ["a", "b", "c"] {
        let append = json!({"type": "append", "path": path, "data": text});
        offsets.push(adapter.ok(append).await["offset"].clone());
    }
    for (offset, rest) in offsets.iter().zip(["abc", "bc", "c", ""]) {
        let read = json!({"type": "read", "path": path, "offset": offset});
        let result = adapter.ok(read).await;
        assert_eq!(data(&result), rest);
        assert_eq!(result["offset"], offsets[3]);
    }
}

async fn an_empty_stream_has_no_chunk(over: Over) {
    for content_type in ["text/plain", "application/json", "application/octet-stream"] {
        let (_server, mut adapter, path) = over.stream(content_type).await;
        for live in [json!(false)].into_iter().chain(LIVE.map(|live| live())) {
            let read = json!({"type": "read", "path": path, "live": live, "waitForUpToDate": true});
            let result = adapter.ok(read).await;
            assert_eq!(result["chunks"], json!([]), "{content_type} {live}");
            assert_eq!(result["upToDate"], true);
            assert_eq!(result["streamClosed"], false);
            assert!(!result["offset"].as_str().unwrap().is_empty());
        }
    }
}

async fn json_is_one_compact_array(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/json").await;
    for message in [r#"{"z":1,"a":[]}"#, "[]", "\"x y\""] {
        adapter
            .ok(json!({"type": "append", "path": path, "data": message}))
            .await;
    }
    let read = adapter.ok(json!({"type": "read", "path": path})).await;
    assert_eq!(data(&read), r#"[{"z":1,"a":[]},[],"x y"]"#);
    assert_eq!(read["chunks"].as_array().unwrap().len(), 1);
}

async fn bytes_that_are_text_are_text_and_others_base64(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/octet-stream").await;
    let append = |bytes: &[u8]| json!({"type": "append", "path": path, "data": BASE64_STANDARD.encode(bytes), "binary": true});
    let first = adapter.ok(append("grüße".as_bytes())).await;
    adapter.ok(append(&[0, 0xff, 0xfe, b'a'])).await;
    let read = adapter.ok(json!({"type": "read", "path": path})).await;
    let chunk = &read["chunks"][0];
    assert_eq!(chunk["binary"], true);
    let bytes = BASE64_STANDARD.decode(chunk["data"].as_str().unwrap());
    assert_eq!(bytes.unwrap(), b"gr\xc3\xbc\xc3\x9fe\0\xff\xfea");

    for (live, offset) in [("sse", json!("-1")), ("long-poll", first["offset"].clone())] {
        let read = json!({"type": "read", "path": path, "live": live, "waitForUpToDate": true, "offset": offset});
        let result = adapter.ok(read).await;
        assert_eq!(result["chunks"][0]["binary"], true, "{result}");
    }
    let path = crate::support::path();
    adapter.ok(json!({"type": "create", "path": path})).await;
    let append = json!({"type": "append", "path": path, "data": BASE64_STANDARD.encode("Hello Binary!"), "binary": true});
    adapter.ok(append).await;
    let read = adapter.ok(json!({"type": "read", "path": path})).await;
    assert_eq!(read["chunks"][0]["data"], "Hello Binary!");
    assert!(read["chunks"][0].get("binary").is_none());
}

async fn now_becomes_an_offset_to_go_on_from(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let old = adapter
        .ok(json!({"type": "append", "path": path, "data": "old"}))
        .await;
    let mut offset = old["offset"].clone();
    for (n, live) in [json!(false)]
        .into_iter()
        .chain(LIVE.map(|live| live()))
        .enumerate()
    {
        let read = json!({"type": "read", "path": path, "offset": "now", "live": live, "waitForUpToDate": true});
        let now = adapter.ok(read).await;
        assert_eq!(
            (&now["chunks"], &now["offset"]),
            (&json!([]), &offset),
            "{live}"
        );
        assert_eq!(now["upToDate"], true);
        let text = format!("new {n}");
        adapter
            .ok(json!({"type": "append", "path": path, "data": text}))
            .await;
        let read = json!({"type": "read", "path": path, "offset": now["offset"]});
        let new = adapter.ok(read).await;
        assert_eq!(data(&new), text);
        offset = new["offset"].clone();
    }
}

async fn a_closed_stream_ends_every_read_at_once(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/json").await;
    adapter
        .ok(json!({"type": "append", "path": path, "data": "1"}))
        .await;
    let closed = adapter.ok(json!({"type": "close", "path": path})).await;
    for live in [json!(false)].into_iter().chain(LIVE.map(|live| live())) {
        for (offset, expected) in [
            ("-1", "[1]"),
            ("now", ""),
            (closed["finalOffset"].as_str().unwrap(), ""),
        ] {
            // If it did not end by itself, the test would hang.
            let read = json!({"type": "read", "path": path, "live": live, "offset": offset, "timeoutMs": 3_600_000});
            let result = adapter.ok(read).await;
            assert_eq!(data(&result), expected, "{live} from {offset}");
            assert_eq!(result["streamClosed"], true);
            assert_eq!(result["upToDate"], true);
            assert_eq!(result["offset"], closed["finalOffset"]);
        }
    }
}

async fn a_missing_stream_and_an_offset_of_nobody_are_errors_at_once(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let missing = crate::support::path();
    for live in [json!(false)].into_iter().chain(LIVE.map(|live| live())) {
        let read = json!({"type": "read", "path": missing, "live": live, "timeoutMs": 3_600_000});
        let error = adapter.error(read).await;
        assert_eq!(code(&error), failed("NOT_FOUND", 404));
        assert!(error["message"].as_str().unwrap().contains(&missing));
        // The server is asked, and says no; or the client knows that no server can have given it.
        let read = json!({"type": "read", "path": path, "live": live, "offset": "not-an-offset", "timeoutMs": 3_600_000});
        assert_eq!(adapter.err(read).await, failed("INVALID_OFFSET", 400));
        for offset in ["", "a,b", "a b", "ü"] {
            let read = json!({"type": "read", "path": path, "live": live, "offset": offset});
            assert_eq!(
                adapter.err(read).await,
                failed("INVALID_OFFSET", 0),
                "{offset:?}"
            );
        }
    }
}

async fn a_long_stream_is_read_whole(over: Over) {
    // More than one page of any server, and more than one batch of the client.
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    for content_type in ["text/plain", "application/json"] {
        let path = path();
        let create = json!({"type": "create", "path": path, "contentType": content_type});
        adapter.ok(create).await;
        let (mut expected, mut last) = (String::new(), Value::Null);
        for n in 0..6 {
            let text = format!("{n}€").repeat(100_000);
            let message = match content_type {
                "text/plain" => text,
                _ => json!(text).to_string(),
            };
            let append = json!({"type": "append", "path": path, "data": message});
            last = adapter.ok(append).await["offset"].clone();
            expected.push_str(&message);
        }
        let result = adapter.ok(json!({"type": "read", "path": path})).await;
        assert_eq!(result["offset"], last);
        let chunks = result["chunks"].as_array().unwrap();
        assert!(chunks.iter().all(|chunk| chunk.get("binary").is_none()));
        let mut read = String::new();
        for chunk in chunks {
            let text = chunk["data"].as_str().unwrap();
            match content_type {
                "text/plain" => read.push_str(text),
                _ => {
                    let messages: Vec<Value> = serde_json::from_str(text).unwrap();
                    read.extend(messages.iter().map(Value::to_string));
                }
            }
        }
        assert!(
            read == expected,
            "{} of {} bytes",
            read.len(),
            expected.len()
        );
    }
}

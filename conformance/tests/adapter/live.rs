//! Reads that wait for what others write, over a server that keeps streams.

use serde_json::{Value, json};

use crate::over::Over;
use crate::support::data;

over_every_transport! {
    what_others_append_arrives_in_order,
    the_end_that_others_make_arrives_with_their_last_message,
    one_chunk_of_a_stream_that_ends_with_it_says_so,
    a_long_poll_that_the_server_gives_up_is_a_204,
}

async fn what_others_append_arrives_in_order(over: Over) {
    for content_type in ["text/plain", "application/json", "application/octet-stream"] {
        for live in [json!("long-poll"), json!("sse"), json!(true)] {
            let (server, mut adapter, path) = over.stream(content_type).await;
            let mut others = server.adapter(over).await;
            others.ok(json!({"type": "connect", "path": path})).await;
            // One chunk for each append that comes by itself, or fewer: what came is read until all of it is here.
            let (mut got, mut offset) = (Vec::new(), json!("now"));
            let tail = json!({"type": "read", "path": path, "offset": "now"});
            offset = match adapter.ok(tail).await["offset"].clone() {
                Value::String(text) => json!(text),
                _ => offset,
            };
            for n in 1..=3 {
                adapter
                    .send(json!({
                        "type": "read", "path": path, "live": live, "offset": offset,
                        "maxChunks": 1, "timeoutMs": 3_600_000,
                    }))
                    .await;
                let append = json!({"type": "append", "path": path, "data": n.to_string()});
                others.ok(append).await;
                let read = adapter.result().await;
                assert_eq!(read["chunks"].as_array().unwrap().len(), 1);
                assert_eq!(read["status"], 200);
                got.push(data(&read));
                offset = read["offset"].clone();
            }
            let expected = match content_type {
                "application/json" => ["[1]", "[2]", "[3]"],
                _ => ["1", "2", "3"],
            };
            assert_eq!(got, expected, "{content_type} {live}");
        }
    }
}

async fn the_end_that_others_make_arrives_with_their_last_message(over: Over) {
    for live in [json!("long-poll"), json!("sse"), json!(true)] {
        for last in [Some("the end"), None] {
            let (server, mut adapter, path) = over.stream("text/plain").await;
            let mut others = server.adapter(over).await;
            others.ok(json!({"type": "connect", "path": path})).await;
            adapter
                .send(json!({"type": "read", "path": path, "live": live, "timeoutMs": 3_600_000}))
                .await;
            let mut close = json!({"type": "close", "path": path});
            if let Some(last) = last {
                close["data"] = json!(last);
            }
            let closed = others.ok(close).await;
            let read = adapter.result().await;
            assert_eq!(data(&read), last.unwrap_or_default(), "{live}");
            assert_eq!(read["streamClosed"], true, "{live}: {read}");
            assert_eq!(read["upToDate"], true);
            assert_eq!(read["offset"], closed["finalOffset"]);
        }
    }
}

async fn one_chunk_of_a_stream_that_ends_with_it_says_so(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    adapter
        .ok(json!({"type": "append", "path": path, "data": "a"}))
        .await;
    adapter
        .ok(json!({"type": "close", "path": path, "data": "z"}))
        .await;
    for live in ["sse", "long-poll"] {
        let read = json!({"type": "read", "path": path, "live": live, "maxChunks": 1, "timeoutMs": 3_600_000});
        let read = adapter.ok(read).await;
        assert_eq!(
            (data(&read), &read["streamClosed"]),
            ("az".into(), &json!(true))
        );
    }
}

async fn a_long_poll_that_the_server_gives_up_is_a_204(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let tail = adapter
        .ok(json!({"type": "append", "path": path, "data": "old"}))
        .await;
    // Long enough for the server to give up waiting, however slow everything is.
    let mut limit = 1000;
    let read = loop {
        let read = json!({"type": "read", "path": path, "offset": "now", "live": "long-poll", "timeoutMs": limit});
        let read = adapter.tell(read).await;
        if read["status"] == 204 || limit > 60_000 {
            break read;
        }
        limit *= 2;
    };
    assert_eq!(read["status"], 204, "{read}");
    assert_eq!(
        (&read["chunks"], &read["upToDate"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(
        (&read["offset"], &read["streamClosed"]),
        (&tail["offset"], &json!(false))
    );
}

//! Create, connect, append, head, delete and close, over a server that keeps streams.

use serde_json::{Value, json};

use crate::over::Over;
use crate::support::{Adapter, Server, code, data, failed, path};

over_every_transport! {
    create_says_whether_the_stream_is_new,
    create_without_a_content_type_is_for_bytes,
    create_takes_contents_and_an_end,
    the_contents_of_a_json_stream_are_the_elements_of_the_array,
    create_takes_an_expiry,
    connect_finds_and_never_creates,
    append_says_where_the_tail_is_now,
    append_decodes_base64_where_it_is_told_to,
    append_to_a_json_stream_is_one_message,
    append_with_a_sequence_is_refused_unless_it_rises,
    append_fails_where_it_cannot_be_stored,
    what_a_stream_is_of_is_known_by_create_connect_and_head_and_not_otherwise,
    head_says_what_the_stream_is,
    delete_is_the_end_of_it,
    close_says_where_the_stream_ends_however_often,
    close_takes_a_last_message,
}

async fn contents(adapter: &mut Adapter, path: &str) -> String {
    data(&adapter.ok(json!({"type": "read", "path": path})).await)
}

async fn create_says_whether_the_stream_is_new(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    let path = path();
    let create = json!({"type": "create", "path": path, "contentType": "text/plain"});
    let new = adapter.ok(create.clone()).await;
    assert_eq!(new, json!({"status": 201, "offset": new["offset"]}));
    assert!(!new["offset"].as_str().unwrap().is_empty());
    let again = adapter.ok(create).await;
    assert_eq!(again, json!({"status": 200, "offset": new["offset"]}));

    let other = json!({"type": "create", "path": path, "contentType": "application/json"});
    let error = adapter.error(other).await;
    assert_eq!(code(&error), failed("CONFLICT", 409));
    // What failed says nothing about the stream, which takes text as before.
    adapter
        .ok(json!({"type": "append", "path": path, "data": "text"}))
        .await;
}

async fn create_without_a_content_type_is_for_bytes(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    let path = path();
    adapter.ok(json!({"type": "create", "path": path})).await;
    let head = adapter.ok(json!({"type": "head", "path": path})).await;
    assert_eq!(head["contentType"], "application/octet-stream");
}

async fn create_takes_contents_and_an_end(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    let path = path();
    let create = json!({
        "type": "create", "path": path, "contentType": "text/plain", "data": "all there is", "closed": true,
    });
    let created = adapter.ok(create).await;
    assert_eq!(created["status"], 201);
    let read = adapter.ok(json!({"type": "read", "path": path})).await;
    assert_eq!(data(&read), "all there is");
    assert_eq!(
        (&read["streamClosed"], &read["upToDate"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        read["offset"], created["offset"],
        "the tail after its contents"
    );
}

async fn the_contents_of_a_json_stream_are_the_elements_of_the_array(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    for (contents_, read) in [
        (r#"[{"a":1},[2]]"#, r#"[{"a":1},[2]]"#),
        (r#"{"a":1}"#, r#"[{"a":1}]"#),
        ("[]", ""),
        ("", ""),
    ] {
        let path = path();
        let create = json!({
            "type": "create", "path": path, "contentType": "application/json; charset=utf-8", "data": contents_,
        });
        adapter.ok(create).await;
        assert_eq!(contents(&mut adapter, &path).await, read, "{contents_}");
    }
    let bad =
        json!({"type": "create", "path": path(), "contentType": "application/json", "data": "{"});
    assert_eq!(adapter.err(bad).await, failed("INVALID_ARGUMENT", 0));
}

async fn create_takes_an_expiry(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    let (ttl, at) = (path(), path());
    let create = json!({"type": "create", "path": ttl, "ttlSeconds": 3600});
    assert_eq!(adapter.ok(create).await["status"], 201);
    let head = adapter.ok(json!({"type": "head", "path": ttl})).await;
    assert_eq!(head["ttlSeconds"], 3600);
    assert!(head.get("expiresAt").is_none());

    let create = json!({"type": "create", "path": at, "expiresAt": "2099-01-02T03:04:05.000Z"});
    assert_eq!(adapter.ok(create.clone()).await["status"], 201);
    assert_eq!(adapter.ok(create).await["status"], 200);
    let head = adapter.ok(json!({"type": "head", "path": at})).await;
    assert_eq!(head["expiresAt"], "2099-01-02T03:04:05Z");
    assert!(head.get("ttlSeconds").is_none());

    for bad in ["tomorrow", "2099-01-02", ""] {
        let create = json!({"type": "create", "path": path(), "expiresAt": bad});
        assert_eq!(adapter.err(create).await, failed("INVALID_ARGUMENT", 0));
    }
    let both = json!({
        "type": "create", "path": path(), "ttlSeconds": 1, "expiresAt": "2099-01-02T03:04:05Z",
    });
    assert_eq!(adapter.err(both).await, failed("INVALID_ARGUMENT", 0));
}

async fn connect_finds_and_never_creates(over: Over) {
    let (server, mut adapter, path) = over.stream("text/plain").await;
    let append = adapter
        .ok(json!({"type": "append", "path": path, "data": "x"}))
        .await;
    let connected = adapter.ok(json!({"type": "connect", "path": path})).await;
    assert_eq!(
        connected,
        json!({"status": 200, "offset": append["offset"]})
    );

    let missing = crate::support::path();
    for _ in 0..2 {
        let error = adapter
            .error(json!({"type": "connect", "path": missing}))
            .await;
        assert_eq!(code(&error), failed("NOT_FOUND", 404));
        assert!(error["message"].as_str().unwrap().contains(&missing));
    }
    drop(server);
}

async fn append_says_where_the_tail_is_now(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let mut before = String::new();
    for text in ["a", "b ünï ", "😀"] {
        let append = json!({"type": "append", "path": path, "data": text, "binary": false});
        let appended = adapter.ok(append).await;
        let offset = appended["offset"].as_str().unwrap().to_owned();
        assert_eq!(appended, json!({"status": 200, "offset": offset}));
        assert!(offset > before);
        before = offset;
    }
    assert_eq!(contents(&mut adapter, &path).await, "ab ünï 😀");
    let head = adapter.ok(json!({"type": "head", "path": path})).await;
    assert_eq!(head["offset"], before.as_str());
}

async fn append_decodes_base64_where_it_is_told_to(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/octet-stream").await;
    let append = |data: &str, binary: bool| json!({"type": "append", "path": path, "data": data, "binary": binary});
    adapter.ok(append("SGVsbG8gQmluYXJ5IQ==", true)).await;
    adapter.ok(append("SGV=", false)).await;
    assert_eq!(contents(&mut adapter, &path).await, "Hello Binary!SGV=");
    let error = adapter.err(append("no base64!", true)).await;
    assert_eq!(error, failed("INVALID_ARGUMENT", 0));
}

async fn append_to_a_json_stream_is_one_message(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/json").await;
    for message in [r#"{"z":1,"a":1.50}"#, "[1,2]", "\"\\u2028\"", "null"] {
        adapter
            .ok(json!({"type": "append", "path": path, "data": message}))
            .await;
    }
    let read: Value = serde_json::from_str(&contents(&mut adapter, &path).await).unwrap();
    assert_eq!(read, json!([{"z": 1, "a": 1.5}, [1, 2], "\u{2028}", null]));
    let bad = json!({"type": "append", "path": path, "data": "{\"a\":"});
    assert_eq!(adapter.err(bad).await, failed("INVALID_ARGUMENT", 0));
}

async fn append_with_a_sequence_is_refused_unless_it_rises(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let append = |seq: u64| json!({"type": "append", "path": path, "data": "x", "seq": seq});
    adapter.ok(append(0)).await;
    adapter.ok(append(9_007_199_254_740_991)).await;
    for seq in [9_007_199_254_740_991, 5] {
        let again = append(seq);
        assert_eq!(adapter.err(again).await, failed("SEQUENCE_CONFLICT", 409));
    }
    assert_eq!(contents(&mut adapter, &path).await, "xx");
}

async fn append_fails_where_it_cannot_be_stored(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let missing = crate::support::path();
    let error = adapter
        .error(json!({"type": "append", "path": missing, "data": "x"}))
        .await;
    assert_eq!(code(&error), failed("NOT_FOUND", 404));
    assert!(error["message"].as_str().unwrap().contains(&missing));

    let empty = json!({"type": "append", "path": path, "data": ""});
    assert_eq!(adapter.err(empty).await, failed("INVALID_ARGUMENT", 0));

    adapter.ok(json!({"type": "close", "path": path})).await;
    for seq in [json!({}), json!({"seq": 1})] {
        let mut append = json!({"type": "append", "path": path, "data": "x"});
        append
            .as_object_mut()
            .unwrap()
            .extend(seq.as_object().unwrap().clone());
        assert_eq!(adapter.err(append).await, failed("STREAM_CLOSED", 409));
    }
}

async fn what_a_stream_is_of_is_known_by_create_connect_and_head_and_not_otherwise(over: Over) {
    let (server, mut creator, path) = over.stream("text/plain; charset=utf-8").await;
    let append = json!({"type": "append", "path": path, "data": "x"});
    creator.ok(append.clone()).await;
    for ask in ["connect", "head"] {
        let mut adapter = server.adapter(over).await;
        // Of an unknown stream it is bytes, which this one is not of.
        assert_eq!(adapter.err(append.clone()).await, failed("CONFLICT", 409));
        adapter.ok(json!({"type": ask, "path": path})).await;
        adapter.ok(append.clone()).await;
    }
    creator.ok(json!({"type": "delete", "path": path})).await;
    let mut other = server.adapter(over).await;
    other
        .ok(json!({"type": "create", "path": path, "contentType": "application/octet-stream"}))
        .await;
    creator.ok(append).await;
}

async fn head_says_what_the_stream_is(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain; charset=UTF-8").await;
    let head = adapter.ok(json!({"type": "head", "path": path})).await;
    let expected = json!({
        "status": 200, "offset": head["offset"], "contentType": "text/plain; charset=UTF-8", "streamClosed": false,
    });
    assert_eq!(head, expected);
    assert!(!head["offset"].as_str().unwrap().is_empty());
    adapter.ok(json!({"type": "close", "path": path})).await;
    let head = adapter.ok(json!({"type": "head", "path": path})).await;
    assert_eq!(head["streamClosed"], true);

    let missing = crate::support::path();
    let error = adapter
        .error(json!({"type": "head", "path": missing}))
        .await;
    assert_eq!(code(&error), failed("NOT_FOUND", 404));
    assert!(error["message"].as_str().unwrap().contains(&missing));
}

async fn delete_is_the_end_of_it(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let delete = json!({"type": "delete", "path": path});
    assert_eq!(adapter.ok(delete.clone()).await, json!({"status": 200}));
    assert_eq!(adapter.err(delete).await, failed("NOT_FOUND", 404));
    for kind in ["read", "head", "connect", "close"] {
        let command = json!({"type": kind, "path": path});
        assert_eq!(
            adapter.err(command).await,
            failed("NOT_FOUND", 404),
            "{kind}"
        );
    }
    let create = json!({"type": "create", "path": path, "contentType": "text/html"});
    assert_eq!(adapter.ok(create).await["status"], 201);
}

async fn close_says_where_the_stream_ends_however_often(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let append = adapter
        .ok(json!({"type": "append", "path": path, "data": "x"}))
        .await;
    for data in [json!(null), json!(""), json!(null)] {
        let mut close = json!({"type": "close", "path": path, "data": data});
        if close["data"].is_null() {
            close.as_object_mut().unwrap().remove("data");
        }
        let closed = adapter.ok(close).await;
        assert_eq!(closed, json!({"finalOffset": append["offset"]}));
    }
    let late = json!({"type": "close", "path": path, "data": "late"});
    assert_eq!(adapter.err(late).await, failed("STREAM_CLOSED", 409));
    assert_eq!(contents(&mut adapter, &path).await, "x");

    let missing = json!({"type": "close", "path": crate::support::path()});
    assert_eq!(adapter.err(missing.clone()).await, failed("NOT_FOUND", 404));
}

async fn close_takes_a_last_message(over: Over) {
    for (content_type, last, read) in [
        ("text/plain", "the end", "the end"),
        ("application/json", "[1]", "[[1]]"),
        ("application/octet-stream", "bytes", "bytes"),
    ] {
        let (_server, mut adapter, path) = over.stream(content_type).await;
        let closed = adapter
            .ok(json!({"type": "close", "path": path, "data": last}))
            .await;
        let result = adapter.ok(json!({"type": "read", "path": path})).await;
        assert_eq!(data(&result), read);
        assert_eq!(result["streamClosed"], true);
        assert_eq!(result["offset"], closed["finalOffset"]);
    }
    // Said with the command, it is not asked of the handle.
    let (server, _creator, path) = over.stream("text/plain").await;
    let mut other = server.adapter(over).await;
    let close = json!({"type": "close", "path": path, "data": "x", "contentType": "text/plain"});
    other.ok(close).await;
}

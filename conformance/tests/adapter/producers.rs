//! Exactly-once producers, over a server that keeps streams.

use serde_json::{Value, json};

use crate::over::Over;
use crate::support::{Adapter, code, data, failed, path};

over_every_transport! {
    appends_of_one_producer_count_on,
    json_items_are_one_message_each,
    a_batch_that_is_sent_twice_is_stored_once,
    a_pipelined_batch_is_stored_whole_and_in_order,
    a_batch_may_be_larger_than_what_a_writer_holds,
    an_empty_batch_writes_nothing_and_has_no_number,
    a_stale_epoch_is_an_error_and_claimed_when_that_is_asked_for,
    a_missing_stream_is_an_error_of_every_command_that_writes,
    the_wrong_content_type_is_an_error,
    close_is_repeated_by_its_producer_only,
    detach_ends_the_producer_and_not_the_stream,
}

fn append(path: &str, id: &str, epoch: u64, data: &str) -> Value {
    json!({
        "type": "idempotent-append", "path": path, "data": data,
        "producerId": id, "epoch": epoch, "autoClaim": false,
    })
}

fn batch(path: &str, id: &str, items: &[&str]) -> Value {
    json!({
        "type": "idempotent-append-batch", "path": path, "items": items,
        "producerId": id, "epoch": 0, "autoClaim": false,
    })
}

fn producer(kind: &str, path: &str, id: &str) -> Value {
    json!({"type": kind, "path": path, "producerId": id, "epoch": 0, "autoClaim": false})
}

fn with(mut command: Value, field: &str, value: impl Into<Value>) -> Value {
    command[field] = value.into();
    command
}

async fn contents(adapter: &mut Adapter, path: &str) -> String {
    data(&adapter.ok(json!({"type": "read", "path": path})).await)
}

async fn appends_of_one_producer_count_on(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    for (seq, text) in ["a", "b", "c"].into_iter().enumerate() {
        let appended = adapter.ok(append(&path, "p", 0, text)).await;
        let expected = json!({
            "status": 200, "offset": appended["offset"], "duplicate": false, "producerSeq": seq,
        });
        assert_eq!(appended, expected);
    }
    // Others count for themselves: by id, by epoch and by stream.
    assert_eq!(
        adapter.ok(append(&path, "q", 0, "d")).await["producerSeq"],
        0
    );
    assert_eq!(
        adapter.ok(append(&path, "p", 1, "e")).await["producerSeq"],
        0
    );
    assert_eq!(contents(&mut adapter, &path).await, "abcde");
    let tail = adapter.ok(json!({"type": "head", "path": path})).await["offset"].clone();
    assert_eq!(
        adapter.ok(append(&path, "q", 0, "f")).await["producerSeq"],
        1
    );
    assert_ne!(
        adapter.ok(json!({"type": "head", "path": path})).await["offset"],
        tail
    );
}

async fn json_items_are_one_message_each(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/json").await;
    adapter.ok(append(&path, "p", 0, "[0]")).await;
    adapter
        .ok(batch(&path, "q", &["[1,2,3]", r#"{"a":4}"#]))
        .await;
    assert_eq!(
        contents(&mut adapter, &path).await,
        r#"[[0],[1,2,3],{"a":4}]"#
    );
    for bad in ["{", "", "1 2"] {
        let error = adapter.err(append(&path, "r", 0, bad)).await;
        assert_eq!(error, failed("INVALID_ARGUMENT", 0), "{bad:?}");
    }
    // What is refused before it is sent changes nothing about the producer.
    assert_eq!(
        adapter.ok(append(&path, "r", 0, "5")).await["producerSeq"],
        0
    );
}

async fn a_batch_that_is_sent_twice_is_stored_once(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let items = ["a", "b", "c"];
    for _ in 0..2 {
        let appended = adapter.ok(batch(&path, "p", &items)).await;
        assert_eq!(appended, json!({"status": 200, "producerSeq": 0}));
    }
    assert_eq!(contents(&mut adapter, &path).await, "abc");
}

async fn a_pipelined_batch_is_stored_whole_and_in_order(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    let items: Vec<String> = (0..50).map(|n| format!("{n},")).collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    for auto_claim in [false, true] {
        let id = format!("p{auto_claim}");
        let command = with(batch(&path, &id, &items), "maxInFlight", 5);
        let appended = adapter.ok(with(command, "autoClaim", auto_claim)).await;
        assert_eq!(appended, json!({"status": 200, "producerSeq": 49}));
    }
    assert_eq!(
        contents(&mut adapter, &path).await,
        items.concat().repeat(2)
    );
}

async fn a_batch_may_be_larger_than_what_a_writer_holds(over: Over) {
    for (items, size) in [(30_000, 1), (20, 300_000)] {
        let (_server, mut adapter, path) = over.stream("text/plain").await;
        let items = vec!["x".repeat(size); items];
        let all: Vec<&str> = items.iter().map(String::as_str).collect();
        adapter.ok(batch(&path, "p", &all)).await;
        let stored = contents(&mut adapter, &path).await;
        assert!(stored == items.concat(), "{} bytes", stored.len());
    }
}

async fn an_empty_batch_writes_nothing_and_has_no_number(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    assert_eq!(
        adapter.ok(batch(&path, "p", &[])).await,
        json!({"status": 200})
    );
    assert_eq!(contents(&mut adapter, &path).await, "");
}

async fn a_stale_epoch_is_an_error_and_claimed_when_that_is_asked_for(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    adapter.ok(append(&path, "p", 5, "new")).await;
    for command in [
        append(&path, "p", 3, "stale"),
        // And it stays one.
        append(&path, "p", 3, "stale"),
        batch(&path, "p", &["stale"]),
    ] {
        let error = adapter.error(command).await;
        assert_eq!(code(&error), failed("UNEXPECTED_STATUS", 403), "{error}");
    }
    assert_eq!(contents(&mut adapter, &path).await, "new");
    let claim = with(append(&path, "p", 0, ", claimed"), "autoClaim", true);
    adapter.ok(claim).await;
    assert_eq!(contents(&mut adapter, &path).await, "new, claimed");
    // Which fences the one before.
    let error = adapter.err(append(&path, "p", 5, "late")).await;
    assert_eq!(error, failed("UNEXPECTED_STATUS", 403));
}

async fn a_missing_stream_is_an_error_of_every_command_that_writes(over: Over) {
    let (_server, mut adapter, _) = over.stream("text/plain").await;
    let missing = path();
    for command in [
        append(&missing, "p", 0, "x"),
        batch(&missing, "p", &["x", "y"]),
        with(batch(&missing, "p", &["x", "y"]), "maxInFlight", 5),
        producer("idempotent-close", &missing, "q"),
        with(producer("idempotent-close", &missing, "r"), "data", "x"),
    ] {
        let error = adapter.error(command).await;
        assert_eq!(code(&error), failed("NOT_FOUND", 404), "{error}");
        assert!(error["message"].as_str().unwrap().contains(&missing));
    }
}

async fn the_wrong_content_type_is_an_error(over: Over) {
    let (server, _creator, path) = over.stream("text/plain").await;
    let mut adapter = server.adapter(over).await;
    let error = adapter.err(append(&path, "p", 0, "x")).await;
    assert_eq!(error, failed("CONFLICT", 409));
}

async fn close_is_repeated_by_its_producer_only(over: Over) {
    for last in [None, Some("the end")] {
        let (_server, mut adapter, path) = over.stream("text/plain").await;
        adapter.ok(append(&path, "p", 0, "a")).await;
        let mut close = producer("idempotent-close", &path, "p");
        if let Some(last) = last {
            close["data"] = json!(last);
        }
        let closed = adapter.ok(close.clone()).await;
        let expected = json!({"status": 200, "finalOffset": closed["finalOffset"]});
        assert_eq!(closed, expected);
        // Again, also with other data, which goes nowhere.
        for again in [
            close.clone(),
            with(close, "data", "other data"),
            producer("idempotent-close", &path, "p"),
        ] {
            assert_eq!(adapter.ok(again).await, expected);
        }
        let read = adapter.ok(json!({"type": "read", "path": path})).await;
        assert_eq!(data(&read), format!("a{}", last.unwrap_or_default()));
        assert_eq!(read["streamClosed"], true);
        assert_eq!(read["offset"], closed["finalOffset"]);

        for other in [
            producer("idempotent-close", &path, "q"),
            with(producer("idempotent-close", &path, "r"), "data", "x"),
            with(producer("idempotent-close", &path, "p"), "epoch", 1),
            append(&path, "s", 0, "x"),
            batch(&path, "t", &["x"]),
        ] {
            let error = adapter.err(other.clone()).await;
            assert_eq!(error, failed("STREAM_CLOSED", 409), "{other}");
        }
        // To itself it is closed as well.
        let error = adapter.err(append(&path, "p", 0, "x")).await;
        assert_eq!(error, failed("INVALID_ARGUMENT", 0));
        assert_eq!(contents(&mut adapter, &path).await, data(&read));
    }
}

async fn detach_ends_the_producer_and_not_the_stream(over: Over) {
    let (_server, mut adapter, path) = over.stream("text/plain").await;
    // Of one that never lived, too.
    for _ in 0..2 {
        let detach = producer("idempotent-detach", &path, "p");
        assert_eq!(adapter.ok(detach).await, json!({"status": 200}));
    }
    adapter.ok(append(&path, "p", 0, "a")).await;
    adapter.ok(append(&path, "p", 0, "b")).await;
    adapter.ok(producer("idempotent-detach", &path, "p")).await;
    let head = adapter.ok(json!({"type": "head", "path": path})).await;
    assert_eq!(head["streamClosed"], false);
    // Another one of the same name and epoch begins with numbers that are taken, and says that nothing was new.
    let again = adapter.ok(append(&path, "p", 0, "a")).await;
    assert_eq!(
        (&again["duplicate"], &again["producerSeq"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(contents(&mut adapter, &path).await, "ab");
}

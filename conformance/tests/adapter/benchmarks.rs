//! `benchmark`: real work, really counted, and failures that are told.

use durable_streams_conformance::script::Reply;
use serde_json::{Value, json};

use crate::over::Over;
use crate::replies::page;
use crate::support::{Server, data, failed, path};

over_every_transport! {
    append_and_read_count_what_was_stored,
    create_creates,
    a_roundtrip_reads_what_it_wrote,
    throughput_is_of_what_is_stored_in_every_iteration,
    throughput_of_reads_is_of_messages,
    what_fails_is_a_failure_of_the_benchmark,
    no_iteration_is_the_repetition_of_another,
}

fn benchmark(mut operation: Value, op: &str, path: &str) -> Value {
    operation["op"] = json!(op);
    operation["path"] = json!(path);
    json!({"type": "benchmark", "iterationId": "iteration 7", "operation": operation})
}

/// The metrics of a result that has the form of one.
fn metrics(result: &Value) -> (u64, u64) {
    assert_eq!(result["iterationId"], "iteration 7");
    let nanos = result["durationNs"].as_str().expect("a string");
    assert!(nanos.parse::<u64>().unwrap() > 0, "{nanos}");
    let metric = |name: &str| result["metrics"][name].as_u64().unwrap();
    (metric("bytesTransferred"), metric("messagesProcessed"))
}

async fn append_and_read_count_what_was_stored(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/octet-stream").await;
    for _ in 0..3 {
        let result = adapter
            .ok(benchmark(json!({"size": 1000}), "append", &path))
            .await;
        assert_eq!(metrics(&result), (1000, 1));
    }
    let result = adapter.ok(benchmark(json!({}), "read", &path)).await;
    assert_eq!(metrics(&result).0, 3000);
    let tail = adapter.ok(json!({"type": "head", "path": path})).await["offset"].clone();
    let result = adapter
        .ok(benchmark(json!({"offset": tail}), "read", &path))
        .await;
    assert_eq!(metrics(&result).0, 0, "what is read is what is counted");
}

async fn create_creates(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    for (given, content_type) in [
        (json!({}), "application/octet-stream"),
        (
            json!({"contentType": "application/json"}),
            "application/json",
        ),
    ] {
        let path = path();
        let result = adapter.ok(benchmark(given, "create", &path)).await;
        assert_eq!(metrics(&result), (0, 0));
        let head = adapter.ok(json!({"type": "head", "path": path})).await;
        assert_eq!(head["contentType"], content_type);
    }
}

async fn a_roundtrip_reads_what_it_wrote(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    for (given, content_type) in [
        (json!({"size": 100}), "application/octet-stream"),
        (
            json!({"size": 100, "live": "sse", "contentType": "application/json"}),
            "application/json",
        ),
        (
            json!({"size": 0, "live": "long-poll", "contentType": "application/json"}),
            "application/json",
        ),
        (
            json!({"size": 100, "live": "sse", "contentType": "text/plain"}),
            "text/plain",
        ),
    ] {
        let path = path();
        let result = adapter
            .ok(benchmark(given.clone(), "roundtrip", &path))
            .await;
        let read = data(&adapter.ok(json!({"type": "read", "path": path})).await);
        assert_eq!(metrics(&result), (read.len() as u64, 1), "{given}");
        let size = given["size"].as_u64().unwrap() as usize;
        match content_type {
            // The array, and a string of at least its quotes.
            "application/json" => assert_eq!(read.len(), size.max(2) + 2),
            _ => assert_eq!(read.len(), size),
        }
        let head = adapter.ok(json!({"type": "head", "path": path})).await;
        assert_eq!(head["contentType"], content_type);
        // Once more on the same stream, where old data waits.
        let again = adapter.ok(benchmark(given, "roundtrip", &path)).await;
        assert!(metrics(&again).0 > 0);
    }
}

async fn throughput_is_of_what_is_stored_in_every_iteration(over: Over) {
    let server = Server::start().await;
    let mut adapter = server.adapter(over).await;
    let path = path();
    let given = json!({"count": 2500, "size": 10, "concurrency": 200});
    for iteration in 1..=2 {
        let result = adapter
            .ok(benchmark(given.clone(), "throughput_append", &path))
            .await;
        assert_eq!(metrics(&result), (25_000, 2500));
        let stored = adapter.ok(benchmark(json!({}), "read", &path)).await;
        assert_eq!(metrics(&stored).0, iteration * 25_000);
    }
}

async fn throughput_of_reads_is_of_messages(over: Over) {
    let (_server, mut adapter, path) = over.stream("application/json").await;
    let messages: Vec<String> = (0..1000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let items: Vec<&str> = messages.iter().map(String::as_str).collect();
    let batch =
        json!({"type": "idempotent-append-batch", "path": path, "items": items, "producerId": "p"});
    adapter.ok(batch).await;
    let result = adapter
        .ok(benchmark(
            json!({"expectedCount": 1}),
            "throughput_read",
            &path,
        ))
        .await;
    assert_eq!(metrics(&result), (messages.concat().len() as u64, 1000));
    // It is read as JSON, and written again to be counted.
    let spaced = page("1", "[ { \"a\" : 1 } ,2]").header("Stream-Closed", "true");
    let (_server, mut adapter) = over.scripted([spaced]).await;
    let result = adapter
        .ok(benchmark(json!({}), "throughput_read", "/s"))
        .await;
    assert_eq!(metrics(&result), (8, 2));
}

async fn what_fails_is_a_failure_of_the_benchmark(over: Over) {
    let (_server, mut adapter, text) = over.stream("text/plain").await;
    let missing = path();
    for (command, expected) in [
        (
            benchmark(json!({"size": 1}), "append", &missing),
            failed("NOT_FOUND", 404),
        ),
        (
            benchmark(json!({"size": 1}), "append", &text),
            failed("CONFLICT", 409),
        ),
        (
            benchmark(json!({"size": 0}), "append", &missing),
            failed("INVALID_ARGUMENT", 0),
        ),
        (
            benchmark(json!({}), "read", &missing),
            failed("NOT_FOUND", 404),
        ),
        (
            benchmark(json!({"offset": "a,b"}), "read", &text),
            failed("INVALID_OFFSET", 0),
        ),
        (
            benchmark(json!({}), "create", &text),
            failed("CONFLICT", 409),
        ),
        (
            benchmark(json!({"size": 1}), "roundtrip", &text),
            failed("CONFLICT", 409),
        ),
        (
            benchmark(json!({"count": 1, "size": 1}), "throughput_append", &text),
            failed("CONFLICT", 409),
        ),
        (
            benchmark(json!({}), "throughput_read", &missing),
            failed("NOT_FOUND", 404),
        ),
        (
            benchmark(json!({}), "fly", &text),
            failed("NOT_SUPPORTED", 0),
        ),
        (
            benchmark(json!({}), "append", &text),
            failed("INVALID_ARGUMENT", 0),
        ),
    ] {
        assert_eq!(adapter.err(command.clone()).await, expected, "{command}");
    }
    // Text has no messages to count.
    adapter
        .ok(json!({"type": "append", "path": text, "data": "x"}))
        .await;
    let error = adapter
        .err(benchmark(json!({}), "throughput_read", &text))
        .await;
    assert_eq!(error, failed("INVALID_ARGUMENT", 0));

    adapter.ok(json!({"type": "close", "path": text})).await;
    let other = json!({"size": 1, "contentType": "text/plain"});
    let (name, status) = adapter.err(benchmark(other, "roundtrip", &text)).await;
    assert_eq!(status, 409, "{name}");
}

async fn no_iteration_is_the_repetition_of_another(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| {
        let reply = Reply::new(200).header("Stream-Next-Offset", "1");
        match (
            request.header("producer-epoch"),
            request.header("producer-seq"),
        ) {
            (Some(epoch), Some(seq)) => reply
                .header("Producer-Epoch", epoch)
                .header("Producer-Seq", seq),
            _ => reply,
        }
    });
    for _ in 0..2 {
        let given = json!({"count": 1, "size": 1});
        adapter
            .ok(benchmark(given, "throughput_append", "/s"))
            .await;
    }
    let requests = server.requests();
    let ids: Vec<_> = requests
        .iter()
        .filter_map(|request| request.header("producer-id"))
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

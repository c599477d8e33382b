//! What producers send, and what they report when it goes wrong: never a success that was none.

use std::collections::HashSet;
use std::sync::Mutex;

use durable_streams_conformance::script::{Gate, RecordedRequest, Reply};
use serde_json::{Value, json};

use crate::over::Over;
use crate::replies::done;
use crate::support::{Adapter, all, code, failed};

over_every_transport! {
    a_batch_is_one_request_and_pipelined_one_for_each_item,
    bytes_are_put_together_as_they_are,
    early_arrivals_are_sent_again_until_all_are_in,
    a_refusal_is_reported_and_stays,
    what_passes_is_survived_under_the_same_number,
    a_repetition_that_the_server_knows_is_a_success_and_called_what_it_is,
    what_does_not_pass_is_a_failure,
    a_claim_goes_on_under_the_next_epoch,
    close_is_one_request_with_the_last_message_and_is_not_sent_again,
    a_close_that_may_have_been_done_is_not_taken_for_that_of_others,
    headers_are_those_that_a_producer_began_with,
}

fn append(data: &str) -> Value {
    json!({"type": "idempotent-append", "path": "/s", "data": data, "producerId": "p", "epoch": 0})
}

fn batch(items: &[&str]) -> Value {
    json!({"type": "idempotent-append-batch", "path": "/s", "items": items, "producerId": "p", "epoch": 0})
}

/// What a server says to a request of a producer that it takes.
fn taken(request: &RecordedRequest) -> Reply {
    let seq = request.header("producer-seq").unwrap();
    let epoch = request.header("producer-epoch").unwrap();
    let reply = Reply::new(200)
        .header("Stream-Next-Offset", &format!("{epoch}{seq}"))
        .header("Producer-Epoch", epoch)
        .header("Producer-Seq", seq);
    match request.header("stream-closed") {
        Some(_) => reply.header("Stream-Closed", "true"),
        None => reply,
    }
}

/// Id, epoch, number and body of each request.
fn sent(requests: &[RecordedRequest]) -> Vec<String> {
    let show = |request: &RecordedRequest| {
        let header = |name| request.header(name).unwrap_or("-").to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let numbers = ["producer-id", "producer-epoch", "producer-seq"].map(header);
        format!("{} {body}", numbers.join(" "))
    };
    requests.iter().map(show).collect()
}

async fn json_stream(
    over: Over,
    replies: impl IntoIterator<Item = Reply>,
) -> (durable_streams_conformance::script::ScriptServer, Adapter) {
    let (server, mut adapter) = over
        .scripted([done("0").header("Content-Type", "application/json; charset=utf-8")])
        .await;
    adapter
        .ok(json!({"type": "create", "path": "/s", "contentType": "application/json"}))
        .await;
    server.replies(replies);
    (server, adapter)
}

async fn a_batch_is_one_request_and_pipelined_one_for_each_item(over: Over) {
    let (server, mut adapter) = json_stream(over, []).await;
    server.answer_with(|request, _| taken(request));
    for flights in [
        json!({}),
        json!({"maxInFlight": 1}),
        json!({"maxInFlight": 5}),
    ] {
        let before = server.requests().len();
        let mut command = batch(&["1", "[2]", "{}"]);
        command
            .as_object_mut()
            .unwrap()
            .extend(flights.as_object().unwrap().clone());
        let result = adapter.ok(command).await;
        let mut requests = sent(&server.requests()[before..]);
        if flights["maxInFlight"] == 5 {
            requests[1..].sort();
            assert_eq!(requests, ["p 0 0 [1]", "p 0 1 [[2]]", "p 0 2 [{}]"]);
            assert_eq!(result["producerSeq"], 2);
        } else {
            assert_eq!(requests, ["p 0 0 [1,[2],{}]"]);
            assert_eq!(result["producerSeq"], 0);
        }
    }
}

async fn bytes_are_put_together_as_they_are(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| taken(request));
    adapter.ok(batch(&["a", "b\n", "c"])).await;
    adapter.ok(append("d")).await;
    adapter.ok(append("e")).await;
    let requests = server.requests();
    assert_eq!(sent(&requests), ["p 0 0 ab\nc", "p 0 0 d", "p 0 1 e"]);
    assert_eq!(
        requests[0].header("content-type"),
        Some("application/octet-stream")
    );
}

async fn early_arrivals_are_sent_again_until_all_are_in(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    // The second request is on its way until those behind it were turned down.
    let (gate, turned_down) = (Gate::new(), Mutex::new(HashSet::new()));
    server.answer_with(move |request, _| {
        let seq = request.header("producer-seq").unwrap();
        let mut turned_down = turned_down.lock().unwrap();
        match seq {
            "0" => taken(request),
            "1" => taken(request).after(&gate),
            early if turned_down.insert(early.to_owned()) => {
                if turned_down.len() == 4 {
                    gate.open();
                }
                Reply::new(409)
                    .header("Producer-Expected-Seq", "1")
                    .header("Producer-Received-Seq", early)
            }
            _ => taken(request),
        }
    });
    let mut command = batch(&["a", "b", "c", "d", "e", "f"]);
    command["maxInFlight"] = json!(5);
    let result = adapter.ok(command).await;
    assert_eq!(result, json!({"status": 200, "producerSeq": 5}));
    let mut requests = sent(&server.requests());
    requests.sort();
    let twice = ["p 0 2 c", "p 0 3 d", "p 0 4 e", "p 0 5 f"].map(|request| [request; 2]);
    let expected = [&["p 0 0 a", "p 0 1 b"], twice.as_flattened()].concat();
    assert_eq!(requests, expected);
}

async fn a_refusal_is_reported_and_stays(over: Over) {
    for (status, header, name) in [
        (403, Some(("Producer-Epoch", "7")), "UNEXPECTED_STATUS"),
        (409, Some(("Stream-Closed", "true")), "STREAM_CLOSED"),
        (
            409,
            Some(("Producer-Expected-Seq", "5")),
            "SEQUENCE_CONFLICT",
        ),
        (409, None, "CONFLICT"),
        (404, None, "NOT_FOUND"),
        (400, None, "UNEXPECTED_STATUS"),
        (413, None, "UNEXPECTED_STATUS"),
    ] {
        let (server, mut adapter) = over.scripted([]).await;
        server.answer_with(move |_, _| {
            let reply = Reply::new(status);
            match header {
                Some((name, value)) => reply.header(name, value),
                None => reply,
            }
        });
        for command in [append("x"), batch(&["x", "y"])] {
            let error = adapter.error(command).await;
            assert_eq!(code(&error), failed(name, u64::from(status)), "{error}");
        }
        if status == 413 {
            // One message is too large; the producer goes on.
            continue;
        }
        // The shared producer is done for: it says so, and asks nobody again.
        let before = server.requests().len();
        let closing =
            json!({"type": "idempotent-close", "path": "/s", "producerId": "p", "epoch": 0});
        for command in [append("y"), closing] {
            assert_eq!(adapter.err(command).await, failed(name, u64::from(status)));
        }
        assert_eq!(server.requests().len(), before);
    }
}

async fn what_passes_is_survived_under_the_same_number(over: Over) {
    let faults: [fn() -> Reply; 5] = [
        || Reply::new(503),
        || Reply::new(500),
        Reply::close,
        Reply::reset,
        || {
            Reply::new(200)
                .header("Content-Type", "text/html")
                .body("<h1>a portal</h1>")
        },
    ];
    for fault in faults {
        let (server, mut adapter) = over.scripted([fault(), fault()]).await;
        server.answer_with(|request, _| taken(request));
        let result = adapter.ok(append("x")).await;
        assert_eq!(
            result,
            json!({"status": 200, "offset": "00", "duplicate": false, "producerSeq": 0})
        );
        assert_eq!(sent(&server.requests()), ["p 0 0 x"; 3]);
    }
}

async fn a_repetition_that_the_server_knows_is_a_success_and_called_what_it_is(over: Over) {
    let known = done("5")
        .header("Producer-Epoch", "0")
        .header("Producer-Seq", "0");
    let (server, mut adapter) = over.scripted([Reply::close(), known]).await;
    let result = adapter.ok(append("x")).await;
    assert_eq!(
        result,
        json!({"status": 200, "offset": "5", "duplicate": true, "producerSeq": 0})
    );
    assert_eq!(sent(&server.requests()), ["p 0 0 x"; 2]);

    // Where it acknowledges by the number alone, there is no offset.
    let known = Reply::new(204)
        .header("Producer-Epoch", "0")
        .header("Producer-Seq", "0");
    let (_server, mut adapter) = over.scripted([known]).await;
    let result = adapter.ok(append("x")).await;
    assert_eq!(
        result,
        json!({"status": 200, "duplicate": true, "producerSeq": 0})
    );
}

/// A reply, the kind of error it is reported as, and the status that is reported.
type Fault = (fn() -> Reply, &'static str, u64);

async fn what_does_not_pass_is_a_failure(over: Over) {
    let faults: [Fault; 4] = [
        (|| Reply::new(503), "UNEXPECTED_STATUS", 503),
        (Reply::close, "NETWORK_ERROR", 0),
        (Reply::reset, "NETWORK_ERROR", 0),
        (
            || Reply::new(200).body("<h1>a portal</h1>"),
            "PARSE_ERROR",
            200,
        ),
    ];
    let commands = [
        append("x"),
        batch(&["x", "y"]),
        json!({"type": "idempotent-close", "path": "/s", "producerId": "p", "epoch": 0, "data": "z"}),
    ];
    let cases = faults
        .into_iter()
        .flat_map(|fault| commands.clone().map(|command| (fault, command)));
    let fails = |((fault, name, status), command): (Fault, Value)| async move {
        let (server, mut adapter) = over.scripted([]).await;
        server.answer_with(move |_, _| fault());
        let error = adapter.err(command.clone()).await;
        assert_eq!(error, failed(name, status), "{command}");
        assert!((2..20).contains(&server.requests().len()));
    };
    all(cases.map(fails)).await;
}

async fn a_claim_goes_on_under_the_next_epoch(over: Over) {
    let (server, mut adapter) = over
        .scripted([Reply::new(403).header("Producer-Epoch", "4")])
        .await;
    server.answer_with(|request, _| taken(request));
    let mut command = append("x");
    command["autoClaim"] = json!(true);
    assert_eq!(adapter.ok(command).await["producerSeq"], 0);
    // The producer is still the one of this id and epoch.
    assert_eq!(adapter.ok(append("y")).await["producerSeq"], 1);
    assert_eq!(sent(&server.requests()), ["p 0 0 x", "p 5 0 x", "p 5 1 y"]);
}

async fn close_is_one_request_with_the_last_message_and_is_not_sent_again(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| taken(request));
    adapter.ok(append("a")).await;
    let mut close = json!({"type": "idempotent-close", "path": "/s", "producerId": "p", "epoch": 0, "data": "z"});
    let closed = adapter.ok(close.clone()).await;
    assert_eq!(closed, json!({"status": 200, "finalOffset": "01"}));
    close["data"] = json!("other");
    assert_eq!(adapter.ok(close).await, closed);
    let requests = server.requests();
    assert_eq!(sent(&requests), ["p 0 0 a", "p 0 1 z"]);
    assert_eq!(requests[1].header("stream-closed"), Some("true"));
}

async fn a_close_that_may_have_been_done_is_not_taken_for_that_of_others(over: Over) {
    let closed = || {
        Reply::new(409)
            .header("Stream-Closed", "true")
            .header("Stream-Next-Offset", "9")
    };
    let close = json!({"type": "idempotent-close", "path": "/s", "producerId": "p", "epoch": 0});
    let (_server, mut adapter) = over.scripted([Reply::close(), closed()]).await;
    assert_eq!(
        adapter.ok(close.clone()).await,
        json!({"status": 200, "finalOffset": "9"})
    );
    let (_server, mut adapter) = over.scripted([closed()]).await;
    assert_eq!(adapter.err(close).await, failed("STREAM_CLOSED", 409));
}

async fn headers_are_those_that_a_producer_began_with(over: Over) {
    let (server, mut adapter) = over.scripted([]).await;
    server.answer_with(|request, _| taken(request));
    let with = |mut command: Value, value: &str| {
        command["headers"] = json!({"X-Test": value});
        command
    };
    adapter.ok(with(append("a"), "1")).await;
    adapter.ok(append("b")).await;
    adapter.ok(with(append("c"), "1")).await;
    let other = adapter.err(with(append("d"), "2")).await;
    assert_eq!(other, failed("NOT_SUPPORTED", 0));
    adapter.ok(with(batch(&["e"]), "3")).await;
    let values = server.requests();
    let values: Vec<_> = values
        .iter()
        .map(|request| request.header("x-test").unwrap_or("-"))
        .collect();
    assert_eq!(values, ["1", "1", "1", "3"]);
}

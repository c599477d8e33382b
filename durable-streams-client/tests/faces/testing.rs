//! The test doubles that applications get.

use std::time::Duration;

use durable_streams_client::blocking::block_on;
use durable_streams_client::testing::{Reply, Script};
use durable_streams_client::{ErrorKind, FailureKind, RetryPolicy};

fn page(offset: &str) -> Reply {
    Reply::new(200)
        .header("content-type", "application/json")
        .header("stream-next-offset", offset)
}

#[test]
fn a_request_without_a_reply_is_refused_and_the_error_says_which_it_was() {
    let script = Script::new([]);
    let client = script.client().build().unwrap();
    let error = client.stream("orders").append("x").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the script has no reply left for POST /orders");
    assert_eq!(script.requests().len(), 1);
}

#[test]
fn delays_and_timeouts_of_any_length_pass_at_once() {
    let script = Script::new([
        page("2").body("[1,").cut(),
        page("2").hang(),
        Reply::new(503).header("retry-after", "3600"),
        Reply::fail(FailureKind::Connect),
        page("2")
            .header("stream-closed", "true")
            .body("[1,")
            .body("2]"),
    ]);
    let client = script.client().build().unwrap();
    let mut got: Vec<u64> = Vec::new();
    for batch in client.stream("orders").read().start_blocking() {
        got.extend(batch.unwrap().json::<u64>().map(Result::unwrap));
    }
    assert_eq!(got, [1, 2]);
    assert_eq!(script.left(), 0);
}

#[test]
fn a_limit_of_any_length_is_none_that_is_reached() {
    let script = Script::new([Reply::new(204).header("stream-next-offset", "1")]);
    let client = script
        .client()
        .request_timeout(Duration::MAX)
        .build()
        .unwrap();
    client.stream("orders").append("x").wait().unwrap();
}

#[test]
fn replies_can_be_added_while_the_client_is_in_use() {
    let script = Script::default();
    let client = script.client().retry(RetryPolicy::never()).build().unwrap();
    for offset in ["1", "2"] {
        script.add([Reply::new(204).header("stream-next-offset", offset)]);
        let appended = block_on(client.stream("orders").append("x").into_future());
        assert_eq!(appended.unwrap().next_offset.as_str(), offset);
    }
}

#[test]
fn a_writer_runs_in_the_background_without_a_runtime() {
    let stored = Reply::new(200).header("stream-next-offset", "1");
    let script = Script::new([stored
        .header("producer-epoch", "0")
        .header("producer-seq", "0")]);
    let client = script.client().build().unwrap();
    let writer = client.stream("orders").writer("w").start_blocking();
    writer.append_acked("x").unwrap();
    assert_eq!(script.requests()[0].body(), "x");
}

//! The writer against the embedded server, over real sockets.

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{DurableStream, ErrorKind, Flushed, RefusedReason, client};

async fn json_stream() -> (Server, DurableStream) {
    let server = Server::start(Default::default()).await.unwrap();
    let client = client(&server.url()).unwrap().build().unwrap();
    let stream = client.stream("s");
    stream
        .create()
        .content_type("application/json")
        .await
        .unwrap();
    (server, stream)
}

async fn contents(stream: &DurableStream) -> Vec<u64> {
    let mut reader = stream.read().start();
    let mut all = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        all.extend(batch.json::<u64>().map(Result::unwrap));
    }
    all
}

#[tokio::test]
async fn b46_what_was_flushed_is_stored_once_and_in_order() {
    let (_server, stream) = json_stream().await;
    let writer = stream.writer("w").max_batch_messages(7).start();
    for n in 0..1000_u64 {
        writer.append_json(&n).await.unwrap();
    }
    let offset = writer.flush().await.unwrap().next_offset;
    assert_eq!(offset, Some(stream.head().await.unwrap().next_offset));
    assert_eq!(contents(&stream).await, (0..1000).collect::<Vec<_>>());
    assert_eq!(
        (writer.pending(), writer.in_flight(), writer.epoch()),
        (0, 0, 0)
    );
    assert_eq!(writer.next_seq(), 1000_u64.div_ceil(7));
}

#[tokio::test]
async fn b53_a_receipt_says_where_and_is_free_to_drop() {
    let (_server, stream) = json_stream().await;
    let writer = stream.writer("w").linger(Duration::ZERO).start();
    drop(writer.append_json_with_receipt(&1).await.unwrap());
    let receipt = writer.append_json_with_receipt(&[2, 3]).await.unwrap();
    assert_eq!(receipt.ticket(), 1);
    let stored = receipt.await.unwrap();
    assert!(!stored.duplicate);
    assert_eq!(
        stored.next_offset,
        Some(stream.head().await.unwrap().next_offset)
    );
    assert_eq!(
        writer.append_acked("4").await.unwrap().next_offset,
        Some(stream.head().await.unwrap().next_offset)
    );
}

#[tokio::test]
async fn b47_closing_drains_and_repeats_its_result() {
    let (_server, stream) = json_stream().await;
    let writer = stream.writer("w").linger(Duration::from_secs(3600)).start();
    writer.append_json(&1).await.unwrap();
    let end = writer.close().await.unwrap();
    assert_eq!(end, writer.close().await.unwrap());
    assert_eq!(contents(&stream).await, [1]);
    assert!(
        !stream.head().await.unwrap().closed,
        "the stream stays open"
    );
    let refused = writer.append("2").await.unwrap_err();
    assert_eq!(refused.message, "2");
    assert!(matches!(refused.reason, RefusedReason::Error(_)));
    assert_eq!(
        writer.close_stream().await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );

    let writer = stream.writer("w2").start();
    writer.append_json(&2).await.unwrap();
    let end = writer.close_stream().await.unwrap();
    assert_eq!(end, writer.close_stream().await.unwrap());
    let head = stream.head().await.unwrap();
    assert!(head.closed);
    assert_eq!(end, Some(head.next_offset));
}

#[tokio::test]
async fn b48_a_restart_goes_on_under_the_next_epoch() {
    let (_server, stream) = json_stream().await;
    let writer = stream.writer("w").start();
    writer.append_json(&1).await.unwrap();
    assert_eq!(writer.restart().await.unwrap(), 1);
    writer.append_json(&2).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!((writer.epoch(), writer.next_seq()), (1, 1));
    assert_eq!(contents(&stream).await, [1, 2]);
}

#[tokio::test]
async fn b44_a_takeover_claims_the_next_epoch_and_fences_the_old_writer() {
    let (_server, stream) = json_stream().await;
    let old = stream.writer("w").start();
    old.append_json(&1).await.unwrap();
    old.flush().await.unwrap();
    let new = stream.writer("w").auto_claim(true).start();
    new.append_json(&2).await.unwrap();
    new.flush().await.unwrap();
    assert_eq!(
        new.epoch(),
        1,
        "a 204 to a first attempt is somebody else's"
    );
    old.append_json(&3).await.unwrap();
    let error = old.flush().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.producer_epoch()),
        (ErrorKind::Fenced, Some(1))
    );
    let unsent = old.take_unsent();
    assert_eq!(unsent.len(), 1);
    assert_eq!(
        (&unsent[0].message[..], unsent[0].may_have_been_applied),
        (&b"3"[..], false)
    );
    assert_eq!(contents(&stream).await, [1, 2]);
}

#[tokio::test]
async fn bad_input_is_reported_before_any_io_and_given_back() {
    let (_server, stream) = json_stream().await;
    let writer = stream.writer("w").start();
    let refused = writer.append("{\"a\":").await.unwrap_err();
    assert_eq!(refused.message, "{\"a\":");
    assert!(writer.try_append("").is_err());
    let broken = stream.writer("").start();
    let RefusedReason::Error(error) = broken.append("1").await.unwrap_err().reason else {
        panic!("an error")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        broken.flush().await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        broken.close().await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(writer.flush().await.unwrap(), Flushed::default());
}

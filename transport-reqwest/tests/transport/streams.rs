//! Streams from their creation to their end, against the embedded server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{Client, DurableStream, Error, ErrorKind, client};

async fn server() -> (Server, Client) {
    let server = Server::start(Default::default()).await.unwrap();
    let root = format!("{}/v1/stream/", server.url());
    let client = client(&root).unwrap().build().unwrap();
    (server, client)
}

async fn contents(stream: &DurableStream) -> Vec<u8> {
    let mut reader = stream.read().start();
    let mut contents = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        contents.extend_from_slice(&batch.bytes());
    }
    contents
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

#[tokio::test]
async fn its_head_says_what_a_stream_was_created_with() {
    let (_server, client) = server().await;
    let stream = client.stream("/with/everything");
    // The protocol has it in whole seconds.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let expiry = UNIX_EPOCH + Duration::from_secs(since.as_secs() + 3600);
    let create = || stream.create().content_type("text/plain; charset=utf-8");
    let full = || create().contents("all of it").closed();
    let created = full().expires_at(expiry).await.unwrap();
    assert!(created.created && created.closed);
    assert_eq!(
        stream.content_type().as_deref(),
        Some("text/plain; charset=utf-8")
    );

    let head = stream.head().await.unwrap();
    assert_eq!(head.content_type, stream.content_type());
    assert_eq!(head.next_offset, created.next_offset);
    assert!(head.closed);
    assert_eq!((head.ttl, head.expires_at), (None, Some(expiry)));
    assert_eq!(contents(&stream).await, b"all of it");

    // The same again is the same stream, and another one is none.
    let again = full().expires_at(expiry).await.unwrap();
    assert!(!again.created);
    assert_eq!(again.next_offset, created.next_offset);
    refused(create().await, ErrorKind::StreamExists);

    let other = client.stream("other");
    let ttl = Duration::from_secs(600);
    other.create().ttl(ttl).contents_json(&[1]).await.unwrap();
    let head = other.head().await.unwrap();
    assert_eq!(head.content_type.as_deref(), Some("application/json"));
    assert_eq!((head.ttl, head.expires_at), (Some(ttl), None));
    assert!(!head.closed);
    assert_eq!(contents(&other).await, b"[[1]]");
}

#[tokio::test]
async fn a_handle_is_made_from_a_path_or_a_url_and_slashes_do_not_matter() {
    let (server, client) = server().await;
    client.stream("a/b").create().contents("x").await.unwrap();
    let url = format!("{}/v1/stream/a/b", server.url());
    for path in ["a/b", "/a/b", &url] {
        let stream = client.stream(path);
        assert_eq!(stream.url().unwrap().to_string(), url);
        stream.head().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let (_server, client) = server().await;
    let stream = client.stream("s");
    refused(stream.append("x").await, ErrorKind::StreamNotFound);
    refused(stream.close().await, ErrorKind::StreamNotFound);
    refused(stream.delete().await, ErrorKind::StreamNotFound);

    stream.create().content_type("text/plain").await.unwrap();
    let first = stream.append("one").seq("002").await.unwrap();
    refused(
        stream.append("two").seq("001").await,
        ErrorKind::SequenceConflict,
    );
    refused(
        stream
            .append_raw_json("2")
            .content_type("application/json")
            .await,
        ErrorKind::ContentTypeMismatch,
    );
    let last = stream.close_with(", two").await.unwrap();
    assert!(last.closed && !first.closed);
    let error = refused(stream.append("three").await, ErrorKind::StreamClosed);
    assert_eq!(error.next_offset(), Some(&last.next_offset));
    assert_eq!(
        stream.close().await.unwrap().final_offset,
        last.next_offset,
        "it is closed already"
    );
    assert_eq!(contents(&stream).await, b"one, two");

    stream.delete().await.unwrap();
    assert_eq!(stream.content_type(), None);
    refused(stream.head().await, ErrorKind::StreamNotFound);
}

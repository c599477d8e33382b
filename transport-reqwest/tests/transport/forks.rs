//! Forks, against the embedded server: where they begin, and what refuses them.

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{Client, DurableStream, ErrorKind, Offset, client};

async fn source() -> (Server, Client, DurableStream, Offset) {
    let server = Server::start(Default::default()).await.unwrap();
    let client = client(&server.url()).unwrap().build().unwrap();
    let source = client.stream("source");
    let create = source.create().content_type("application/json");
    create.await.unwrap();
    let first = source.append_json(&1).await.unwrap().next_offset;
    source.append_json_batch([2, 3, 4]).await.unwrap();
    (server, client, source, first)
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
async fn a_fork_begins_at_the_tail_at_an_offset_or_past_one() {
    let (_server, client, source, first) = source().await;
    let [tail, at, plus] = ["tail", "at", "plus"].map(|name| client.stream(name));
    let created = tail.fork_from(&source).await.unwrap();
    assert_eq!(created.content_type.as_deref(), Some("application/json"));
    at.fork_from(&source).at(first.clone()).await.unwrap();
    plus.fork_from(&source)
        .at(first.clone())
        .plus(2)
        .await
        .unwrap();
    assert_eq!(contents(&tail).await, [1, 2, 3, 4]);
    assert_eq!(contents(&at).await, [1]);
    assert_eq!(contents(&plus).await, [1, 2, 3]);

    // They learned the content type, and go on by themselves.
    plus.append_json(&30).await.unwrap();
    source.append_json(&5).await.unwrap();
    assert_eq!(contents(&plus).await, [1, 2, 3, 30]);
    assert_eq!(contents(&tail).await, [1, 2, 3, 4]);
    // An offset of what they share is one of both.
    let mut reader = plus.read().from(&first).start();
    assert_eq!(reader.next().await.unwrap().unwrap().messages().len(), 3);

    assert!(
        !at.fork_from(&source).at(first).await.unwrap().created,
        "the same fork again"
    );
}

#[tokio::test]
async fn a_fork_of_nothing_and_past_the_end_is_refused() {
    let (_server, client, source, first) = source().await;
    let fork = client.stream("fork");
    let error = fork.fork_from(&client.stream("nothing")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamNotFound);
    let error = fork
        .fork_from(&source)
        .at(first.clone())
        .plus(100)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    // It is in use, or its source is gone: a 409 to a fork does not say which.
    let error = source.fork_from(&source).at(first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        fork.head().await.unwrap_err().kind(),
        ErrorKind::StreamNotFound
    );
}

#[tokio::test]
async fn a_source_that_is_deleted_is_gone_and_its_forks_are_not() {
    let (_server, client, source, _) = source().await;
    let fork = client.stream("fork");
    fork.fork_from(&source).await.unwrap();
    source.delete().await.unwrap();
    assert_eq!(source.head().await.unwrap_err().kind(), ErrorKind::Gone);
    let mut reader = source.read().start();
    assert_eq!(reader.next().await.unwrap_err().kind(), ErrorKind::Gone);
    let again = source.create().content_type("application/json");
    assert_eq!(again.await.unwrap_err().kind(), ErrorKind::StreamExists);
    assert_eq!(contents(&fork).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn where_a_fork_begins_is_a_mistake_for_a_stream_that_is_none() {
    let (_server, client, _, first) = source().await;
    let stream = client.stream("new");
    for create in [stream.create().at(first), stream.create().plus(1)] {
        assert_eq!(create.await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(
        stream.head().await.unwrap_err().kind(),
        ErrorKind::StreamNotFound
    );
}

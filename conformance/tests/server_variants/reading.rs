//! Nor can the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_conformance::reference::{AnswerStyle, Config, OffsetFormat, SseStyle};
use durable_streams_hyper::{
    Batch, Body, Checkpoint, Client, DurableStream, HyperTransport, Live, TokioTimer, Transport,
    TransportError,
};
use http::{Request, Response};

use super::serve;

const JSON: &str = "application/json";

/// HTTP, with a count of the long-polls: who asks for events takes them for an answer to events that he cannot read.
#[derive(Debug)]
struct Watched {
    transport: HyperTransport,
    long_polls: AtomicUsize,
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let query = request.uri().query().unwrap_or_default();
        if query.contains("live=long-poll") {
            self.long_polls.fetch_add(1, Ordering::Relaxed);
        }
        self.transport.send(request).await
    }
}

/// Messages of a JSON stream, bytes of any other.
fn units(batch: &Batch, json: bool) -> Vec<Bytes> {
    if json {
        return batch.messages().bytes().collect();
    }
    let bytes = batch.bytes();
    bytes.chunks(1).map(Bytes::copy_from_slice).collect()
}

/// What a reader gets from there to the end of the stream, and where it could go on after each batch.
async fn read(
    stream: &DurableStream,
    live: Live,
    from: Option<Checkpoint>,
) -> (Vec<Bytes>, Vec<(usize, Checkpoint)>) {
    let json = stream.content_type().is_some_and(|one| one == JSON);
    let mut reader = stream.read().live(live).from(from).start();
    let mut all = Vec::new();
    let mut places = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        all.extend(units(&batch, json));
        places.push((all.len(), batch.checkpoint().clone()));
    }
    assert!(reader.is_closed());
    (all, places)
}

/// Writes, reads and resumes; a reader that is there before anything is written, and others that come later, get it all.
async fn assert_reads_the_same(config: Config) {
    let like = format!("{:?} {:?} {:?}", config.offsets, config.sse, config.answers);
    let (_server, root) = serve(config, "/v1/stream").await;
    let transport = Arc::new(Watched {
        transport: HyperTransport::new().unwrap(),
        long_polls: AtomicUsize::new(0),
    });
    let client = Client::builder(&root, Arc::clone(&transport), TokioTimer).unwrap();
    let client = client.spawner(|driver| drop(tokio::spawn(driver)));
    let client = client.build().unwrap();
    for (content_type, messages) in [
        ("text/plain", [" one\n\n two", "\u{feff}: three\n", "é€😀"]),
        (JSON, [r#"{"a": [1,2]}"#, r#""\n two""#, "[ 3 ]"]),
        ("application/octet-stream", ["\0\u{1}\r", "data: \n\n", "z"]),
    ] {
        let stream = client.stream(content_type).with_content_type(content_type);
        stream.create().content_type(content_type).await.unwrap();
        let early = read(&stream, Live::Sse, None);
        let writing = async {
            let writer = stream.writer("writer").start();
            for message in messages {
                writer.append(message).await.unwrap();
                writer.flush().await.unwrap();
            }
            writer.close_stream().await.unwrap();
        };
        let ((all, places), ()) = tokio::join!(early, writing);
        let expected: Vec<_> = if content_type == JSON {
            messages.iter().map(|text| Bytes::from(*text)).collect()
        } else {
            let bytes = messages.concat().into_bytes();
            bytes
                .into_iter()
                .map(|byte| Bytes::from(vec![byte]))
                .collect()
        };
        assert_eq!(all, expected, "{content_type}, {like}");
        assert_eq!(transport.long_polls.load(Ordering::Relaxed), 0, "{like}");
        let there = places.first().into_iter().chain(places.last());
        for (before, checkpoint) in [(0, Checkpoint::beginning())].iter().chain(there) {
            let saved: Checkpoint = checkpoint.to_string().parse().unwrap();
            for live in [Live::Off, Live::LongPoll, Live::Sse] {
                let (rest, _) = read(&stream, live, Some(saved.clone())).await;
                assert_eq!(
                    rest,
                    expected[*before..],
                    "{content_type}, {live:?}, {like}"
                );
            }
        }
        transport.long_polls.store(0, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn readers_get_the_same_from_every_server() {
    for &format in OffsetFormat::ALL {
        assert_reads_the_same(Config::default().with_offsets(format)).await;
    }
    for &style in SseStyle::ALL {
        assert_reads_the_same(Config::default().with_sse([style])).await;
    }
    for &style in AnswerStyle::ALL {
        assert_reads_the_same(Config::default().with_answers([style])).await;
    }
    let all = Config::default()
        .with_offsets(OffsetFormat::Escaped)
        .with_sse(SseStyle::ALL.iter().copied())
        .with_answers(AnswerStyle::ALL.iter().copied());
    for page in [Some(1), Some(5), None] {
        assert_reads_the_same(all.clone().with_page_bytes(page)).await;
    }
}

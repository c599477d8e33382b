//! What isahc logs at the levels that are commonly on.

use std::fmt::{Debug, Write};
use std::sync::{LazyLock, Mutex};

use durable_streams_conformance::script::Reply;
use http::Method;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::support::{block_on, get, next, request, send, serve, transport};

static RECORDS: LazyLock<Mutex<String>> = LazyLock::new(Mutex::default);

/// Writes down everything from INFO on.
struct Recorder;

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line);
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line;

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(RECORDS.lock().unwrap(), "{field}: {value:?}").unwrap();
    }
}

#[test]
fn credentials_are_not_logged() {
    tracing::subscriber::set_global_default(Recorder).unwrap();
    block_on(async {
        let (live, begun) = Reply::live_sse();
        let server = serve([
            Reply::new(200).body("well"),
            Reply::close(),
            Reply::new(200).content_length(10).body("a").then_close(),
            live,
        ])
        .await;
        let transport = transport();
        begun.event("data", "first");
        for _ in 0..4 {
            let mut sent = request(Method::POST, &server.url("/a?token=secret"), "secret");
            let headers = sent.headers_mut();
            headers.insert("authorization", "Bearer secret".parse().unwrap());
            // What comes of it is not the matter.
            if let Ok(mut answer) = send(&transport, sent).await {
                next(&mut answer).await;
            }
        }
        // What was dropped is closed then.
        server.wait_for_close(server.requests()[3].connection).await;
        server.reply(Reply::new(200));
        send(&transport, get(&server)).await.unwrap();
    });
    let records = RECORDS.lock().unwrap();
    assert!(
        records.contains("request completed with error"),
        "{records}"
    );
    assert!(!records.contains("secret"), "{records}");
}

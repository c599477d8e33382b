//! What is counted, and what is said to `tracing`.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use durable_streams_client::{
    ClaimOutcome, Decision, Delivered, FailureKind, Live, Metrics, OperationKind, RequestEnded,
    RetryPolicy, StoredBatch, WorkDecision, handler_fn, work_fn,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::common::{Reply, answer, scripted};

const JSON: (&str, &str) = ("content-type", "application/json");
const TAIL: (&str, &str) = ("stream-up-to-date", "true");
const CLOSED: (&str, &str) = ("stream-closed", "true");

fn offset(offset: &'static str) -> (&'static str, &'static str) {
    ("stream-next-offset", offset)
}

/// Writes down what it is told.
#[derive(Debug, Clone, Default)]
struct Ledger(Arc<Mutex<Vec<String>>>);

impl Ledger {
    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Metrics for Ledger {
    fn request_started(&self, operation: OperationKind) {
        self.add(format!("{operation} begins"));
    }

    fn request_ended(&self, request: &RequestEnded) {
        let RequestEnded {
            operation,
            status,
            failure,
            bytes_sent,
            bytes_received,
            ..
        } = request;
        let status = status.map(|status| status.as_u16());
        self.add(format!(
            "{operation} ends: {status:?} {failure:?} {bytes_sent} {bytes_received}"
        ));
    }

    fn retrying(&self, operation: OperationKind) {
        self.add(format!("{operation} again"));
    }

    fn delivered(&self, batch: &Delivered) {
        let lag = if batch.behind_for.is_zero() {
            ""
        } else {
            ", behind"
        };
        self.add(format!(
            "{} messages, {} bytes, {}{lag}",
            batch.messages, batch.bytes, batch.up_to_date
        ));
    }

    fn stored(&self, batch: &StoredBatch) {
        self.add(format!(
            "{} stored, {} pending",
            batch.messages, batch.pending
        ));
    }
}

#[tokio::test]
async fn operations_are_counted_with_their_retries_and_bytes() {
    let (builder, _) = scripted([
        Reply::fail(FailureKind::Connect),
        answer(503, &[], "busy"),
        answer(204, &[offset("1")], ""),
    ]);
    let ledger = Ledger::default();
    let stream = builder.metrics(ledger.clone()).build().unwrap().stream("s");
    stream.append("abc").await.unwrap();
    assert_eq!(
        ledger.take(),
        [
            "append begins",
            "append ends: None Some(Connect) 3 0",
            "append begins",
            "append ends: Some(503) None 3 4",
            "append begins",
            "append ends: Some(204) None 3 0",
            "append again",
            "append again",
        ]
    );
    // What is dropped has ended too.
    let (builder, _) = scripted([answer(204, &[offset("1")], "")]);
    let stream = builder.metrics(ledger.clone()).build().unwrap().stream("s");
    let mut append = std::pin::pin!(stream.append("abc").into_future());
    assert!(futures_util::poll!(append.as_mut()).is_pending());
    assert_eq!(ledger.take(), ["append begins"]);
    drop(stream);
    append.set(Box::pin(async { unreachable!("it is dropped") }));
    assert_eq!(ledger.take(), ["append ends: None None 3 0"]);
}

#[tokio::test]
async fn a_reader_counts_batches_lag_and_what_was_cut() {
    let (builder, _) = scripted([
        answer(200, &[JSON, offset("2")], "[10,").cut(),
        answer(200, &[JSON, offset("2")], "[10,20]"),
        answer(200, &[JSON, offset("3"), TAIL], "[30]"),
        answer(204, &[offset("3"), CLOSED], ""),
    ]);
    let ledger = Ledger::default();
    let client = builder.metrics(ledger.clone()).build().unwrap();
    let mut reader = client.stream("s").read().live(Live::LongPoll).start();
    while reader.next().await.unwrap().is_some() {}
    let noted = ledger.take();
    let said = |line: &str| noted.iter().filter(|other| other.as_str() == line).count();
    assert_eq!(said("read begins"), 4, "{noted:#?}");
    assert_eq!(said("read again"), 1, "{noted:#?}");
    assert_eq!(
        said("read ends: Some(200) Some(Interrupted) 0 4"),
        1,
        "{noted:#?}"
    );
    let batches: Vec<_> = noted
        .iter()
        .filter(|line| line.contains("messages"))
        .collect();
    assert_eq!(
        batches,
        [
            "1 messages, 2 bytes, false",
            "1 messages, 2 bytes, false, behind",
            "1 messages, 2 bytes, true",
            "0 messages, 0 bytes, true"
        ]
    );
}

#[tokio::test]
async fn a_writer_counts_what_is_stored_and_what_waits() {
    let (builder, _) = scripted([
        answer(503, &[], ""),
        answer(
            200,
            &[offset("2"), ("producer-epoch", "0"), ("producer-seq", "0")],
            "",
        ),
    ]);
    let ledger = Ledger::default();
    let builder = builder.metrics(ledger.clone()).spawner(|work| {
        tokio::spawn(work);
    });
    let stream = builder
        .build()
        .unwrap()
        .stream("s")
        .with_content_type("application/json");
    let writer = stream.writer("w").start();
    writer.append("1").await.unwrap();
    writer.append("2").await.unwrap();
    writer.flush().await.unwrap();
    let noted = ledger.take();
    assert!(noted.contains(&"append again".to_owned()), "{noted:#?}");
    assert!(
        noted.contains(&"2 stored, 0 pending".to_owned()),
        "{noted:#?}"
    );
}

/// Writes down spans and events, with their fields, for the thread they come from.
///
/// It is the only subscriber of the process. With one for each test, `tracing` asks whichever thread meets a span or an
/// event first whether somebody wants it, and a thread without a subscriber answers "never" for all of them.
struct Recorder;

thread_local! {
    static HEARD: Ledger = Ledger::default();
}

struct Line(BTreeMap<&'static str, String>);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(
            field.name(),
            format!("{value:?}").trim_matches('"').to_owned(),
        );
    }
}

impl Recorder {
    fn line(&self, name: &str, record: impl FnOnce(&mut Line)) {
        let mut line = Line(BTreeMap::new());
        record(&mut line);
        let fields = line
            .0
            .iter()
            .fold(name.to_owned(), |mut text, (name, value)| {
                write!(text, " {name}={value}").unwrap();
                text
            });
        HEARD.with(|ledger| ledger.add(fields));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("durable_streams_client")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(span.metadata().name(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.line("recorded", |line| values.record(line));
    }

    fn event(&self, event: &Event<'_>) {
        self.line(event.metadata().name(), |line| event.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What is said on this thread while this is done.
async fn said(work: impl Future<Output = ()>) -> Vec<String> {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        tracing::subscriber::set_global_default(Recorder).unwrap();
        // What other threads met before somebody listened.
        tracing::callsite::rebuild_interest_cache();
    });
    HEARD.with(Ledger::take);
    work.await;
    HEARD.with(Ledger::take)
}

#[tokio::test]
async fn a_request_is_a_span_with_the_fields_of_opentelemetry_and_no_secret() {
    let (builder, _) = scripted([answer(404, &[], ""), Reply::fail(FailureKind::Refused)]);
    let client = builder
        .bearer_token("s3cret")
        .param("key", "s3cret")
        .build()
        .unwrap();
    let stream = client.stream("s");
    let lines = said(async {
        stream.append("abc").await.unwrap_err();
        stream.read().start().next().await.unwrap_err();
    })
    .await;
    assert_eq!(
        lines,
        [
            "durable_streams.request http.request.body.size=3 http.request.method=POST \
             messaging.destination.name=/v1/s messaging.operation.name=append messaging.operation.type=send \
             messaging.system=durable_streams otel.kind=client otel.name=append /v1/s server.address=streams.test \
             server.port=80 url.path=/v1/s url.scheme=http",
            "recorded http.response.status_code=404",
            "recorded error.type=404",
            "durable_streams.request http.request.body.size=0 http.request.method=GET \
             messaging.destination.name=/v1/s messaging.operation.name=read messaging.operation.type=receive \
             messaging.system=durable_streams otel.kind=client otel.name=read /v1/s server.address=streams.test \
             server.port=80 url.path=/v1/s url.scheme=http",
            "recorded error.type=Refused",
        ]
    );
}

#[tokio::test]
async fn b71_requests_about_a_wake_are_spans_of_their_own_kinds_without_its_token() {
    let claimed = r#"{"wake_id":"w","generation":2,"token":"s3cret","streams":[]}"#;
    let (builder, _) = scripted([answer(200, &[], claimed), answer(409, &[], "s3cret")]);
    let subscription = builder.build().unwrap().subscription("b");
    let lines = said(async {
        let ClaimOutcome::Claimed(claimed) = subscription.claim("me").await.unwrap() else {
            panic!("it is claimed");
        };
        subscription.ack(&claimed.wake).await.unwrap_err();
    })
    .await;
    let span = |size, operation, part, kind| {
        let path = format!("/v1/__ds/subscriptions/b/{part}");
        format!(
            "durable_streams.request http.request.body.size={size} http.request.method=POST \
             messaging.destination.name={path} messaging.operation.name={operation} messaging.operation.type={kind} \
             messaging.system=durable_streams otel.kind=client otel.name={operation} {path} server.address=streams.test \
             server.port=80 url.path={path} url.scheme=http"
        )
    };
    assert_eq!(
        lines,
        [
            span(15, "claim", "claim", "receive"),
            "recorded http.response.status_code=200".to_owned(),
            span(30, "ack", "ack", "settle"),
            "recorded http.response.status_code=409".to_owned(),
            "recorded error.type=409".to_owned(),
        ]
    );
}

#[tokio::test]
async fn what_happens_behind_the_scenes_is_an_event_with_a_stable_name() {
    let sse = || answer(200, &[("content-type", "text/html")], "<html>");
    let (builder, _) = scripted([
        answer(503, &[], ""),
        answer(200, &[JSON, offset("1"), TAIL], "[1]"),
        sse(),
        answer(401, &[], ""),
    ]);
    let client = builder
        .refresh(|| async { Err("no token".into()) })
        .build()
        .unwrap();
    let consumer = client
        .stream("s")
        .read()
        .live(Live::Sse)
        .consumer("c")
        .retry(RetryPolicy::never());
    let handler =
        handler_fn(|_| async { Err("cannot".into()) }).on_failure(|_, batch| match batch {
            Some(_) => Decision::Skip,
            None => Decision::Stop,
        });
    let lines = said(async {
        consumer.run(handler).await.unwrap_err();
    })
    .await;
    let names = lines.iter().map(|line| line.split(' ').next().unwrap());
    let events: Vec<_> = names
        .filter(|name| name.matches('.').count() == 2)
        .collect();
    assert_eq!(
        events,
        [
            "durable_streams.read.retry",
            "durable_streams.consumer.failed",
            "durable_streams.read.fallback",
            "durable_streams.refresh.failed",
            "durable_streams.consumer.failed",
        ]
    );
    let failed = lines
        .iter()
        .find(|line| line.starts_with("durable_streams.consumer.failed"))
        .unwrap();
    assert!(
        failed.contains("messaging.consumer.group.name=c") && failed.contains("cause=cannot"),
        "{failed}"
    );
    assert!(failed.contains("decision=Skip"), "{failed}");
}

#[tokio::test]
async fn a_writers_retries_and_its_end_are_events() {
    let (builder, _) = scripted([
        answer(503, &[], ""),
        answer(403, &[("producer-epoch", "7")], ""),
    ]);
    let builder = builder.spawner(|work| {
        tokio::spawn(work);
    });
    let stream = builder
        .build()
        .unwrap()
        .stream("s")
        .with_content_type("text/plain");
    let lines = said(async {
        let writer = stream.writer("w").linger(Duration::ZERO).start();
        writer.append("a").await.unwrap();
        writer.flush().await.unwrap_err();
        tokio::task::yield_now().await;
    })
    .await;
    for name in [
        "durable_streams.write.retry",
        "durable_streams.write.failed",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(name)),
            "{name}: {lines:#?}"
        );
    }
}

#[tokio::test]
async fn what_a_worker_does_is_events_with_its_name_and_no_token() {
    let info =
        r#"{"id":"b","type":"pull-wake","wake_stream":"wakes","status":"active","streams":[]}"#;
    let claimed = r#"{"wake_id":"w","generation":2,"token":"s3cret","lease_ttl_ms":30000,"streams":[
        {"path":"s","link_type":"glob","acked_offset":"4","tail_offset":"9","has_pending":true}]}"#;
    let work = || answer(200, &[JSON, offset("9"), TAIL], "[1]");
    let (builder, script) = scripted([
        answer(503, &[], ""),
        answer(200, &[], info),
        answer(200, &[], claimed),
        work(),
        answer(200, &[], r#"{"ok":true,"next_wake":true}"#),
        answer(200, &[], claimed),
        work(),
        answer(409, &[], r#"{"error":{"code":"FENCED","message":"no"}}"#),
        // Nothing is left for the next claim, which ends the worker.
    ]);
    let client = builder.build().unwrap();
    let worker = client.subscription("b").worker("w1").live(Live::Off);
    let handler = work_fn(|_| async { Err("cannot".into()) });
    let handler = handler.on_failure(|_, _, _| WorkDecision::Skip);
    let lines = said(async {
        worker.run(handler).await.unwrap_err();
    })
    .await;
    assert_eq!(script.left(), 0);
    let events: Vec<&str> = lines
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .filter_map(|name| name.strip_prefix("durable_streams.worker."))
        .collect();
    assert_eq!(
        events,
        [
            "retry",
            "claimed",
            "failed",
            "released",
            "claimed",
            "failed",
            "lease_lost",
            "ended"
        ]
    );
    for line in &lines {
        assert!(!line.contains("s3cret"), "{line}");
        let own = ["messaging.client.id=w1", "messaging.consumer.group.name=b"];
        let of_worker = line.starts_with("durable_streams.worker.");
        assert!(
            !of_worker || own.iter().all(|own| line.contains(own)),
            "{line}"
        );
    }
    let failed = "cause=cannot decision=Skip";
    assert!(lines.iter().any(|line| line.contains(failed)), "{lines:#?}");
}

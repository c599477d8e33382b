//! Credentials: renewed, never shown, and checked when they are set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durable_streams_client::{ClientBuilder, Error, ErrorKind, Extras, Live, OperationKind};

use super::support::*;
use crate::script::{RecordedRequest, Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b55_refusals_renew_on_any_request_of_a_reader,
        b55_a_refused_append_is_sent_once_more,
        b55_a_refusal_that_stays_is_final,
        b55_a_hook_that_fails_leaves_the_refusal,
        b57_errors_say_what_and_where_and_no_secret,
        b57_a_bounded_piece_of_an_explanation_is_kept,
        b57_an_error_does_not_wait_for_its_explanation,
        b58_headers_are_checked_when_they_are_set,
    ]
}

/// A client whose hook gives a new token and parameter with every call, and how often it was called.
fn renewing(cx: &Context, server: &ScriptServer) -> (ClientBuilder, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let builder = cx
        .builder(server)
        .bearer_token("t0")
        .param("key", "k0")
        .refresh(move || {
            let call = counted.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                let mut extras = Extras::new();
                extras.set_header("authorization", &format!("Bearer t{call}"))?;
                extras.set_param("key", &format!("k{call}"))?;
                Ok(extras)
            }
        });
    (builder, calls)
}

/// What each request was authorized with.
fn tokens(server: &ScriptServer) -> Vec<String> {
    let token = |r: &RecordedRequest| {
        let bearer = r.header_all("authorization").collect::<Vec<_>>().join("|");
        format!(
            "{} {}",
            bearer.trim_start_matches("Bearer "),
            r.query_param("key").unwrap()
        )
    };
    server.requests().iter().map(token).collect()
}

async fn b55_refusals_renew_on_any_request_of_a_reader(cx: Context) {
    let server = cx
        .serve([
            Reply::new(401).header("WWW-Authenticate", "Bearer"),
            json("1", "[1]"),
            Reply::new(403),
            json("2", "[2]").tail(),
            Reply::new(401),
            Reply::sse()
                .event("data", "[3]")
                .control(r#""streamNextOffset":"3""#),
            Reply::new(403),
            Reply::new(406),
            Reply::new(401),
            json("4", "[4]").closed(),
        ])
        .await;
    let (builder, calls) = renewing(&cx, &server);
    let mut reader = builder
        .build()
        .unwrap()
        .stream("s")
        .read()
        .live(Live::Sse)
        .start();
    let got = drain(&mut reader).await;
    assert_eq!(
        got,
        ["[1] @1", "[2] @2 tail", "[3] @3", "[4] @4 tail closed"]
    );
    assert_eq!(
        tokens(&server),
        [
            "t0 k0", "t1 k1", "t1 k1", "t2 k2", "t2 k2", "t3 k3", "t3 k3", "t4 k4", "t4 k4",
            "t5 k5"
        ]
    );
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    server.assert_finished();
}

async fn b55_a_refused_append_is_sent_once_more(cx: Context) {
    let server = cx
        .serve([
            Reply::new(401),
            no_content("1"),
            no_content("2"),
            Reply::new(200).next_offset("2"),
        ])
        .await;
    let (builder, calls) = renewing(&cx, &server);
    let client = builder.build().unwrap();
    within(client.stream("s").append("a").into_future())
        .await
        .unwrap();
    within(client.stream("s").append("b").into_future())
        .await
        .unwrap();
    within(client.stream("other").head().into_future())
        .await
        .unwrap();
    assert_eq!(tokens(&server), ["t0 k0", "t1 k1", "t1 k1", "t1 k1"]);
    let bodies: Vec<_> = server.requests().iter().map(|r| r.body.clone()).collect();
    assert_eq!(bodies, ["a", "a", "b", ""]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    server.assert_finished();
}

async fn b55_a_refusal_that_stays_is_final(cx: Context) {
    let server = cx
        .serve([Reply::new(401), Reply::new(401).body("still no")])
        .await;
    let (builder, calls) = renewing(&cx, &server);
    let client = builder.build().unwrap();
    let (got, error) = fail(&mut client.stream("s").read().start()).await;
    assert_eq!(
        (got.len(), error.kind(), error.body()),
        (0, ErrorKind::Unauthorized, Some("still no"))
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    server.assert_finished();

    server.reply(Reply::new(403).header("Producer-Epoch", "3"));
    let error = within(client.stream("s").append("a").into_future())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.producer_epoch()),
        (ErrorKind::Fenced, Some(3))
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    server.assert_finished();
}

async fn b55_a_hook_that_fails_leaves_the_refusal(cx: Context) {
    let server = cx.serve([Reply::new(401).body("no")]).await;
    let client = cx
        .builder(&server)
        .refresh(|| async { Err("no token today".into()) });
    let (_, error) = fail(&mut client.build().unwrap().stream("s").read().start()).await;
    assert_eq!(
        (error.kind(), error.body()),
        (ErrorKind::Unauthorized, Some("no"))
    );
    server.assert_finished();
}

/// All that an error shows of itself and of its sources.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text += &format!(" {source} {source:?}");
        next = source.source();
    }
    text
}

async fn b57_errors_say_what_and_where_and_no_secret(cx: Context) {
    let server = cx
        .serve([
            Reply::new(404).body("no such stream"),
            Reply::new(429).header("Retry-After", "7").body("slow down"),
            Reply::new(409).next_offset("9").closed(),
            Reply::close(),
            Reply::raw("nonsense\r\n\r\n").then_close(),
            Reply::new(200)
                .header("Content-Type", "text/html")
                .body("<html>"),
        ])
        .await;
    let client = cx
        .client(&server.url("/v1/stream?token=s3cret"))
        .unwrap()
        .retry(attempts(1))
        .read_retry(attempts(1));
    let client = client
        .bearer_token("s3cret")
        .param("key", "s3cret")
        .header("x-key", "s3cret")
        .build()
        .unwrap();
    let stream = client.stream("s?other=s3cret");
    let errors = [
        within(stream.head().into_future()).await.unwrap_err(),
        within(stream.create().into_future()).await.unwrap_err(),
        within(stream.append("s3cret").into_future())
            .await
            .unwrap_err(),
        within(stream.append("s3cret").into_future())
            .await
            .unwrap_err(),
        fail(&mut stream.read().start()).await.1,
        fail(&mut stream.read().start()).await.1,
    ];
    let facts = [
        (OperationKind::Head, Some(404), None),
        (OperationKind::Create, Some(429), Some("slow down")),
        (OperationKind::Append, Some(409), None),
        (OperationKind::Append, None, None),
        (OperationKind::Read, None, None),
        (OperationKind::Read, Some(200), None),
    ];
    let url = server.url("/v1/stream/s");
    for (error, (operation, status, body)) in errors.iter().zip(facts) {
        assert_eq!(error.operation(), Some(operation));
        assert_eq!(error.url(), Some(url.as_str()));
        assert_eq!(error.status().map(|status| status.as_u16()), status);
        assert_eq!(error.body(), body);
        let text = shown(error);
        assert!(
            text.contains(&url) && text.contains(&operation.to_string()),
            "{text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(errors[1].retry_after().unwrap().as_secs(), 7);
    assert_eq!(errors[2].next_offset().unwrap().as_str(), "9");
    assert!(errors[2].is_closed());
    // They were sent, though.
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer s3cret"));
        assert_eq!(request.query_param("token"), Some("s3cret"));
    }
    server.assert_finished();
}

async fn b57_a_bounded_piece_of_an_explanation_is_kept(cx: Context) {
    // Without an end, and without a character's: for an operation and for a reader.
    for read in [false, true] {
        let (endless, live) = Reply::live(400);
        let server = cx.serve([endless]).await;
        for _ in 0..256 {
            live.send("ä".repeat(4096));
        }
        let stream = cx.stream(&server);
        let error = if read {
            fail(&mut stream.read().start()).await.1
        } else {
            within(stream.append("a").into_future()).await.unwrap_err()
        };
        let body = error.body().unwrap();
        assert!(
            body.len() <= 1024 && body.starts_with("ää"),
            "{} bytes",
            body.len()
        );
        assert!(error.to_string().len() < 4096);
        within(live.gone()).await;
        server.assert_finished();
    }
}

async fn b57_an_error_does_not_wait_for_its_explanation(cx: Context) {
    let (silent, live) = Reply::live(400);
    let (stuck, other) = Reply::live(404);
    let server = cx.serve([silent, stuck]).await;
    let (client, clock) = cx.stopped(&server);
    let stream = client.build().unwrap().stream("s");
    let append = tokio::spawn(stream.append("a").into_future());
    // With its first byte the head is there for certain.
    live.send("n");
    within(clock.received(1)).await;
    assert!(!append.is_finished());
    clock.turn(&server, Duration::from_secs(31)).await;
    let error = within(append).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    let running = Running::start(stream.read().start());
    other.send("n");
    within(clock.received(2)).await;
    clock.turn(&server, Duration::from_secs(31)).await;
    let (_, error) = running.end().await;
    assert_eq!(error.unwrap().kind(), ErrorKind::StreamNotFound);
    within(live.gone()).await;
    within(other.gone()).await;
    server.assert_finished();
}

async fn b58_headers_are_checked_when_they_are_set(cx: Context) {
    let server = cx.serve([]).await;
    for (name, value) in [
        ("x y", "s3cret"),
        ("", "s3cret"),
        ("x", "s3cret\r\nx: y"),
        ("x", "s3cret\0"),
    ] {
        let error = cx.builder(&server).header(name, value).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
        assert!(!shown(&error).contains("s3cret"), "{}", shown(&error));
        let stream = cx.stream(&server).with_header(name, value);
        let error = within(stream.append("a").into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let (_, error) = fail(&mut stream.read().start()).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!shown(&error).contains("s3cret"), "{}", shown(&error));
    }
    assert_eq!(server.connections(), 0);
}

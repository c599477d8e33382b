//! Redirects: for reads only, within the origin unless allowed, and credentials never leave it.

use durable_streams_client::{ClientBuilder, ErrorKind, Live};

use super::support::*;
use crate::script::{RecordedRequest, Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b65_reads_follow_307_and_308_within_the_origin,
        b65_other_origins_are_refused_by_default,
        b65_other_origins_that_are_allowed_get_no_secrets,
        b65_credentials_of_another_origin_are_not_asked_for,
        b65_a_stream_of_another_origin_gets_no_secrets,
        b65_writes_follow_no_redirect,
        b65_reads_follow_no_other_redirect,
        b65_redirects_in_a_circle_are_given_up,
    ]
}

fn to(status: u16, location: &str) -> Reply {
    Reply::new(status)
        .header("Location", location)
        .body("moved")
}

/// A client with everything that must not leave its origin.
fn secretive(cx: &Context, server: &ScriptServer) -> ClientBuilder {
    let builder = cx
        .builder(server)
        .bearer_token("s3cret")
        .header("x-app", "s3cret")
        .header("cookie", "s3cret");
    builder.param("key", "s3cret")
}

/// All that a request has but its body, in lower case.
fn head(request: &RecordedRequest) -> String {
    let headers = request.headers.iter();
    let headers: String = headers
        .map(|(name, value)| format!("\n{name}: {value}"))
        .collect();
    format!("{}{headers}", request.target).to_ascii_lowercase()
}

fn paths(server: &ScriptServer) -> Vec<String> {
    let path = |r: &RecordedRequest| format!("{} {}", r.method, r.target);
    server.requests().iter().map(path).collect()
}

async fn b65_reads_follow_307_and_308_within_the_origin(cx: Context) {
    let server = cx.serve([]).await;
    server.replies([
        to(307, "/elsewhere/s?offset=-1"),
        to(308, &server.url("/absolute?offset=-1&x=1")),
        to(307, "relative?offset=-1#fragment"),
        json("1", "[1]"),
        // Each request begins at the stream's own URL.
        json("2", "[2]").tail(),
        to(307, "/live?live=sse&offset=2"),
        Reply::sse()
            .event("data", "[3]")
            .control(r#""streamNextOffset":"3","streamClosed":true"#),
        to(308, "/head"),
        Reply::new(200).next_offset("3"),
    ]);
    let stream = secretive(&cx, &server).build().unwrap().stream("s");
    let mut reader = stream.read().live(Live::Sse).start();
    assert_eq!(
        drain(&mut reader).await,
        ["[1] @1", "[2] @2 tail", "[3] @3 tail closed"]
    );
    within(stream.head().into_future()).await.unwrap();
    assert_eq!(
        paths(&server),
        [
            "GET /v1/stream/s?key=s3cret&offset=-1",
            "GET /elsewhere/s?key=s3cret&offset=-1",
            "GET /absolute?key=s3cret&offset=-1&x=1",
            "GET /relative?key=s3cret&offset=-1",
            "GET /v1/stream/s?key=s3cret&offset=1",
            "GET /v1/stream/s?key=s3cret&live=sse&offset=2",
            "GET /live?key=s3cret&live=sse&offset=2",
            "HEAD /v1/stream/s?key=s3cret",
            "HEAD /head?key=s3cret",
        ]
    );
    let requests = server.requests();
    for request in &requests {
        assert_eq!(request.header("authorization"), Some("Bearer s3cret"));
        assert_eq!(request.header("x-app"), Some("s3cret"));
    }
    assert_eq!(requests[6].header("accept"), Some("text/event-stream"));
    server.assert_finished();
}

async fn b65_other_origins_are_refused_by_default(cx: Context) {
    let other = cx.serve([]).await;
    for status in [307, 308] {
        for live in [false, true] {
            let server = cx.serve((0..usize::from(live)).map(|_| empty())).await;
            server.reply(to(status, &other.url("/v1/stream/s?offset=-1")));
            let read = secretive(&cx, &server)
                .build()
                .unwrap()
                .stream("s")
                .read()
                .live(Live::LongPoll);
            let (got, error) = fail(&mut read.start()).await;
            assert_eq!(
                (got.len(), error.kind()),
                (usize::from(live), ErrorKind::Redirect)
            );
            assert_eq!(error.status().unwrap().as_u16(), status);
            server.assert_finished();
        }
        let server = cx.serve([to(status, &other.url("/v1/stream/s"))]).await;
        let error = within(cx.stream(&server).head().into_future())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
        server.assert_finished();
    }
    assert_eq!(other.connections(), 0);
}

async fn b65_other_origins_that_are_allowed_get_no_secrets(cx: Context) {
    let other = cx
        .serve([
            json("1", "[1]"),
            Reply::sse()
                .event("data", "[3]")
                .control(r#""streamNextOffset":"3""#),
        ])
        .await;
    let server = cx
        .serve([
            to(307, &other.url("/cdn/s?offset=-1")),
            json("2", "[2]").tail(),
            to(308, &other.url("/cdn/s?live=sse&offset=2")),
            Reply::sse().control(r#""streamNextOffset":"3","streamClosed":true"#),
        ])
        .await;
    let stream = secretive(&cx, &server)
        .build()
        .unwrap()
        .stream("s")
        .with_header("x-stream", "s3cret");
    let read = stream
        .read()
        .header("x-read", "s3cret")
        .param("more", "s3cret")
        .live(Live::Sse);
    let mut reader = read.cross_origin_redirects(true).start();
    let got = drain(&mut reader).await;
    assert_eq!(
        got,
        ["[1] @1", "[2] @2 tail", "[3] @3", "[] @3 tail closed"]
    );

    assert_eq!(
        paths(&other),
        ["GET /cdn/s?offset=-1", "GET /cdn/s?live=sse&offset=2"]
    );
    for request in other.requests() {
        let head = head(&request);
        for secret in [
            "s3cret",
            "authorization",
            "cookie",
            "x-app",
            "x-stream",
            "x-read",
            "referer",
        ] {
            assert!(!head.contains(secret), "{secret} in {head}");
        }
    }
    // The next request is the stream's own server's again, with all there is.
    assert_eq!(
        paths(&server),
        [
            "GET /v1/stream/s?key=s3cret&more=s3cret&offset=-1",
            "GET /v1/stream/s?key=s3cret&more=s3cret&offset=1",
            "GET /v1/stream/s?key=s3cret&live=sse&more=s3cret&offset=2",
            "GET /v1/stream/s?key=s3cret&live=sse&more=s3cret&offset=3",
        ]
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|r| r.header("authorization").is_some())
    );
    server.assert_finished();
    other.assert_finished();
}

async fn b65_credentials_of_another_origin_are_not_asked_for(cx: Context) {
    let other = cx.serve([Reply::new(401)]).await;
    let server = cx.serve([to(307, &other.url("/s?offset=-1"))]).await;
    let read = secretive(&cx, &server)
        .build()
        .unwrap()
        .stream("s")
        .read()
        .cross_origin_redirects(true);
    let (got, error) = fail(&mut read.start()).await;
    assert_eq!((got.len(), error.kind()), (0, ErrorKind::Unauthorized));
    server.assert_finished();
    other.assert_finished();
}

async fn b65_a_stream_of_another_origin_gets_no_secrets(cx: Context) {
    let other = cx.serve([json("1", "[1]").tail(), no_content("2")]).await;
    let server = cx.serve([]).await;
    let stream = secretive(&cx, &server)
        .build()
        .unwrap()
        .stream(&other.url("/s"));
    drain(&mut stream.read().start()).await;
    within(stream.append("a").into_future()).await.unwrap();
    for request in other.requests() {
        assert!(!head(&request).contains("s3cret"), "{request:?}");
    }
    assert_eq!(server.connections(), 0);
    other.assert_finished();
}

async fn b65_writes_follow_no_redirect(cx: Context) {
    let other = cx.serve([]).await;
    for status in [301, 302, 303, 307, 308] {
        for location in ["/v1/stream/elsewhere".to_owned(), other.url("/v1/stream/s")] {
            let server = cx.serve((0..5).map(|_| to(status, &location))).await;
            let stream = cx.stream(&server);
            for error in [
                within(stream.append("abc").into_future())
                    .await
                    .unwrap_err(),
                within(stream.append("abc").seq("1").into_future())
                    .await
                    .unwrap_err(),
                within(stream.create().into_future()).await.unwrap_err(),
                within(stream.close().into_future()).await.unwrap_err(),
                within(stream.delete().into_future()).await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
                assert!(
                    !error.may_have_been_applied() && !error.is_retryable(),
                    "{error}"
                );
            }
            let methods: Vec<_> = server
                .requests()
                .iter()
                .map(|r| format!("{} {}", r.method, r.path()))
                .collect();
            assert_eq!(
                methods,
                ["POST", "POST", "PUT", "POST", "DELETE"]
                    .map(|method| format!("{method} /v1/stream/s"))
            );
            server.assert_finished();
        }
    }
    assert_eq!(other.connections(), 0);
}

async fn b65_reads_follow_no_other_redirect(cx: Context) {
    for reply in [
        to(301, "/s2?offset=-1"),
        to(302, "/s2?offset=-1"),
        to(303, "/s2?offset=-1"),
        to(300, "/s2?offset=-1"),
        Reply::new(307),
        to(307, "ftp://127.0.0.1/s"),
        to(308, "http://"),
        Reply::new(305),
    ] {
        let server = cx.serve([reply]).await;
        let (got, error) = fail(&mut cx.stream(&server).read().start()).await;
        assert_eq!(
            (got.len(), error.kind()),
            (0, ErrorKind::Redirect),
            "{error}"
        );
        server.assert_finished();
    }
}

async fn b65_redirects_in_a_circle_are_given_up(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|request, _| to(307, &request.target.replace("/v1/stream/s", "/loop")));
    let stream = cx.stream(&server);
    let (got, error) = fail(&mut stream.read().start()).await;
    assert_eq!((got.len(), error.kind()), (0, ErrorKind::Redirect));
    assert_eq!(server.requests().len(), 11, "the first, and ten more");
    let error = within(stream.head().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(server.requests().len(), 22);
}

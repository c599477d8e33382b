//! Redirects: for reads only, within the origin unless allowed, and credentials never leave it.

use durable_streams_conformance::script::{RecordedRequest, Reply, ScriptServer};
use durable_streams_reqwest::{ClientBuilder, ErrorKind, Live};

use crate::support::*;

fn to(status: u16, location: &str) -> Reply {
    Reply::new(status)
        .header("Location", location)
        .body("moved")
}

/// A client with everything that must not leave its origin.
fn secretive(server: &ScriptServer) -> ClientBuilder {
    let builder = builder(server)
        .bearer_token("s3cret")
        .header("x-app", "s3cret")
        .header("cookie", "s3cret");
    builder.param("key", "s3cret")
}

fn paths(server: &ScriptServer) -> Vec<String> {
    let path = |r: &RecordedRequest| format!("{} {}", r.method, r.target);
    server.requests().iter().map(path).collect()
}

#[tokio::test]
async fn b65_reads_follow_307_and_308_within_the_origin_with_their_credentials() {
    let server = serve([]).await;
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
    let stream = secretive(&server).build().unwrap().stream("s");
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

#[tokio::test]
async fn b65_other_origins_are_refused_by_default_and_see_nothing() {
    let other = serve([]).await;
    for status in [307, 308] {
        for live in [false, true] {
            let server = serve((0..usize::from(live)).map(|_| empty())).await;
            server.reply(to(status, &other.url("/v1/stream/s?offset=-1")));
            let read = secretive(&server)
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
        let server = serve([to(status, &other.url("/v1/stream/s"))]).await;
        let error = within(stream(&server).head().into_future())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
        server.assert_finished();
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn b65_other_origins_that_are_allowed_get_nothing_of_the_applications() {
    let other = serve([
        json("1", "[1]"),
        Reply::sse()
            .event("data", "[3]")
            .control(r#""streamNextOffset":"3""#),
    ])
    .await;
    let server = serve([
        to(307, &other.url("/cdn/s?offset=-1")),
        json("2", "[2]").tail(),
        to(308, &other.url("/cdn/s?live=sse&offset=2")),
        Reply::sse().control(r#""streamNextOffset":"3","streamClosed":true"#),
    ])
    .await;
    let stream = secretive(&server)
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
        let head = String::from_utf8_lossy(&request.head).to_ascii_lowercase();
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

#[tokio::test]
async fn b65_credentials_of_another_origin_are_not_asked_for() {
    let other = serve([Reply::new(401)]).await;
    let server = serve([to(307, &other.url("/s?offset=-1"))]).await;
    let read = secretive(&server)
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

#[tokio::test]
async fn b65_a_stream_of_another_origin_gets_nothing_of_the_clients() {
    let other = serve([json("1", "[1]").tail(), no_content("2")]).await;
    let server = serve([]).await;
    let stream = secretive(&server).build().unwrap().stream(&other.url("/s"));
    drain(&mut stream.read().start()).await;
    within(stream.append("a").into_future()).await.unwrap();
    for request in other.requests() {
        assert!(!String::from_utf8_lossy(&request.head).contains("s3cret"));
    }
    assert_eq!(server.connections(), 0);
    other.assert_finished();
}

#[tokio::test]
async fn b65_writes_follow_no_redirect() {
    let other = serve([]).await;
    for status in [301, 302, 303, 307, 308] {
        for location in ["/v1/stream/elsewhere".to_owned(), other.url("/v1/stream/s")] {
            let server = serve((0..5).map(|_| to(status, &location))).await;
            let stream = stream(&server);
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

#[tokio::test]
async fn b65_reads_follow_no_other_redirect_and_none_that_leads_nowhere() {
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
        let server = serve([reply]).await;
        let (got, error) = fail(&mut stream(&server).read().start()).await;
        assert_eq!(
            (got.len(), error.kind()),
            (0, ErrorKind::Redirect),
            "{error}"
        );
        server.assert_finished();
    }
}

#[tokio::test]
async fn b65_redirects_in_a_circle_are_given_up() {
    let server = serve([]).await;
    server.answer_with(|request, _| to(307, &request.target.replace("/v1/stream/s", "/loop")));
    let stream = stream(&server);
    let (got, error) = fail(&mut stream.read().start()).await;
    assert_eq!((got.len(), error.kind()), (0, ErrorKind::Redirect));
    assert_eq!(server.requests().len(), 11, "the first, and ten more");
    let error = within(stream.head().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(server.requests().len(), 22);
}

//! HTTP/2 by prior knowledge.

use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_isahc::{FailureKind, IsahcTransport};
use http::{Method, Version};
use isahc::config::{Configurable, VersionNegotiation};

use super::support::{block_on, fail, fetch, get, next, post, request, send, serve, shown, within};

fn transport() -> IsahcTransport {
    let http2 = VersionNegotiation::http2();
    IsahcTransport::with(move |client| client.version_negotiation(http2.clone())).unwrap()
}

#[test]
fn requests_share_a_connection() {
    block_on(async {
        let server = serve([]).await;
        server.answer_with(|_, number| Reply::new(200).body(number.to_string()));
        let transport = transport();
        for number in 0..20 {
            let answer = send(&transport, post(&server)).await.unwrap();
            assert_eq!(answer.version(), Version::HTTP_2);
            let body = super::support::read(answer).await.unwrap();
            assert_eq!(body, number.to_string());
        }
        assert_eq!(server.connections(), 1);
        let sent = &server.requests()[0];
        assert_eq!(sent.version, Version::HTTP_2);
        assert_eq!(sent.body, "data");
        assert_eq!(sent.header("content-length"), Some("4"));
    });
}

/// Ends after which libcurl sends a request again, if it can.
fn ends() -> [Reply; 4] {
    [
        Reply::close(),
        Reply::reset(),
        Reply::refuse_stream(),
        Reply::go_away(),
    ]
}

async fn used(transport: &IsahcTransport, end: Reply) -> ScriptServer {
    let server = serve([Reply::new(200).body("first"), end]).await;
    assert_eq!(fetch(transport, get(&server)).await, "first");
    server
}

#[test]
fn content_arrives_once() {
    block_on(async {
        let transport = transport();
        for end in ends() {
            let server = used(&transport, end).await;
            let error = fail(&transport, post(&server)).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{}", shown(&error));
            server.reply(Reply::new(200).body("third"));
            assert_eq!(fetch(&transport, get(&server)).await, "third");
            server.assert_finished();
        }
    });
}

#[test]
fn what_changes_something_without_content_arrives_once() {
    block_on(async {
        let transport = transport();
        for end in [Reply::close(), Reply::reset()] {
            let server = used(&transport, end).await;
            let delete = request(Method::DELETE, &server.url("/"), "");
            let error = fail(&transport, delete).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{}", shown(&error));
            assert_eq!(server.requests().len(), 2);
            server.assert_finished();
        }
    });
}

#[test]
fn a_body_that_is_dropped_is_given_up() {
    block_on(async {
        let (reply, live) = Reply::live_sse();
        let server = serve([reply, Reply::new(200).body("well")]).await;
        let transport = transport();
        live.event("data", "first");
        let mut answer = send(&transport, get(&server)).await.unwrap();
        assert!(next(&mut answer).await.unwrap().is_ok());
        drop(answer);
        within(server.wait_for_abandoned(0)).await;
        assert_eq!(fetch(&transport, get(&server)).await, "well");
    });
}

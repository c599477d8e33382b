//! What libcurl would make of requests, were it not told otherwise.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_conformance::script::Reply;
use durable_streams_isahc::{FailureKind, IsahcTransport};
use http::header::HeaderValue;
use http::{Method, StatusCode};
use isahc::HttpClient;
use isahc::config::{Configurable, RedirectPolicy};

use super::support::{block_on, fail, fetch, get, post, request, send, serve, transport};

/// `Expect: 100-continue` costs a second with servers that do not know it.
#[test]
fn large_content_is_sent_without_asking() {
    block_on(async {
        let server = serve([Reply::new(200)]).await;
        let mut sent = post(&server);
        *sent.body_mut() = Bytes::from(vec![b'a'; 4 << 20]);
        fetch(&transport(), sent.clone()).await;
        let arrived = &server.requests()[0];
        assert_eq!(arrived.header("expect"), None);
        assert_eq!(arrived.header("transfer-encoding"), None);
        assert_eq!(arrived.header("content-length"), Some("4194304"));
        assert!(arrived.body == sent.body());
    });
}

#[test]
fn no_content_is_said_to_be_none() {
    block_on(async {
        let server = serve([]).await;
        server.answer_with(|_, _| Reply::new(200));
        let transport = transport();
        for (method, length) in [
            (Method::POST, Some("0")),
            (Method::PUT, Some("0")),
            (Method::DELETE, None),
            (Method::GET, None),
        ] {
            fetch(&transport, request(method.clone(), &server.url("/"), "")).await;
            let arrived = server.requests().pop().unwrap();
            assert_eq!(arrived.method, method.as_str());
            assert_eq!(arrived.header("content-length"), length, "{method}");
            assert_eq!(arrived.header("transfer-encoding"), None);
            assert_eq!(arrived.header("content-type"), None);
        }
    });
}

#[test]
fn content_of_no_type_is_not_taken_for_a_form() {
    block_on(async {
        let server = serve([Reply::new(200), Reply::new(200)]).await;
        let transport = transport();
        fetch(&transport, post(&server)).await;
        let mut json = post(&server);
        let headers = json.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        fetch(&transport, json).await;
        for (arrived, expected) in server
            .requests()
            .iter()
            .zip(["application/octet-stream", "application/json"])
        {
            let types: Vec<_> = arrived.header_all("content-type").collect();
            assert_eq!(types, [expected]);
        }
    });
}

/// isahc panics about it.
#[test]
fn a_header_that_cannot_be_sent_is_refused() {
    block_on(async {
        let server = serve([]).await;
        let mut sent = get(&server);
        let value = HeaderValue::from_bytes("ä".as_bytes()).unwrap();
        sent.headers_mut().insert("x-name", value);
        let error = fail(&transport(), sent).await;
        assert_eq!(error.kind(), FailureKind::Refused);
        server.assert_finished();
    });
}

/// What a transport must not do is not left to the client that an application brings.
#[test]
fn a_client_that_follows_and_decodes_does_neither() {
    block_on(async {
        let server = serve([]).await;
        let elsewhere = server.url("/elsewhere");
        server.answer_with(move |_, _| {
            Reply::new(307)
                .header("Location", &elsewhere)
                .header("Content-Encoding", "gzip")
                .body("no gzip")
        });
        let client = HttpClient::builder()
            .redirect_policy(RedirectPolicy::Follow)
            .automatic_decompression(true)
            .timeout(Duration::from_secs(30));
        let transport = IsahcTransport::from(client.build().unwrap());
        let answer = send(&transport, post(&server)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(super::support::read(answer).await.unwrap(), "no gzip");
        let requests = server.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].header("accept-encoding"), None);
    });
}

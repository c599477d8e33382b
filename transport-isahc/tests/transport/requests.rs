//! What libcurl would make of requests, were it not told otherwise.

use std::time::Duration;

use durable_streams_conformance::script::Reply;
use durable_streams_isahc::{FailureKind, IsahcTransport};
use http::StatusCode;
use http::header::HeaderValue;
use isahc::HttpClient;
use isahc::config::{Configurable, RedirectPolicy};

use super::support::{block_on, fail, fetch, get, post, send, serve, transport};

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

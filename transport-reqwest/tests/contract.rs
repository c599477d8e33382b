//! The contract of a transport: what is sent, once, and how the answer comes.

mod support;

use bytes::Bytes;
use durable_streams_conformance::script::{ClosedBy, Gate, Reply};
use durable_streams_reqwest::{FailureKind, Transport};
use http::{Method, StatusCode, header};
use support::{complete, fail, get, next, post, request, send, serve, transport, within};

#[tokio::test]
async fn a_request_is_sent_as_it_is() {
    let server = serve([Reply::new(204)]).await;
    let url = server.url("/v1/stream/a%2Fb%20c?a=%2B&cursor=x_-~.&offset=-1");
    let mut request = request(Method::PUT, &url, "{\"a\":1}");
    let headers = request.headers_mut();
    headers.append("stream-seq", "7".parse().unwrap());
    headers.append("x-twice", "one".parse().unwrap());
    headers.append("x-twice", "two, three".parse().unwrap());
    headers.append("accept", "text/event-stream".parse().unwrap());
    headers.append("authorization", "Bearer token".parse().unwrap());
    headers.append("x-empty", "".parse().unwrap());
    send(&transport(), request).await.unwrap();

    let sent = &server.requests()[0];
    assert_eq!(sent.method, "PUT");
    assert_eq!(
        sent.target,
        "/v1/stream/a%2Fb%20c?a=%2B&cursor=x_-~.&offset=-1"
    );
    assert_eq!(sent.body, "{\"a\":1}");
    let twice: Vec<_> = sent.header_all("x-twice").collect();
    assert_eq!(twice, ["one", "two, three"]);
    let mut others: Vec<_> = sent.headers.clone();
    others.retain(|(name, _)| name != "x-twice" && name != "host");
    others.sort();
    let others: Vec<_> = others
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let expected = [
        ("accept", "text/event-stream"),
        ("authorization", "Bearer token"),
        ("content-length", "7"),
        ("stream-seq", "7"),
        ("x-empty", ""),
    ];
    assert_eq!(others, expected);
}

#[tokio::test]
async fn nothing_is_added_but_what_http_needs() {
    let server = serve([Reply::new(200), Reply::new(200)]).await;
    let transport = transport();
    send(&transport, get(&server)).await.unwrap();
    send(&transport, request(Method::POST, &server.url("/"), ""))
        .await
        .unwrap();
    let requests = server.requests();
    let names = |n: usize| -> Vec<_> {
        let mut names: Vec<_> = requests[n]
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(0), ["accept", "host"]);
    assert_eq!(names(1), ["accept", "content-length", "host"]);
    assert_eq!(requests[1].header("content-length"), Some("0"));
}

#[tokio::test]
async fn an_answer_is_given_as_it_is() {
    let reply = Reply::new(409)
        .informational(103)
        .header("Stream-Closed", "true")
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .body("why")
        .byte_by_byte();
    let server = serve([reply]).await;
    let answer = send(&transport(), post(&server)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(answer.version(), http::Version::HTTP_11);
    assert_eq!(answer.headers()["stream-closed"], "true");
    let twice: Vec<_> = answer.headers().get_all("x-twice").iter().collect();
    assert_eq!(twice, ["one", "two"]);
    assert_eq!(complete(answer).await, "why");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let statuses = [301, 302, 303, 307, 308];
    let server = serve([]).await;
    let elsewhere = server.url("/elsewhere");
    server.answer_with(move |_, number| {
        Reply::new(statuses[number / 2])
            .header("Location", &elsewhere)
            .body("moved")
    });
    let transport = transport();
    for status in statuses {
        for request in [post(&server), get(&server)] {
            let answer = send(&transport, request).await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[header::LOCATION], server.url("/elsewhere"));
            assert_eq!(complete(answer).await, "moved");
        }
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 10);
    assert!(
        requests
            .iter()
            .all(|request| request.path() == "/v1/stream/a")
    );
}

#[tokio::test]
async fn a_redirect_whose_target_is_no_url_is_an_answer() {
    let server = serve([
        Reply::new(301).header("Location", "http://["),
        Reply::new(302),
    ])
    .await;
    let transport = transport();
    assert_eq!(send(&transport, get(&server)).await.unwrap().status(), 301);
    assert_eq!(send(&transport, get(&server)).await.unwrap().status(), 302);
}

#[tokio::test]
async fn nothing_is_sent_again_when_a_new_connection_ends_without_an_answer() {
    let transport = transport();
    for method in [
        Method::GET,
        Method::PUT,
        Method::POST,
        Method::DELETE,
        Method::HEAD,
    ] {
        for reply in [
            Reply::close(),
            Reply::reset(),
            Reply::raw("HTTP/1.1 2").then_close(),
        ] {
            let server = serve([reply]).await;
            let request = request(method.clone(), &server.url("/"), "data");
            let error = send(&transport, request).await.unwrap_err();
            assert_eq!(error.kind(), FailureKind::Interrupted, "{method}");
            assert_eq!(server.requests().len(), 1, "{method}");
            server.assert_finished();
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_again_when_a_reused_connection_ends_without_an_answer() {
    let transport = transport();
    for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
        for reply in [Reply::close(), Reply::reset()] {
            let server = serve([Reply::new(200).body("first"), reply]).await;
            complete(send(&transport, get(&server)).await.unwrap()).await;
            let request = request(method.clone(), &server.url("/second"), "data");
            let error = send(&transport, request).await.unwrap_err();
            assert_eq!(error.kind(), FailureKind::Interrupted, "{method}");
            assert_eq!(server.requests().len(), 2, "{method}");
            server.assert_finished();
        }
    }
}

/// The stack may send a request on another connection when the one it had chosen closed before a byte of it was
/// written. That must be certain: a request that arrived does not arrive again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_meets_a_closing_connection_arrives_at_most_once() {
    let server = serve([]).await;
    server.answer_with(|_, _| Reply::new(200).then_close());
    let transport = transport();
    for number in 0..300 {
        let path = format!("/{number}");
        let request = request(Method::POST, &server.url(&path), "data");
        let answered = match send(&transport, request).await {
            Ok(answer) => complete(answer).await.is_empty(),
            Err(error) => {
                assert_eq!(error.kind(), FailureKind::Interrupted);
                false
            }
        };
        let requests = server.requests();
        let arrived = requests
            .iter()
            .filter(|request| request.target == path)
            .count();
        assert!(
            arrived <= 1 && (arrived == 1 || !answered),
            "{path}: {arrived}"
        );
    }
}

#[tokio::test]
async fn server_errors_are_answers_and_are_not_tried_again() {
    let statuses = [408, 421, 425, 429, 500, 502, 503, 504];
    let server = serve(statuses.map(|status| Reply::new(status).header("Retry-After", "0"))).await;
    let transport = transport();
    for status in statuses {
        let answer = send(&transport, post(&server)).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    server.assert_finished();
}

#[tokio::test]
async fn content_is_not_decoded() {
    const ZIPPED: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x04\x00\x43\xbe\xb7\xe8\x01\x00\x00\x00";
    for coding in ["gzip", "br", "zstd", "deflate"] {
        let reply = Reply::new(200)
            .header("Content-Encoding", coding)
            .body(ZIPPED);
        let server = serve([reply]).await;
        let answer = send(&transport(), get(&server)).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], coding);
        assert_eq!(
            answer.headers()[header::CONTENT_LENGTH],
            ZIPPED.len().to_string()
        );
        assert_eq!(complete(answer).await, ZIPPED);
        assert_eq!(server.requests()[0].header("accept-encoding"), None);
    }
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let server = serve([
        Reply::new(200).header("Set-Cookie", "a=1; Path=/"),
        Reply::new(200),
    ])
    .await;
    let transport = transport();
    let answer = send(&transport, get(&server)).await.unwrap();
    assert_eq!(answer.headers()[header::SET_COOKIE], "a=1; Path=/");
    complete(answer).await;
    send(&transport, get(&server)).await.unwrap();
    assert_eq!(server.requests()[1].header("cookie"), None);
}

#[tokio::test]
async fn answers_are_not_cached() {
    let cached = || {
        Reply::new(200)
            .header("Cache-Control", "max-age=60")
            .header("ETag", "\"1\"")
    };
    let server = serve([cached().body("1"), cached().body("2")]).await;
    let transport = transport();
    for body in ["1", "2"] {
        assert_eq!(
            complete(send(&transport, get(&server)).await.unwrap()).await,
            body
        );
    }
    assert_eq!(server.requests()[1].header("if-none-match"), None);
}

#[tokio::test]
async fn the_head_comes_before_the_body() {
    for reply in [
        Reply::new(200),
        Reply::new(200).chunked(),
        Reply::new(200).until_close(),
    ] {
        let gate = Gate::new();
        let server = serve([reply.gate(&gate).body("later")]).await;
        let answer = send(&transport(), get(&server)).await.unwrap();
        gate.open();
        assert_eq!(complete(answer).await, "later");
    }
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_sent() {
    let (reply, live) = Reply::live_sse();
    let server = serve([reply]).await;
    let mut answer = send(&transport(), get(&server)).await.unwrap();
    for number in 0..50 {
        let data = number.to_string();
        live.event("data", &data);
        let chunk = next(&mut answer).await.unwrap().unwrap();
        assert_eq!(chunk, format!("event: data\ndata: {data}\n\n"));
    }
    live.end();
    assert!(next(&mut answer).await.is_none());
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let server = serve([Reply::hang()]).await;
    let transport = transport();
    let sending = tokio::spawn({
        let (transport, request) = (transport.clone(), post(&server));
        async move { transport.send(request).await.map(drop) }
    });
    within(server.wait_for_requests(1)).await;
    sending.abort();
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);
    assert!(sending.await.unwrap_err().is_cancelled());
    server.assert_finished();
}

#[tokio::test]
async fn dropping_the_body_closes_the_connection() {
    let (chunked, _live) = Reply::live(200);
    let (sized, begun) = Reply::live(200);
    let server = serve([chunked, sized.content_length(1000)]).await;
    let transport = transport();

    let answer = send(&transport, get(&server)).await.unwrap();
    drop(answer);
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);

    let mut answer = send(&transport, get(&server)).await.unwrap();
    begun.send("a part");
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "a part");
    drop(answer);
    assert_eq!(within(server.wait_for_close(1)).await, ClosedBy::Peer);
}

#[tokio::test]
async fn what_has_no_body_ends_at_once_and_keeps_the_connection() {
    let server = serve([
        Reply::new(200).content_length(1234),
        Reply::new(204),
        Reply::new(304),
        Reply::new(200),
        Reply::new(200).chunked(),
    ])
    .await;
    let transport = transport();
    let head = request(Method::HEAD, &server.url("/"), "");
    let answer = send(&transport, head).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "1234");
    assert_eq!(complete(answer).await, "");
    for status in [204, 304, 200, 200] {
        let answer = send(&transport, get(&server)).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(complete(answer).await, "");
    }
    server.assert_finished();
    assert!(server.malformed().is_empty());
}

fn pattern(offset: u64, piece: &mut [u8]) {
    for (at, byte) in (offset..).zip(piece) {
        *byte = (at % 251) as u8;
    }
}

#[tokio::test]
async fn a_large_body_streams() {
    const SIZE: u64 = 64 << 20;
    let bodies = || Reply::new(200).generate(SIZE, pattern);
    let server = serve([bodies(), bodies().chunked()]).await;
    let transport = transport();
    for _ in 0..2 {
        let mut answer = send(&transport, get(&server)).await.unwrap();
        let mut offset = 0;
        let mut expected = Vec::new();
        while let Some(chunk) = next(&mut answer).await {
            let chunk = chunk.unwrap();
            expected.resize(chunk.len(), 0);
            pattern(offset, &mut expected);
            assert!(chunk == expected, "wrong from {offset}");
            offset += chunk.len() as u64;
        }
        assert_eq!(offset, SIZE);
    }
}

#[tokio::test]
async fn a_body_that_is_not_read_holds_its_sender_back() {
    const SIZE: u64 = 1 << 40;
    let server = serve([
        Reply::new(200).generate(SIZE, |_, _| {}),
        Reply::new(200).body("other"),
    ])
    .await;
    let transport = transport();
    let mut answer = send(&transport, get(&server)).await.unwrap();
    next(&mut answer).await.unwrap().unwrap();
    // Another exchange takes its time meanwhile.
    assert_eq!(
        complete(send(&transport, get(&server)).await.unwrap()).await,
        "other"
    );
    assert!(server.body_bytes_sent() < 128 << 20);
    drop(answer);
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);
}

#[tokio::test]
async fn a_large_request_arrives_whole() {
    let server = serve([Reply::new(200)]).await;
    let mut body = vec![0; 16 << 20];
    pattern(0, &mut body);
    let mut request = post(&server);
    *request.body_mut() = Bytes::from(body.clone());
    send(&transport(), request).await.unwrap();
    assert!(server.requests()[0].body == body);
}

#[tokio::test]
async fn connections_are_reused() {
    let server = serve([]).await;
    server.answer_with(|_, number| Reply::new(200).body(number.to_string()));
    let transport = transport();
    for number in 0..1000 {
        let answer = send(&transport, post(&server)).await.unwrap();
        assert_eq!(complete(answer).await, number.to_string());
    }
    assert_eq!(server.requests().len(), 1000);
    // A connection may be back in the pool a moment late, and then another one is made.
    assert!(server.connections() <= 20, "{}", server.connections());
}

#[tokio::test]
async fn a_connection_that_was_told_to_close_is_not_reused() {
    let server = serve([Reply::new(200).connection_close(), Reply::new(200)]).await;
    let transport = transport();
    for _ in 0..2 {
        complete(send(&transport, post(&server)).await.unwrap()).await;
    }
    assert_eq!(server.connections(), 2);
    server.assert_finished();
}

#[tokio::test]
async fn many_requests_run_at_once() {
    let gate = Gate::new();
    let server = serve([]).await;
    let held = gate.clone();
    server.answer_with(move |request, _| Reply::new(200).after(&held).body(request.target.clone()));
    let transport = transport();
    let all: Vec<_> = (0..50)
        .map(|number| {
            let transport = transport.clone();
            let request = request(Method::GET, &server.url(&format!("/{number}")), "");
            tokio::spawn(async move { complete(send(&transport, request).await.unwrap()).await })
        })
        .collect();
    within(server.wait_for_requests(50)).await;
    gate.open();
    for (number, one) in all.into_iter().enumerate() {
        assert_eq!(one.await.unwrap(), format!("/{number}"));
    }
}

#[tokio::test]
async fn the_next_request_works_after_a_failure() {
    let server = serve([Reply::reset(), Reply::new(200).body("well")]).await;
    let transport = transport();
    fail(&transport, get(&server)).await;
    assert_eq!(
        complete(send(&transport, get(&server)).await.unwrap()).await,
        "well"
    );
}

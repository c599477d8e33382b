//! What failures are classified as. The retries of the client hang on whether a request may have been sent.

use std::time::Duration;

use durable_streams_client::FailureKind;
use http::Method;

use super::caller::{Caller, get, post, request, shown};
use super::places::Place;
use crate::script::Reply;
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_fails_to_connect_where_nobody_listens,
        transport_fails_to_connect_when_it_takes_too_long: Needs::ConnectTimeout,
        transport_fails_to_connect_when_tls_takes_too_long: Needs::ConnectTimeout,
        transport_fails_interrupted_without_an_answer,
        transport_fails_interrupted_by_what_is_not_http: Needs::Http1("it is about the syntax of answers"),
        transport_fails_interrupted_within_a_body,
        transport_fails_interrupted_within_a_chunked_body: Needs::Http1("it is about the syntax of chunks"),
        transport_fails_interrupted_when_a_length_is_wrong: Needs::Http2("a body can end before its length there"),
        transport_fails_interrupted_when_a_stream_ends_early_without_an_error: Needs::Http2("only streams are reset"),
        transport_refuses_urls_that_no_request_can_have,
    ]
}

async fn transport_fails_to_connect_where_nobody_listens(cx: Context) {
    let nobody = Place::nobody().expect("a port");
    let caller = Caller::new(&cx);
    for method in [Method::GET, Method::POST] {
        let error = caller.fail(request(method, nobody.url("http"), "")).await;
        assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
    }
}

/// As long as a case takes, so it is short; and long enough that it is not over before the connection is begun.
const LIMIT: Duration = Duration::from_millis(100);

async fn transport_fails_to_connect_when_it_takes_too_long(cx: Context) {
    let full = Place::unreachable().await.expect("a port");
    let caller = Caller::with(&cx, cx.connecting_within(LIMIT));
    let request = request(Method::POST, full.url("http"), "data");
    let error = caller.fail(request).await;
    assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
}

/// The greeting of TLS is part of making a connection.
async fn transport_fails_to_connect_when_tls_takes_too_long(cx: Context) {
    let silent = Place::silent().expect("a port");
    let caller = Caller::with(&cx, cx.connecting_within(LIMIT));
    for (method, body) in [(Method::GET, ""), (Method::POST, "data")] {
        let error = caller
            .fail(request(method, silent.url("https"), body))
            .await;
        // One without TLS does not even begin.
        let without = !cx.subject.can_trust() && error.kind() == FailureKind::Refused;
        assert!(
            without || error.kind() == FailureKind::Connect,
            "{}",
            shown(&error)
        );
    }
}

async fn transport_fails_interrupted_without_an_answer(cx: Context) {
    let caller = Caller::new(&cx);
    for reply in [Reply::reset(), Reply::close(), Reply::reset_connection()] {
        let server = cx.serve([reply]).await;
        let error = caller.fail(post(&server)).await;
        assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));
        server.assert_finished();
    }
}

async fn transport_fails_interrupted_by_what_is_not_http(cx: Context) {
    let caller = Caller::new(&cx);
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: none\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let server = cx.serve([Reply::raw(answer).then_close()]).await;
        let error = caller.fail(post(&server)).await;
        let kind = error.kind();
        assert_eq!(
            kind,
            FailureKind::Interrupted,
            "{answer:?} {}",
            shown(&error)
        );
        server.assert_finished();
    }
}

async fn transport_fails_interrupted_within_a_body(cx: Context) {
    let reply = || Reply::new(200).pieces(["abc", "def"]);
    let replies = [
        reply().cut_after(0),
        reply().cut_after(4),
        reply().cut_after(6).content_length(7),
        reply().byte_by_byte().cut_after(3),
        reply().reset_after(4),
        reply().chunked().cut_after(3),
        reply().chunked().cut_after(4),
        reply().chunked().cut_after(6),
        reply().chunked().reset_after(4),
    ];
    broken(&cx, replies).await;
}

async fn transport_fails_interrupted_within_a_chunked_body(cx: Context) {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let rests = [
        "",
        "3",
        "3\r\nde",
        "3\r\ndef",
        "3\r\ndefghi\r\n0\r\n\r\n",
        "x\r\n",
        "-1\r\ndef\r\n0\r\n\r\n",
        "ffffffffffffffffffff\r\ndef",
        "0\r\n",
    ];
    let replies = rests.map(|rest| Reply::raw(format!("{head}{rest}")).then_close());
    broken(&cx, replies).await;
}

async fn transport_fails_interrupted_when_a_length_is_wrong(cx: Context) {
    let replies = [
        Reply::new(200).body("abc").content_length(10),
        Reply::new(200).content_length(10),
    ];
    broken(&cx, replies).await;
}

async fn transport_fails_interrupted_when_a_stream_ends_early_without_an_error(cx: Context) {
    let reply = || Reply::new(200).pieces(["abc", "def"]);
    let replies = [
        reply().cut_without_error_after(0),
        reply().cut_without_error_after(4),
        reply().cut_without_error_after(6).content_length(7),
    ];
    broken(&cx, replies).await;
}

/// Reads bodies that all break somewhere in `abcdef`.
async fn broken<const N: usize>(cx: &Context, replies: [Reply; N]) {
    let server = cx.serve(replies).await;
    let caller = Caller::new(cx);
    for number in 0..N {
        // A reset may take the head with it.
        let (body, error) = match caller.try_send(get(&server)).await {
            Ok(answer) => caller.read(answer).await,
            Err(error) => (Default::default(), Some(error)),
        };
        let Some(error) = error else {
            panic!("reply {number} ends with {body:?}");
        };
        let kind = error.kind();
        assert_eq!(kind, FailureKind::Interrupted, "{number} {}", shown(&error));
        assert!(
            b"abcdef".starts_with(&body),
            "reply {number} gives {body:?}"
        );
    }
    server.assert_finished();
}

async fn transport_refuses_urls_that_no_request_can_have(cx: Context) {
    let caller = Caller::new(&cx);
    for url in ["ftp://h/a", "unix://h/", "file://h/a", "/a", "h:80"] {
        let error = caller.fail(request(Method::GET, url, "")).await;
        let kind = error.kind();
        assert_eq!(kind, FailureKind::Refused, "{url} {}", shown(&error));
    }
}

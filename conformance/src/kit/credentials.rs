//! What is secret is not shown: neither by the transport, nor by its errors.

use std::error::Error as _;

use bytes::Bytes;
use http::{HeaderValue, Method, Request};

use super::caller::{Caller, request, shown};
use super::places::Place;
use crate::script::Reply;
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_hides_credentials_in_errors,
        transport_hides_credentials_in_errors_of_urls,
        transport_hides_credentials_in_errors_of_tls: Needs::Trust,
        transport_hides_credentials_in_debug,
        transport_gives_the_error_of_the_stack,
    ]
}

/// In the query, in headers, and in the body. (In front of the host there is no place for it: clients refuse that.)
fn secret(method: Method, root: &str) -> Request<Bytes> {
    let mut request = request(method, format!("{root}?token=SECRET"), "SECRET");
    for (name, value) in [("authorization", "Bearer SECRET"), ("x-key", "SECRET")] {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    request
}

fn assert_hidden(what: &str, text: &str) {
    assert!(!text.contains("SECRET"), "{what}: {text}");
}

async fn transport_hides_credentials_in_errors(cx: Context) {
    let caller = Caller::new(&cx);
    let nobody = Place::nobody().expect("a port");
    let error = caller.fail(secret(Method::POST, &nobody.url("http"))).await;
    assert_hidden("no connection", &shown(&error));
    for (what, reply) in [
        ("closed", Reply::close()),
        ("reset", Reply::reset()),
        ("no HTTP", Reply::raw("nonsense\r\n\r\n").then_close()),
        ("in the body", Reply::new(200).body("abc").cut_after(1)),
    ] {
        let server = cx.serve([reply]).await;
        let error = caller.fail(secret(Method::POST, &server.url("/a"))).await;
        assert_hidden(what, &shown(&error));
        let sent = &server.requests()[0];
        assert_eq!(sent.header("authorization"), Some("Bearer SECRET"));
        assert_eq!(sent.query(), Some("token=SECRET"));
    }
}

async fn transport_hides_credentials_in_errors_of_urls(cx: Context) {
    let caller = Caller::new(&cx);
    for url in ["ftp://h/a", "unix://h/", "/a"] {
        let error = caller.fail(secret(Method::GET, url)).await;
        assert_hidden(url, &shown(&error));
    }
}

async fn transport_hides_credentials_in_errors_of_tls(cx: Context) {
    let place = Place::without_tls().await.expect("a port");
    let error = Caller::new(&cx)
        .fail(secret(Method::POST, &place.url("https")))
        .await;
    assert_hidden("no TLS", &shown(&error));
}

async fn transport_hides_credentials_in_debug(cx: Context) {
    let (reply, live) = Reply::live(200);
    live.send("begun");
    let server = cx.serve([Reply::new(200), reply]).await;
    let caller = Caller::new(&cx);
    let url = server.url("/a");
    let answer = caller.send(secret(Method::POST, &url)).await;
    caller.body(answer).await;
    assert_hidden("between requests", &format!("{:?}", caller.transport));
    let answer = caller.send(secret(Method::POST, &url)).await;
    assert_hidden("within one", &format!("{:?}", caller.transport));
    assert_hidden("the body", &format!("{:?}", answer.body()));
}

/// Without it nobody finds out why.
async fn transport_gives_the_error_of_the_stack(cx: Context) {
    let caller = Caller::new(&cx);
    let nobody = Place::nobody().expect("a port");
    let server = cx
        .serve([Reply::close(), Reply::new(200).body("abc").cut_after(1)])
        .await;
    let url = server.url("/");
    for url in [&nobody.url("http"), &url, &url] {
        let error = caller.fail(request(Method::GET, url, "")).await;
        assert!(error.source().is_some(), "{}", shown(&error));
    }
}

//! What is sent: the request as it is, and nothing else.

use http::{HeaderValue, Method};

use super::caller::{Caller, get, request};
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_sends_the_method,
        transport_sends_path_and_query_byte_for_byte,
        transport_sends_header_values_as_they_are,
        transport_sends_header_values_that_are_not_ascii,
        transport_sends_all_values_of_a_header_in_order,
        transport_sends_accept_as_it_is,
        transport_sends_the_body_with_its_length,
        transport_sends_the_length_of_an_empty_body,
        transport_sends_the_host_of_the_url,
        transport_adds_nothing_but_what_http_needs,
        transport_adds_no_content_type,
    ]
}

async fn transport_sends_the_method(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
        let sent = Method::from_bytes(method.as_bytes()).expect("a method");
        caller.fetch(request(sent, server.url("/"), "")).await;
        assert_eq!(server.requests().last().expect("it arrived").method, method);
    }
}

async fn transport_sends_path_and_query_byte_for_byte(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    for target in [
        "/",
        "/?a",
        "/v1/stream/a%2Fb%20c?a=%2B&cursor=x_-~.&offset=-1",
        // Neither sorted nor folded nor decoded, in either case of the digits.
        "/z/a?z=1&a=2&z=3&b=&c&%61=%c3%a9&%C3%A9=x",
        "/v1//stream/?offset=0000000000000001_0000000000000002&live=sse",
        "/a;b=1,2/@:!$&()*+=?q=/?:@!$()*+,;=",
    ] {
        caller
            .fetch(request(Method::GET, server.url(target), ""))
            .await;
        assert_eq!(server.requests().last().expect("it arrived").target, target);
    }
}

async fn transport_sends_header_values_as_they_are(cx: Context) {
    let server = cx.serve([Reply::new(204)]).await;
    let long = "0123456789abcdef".repeat(256);
    let values = [
        ("stream-seq", "7"),
        ("authorization", "Bearer to.ken-_~+/="),
        ("content-type", "application/json; charset=\"utf-8\""),
        ("if-none-match", "\"a b\", W/\"c\""),
        ("x-empty", ""),
        ("x-list", "one,two ,  three"),
        ("x-long", &long),
    ];
    let mut request = request(Method::PUT, server.url("/"), "{}");
    for (name, value) in values {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        request.headers_mut().insert(name, value);
    }
    Caller::new(&cx).fetch(request).await;
    let sent = &server.requests()[0];
    for (name, value) in values {
        let all: Vec<_> = sent.header_all(name).collect();
        assert_eq!(all, [value], "{name}");
    }
}

async fn transport_sends_header_values_that_are_not_ascii(cx: Context) {
    let server = cx.serve([Reply::new(204)]).await;
    let mut request = get(&server);
    let value = HeaderValue::from_bytes("grün".as_bytes()).expect("a value");
    request.headers_mut().insert("x-text", value);
    Caller::new(&cx).fetch(request).await;
    let requests = server.requests();
    let sent: Vec<_> = requests[0].header_all("x-text").collect();
    assert_eq!(sent, ["grün"]);
}

async fn transport_sends_all_values_of_a_header_in_order(cx: Context) {
    let server = cx.serve([Reply::new(204)]).await;
    let values = ["one", "two, three", "", "one"];
    let mut request = get(&server);
    for value in values {
        let value = HeaderValue::from_static(value);
        request.headers_mut().append("x-many", value);
    }
    Caller::new(&cx).fetch(request).await;
    let requests = server.requests();
    let sent: Vec<_> = requests[0].header_all("x-many").collect();
    assert_eq!(sent, values);
}

async fn transport_sends_accept_as_it_is(cx: Context) {
    let server = cx.serve([Reply::new(204)]).await;
    let mut request = get(&server);
    let accept = HeaderValue::from_static("text/event-stream");
    request.headers_mut().insert("accept", accept);
    Caller::new(&cx).fetch(request).await;
    let requests = server.requests();
    let sent: Vec<_> = requests[0].header_all("accept").collect();
    assert_eq!(sent, ["text/event-stream"]);
}

async fn transport_sends_the_body_with_its_length(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    let every: Vec<u8> = (0..=255).collect();
    for method in [Method::POST, Method::PUT] {
        for body in [
            b"{\"a\":1}\n".to_vec(),
            b"0\r\n\r\n".to_vec(),
            every.clone(),
        ] {
            caller
                .fetch(request(method.clone(), server.url("/"), body.clone()))
                .await;
            let requests = server.requests();
            let sent = requests.last().expect("it arrived");
            assert_eq!(sent.body, body);
            // The frames of HTTP/2 say it too.
            let length = sent.header("content-length");
            if length.is_some() || !cx.is_http2() {
                assert_eq!(length, Some(body.len().to_string().as_str()));
            }
        }
    }
}

/// There are servers that answer 411 without it (RFC 9110 §8.6).
async fn transport_sends_the_length_of_an_empty_body(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    for method in [Method::POST, Method::PUT] {
        caller.fetch(request(method, server.url("/"), "")).await;
        let requests = server.requests();
        let sent = requests.last().expect("it arrived");
        let length = sent.header("content-length");
        if length.is_some() || !cx.is_http2() {
            assert_eq!(length, Some("0"), "{}", sent.method);
        }
    }
}

async fn transport_sends_the_host_of_the_url(cx: Context) {
    let server = cx.serve([Reply::new(204)]).await;
    Caller::new(&cx).fetch(get(&server)).await;
    let requests = server.requests();
    let hosts: Vec<_> = requests[0].header_all("host").collect();
    assert_eq!(hosts, [server.address().to_string()]);
}

/// What the caller says of content.
const TYPE: &str = "application/json";

async fn transport_adds_nothing_but_what_http_needs(cx: Context) {
    const ALLOWED: [&str; 4] = ["accept", "content-length", "host", "user-agent"];
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    let url = server.url("/");
    // Large enough for stacks that ask first whether to send it.
    let large = vec![b'a'; 2 << 20];
    for (method, body) in [
        (Method::GET, Vec::new()),
        (Method::HEAD, Vec::new()),
        (Method::DELETE, Vec::new()),
        (Method::PUT, Vec::new()),
        (Method::POST, Vec::new()),
        (Method::POST, b"data".to_vec()),
        (Method::POST, large),
    ] {
        let mut request = request(method, &url, body);
        let has_type = !request.body().is_empty();
        if has_type {
            let json = HeaderValue::from_static(TYPE);
            request.headers_mut().insert("content-type", json);
        }
        caller.fetch(request).await;
        let requests = server.requests();
        let sent = requests.last().expect("it arrived");
        for (name, value) in &sent.headers {
            let allowed = ALLOWED.iter().any(|known| name.eq_ignore_ascii_case(known))
                || has_type && name.eq_ignore_ascii_case("content-type") && value == TYPE;
            assert!(allowed, "{}: {name}: {value}", sent.method);
        }
        assert_eq!(
            sent.header_all("content-type").count(),
            usize::from(has_type)
        );
        if sent.body.is_empty() && !matches!(sent.method.as_str(), "PUT" | "POST") {
            let length = sent.header("content-length");
            assert!(matches!(length, None | Some("0")), "{length:?}");
        }
    }
}

/// What has none is for the server to judge.
async fn transport_adds_no_content_type(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    for method in [Method::POST, Method::PUT] {
        caller.fetch(request(method, server.url("/"), "data")).await;
        let requests = server.requests();
        let sent = requests.last().expect("it arrived");
        assert_eq!(sent.header("content-type"), None, "{}", sent.method);
    }
}

//! What is answered: the answer as it is. Nothing of it is acted upon.

use http::{HeaderValue, Version, header};

use super::caller::{Caller, get, post};
use crate::script::Reply;
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_gives_every_status,
        transport_gives_header_values_as_they_are,
        transport_gives_all_values_of_a_header_in_order,
        transport_gives_headers_whatever_their_casing: Needs::Http1("names are in lower case over HTTP/2"),
        transport_gives_the_version,
        transport_skips_informational_answers: Needs::Http1("the scripted server sends none over HTTP/2"),
        transport_reads_an_answer_that_comes_byte_by_byte,
        transport_does_not_decode,
        transport_keeps_no_cookies,
        transport_caches_nothing,
    ]
}

async fn transport_gives_every_status(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for status in [
        200, 201, 202, 206, 299, 400, 401, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 415,
        416, 417, 418, 422, 428, 451, 499, 501, 505, 507, 511, 599,
    ] {
        server.reply(Reply::new(status).body(format!("why {status}")));
        let answer = caller.send(post(&server)).await;
        assert_eq!(answer.status(), status);
        assert_eq!(caller.body(answer).await, format!("why {status}"));
    }
    server.assert_finished();
}

async fn transport_gives_header_values_as_they_are(cx: Context) {
    let long = "0123456789abcdef".repeat(256);
    let values = [
        ("stream-next-offset", "0000000000000001_0000000000000002"),
        ("stream-closed", "true"),
        ("content-type", "application/json; charset=\"utf-8\""),
        ("etag", "W/\"a b\""),
        ("location", "http://[no URL"),
        ("retry-after", "never"),
        ("x-empty", ""),
        ("x-list", "one,two ,  three"),
        ("x-long", &long),
        ("x-text", "grün"),
    ];
    let reply = Reply::new(200);
    let reply = values
        .iter()
        .fold(reply, |reply, (name, value)| reply.header(name, value));
    let server = cx.serve([reply]).await;
    let answer = Caller::new(&cx).send(get(&server)).await;
    for (name, value) in values {
        let all: Vec<_> = answer.headers().get_all(name).iter().collect();
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        assert_eq!(all, [value], "{name}");
    }
}

async fn transport_gives_all_values_of_a_header_in_order(cx: Context) {
    let values = ["one", "two, three", "", "one"];
    let reply = values.iter().fold(Reply::new(409), |reply, value| {
        reply.header("x-many", value)
    });
    let server = cx.serve([reply]).await;
    let answer = Caller::new(&cx).send(post(&server)).await;
    let given: Vec<_> = answer.headers().get_all("x-many").iter().collect();
    assert_eq!(given, values);
}

async fn transport_gives_headers_whatever_their_casing(cx: Context) {
    let reply = Reply::new(200)
        .header("STREAM-next-oFFset", "7")
        .header("CONTENT-LENGTH", "3")
        .body("abc");
    let server = cx.serve([reply]).await;
    let caller = Caller::new(&cx);
    let answer = caller.send(get(&server)).await;
    assert_eq!(answer.headers()["stream-next-offset"], "7");
    assert_eq!(caller.body(answer).await, "abc");
}

async fn transport_gives_the_version(cx: Context) {
    let server = cx.serve([Reply::new(200)]).await;
    let answer = Caller::new(&cx).send(get(&server)).await;
    let version = if cx.is_http2() {
        Version::HTTP_2
    } else {
        Version::HTTP_11
    };
    assert_eq!(answer.version(), version);
    assert_eq!(server.requests()[0].version, version);
}

async fn transport_skips_informational_answers(cx: Context) {
    let reply = |status| {
        Reply::new(status)
            .header("stream-closed", "true")
            .body("why")
    };
    let server = cx
        .serve([
            reply(200).informational(100),
            reply(409).informational(103).informational(102),
        ])
        .await;
    let caller = Caller::new(&cx);
    for status in [200, 409] {
        let answer = caller.send(post(&server)).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["stream-closed"], "true");
        assert_eq!(caller.body(answer).await, "why");
    }
}

async fn transport_reads_an_answer_that_comes_byte_by_byte(cx: Context) {
    let reply = || {
        Reply::new(200)
            .header("stream-next-offset", "7")
            .pieces(["abc", "defg"])
    };
    let server = cx
        .serve([
            reply().byte_by_byte(),
            reply().chunked().byte_by_byte(),
            reply().until_close().byte_by_byte(),
        ])
        .await;
    let caller = Caller::new(&cx);
    for _ in 0..3 {
        let answer = caller.send(get(&server)).await;
        assert_eq!(answer.headers()["stream-next-offset"], "7");
        assert_eq!(caller.body(answer).await, "abcdefg");
    }
}

async fn transport_does_not_decode(cx: Context) {
    // One letter, in gzip.
    const ZIPPED: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x04\x00\x43\xbe\xb7\xe8\x01\x00\x00\x00";
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for coding in ["gzip", "br", "zstd", "deflate", "identity"] {
        let reply = Reply::new(200).header("Content-Encoding", coding);
        server.reply(reply.body(ZIPPED));
        let answer = caller.send(get(&server)).await;
        let headers = answer.headers();
        assert_eq!(headers[header::CONTENT_ENCODING], coding);
        assert_eq!(headers[header::CONTENT_LENGTH], ZIPPED.len().to_string());
        assert_eq!(caller.body(answer).await, ZIPPED, "{coding}");
    }
}

async fn transport_keeps_no_cookies(cx: Context) {
    let server = cx
        .serve([
            Reply::new(200).header("Set-Cookie", "a=1; Path=/"),
            Reply::new(200),
        ])
        .await;
    let caller = Caller::new(&cx);
    let answer = caller.send(get(&server)).await;
    assert_eq!(answer.headers()[header::SET_COOKIE], "a=1; Path=/");
    caller.body(answer).await;
    caller.fetch(get(&server)).await;
    assert_eq!(server.requests()[1].header("cookie"), None);
}

async fn transport_caches_nothing(cx: Context) {
    let reply = |body: &'static str| {
        Reply::new(200)
            .header("Cache-Control", "public, max-age=60")
            .header("ETag", "\"1\"")
            .body(body)
    };
    let server = cx.serve([reply("1"), reply("2")]).await;
    let caller = Caller::new(&cx);
    assert_eq!(caller.fetch(get(&server)).await, "1");
    assert_eq!(caller.fetch(get(&server)).await, "2");
    let second = &server.requests()[1];
    assert_eq!(second.header("if-none-match"), None);
    assert_eq!(second.header("if-modified-since"), None);
}

//! What no client should send: it is answered in HTTP, and the server lives on.

use crate::peer::{Peer, append, open_exchanges, raw, server};

#[tokio::test]
async fn r12_02_hostile_requests_are_answered_in_http() {
    let server = server().await;
    append(&server, "abc").await;
    let get =
        |target: &str| format!("GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    let post = |headers: &str, body: &str| {
        format!(
            "POST /s HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: text/plain\r\n{headers}\r\n{body}"
        )
    };
    let chunked = |body: &str| post("transfer-encoding: chunked\r\n", body);
    let long = "x".repeat(3000);
    let longer = "x".repeat(100_000);
    // Hyper takes heads of some 400 kB.
    let longest = "x".repeat(1_000_000);
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let cases = [
        ("NUL in a path", get("/s%00"), "400"),
        ("traversal", get("/a/../s"), "400"),
        ("coded traversal", get("/a/%2e%2e/s"), "400"),
        ("coded slashes", get("/..%2f..%2fetc%2fpasswd"), "400"),
        ("a broken escape", get("/s%"), "400"),
        ("a long offset", get(&format!("/s?offset={long}")), "400"),
        ("a long path", get(&format!("/{long}/{long}")), "414"),
        ("a very long path", get(&format!("/{longer}")), "414"),
        ("bytes in an offset", get("/s?offset=%ff%fe"), "400"),
        (
            "a line end in an offset",
            get("/s?offset=o%0d%0aX-Evil:%201"),
            "400",
        ),
        ("a space in a target", get("/s ?offset=-1"), "400"),
        (
            "a long header",
            post(
                &format!("stream-seq: {longest}\r\ncontent-length: 1\r\n"),
                "x",
            ),
            "431",
        ),
        (
            "many headers",
            post(&format!("{many}content-length: 1\r\n"), "x"),
            "431",
        ),
        (
            "no host",
            "GET /s HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
            "200",
        ),
        ("HTTP/1.0", "GET /s HTTP/1.0\r\n\r\n".to_owned(), "200"),
        ("no HTTP", "HELO there\r\n\r\n".to_owned(), "400"),
        (
            "a version to come",
            "GET /s HTTP/9.9\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "TLS",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "a header without a colon",
            "GET /s HTTP/1.1\r\nhost\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "a NUL in a header",
            post("stream-seq: a\u{0}b\r\ncontent-length: 1\r\n", "x"),
            "400",
        ),
        (
            "two lengths",
            post("content-length: 1\r\ncontent-length: 2\r\n", "xy"),
            "400",
        ),
        (
            "a negative length",
            post("content-length: -1\r\n", ""),
            "400",
        ),
        (
            "a length beyond counting",
            post("content-length: 99999999999999999999999\r\n", ""),
            "400",
        ),
        (
            "a chunk of no length",
            chunked("zz\r\nabc\r\n0\r\n\r\n"),
            "400",
        ),
        (
            "a chunk longer than it says",
            chunked("2\r\nabcdef\r\n0\r\n\r\n"),
            "400",
        ),
        (
            "a chunk beyond counting",
            chunked("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
            "400",
        ),
        (
            "an unknown coding",
            post("transfer-encoding: secret\r\n", ""),
            "400",
        ),
        (
            "a producer twice",
            post(
                "producer-id: p\r\nproducer-id: q\r\nproducer-epoch: 0\r\nproducer-seq: 0\r\ncontent-length: 1\r\n",
                "x",
            ),
            "400",
        ),
        (
            "a sequence twice",
            post(
                "stream-seq: 1\r\nstream-seq: 2\r\ncontent-length: 1\r\n",
                "x",
            ),
            "400",
        ),
        (
            "two types",
            post(
                "content-type: application/json\r\ncontent-length: 1\r\n",
                "x",
            ),
            "400",
        ),
        (
            "closed twice is not closed",
            post(
                "stream-closed: true\r\nstream-closed: true\r\ncontent-length: 0\r\n",
                "",
            ),
            "400",
        ),
        (
            "an unknown method",
            "BREW /s HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n".to_owned(),
            "405",
        ),
    ];
    for (what, request, status) in cases {
        let answer = raw(&server, &request).await;
        let status = format!(" {status} ");
        assert!(
            answer.starts_with("HTTP/1.") && answer[8..].starts_with(&status),
            "{what}: {answer:.300}"
        );
        assert!(!answer.contains("X-Evil"), "{what}");
        let read = Peer::exchange(&server, "GET", "/s", "", "").await;
        assert!(read.ends_with("\r\n\r\nabc"), "after {what}: {read}");
        assert!(!read.contains("stream-closed"), "after {what}");
    }
    open_exchanges(&server, 0).await;
}

#[tokio::test]
async fn r12_04_05_a_badly_framed_body_is_refused_with_every_guard() {
    let server = server().await;
    let answer = raw(
        &server,
        "POST /s HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcX",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff\r\n"));
    assert!(answer.contains("cross-origin-resource-policy: cross-origin\r\n"));
    assert!(answer.contains("cache-control: no-store\r\n"));
    let read = Peer::exchange(&server, "GET", "/s", "", "").await;
    assert!(read.contains("content-length: 0\r\n"), "{read}");
}

#[tokio::test]
async fn r5_2_12_a_chunked_body_of_no_length_is_no_body() {
    let server = server().await;
    let empty = |headers: &str| {
        format!(
            "POST /s HTTP/1.1\r\nhost: test\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{headers}\r\n0\r\n\r\n"
        )
    };
    let refused = raw(&server, &empty("")).await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
    let closed = raw(&server, &empty("stream-closed: true\r\n")).await;
    assert!(closed.starts_with("HTTP/1.1 204 "), "{closed}");
}

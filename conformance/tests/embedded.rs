//! The listener over loopback: what the model decides must reach the peers, and peers that leave must be noticed.

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for any machine; nothing waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that speaks HTTP/1.1 by hand.
struct Peer {
    socket: TcpStream,
    received: String,
}

impl Peer {
    async fn connect(server: &Server) -> Self {
        let socket = TcpStream::connect(server.address())
            .await
            .expect("a connection");
        Self {
            socket,
            received: String::new(),
        }
    }

    async fn send(&mut self, request: &str) {
        self.socket
            .write_all(request.as_bytes())
            .await
            .expect("the request goes out");
    }

    /// Reads until a text has come, and gives everything up to its end.
    async fn expect(&mut self, text: &str) -> String {
        let mut searched = 0;
        loop {
            if let Some(at) = self.received[searched..].find(text) {
                let rest = self.received.split_off(searched + at + text.len());
                return std::mem::replace(&mut self.received, rest);
            }
            // The text may have begun already. What is sent here is ASCII.
            searched = self.received.len().saturating_sub(text.len());
            assert!(
                self.read().await,
                "the connection ended before {text:?} came: {:?}",
                self.received
            );
        }
    }

    /// Reads until the server ends the connection.
    async fn rest(&mut self) -> String {
        while self.read().await {}
        std::mem::take(&mut self.received)
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 65536];
        let read = tokio::time::timeout(PATIENCE, self.socket.read(&mut buffer))
            .await
            .expect("an answer in time");
        // A reset is an end too.
        let count = read.unwrap_or(0);
        self.received
            .push_str(&String::from_utf8_lossy(&buffer[..count]));
        count > 0
    }

    /// A request and its whole answer, on a connection of its own.
    async fn exchange(
        server: &Server,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> String {
        let mut peer = Self::connect(server).await;
        let length = body.len();
        peer.send(&format!(
            "{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        ))
        .await;
        peer.rest().await
    }

    /// Begins a read on a connection of its own.
    async fn watch(server: &Server, target: &str) -> Self {
        let mut peer = Self::connect(server).await;
        peer.send(&format!("GET {target} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        peer
    }
}

async fn server() -> Server {
    let server = Server::start(Config::default()).await.expect("a free port");
    let created = Peer::exchange(&server, "PUT", "/s", "content-type: text/plain\r\n", "").await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    server
}

async fn append(server: &Server, body: &str) {
    let answer = Peer::exchange(server, "POST", "/s", "content-type: text/plain\r\n", body).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}

/// Waits until so many requests are being answered.
async fn open_exchanges(server: &Server, count: usize) {
    let wait = async {
        while server.open_exchanges() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("the number of open exchanges");
}

#[tokio::test]
async fn a_stream_is_created_appended_to_and_read() {
    let server = server().await;
    append(&server, "abc").await;
    let read = Peer::exchange(&server, "GET", "/s", "", "").await;
    assert!(
        read.starts_with("HTTP/1.1 200 ") && read.ends_with("\r\n\r\nabc"),
        "{read}"
    );
    assert!(read.contains("content-length: 3\r\n"));
    let head = Peer::exchange(&server, "HEAD", "/s", "", "").await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn a_long_poll_is_woken_by_an_append() {
    let server = server().await;
    let mut poll = Peer::watch(&server, "/s?offset=now&live=long-poll").await;
    open_exchanges(&server, 1).await;
    append(&server, "news").await;
    let answer = poll.expect("\r\n\r\nnews").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    open_exchanges(&server, 0).await;
}

#[tokio::test]
async fn a_long_poll_runs_out_after_a_fraction_of_a_second() {
    let config = Config::default().with_long_poll_timeout(Duration::from_millis(30));
    let server = Server::start(config).await.expect("a free port");
    Peer::exchange(&server, "PUT", "/s", "", "").await;
    let mut poll = Peer::watch(&server, "/s?offset=now&live=long-poll").await;
    poll.expect("HTTP/1.1 204 ").await;
}

#[tokio::test]
async fn sse_delivers_appends_as_they_come_and_ends_with_the_stream() {
    let server = server().await;
    let mut sse = Peer::watch(&server, "/s?offset=-1&live=sse").await;
    let head = sse.expect("\"upToDate\":true}\n\n").await;
    assert!(
        head.contains("content-type: text/event-stream\r\n") && !head.contains("content-length"),
        "{head}"
    );
    for word in ["one", "two"] {
        append(&server, word).await;
        sse.expect(&format!("event: data\ndata: {word}\n\n")).await;
    }
    Peer::exchange(&server, "POST", "/s", "stream-closed: true\r\n", "").await;
    sse.expect("\"streamClosed\":true,\"upToDate\":true}\n\n")
        .await;
    // The last chunk: the answer is complete.
    sse.expect("\r\n0\r\n\r\n").await;
    open_exchanges(&server, 0).await;
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_forgotten() {
    let server = server().await;
    let poll = Peer::watch(&server, "/s?offset=now&live=long-poll").await;
    let sse = Peer::watch(&server, "/s?offset=now&live=sse").await;
    open_exchanges(&server, 2).await;
    drop(poll);
    open_exchanges(&server, 1).await;
    drop(sse);
    open_exchanges(&server, 0).await;
}

#[tokio::test]
async fn a_body_in_chunks_is_one_append() {
    let server = server().await;
    let mut peer = Peer::connect(&server).await;
    peer.send("POST /s HTTP/1.1\r\nhost: test\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for chunk in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
        peer.send(chunk).await;
    }
    peer.expect("HTTP/1.1 204 ").await;
    let read = Peer::exchange(&server, "GET", "/s", "", "").await;
    assert!(read.ends_with("\r\n\r\nabcde"), "{read}");
}

#[tokio::test]
async fn a_body_that_breaks_off_appends_nothing() {
    let server = server().await;
    let mut peer = Peer::connect(&server).await;
    peer.send("POST /s HTTP/1.1\r\nhost: test\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nabc").await;
    peer.socket.shutdown().await.expect("half a connection");
    peer.rest().await;
    let read = Peer::exchange(&server, "GET", "/s", "", "").await;
    assert!(read.contains("content-length: 0\r\n"), "{read}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_it_ends() {
    let server = Server::start(Config::default().with_max_body_bytes(10))
        .await
        .expect("a free port");
    let mut peer = Peer::connect(&server).await;
    peer.send("PUT /s HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n0123456789abcdef")
        .await;
    peer.expect("HTTP/1.1 413 ").await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_given_everything_when_it_does() {
    let server = server().await;
    let piece = "#".repeat(1024 * 1024);
    for _ in 0..16 {
        append(&server, &piece).await;
    }
    let mut sse = Peer::watch(&server, "/s?offset=-1&live=sse").await;
    open_exchanges(&server, 1).await;
    Peer::exchange(&server, "POST", "/s", "stream-closed: true\r\n", "").await;
    sse.expect("\r\n\r\n").await;
    let events = sse.expect("\"streamClosed\":true").await;
    assert_eq!(events.matches('#').count(), 16 * piece.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_everything() {
    let server = server().await;
    let address = server.address();
    let mut poll = Peer::watch(&server, "/s?offset=now&live=long-poll").await;
    let mut sse = Peer::watch(&server, "/s?offset=now&live=sse").await;
    sse.expect("upToDate").await;
    open_exchanges(&server, 2).await;
    server.shutdown().await;
    assert_eq!(poll.rest().await, "");
    sse.rest().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_the_server_ends_everything() {
    let server = server().await;
    let mut poll = Peer::watch(&server, "/s?offset=now&live=long-poll").await;
    open_exchanges(&server, 1).await;
    drop(server);
    assert_eq!(poll.rest().await, "");
}

/// Sends bytes as they are and then nothing more, and gives everything that comes back.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut peer = Peer::connect(server).await;
    // The server may have heard enough before it has heard everything.
    let _ = peer.socket.write_all(bytes).await;
    let _ = peer.socket.shutdown().await;
    peer.rest().await
}

#[tokio::test]
async fn r12_02_hostile_requests_are_answered_in_http() {
    let server = server().await;
    append(&server, "abc").await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: test\r\n\r\n");
    let post = |headers: &str, body: &str| {
        format!("POST /s HTTP/1.1\r\nhost: test\r\ncontent-type: text/plain\r\n{headers}\r\n{body}")
    };
    let chunked = |body: &str| post("transfer-encoding: chunked\r\n", body);
    let long = "x".repeat(3000);
    let longer = "x".repeat(100_000);
    // Hyper takes heads of some 400 kB.
    let longest = "x".repeat(420_000);
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
        ("no host", "GET /s HTTP/1.1\r\n\r\n".to_owned(), "200"),
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
            "BREW /s HTTP/1.1\r\nhost: test\r\n\r\n".to_owned(),
            "405",
        ),
    ];
    for (what, request, status) in cases {
        let answer = raw(&server, request.as_bytes()).await;
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
        b"POST /s HTTP/1.1\r\nhost: test\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcX",
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
            "POST /s HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n{headers}\r\n0\r\n\r\n"
        )
    };
    let refused = raw(&server, empty("").as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
    let closed = raw(&server, empty("stream-closed: true\r\n").as_bytes()).await;
    assert!(closed.starts_with("HTTP/1.1 204 "), "{closed}");
}

#[tokio::test]
async fn r5_1_11_windows_beyond_all_time_do_not_stop_the_clock() {
    let config = Config::default().with_long_poll_timeout(Duration::from_millis(30));
    let server = Server::start(config).await.expect("a free port");
    for (index, ttl) in [u64::MAX, u64::MAX / 2, 100_000_000_000, 4_000_000_000]
        .into_iter()
        .enumerate()
    {
        let path = format!("/s{index}");
        let headers = format!("stream-ttl: {ttl}\r\n");
        let created = Peer::exchange(&server, "PUT", &path, &headers, "").await;
        assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
        let mut poll = Peer::watch(&server, &format!("{path}?offset=now&live=long-poll")).await;
        poll.expect("HTTP/1.1 204 ").await;
    }
}

#[tokio::test]
async fn r5_1_20_a_stream_expires_without_anybody_asking() {
    let server = Server::start(Config::default()).await.expect("a free port");
    let mut sse = Peer::connect(&server).await;
    // The moment is in the past: the stream ends as soon as it is there.
    let past = "stream-expires-at: 2001-01-01T00:00:00Z\r\n";
    let created = Peer::exchange(&server, "PUT", "/s", past, "").await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    sse.send("GET /s?offset=-1&live=sse HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    sse.expect("HTTP/1.1 404 ").await;
}

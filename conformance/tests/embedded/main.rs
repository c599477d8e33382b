//! The listener over loopback: what the model decides must reach the peers, and peers that leave must be noticed.

mod hostile;
mod http2;
mod peer;
mod webhooks;

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::peer::{Peer, append, open_exchanges, server};

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

//! HTTP/2, frame by frame.

use std::future::Future;
use std::net::Ipv4Addr;

use durable_streams_hyper::{FailureKind, HyperTransport, Transport};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::support::{complete, fail, get, post, read, send, shown, within};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const NO_ERROR: [u8; 4] = [0, 0, 0, 0];
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// The head of an answer with the status 200.
const OK: (u8, u8, &[u8]) = (HEADERS, END_HEADERS, &[0x88]);

#[derive(Debug, PartialEq)]
struct Frame {
    kind: u8,
    stream: [u8; 4],
    payload: Vec<u8>,
}

/// The server's end of the only connection.
struct Peer(TcpStream);

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = within(listener.accept()).await.unwrap();
        let mut peer = Self(stream);
        peer.0.read_exact(&mut [0; 24]).await.unwrap();
        peer.write([0; 4], &[(SETTINGS, 0, &[])]).await;
        peer
    }

    /// The next frame of this kind.
    async fn next(&mut self, kind: u8) -> Frame {
        loop {
            let mut head = [0; 9];
            within(self.0.read_exact(&mut head)).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            within(self.0.read_exact(&mut payload)).await.unwrap();
            if head[3] == kind {
                let stream = [head[5], head[6], head[7], head[8]];
                return Frame {
                    kind,
                    stream,
                    payload,
                };
            }
        }
    }

    async fn write(&mut self, stream: [u8; 4], frames: &[(u8, u8, &[u8])]) {
        let mut bytes = Vec::new();
        for (kind, flags, payload) in frames {
            bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
            bytes.extend_from_slice(&[*kind, *flags]);
            // What is about the connection has no stream.
            let connection = matches!(*kind, SETTINGS | GO_AWAY);
            bytes.extend_from_slice(&if connection { [0; 4] } else { stream });
            bytes.extend_from_slice(payload);
        }
        self.0.write_all(&bytes).await.unwrap();
    }

    /// Reads a request, and answers with these frames.
    async fn answer(&mut self, frames: &[(u8, u8, &[u8])]) {
        let request = self.next(HEADERS).await;
        self.write(request.stream, frames).await;
    }
}

/// A server, and a transport that speaks HTTP/2 without asking.
async fn begin() -> (TcpListener, String, HyperTransport) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/?token=secret", listener.local_addr().unwrap());
    let transport = HyperTransport::builder().http2_prior_knowledge();
    (listener, url, transport.build().unwrap())
}

/// Runs the two sides of a connection to the end of both.
async fn both<T>(ours: impl Future<Output = T>, theirs: impl Future<Output = ()>) -> T {
    tokio::join!(ours, theirs).0
}

#[tokio::test]
async fn what_a_server_turns_down_is_not_sent_again() {
    let go_away: &[u8] = &[0; 8];
    for answer in [(RESET, 0, &REFUSED_STREAM as &[u8]), (GO_AWAY, 0, go_away)] {
        let (listener, url, transport) = begin().await;
        let (arrived, mut requests) = mpsc::unbounded_channel();
        let serving = tokio::spawn(async move {
            loop {
                let mut peer = Peer::accept(&listener).await;
                let arrived = arrived.clone();
                tokio::spawn(async move {
                    loop {
                        let request = peer.next(HEADERS).await;
                        arrived.send(()).unwrap();
                        peer.write(request.stream, &[answer]).await;
                    }
                });
            }
        });
        let error = fail(&transport, post(&url)).await;
        assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
        requests.recv().await.unwrap();
        assert!(requests.try_recv().is_err());
        serving.abort();
    }
}

/// A reset without an error is an end like another to hyper.
#[tokio::test]
async fn a_body_that_is_reset_is_cut_whatever_the_reason_is() {
    for reason in [NO_ERROR, CANCEL] {
        let (listener, url, transport) = begin().await;
        let theirs = async {
            let mut peer = Peer::accept(&listener).await;
            peer.answer(&[OK, (DATA, 0, b"abc"), (RESET, 0, &reason)])
                .await;
        };
        let ours = async { read(send(&transport, get(&url)).await.unwrap()).await };
        let (body, error) = both(ours, theirs).await;
        assert!(b"abc".starts_with(&body), "{body:?}");
        assert_eq!(error.unwrap().kind(), FailureKind::Interrupted);
    }
}

#[tokio::test]
async fn a_body_that_is_whole_is_whole() {
    let data: (u8, u8, &[u8]) = (DATA, 0, b"abc");
    let last: (u8, u8, &[u8]) = (DATA, END_STREAM, b"abc");
    // An HPACK literal: a: b.
    let trailers: (u8, u8, &[u8]) = (HEADERS, END_HEADERS | END_STREAM, &[0, 1, b'a', 1, b'b']);
    let ready: (u8, u8, &[u8]) = (RESET, 0, &NO_ERROR);
    let empty: (u8, u8, &[u8]) = (HEADERS, END_HEADERS | END_STREAM, &[0x88]);
    let (listener, url, transport) = begin().await;
    let theirs = async {
        let mut peer = Peer::accept(&listener).await;
        peer.answer(&[OK, last]).await;
        peer.answer(&[OK, data, (DATA, END_STREAM, b"")]).await;
        peer.answer(&[OK, data, trailers]).await;
        // The server is through with a request that it need not read to its end.
        peer.answer(&[OK, last, ready]).await;
        peer.answer(&[empty]).await;
    };
    let ours = async {
        for expected in ["abc", "abc", "abc", "abc", ""] {
            let answer = send(&transport, post(&url)).await.unwrap();
            assert_eq!(complete(answer).await, expected);
        }
    };
    both(ours, theirs).await;
}

#[tokio::test]
async fn dropping_a_body_resets_its_stream_and_keeps_the_connection() {
    let (listener, url, transport) = begin().await;
    let theirs = async {
        let mut peer = Peer::accept(&listener).await;
        peer.answer(&[OK, (DATA, 0, b"abc")]).await;
        assert_eq!(peer.next(RESET).await.payload, CANCEL);
        peer.answer(&[OK, (DATA, END_STREAM, b"next")]).await;
    };
    let ours = async {
        let mut answer = send(&transport, get(&url)).await.unwrap();
        let chunk = within(answer.body_mut().next()).await.unwrap();
        assert_eq!(chunk.unwrap(), "abc");
        drop(answer);
        let answer = send(&transport, get(&url)).await.unwrap();
        assert_eq!(complete(answer).await, "next");
    };
    both(ours, theirs).await;
}

#[tokio::test]
async fn dropping_the_future_resets_its_stream_and_keeps_the_connection() {
    let (listener, url, transport) = begin().await;
    let sending = tokio::spawn({
        let (transport, request) = (transport.clone(), get(&url));
        async move { transport.send(request).await.map(drop) }
    });
    let mut peer = Peer::accept(&listener).await;
    let request = peer.next(HEADERS).await;
    sending.abort();
    let reset = peer.next(RESET).await;
    assert_eq!(
        (reset.stream, &reset.payload[..]),
        (request.stream, &CANCEL[..])
    );
    let theirs = peer.answer(&[OK, (DATA, END_STREAM, b"next")]);
    let ours = async { complete(send(&transport, get(&url)).await.unwrap()).await };
    assert_eq!(both(ours, theirs).await, "next");
}

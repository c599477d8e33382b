//! HTTPS, whatever the library.

use std::net::Ipv4Addr;
use std::time::Duration;

use durable_streams_hyper::{FailureKind, HyperTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{fail, post, shown, transport};
use super::tls::{Config, authority, serve};

/// Takes one connection, reads once, answers this, and closes. It gives what it read.
async fn answer_hello(answer: &'static str) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let hello = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = Vec::with_capacity(1 << 16);
        stream.read_buf(&mut hello).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        hello
    });
    (url, hello)
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_no_connection() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let (url, _) = answer_hello(answer).await;
        let error = fail(&transport(), post(&url)).await;
        assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
    }
}

#[tokio::test]
async fn the_versions_that_can_be_spoken_are_offered() {
    let (url, hello) = answer_hello("").await;
    fail(&transport(), post(&url)).await;
    let hello = hello.await.unwrap();
    let offers = |list: &[u8]| hello.windows(list.len()).any(|bytes| bytes == list);
    let both = offers(b"\x02h2\x08http/1.1");
    assert_eq!(both, cfg!(feature = "http2"));
}

#[tokio::test]
async fn what_the_platform_does_not_trust_is_refused() {
    let server = serve(&authority(), Config::default()).await;
    let error = fail(&transport(), post(&server.url)).await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    assert_eq!(server.accepted(), 0);
}

/// TCP is there at once: the limit is one for TLS as well.
#[tokio::test]
async fn a_handshake_that_is_not_done_in_time_is_no_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let transport = HyperTransport::builder().connect_timeout(Duration::from_millis(1));
    let error = fail(&transport.build().unwrap(), post(&url)).await;
    assert_eq!(error.kind(), FailureKind::Connect);
    assert!(shown(&error).contains("too long"), "{}", shown(&error));
}

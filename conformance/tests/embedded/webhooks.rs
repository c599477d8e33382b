//! Webhooks over loopback.

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::peer::{Peer, append};

/// A server, and where its subscription sends webhooks when the stream `s` grows.
async fn subscribed() -> (Server, TcpListener) {
    let config = Config::default().with_local_webhooks(true);
    let server = Server::start(config).await.expect("a free port");
    let receiver = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/hook?x=1", receiver.local_addr().unwrap());
    let settings = format!(r#"{{"type":"webhook","webhook":{{"url":"{url}"}},"pattern":"*"}}"#);
    let created = Peer::exchange(&server, "PUT", "/__ds/subscriptions/sub", "", &settings).await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    let created = Peer::exchange(&server, "PUT", "/s", "content-type: text/plain\r\n", "").await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    (server, receiver)
}

/// The next webhook, and where to answer it.
async fn webhook(receiver: &TcpListener) -> (String, TcpStream) {
    let (mut socket, _) = receiver.accept().await.expect("a connection");
    let mut received = String::new();
    while !received.ends_with('}') {
        let mut bytes = [0; 4096];
        let size = socket.read(&mut bytes).await.expect("bytes");
        assert_ne!(size, 0, "{received}");
        received.push_str(std::str::from_utf8(&bytes[..size]).expect("text"));
    }
    (received, socket)
}

async fn answer(mut socket: TcpStream, head: &str, body: &str) {
    let answer = format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(answer.as_bytes()).await.expect("sent");
}

#[tokio::test]
async fn a_webhook_is_sent_and_its_answer_counts() {
    let (server, receiver) = subscribed().await;
    append(&server, "abc").await;
    let (received, socket) = webhook(&receiver).await;
    assert!(
        received.starts_with("POST /hook?x=1 HTTP/1.1\r\n"),
        "{received}"
    );
    let host = format!("host: {}\r\n", receiver.local_addr().unwrap());
    assert!(received.contains(&host), "{received}");
    assert!(received.contains("webhook-signature: t="), "{received}");
    assert!(received.contains(r#""generation":1"#), "{received}");
    append(&server, "def").await;
    answer(socket, "200 OK", r#"{"done":true}"#).await;
    let (received, _) = webhook(&receiver).await;
    assert!(received.contains(r#""generation":2"#), "{received}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_webhook_that_failed_is_sent_again() {
    let (server, receiver) = subscribed().await;
    append(&server, "abc").await;
    let (_, socket) = webhook(&receiver).await;
    // Without a word.
    drop(socket);
    let (_, socket) = webhook(&receiver).await;
    // It could be sent anywhere else, and is not.
    let elsewhere = format!("307 Elsewhere\r\nlocation: {}/s", server.url());
    answer(socket, &elsewhere, "").await;
    let (received, _) = webhook(&receiver).await;
    assert!(received.contains(r#""generation":1"#), "{received}");
    server.shutdown().await;
}

//! Peers that speak HTTP/1.1 by hand.

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for any machine; nothing waits for it unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that speaks HTTP/1.1 by hand.
pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    received: String,
}

impl Peer {
    pub(crate) async fn connect(server: &Server) -> Self {
        let socket = TcpStream::connect(server.address())
            .await
            .expect("a connection");
        Self {
            socket,
            received: String::new(),
        }
    }

    pub(crate) async fn send(&mut self, request: &str) {
        self.socket
            .write_all(request.as_bytes())
            .await
            .expect("the request goes out");
    }

    /// Reads until a text has come, and gives everything up to its end.
    pub(crate) async fn expect(&mut self, text: &str) -> String {
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
    pub(crate) async fn rest(&mut self) -> String {
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
    pub(crate) async fn exchange(
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
    pub(crate) async fn watch(server: &Server, target: &str) -> Self {
        let mut peer = Self::connect(server).await;
        peer.send(&format!("GET {target} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        peer
    }
}

pub(crate) async fn server() -> Server {
    let server = Server::start(Config::default()).await.expect("a free port");
    let created = Peer::exchange(&server, "PUT", "/s", "content-type: text/plain\r\n", "").await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    server
}

pub(crate) async fn append(server: &Server, body: &str) {
    let answer = Peer::exchange(server, "POST", "/s", "content-type: text/plain\r\n", body).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}

/// Waits until so many requests are being answered.
pub(crate) async fn open_exchanges(server: &Server, count: usize) {
    let wait = async {
        while server.open_exchanges() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("the number of open exchanges");
}

/// Sends bytes as they are, which must be enough to make the server end the connection, and gives everything
/// that comes back.
pub(crate) async fn raw(server: &Server, bytes: &str) -> String {
    let mut peer = Peer::connect(server).await;
    // The server may have heard enough before it has heard everything.
    let _ = peer.socket.write_all(bytes.as_bytes()).await;
    peer.rest().await
}

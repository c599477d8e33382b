//! A hop between the adapter and a server, which passes on what the server says byte by byte.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::over::Over;
use crate::support::{Server, data, path};

over_every_transport! {
    text_arrives_intact_through_a_hop_that_passes_single_bytes,
}

/// The hop, until it is dropped.
struct Hop {
    url: String,
    running: JoinHandle<()>,
}

impl Hop {
    async fn start(server: &str) -> Self {
        let server = reqwest::Url::parse(server).unwrap();
        let there = server.socket_addrs(|| None).unwrap()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let url = format!("http://{here}{}", server.path().trim_end_matches('/'));
        let running = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                near.set_nodelay(true).unwrap();
                let far = TcpStream::connect(there).await.unwrap();
                let (mut asking, answers) = near.into_split();
                let (said, mut asked) = far.into_split();
                tokio::spawn(async move { copy(&mut asking, &mut asked).await });
                tokio::spawn(byte_by_byte(said, answers));
            }
        });
        Self { url, running }
    }
}

/// Until one of the two is gone.
async fn byte_by_byte(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    while let Ok(byte) = from.read_u8().await {
        if to.write_u8(byte).await.is_err() {
            return;
        }
        // Whoever reads gets a turn, and so the byte alone.
        tokio::task::yield_now().await;
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn text_arrives_intact_through_a_hop_that_passes_single_bytes(over: Over) {
    let server = Server::start().await;
    let hop = Hop::start(server.url()).await;
    let mut adapter = over.adapter(&hop.url).await;
    for (content_type, messages, expected) in [
        (
            "text/plain",
            ["ä€😀\u{2028}\u{85}\n two", " lines\n\n\u{feff}e\u{301}"],
            "ä€😀\u{2028}\u{85}\n two lines\n\n\u{feff}e\u{301}",
        ),
        (
            "application/json",
            [r#"{"a":"ä€😀\r\n"}"#, "\"\u{2028}\""],
            "[{\"a\":\"ä€😀\\r\\n\"},\"\u{2028}\"]",
        ),
    ] {
        let path = path();
        let create = json!({"type": "create", "path": path, "contentType": content_type});
        let start = adapter.ok(create).await["offset"].clone();
        for message in messages {
            let append = json!({"type": "append", "path": path, "data": message});
            adapter.ok(append).await;
        }
        adapter.ok(json!({"type": "close", "path": path})).await;
        for live in [json!(false), json!("long-poll"), json!("sse"), json!(true)] {
            let read = json!({
                "type": "read", "path": path, "live": live, "offset": start, "timeoutMs": 3_600_000,
            });
            let read = adapter.ok(read).await;
            assert_eq!(data(&read), expected, "{live}");
            assert_eq!(read["streamClosed"], true, "{live}");
        }
    }
}

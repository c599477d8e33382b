//! A scripted server that looks at the wire, for tests of clients and transports.
//!
//! The server speaks HTTP/1.1 over a plain socket or TLS and controls every byte of it; and HTTP/2 with clients that begin
//! with it, as far as frames allow. Each request takes the next
//! [`Reply`] of the script and is recorded as it arrived: its target, its headers in order and in their own
//! casing, its body, and the connection it came on. A reply can be slow, cut, reset, malformed, endless or
//! absent, and a test steers it while it is being written, by a [`Gate`] or a [`Live`] body.
//!
//! Nothing here sleeps or polls. Waiting is for something that happened ([`ScriptServer::wait_for_requests`],
//! [`ScriptServer::wait_for_close`]), so a test that passes does so on a slow machine too.
//!
//! ```
//! use durable_streams_conformance::script::{Reply, ScriptServer};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = ScriptServer::start().await?;
//! server.reply(Reply::new(200).header("Stream-Next-Offset", "7").body("hello"));
//!
//! // The client under test goes here.
//! let mut client = tokio::net::TcpStream::connect(server.address()).await?;
//! client.write_all(b"GET /v1/stream/orders?offset=-1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//! assert!(answer.ends_with("\r\n\r\nhello"));
//!
//! let request = &server.wait_for_requests(1).await[0];
//! assert_eq!(request.target, "/v1/stream/orders?offset=-1");
//! assert_eq!(request.header("host"), Some("h"));
//! server.assert_finished();
//! # std::io::Result::Ok(())
//! # })?;
//! # std::io::Result::Ok(())
//! ```

mod connection;
mod http1;
mod http2;
mod play;
mod reply;
mod request;
mod server;
mod steer;
#[cfg(test)]
mod tests;
mod tls;

pub use reply::{Reply, sse_event};
pub use request::RecordedRequest;
pub use server::{Activity, ClosedBy, ScriptServer};
pub use steer::{Gate, Live};
pub use tls::Authority;

//! Writes a reply to a connection of HTTP/1.1.

use std::fmt::Write as _;
use std::future::pending;
use std::io;

use http::StatusCode;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::play::{Played, Wire, body};
use super::reply::{Finish, Framing, Reply};
use super::server::Shared;
use super::steer::Awaited;

/// Writes a reply, and says what becomes of the connection.
pub(super) async fn play(
    reply: Reply,
    to_head: bool,
    socket: &mut (impl AsyncWrite + Send + Unpin),
    shared: &Shared,
) -> io::Result<Finish> {
    if let Some(gate) = &reply.start {
        shared
            .hold(Awaited::Gate(gate.clone()), gate.opened())
            .await;
    }
    let head = head(&reply);
    let mut writer = Writer {
        socket,
        byte_by_byte: reply.byte_by_byte,
        chunked: reply.framing == Framing::Chunked,
    };
    writer.write(head.as_bytes()).await?;
    if reply.is_bodiless(to_head) {
        return Ok(reply.finish);
    }
    match body(reply.steps, reply.cut, &mut writer, shared).await? {
        Played::Cut(how) => Ok(how),
        Played::Whole => {
            if writer.chunked {
                writer.write(b"0\r\n\r\n").await?;
            }
            Ok(reply.finish)
        }
    }
}

/// The head, and the informational ones before it.
fn head(reply: &Reply) -> String {
    let mut head = String::new();
    let line = |status: u16| {
        let reason = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("");
        format!("HTTP/1.1 {status} {reason}\r\n")
    };
    for status in &reply.informational {
        head.push_str(&line(*status));
        head.push_str("\r\n");
    }
    let Some(status) = reply.status else {
        return head;
    };
    head.push_str(&line(status));
    for (name, value) in &reply.headers {
        // Writing to a string does not fail, here and below.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let framed = reply.headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    });
    if !framed {
        if let Some(length) = reply.declared_length() {
            let _ = write!(head, "Content-Length: {length}\r\n");
        } else if reply.framing == Framing::Chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        }
    }
    if reply.announce_close {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    head
}

struct Writer<'a, S> {
    socket: &'a mut S,
    byte_by_byte: bool,
    chunked: bool,
}

impl<S: AsyncWrite + Send + Unpin> Writer<'_, S> {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.byte_by_byte {
            self.socket.write_all(bytes).await?;
            return self.socket.flush().await;
        }
        for byte in bytes {
            self.socket.write_all(&[*byte]).await?;
            self.socket.flush().await?;
            // Lets a client on the same thread read it alone.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl<S: AsyncWrite + Send + Unpin> Wire for Writer<'_, S> {
    async fn piece(&mut self, piece: &[u8], cut: Option<usize>) -> io::Result<()> {
        // An empty chunk would end the body.
        let chunked = self.chunked && !piece.is_empty();
        if chunked {
            let size = format!("{:x}\r\n", piece.len());
            self.write(size.as_bytes()).await?;
        }
        self.write(&piece[..cut.unwrap_or(piece.len())]).await?;
        if chunked && cut.is_none() {
            self.write(b"\r\n").await?;
        }
        Ok(())
    }

    /// The connection is read meanwhile, and that sees its end.
    async fn gone(&mut self) {
        pending().await
    }
}

//! Writes a reply to a socket.

use std::fmt::Write as _;
use std::io;

use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

use super::reply::{Finish, Framing, Generate, Reply, Step};
use super::steer::Push;

/// How much of a generated body is in memory at a time.
const GENERATED_PIECE: usize = 64 * 1024;

/// Writes a reply, and says what becomes of the connection. `sent` is told of every piece of a body that the socket
/// took.
pub(super) async fn play(
    reply: Reply,
    to_head: bool,
    socket: &mut WriteHalf<'_>,
    sent: impl Fn(usize) + Send + Sync,
) -> io::Result<Finish> {
    if let Some(gate) = &reply.start {
        gate.opened().await;
    }
    let head = head(&reply);
    let mut writer = Writer {
        socket,
        byte_by_byte: reply.byte_by_byte,
        chunked: reply.framing == Framing::Chunked,
        left: reply.cut.map(|(bytes, _)| bytes),
        sent,
    };
    writer.write(head.as_bytes()).await?;
    let bodiless =
        reply.status.is_some() && (to_head || matches!(reply.status, Some(204 | 304 | 100..=199)));
    if bodiless {
        return Ok(reply.finish);
    }
    let cut = reply.cut.map_or(Finish::Close, |(_, cut)| cut);
    for step in reply.steps {
        if let Some(early) = writer.step(step).await? {
            return Ok(early.unwrap_or(cut));
        }
    }
    if reply.cut.is_some() {
        return Ok(cut);
    }
    if writer.chunked {
        writer.write(b"0\r\n\r\n").await?;
    }
    Ok(reply.finish)
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
    match reply.framing {
        _ if framed => {}
        // These have no body (RFC 9110 §6.4.1), so a length would only confuse.
        Framing::Length(None) if matches!(status, 204 | 304 | 100..=199) => {}
        Framing::Length(length) => {
            let length = length.unwrap_or_else(|| reply.steps.iter().map(Step::length).sum());
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Close | Framing::Raw => {}
    }
    if reply.announce_close {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    head
}

impl Step {
    fn length(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Generate(length, _) => *length,
            Self::Wait(_) | Self::Live(_) => 0,
        }
    }
}

/// The end of a reply before its time: as the reply says (`None`), or as the test wants it.
type Early = Option<Finish>;

struct Writer<'a, 'b, F> {
    socket: &'a mut WriteHalf<'b>,
    byte_by_byte: bool,
    chunked: bool,
    /// How many bytes of the body are left until it is cut.
    left: Option<u64>,
    sent: F,
}

impl<F: Fn(usize)> Writer<'_, '_, F> {
    async fn step(&mut self, step: Step) -> io::Result<Option<Early>> {
        match step {
            Step::Data(data) => self.piece(&data).await,
            Step::Wait(gate) => {
                gate.opened().await;
                Ok(None)
            }
            Step::Live(mut pushed) => loop {
                match pushed.recv().await {
                    Some(Push::Piece(data)) => {
                        let early = self.piece(&data).await?;
                        if early.is_some() {
                            return Ok(early);
                        }
                    }
                    Some(Push::End) => return Ok(None),
                    Some(Push::Cut) | None => return Ok(Some(Some(Finish::Close))),
                    Some(Push::Reset) => return Ok(Some(Some(Finish::Reset))),
                }
            },
            Step::Generate(length, fill) => self.generate(length, &fill).await,
        }
    }

    async fn generate(&mut self, length: u64, fill: &Generate) -> io::Result<Option<Early>> {
        let mut buffer = vec![0; GENERATED_PIECE];
        let mut offset = 0;
        while offset < length {
            let size = usize::try_from(length - offset)
                .map_or(GENERATED_PIECE, |rest| rest.min(GENERATED_PIECE));
            let piece = &mut buffer[..size];
            fill(offset, piece);
            let early = self.piece(piece).await?;
            if early.is_some() {
                return Ok(early);
            }
            offset += size as u64;
        }
        Ok(None)
    }

    /// Writes a piece of the body, up to where it is cut.
    async fn piece(&mut self, piece: &[u8]) -> io::Result<Option<Early>> {
        let kept = match self.left {
            Some(left) => usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len())),
            None => piece.len(),
        };
        // An empty chunk would end the body.
        let chunked = self.chunked && !piece.is_empty();
        if chunked {
            let size = format!("{:x}\r\n", piece.len());
            self.write(size.as_bytes()).await?;
        }
        self.write(&piece[..kept]).await?;
        (self.sent)(kept);
        if let Some(left) = &mut self.left {
            *left -= kept as u64;
            if *left == 0 {
                return Ok(Some(None));
            }
        }
        if chunked {
            self.write(b"\r\n").await?;
        }
        Ok(None)
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.byte_by_byte {
            return self.socket.write_all(bytes).await;
        }
        for byte in bytes {
            self.socket.write_all(&[*byte]).await?;
            // Lets a client on the same thread read it alone.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

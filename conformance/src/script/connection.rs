//! One connection: finds out what it speaks, and serves HTTP/1.1: reads a request, writes the reply that the script has for it,
//! and again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;

use super::http1;
use super::http2;
use super::reply::{Finish, Reply};
use super::request::{NoRequest, RecordedRequest, Requests};
use super::server::{ClosedBy, Shared};

/// What every HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What bytes go through: a socket, or TLS over one.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

pub(super) async fn serve<S: Socket>(mut socket: S, number: usize, shared: Arc<Shared>) {
    // Without it a small piece waits for the acknowledgement of the one before. Nothing breaks when it fails.
    let _ = socket.tcp().set_nodelay(true);
    let mut end = End {
        shared: &shared,
        number,
        by: ClosedBy::Server,
    };
    let Ok((ahead, is_http2)) = begin(&mut socket).await else {
        end.by = ClosedBy::Peer;
        return;
    };
    if is_http2 {
        let orders = Arc::new(Orders::default());
        let socket = Begun {
            ahead,
            socket,
            orders: Arc::clone(&orders),
            farewell: &[],
        };
        end.by = http2::serve(socket, &orders, number, &shared).await;
        return;
    }
    let (read, mut write) = split(socket);
    let mut requests = Requests::new(read, ahead);
    let finish;
    (end.by, finish) = exchanges(&mut requests, &mut write, number, &shared).await;
    let socket = requests.into_socket().unsplit(write);
    if matches!(finish, Finish::Reset | Finish::ResetConnection) {
        reset(socket.tcp());
    }
    drop(socket);
}

/// Reads until it is certain what the peer speaks.
async fn begin<S: Socket>(socket: &mut S) -> io::Result<(BytesMut, bool)> {
    let mut ahead = BytesMut::new();
    loop {
        let known = ahead.len().min(PREFACE.len());
        if ahead[..known] != PREFACE[..known] {
            return Ok((ahead, false));
        }
        if known == PREFACE.len() {
            return Ok((ahead, true));
        }
        if socket.read_buf(&mut ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Records the end of a connection, also when the test's own closure panics.
struct End<'a> {
    shared: &'a Shared,
    number: usize,
    by: ClosedBy,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.shared.closed(self.number, self.by);
    }
}

async fn exchanges<S: Socket>(
    requests: &mut Requests<ReadHalf<S>>,
    write: &mut WriteHalf<S>,
    number: usize,
    shared: &Shared,
) -> (ClosedBy, Finish) {
    loop {
        let (reply, open, to_head, keep) = match requests.next(number, write).await {
            Ok(request) => {
                let to_head = request.method == "HEAD";
                let keep = wants_more(&request);
                let (reply, open) = shared.reply_to(request);
                (reply, Some(open), to_head, keep)
            }
            Err(NoRequest::Gone) => return (ClosedBy::Peer, Finish::Close),
            Err(NoRequest::Malformed(why)) => {
                let reply = Reply::new(400).body(why.clone()).connection_close();
                shared.malformed(why);
                (reply, None, false, false)
            }
        };
        let played = tokio::select! {
            played = http1::play(reply, to_head, write, shared) => played,
            () = requests.gone() => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        match played {
            Ok(Finish::KeepAlive) if keep => {}
            Ok(how @ (Finish::Reset | Finish::ResetConnection)) => return (ClosedBy::Server, how),
            Ok(_) => return (ClosedBy::Server, Finish::Close),
            // A write fails when the peer is gone.
            Err(_) => {
                if let Some(open) = open {
                    open.abandoned();
                }
                return (ClosedBy::Peer, Finish::Close);
            }
        }
    }
}

fn wants_more(request: &RecordedRequest) -> bool {
    !request
        .header_all("connection")
        .any(|value| value.eq_ignore_ascii_case("close"))
}

/// Makes the end of the connection a reset. Closing with a linger time of zero does not block.
#[allow(
    deprecated,
    reason = "its successor is younger than the oldest tokio that is allowed"
)]
fn reset(stream: &TcpStream) {
    // When it fails the connection ends in an orderly way, and the test that wanted a reset sees it.
    let _ = stream.set_linger(Some(Duration::ZERO));
}

/// What a socket that belongs to an HTTP/2 connection is to do: its owner cannot reach it.
#[derive(Default)]
pub(super) struct Orders {
    /// To end by a reset.
    pub(super) reset: AtomicBool,
    /// To say that no stream was looked at, nor will be. HTTP/2 itself would say which one was.
    pub(super) go_away: AtomicBool,
}

/// GOAWAY with NO_ERROR and 0 as the last stream.
const GO_AWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A socket of which something was read already, with [orders](Orders).
struct Begun<S: Socket> {
    ahead: BytesMut,
    socket: S,
    orders: Arc<Orders>,
    /// What is left to say of a GOAWAY that was begun.
    farewell: &'static [u8],
}

impl<S: Socket> Begun<S> {
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.farewell.is_empty() {
            let written = ready!(Pin::new(&mut self.socket).poll_write(cx, self.farewell))?;
            self.farewell = &self.farewell[written..];
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> Drop for Begun<S> {
    fn drop(&mut self) {
        if self.orders.reset.load(Ordering::Relaxed) {
            reset(self.socket.tcp());
        }
    }
}

impl<S: Socket> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let size = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..size]);
        self.ahead.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> AsyncWrite for Begun<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_farewell(cx))?;
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Frames are flushed when they are written to their end, so one fits in between here.
        if self.orders.go_away.swap(false, Ordering::Relaxed) {
            self.farewell = GO_AWAY;
        }
        ready!(self.poll_farewell(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

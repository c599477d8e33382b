//! One connection of HTTP/2: every request on a task of its own.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::connection::Orders;
use super::play::{Played, Wire, body};
use super::reply::{Finish, Reply};
use super::request::RecordedRequest;
use super::server::{ClosedBy, Shared};
use super::steer::Awaited;

/// As much as a test can want to have under way at once.
const MAX_STREAMS: u32 = 10_000;

/// Windows for bodies of requests: large ones are not held back.
const WINDOW: u32 = 16 << 20;

/// Serves the connection to its end, and says who ended it.
pub(super) async fn serve(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin,
    orders: &Orders,
    number: usize,
    shared: &Arc<Shared>,
) -> ClosedBy {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(socket).await else {
        return ClosedBy::Peer;
    };
    let (finish, mut finished) = mpsc::unbounded_channel();
    // They end with the connection.
    let mut exchanges = JoinSet::new();
    let mut by = ClosedBy::Peer;
    loop {
        tokio::select! {
            // A stream that is dropped is reset, and the connection would say so before its own end.
            biased;
            Some(how) = finished.recv() => match how {
                Finish::KeepAlive | Finish::Refuse | Finish::NoError | Finish::Reset => {}
                Finish::Close => {
                    by = ClosedBy::Server;
                    connection.graceful_shutdown();
                }
                Finish::GoAway => orders.go_away.store(true, Ordering::Relaxed),
                Finish::ResetConnection => {
                    orders.reset.store(true, Ordering::Relaxed);
                    return ClosedBy::Server;
                }
            },
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let (shared, finish) = (Arc::clone(shared), finish.clone());
                    exchanges.spawn(exchange(request, respond, number, shared, finish));
                }
                _ => break,
            },
            Some(_) = exchanges.join_next(), if !exchanges.is_empty() => {}
        }
    }
    // What is still under way finds out that its stream is gone.
    drop(connection);
    while exchanges.join_next().await.is_some() {}
    by
}

async fn exchange(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    connection: usize,
    shared: Arc<Shared>,
    finish: mpsc::UnboundedSender<Finish>,
) {
    let (parts, body) = request.into_parts();
    let to_head = parts.method == Method::HEAD;
    // A body that fails is a request that was taken back.
    let Some(body) = collect(body).await else {
        return;
    };
    let (reply, open) = shared.reply_to(recorded(&parts, body, connection));
    match play(reply, to_head, &mut respond, &shared).await {
        Ok(how) => {
            // It fails when the connection is gone.
            let _ = finish.send(how);
            if how == Finish::GoAway {
                // A stream whose handle is dropped is reset, and this one is to stay as it is.
                let _ = poll_fn(|cx| respond.poll_reset(cx)).await;
            }
        }
        Err(_) => open.abandoned(),
    }
}

async fn collect(mut body: RecvStream) -> Option<Bytes> {
    let mut collected = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.ok()?;
        body.flow_control().release_capacity(data.len()).ok()?;
        collected.extend_from_slice(&data);
    }
    Some(collected.freeze())
}

fn recorded(parts: &Parts, body: Bytes, connection: usize) -> RecordedRequest {
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let host = authority.map(|authority| ("host".to_owned(), authority.to_owned()));
    let others = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let target = parts.uri.path_and_query();
    RecordedRequest {
        method: parts.method.to_string(),
        target: target.map_or("*", |target| target.as_str()).to_owned(),
        version: Version::HTTP_2,
        headers: host.into_iter().chain(others).collect(),
        head: Bytes::new(),
        body,
        connection,
        at: Instant::now(),
    }
}

/// Sends a reply, and says what becomes of the connection.
async fn play(
    reply: Reply,
    to_head: bool,
    respond: &mut SendResponse<Bytes>,
    shared: &Shared,
) -> io::Result<Finish> {
    if let Some(gate) = &reply.start {
        let opened = shared.hold(Awaited::Gate(gate.clone()), gate.opened());
        tokio::select! {
            biased;
            () = opened => {}
            _ = poll_fn(|cx| respond.poll_reset(cx)) => return Err(gone()),
        }
    }
    let Some(head) = head(&reply) else {
        // There is no answer, or one that cannot be said here.
        return Ok(broken(reply.finish, |reason| respond.send_reset(reason)));
    };
    let bodiless = reply.is_bodiless(to_head);
    let stream = respond.send_response(head, bodiless).map_err(|_| gone())?;
    if bodiless {
        return Ok(reply.finish);
    }
    let mut writer = Writer {
        stream,
        byte_by_byte: reply.byte_by_byte,
    };
    match body(reply.steps, reply.cut, &mut writer, shared).await? {
        Played::Cut(how) => {
            // A reset takes back what was not written yet, the head too: the connection has its turn first.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            Ok(broken(how, |reason| writer.stream.send_reset(reason)))
        }
        Played::Whole => {
            let ended = writer.stream.send_data(Bytes::new(), true);
            ended.map_err(|_| gone())?;
            Ok(reply.finish)
        }
    }
}

/// The end of an exchange that is not complete: of its stream, or of the whole connection.
fn broken(how: Finish, reset_stream: impl FnOnce(Reason)) -> Finish {
    match how {
        Finish::ResetConnection | Finish::GoAway => return how,
        Finish::Reset => reset_stream(Reason::CANCEL),
        Finish::Refuse => reset_stream(Reason::REFUSED_STREAM),
        Finish::NoError => reset_stream(Reason::NO_ERROR),
        Finish::KeepAlive | Finish::Close => reset_stream(Reason::INTERNAL_ERROR),
    }
    Finish::KeepAlive
}

fn head(reply: &Reply) -> Option<Response<()>> {
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::from_u16(reply.status?).ok()?;
    for (name, value) in &reply.headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        head.headers_mut().append(name, value);
    }
    if let Some(length) = reply.declared_length() {
        let length = HeaderValue::from(length);
        head.headers_mut().entry(CONTENT_LENGTH).or_insert(length);
    }
    Some(head)
}

struct Writer {
    stream: SendStream<Bytes>,
    byte_by_byte: bool,
}

impl Writer {
    /// Waits for room before it gives the data away: what is not taken is not held here.
    async fn write(&mut self, mut data: Bytes) -> io::Result<()> {
        while !data.is_empty() {
            self.stream.reserve_capacity(data.len());
            // What is polled is a change: room that is there already has to be asked for.
            let mut room = self.stream.capacity();
            while room == 0 {
                room = match poll_fn(|cx| self.stream.poll_capacity(cx)).await {
                    Some(Ok(room)) => room,
                    Some(Err(_)) | None => return Err(gone()),
                };
            }
            let part = data.split_to(room.min(data.len()));
            let sent = self.stream.send_data(part, false);
            sent.map_err(|_| gone())?;
        }
        Ok(())
    }
}

impl Wire for Writer {
    async fn piece(&mut self, piece: &[u8], cut: Option<usize>) -> io::Result<()> {
        let piece = Bytes::copy_from_slice(&piece[..cut.unwrap_or(piece.len())]);
        if !self.byte_by_byte {
            return self.write(piece).await;
        }
        for at in 0..piece.len() {
            self.write(piece.slice(at..=at)).await?;
            // Lets the connection write each in a frame of its own.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn gone(&mut self) {
        // An error is the end of the connection.
        let _ = poll_fn(|cx| self.stream.poll_reset(cx)).await;
    }
}

fn gone() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

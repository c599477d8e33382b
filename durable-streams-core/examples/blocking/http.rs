//! Just enough HTTP/1.1 over a blocking socket: one request on a connection of its own, and its answer piece by piece.
//!
//! Nothing here knows the protocol of streams. A runtime with an HTTP client of its own has no need of this file.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{Failure, FailureKind};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, response};

/// How long one address may take to be connected to, and a piece of a request to be taken.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A request that was sent, and how far its answer was read. Dropping it ends the connection.
pub(crate) struct Exchange {
    socket: BufReader<Socket>,
    next: Next,
    /// The answer to a HEAD has no body, whatever its headers say.
    to_head: bool,
    /// The line and the head that are arriving: a read that runs out of time goes on with them.
    line: Vec<u8>,
    head: Vec<u8>,
}

/// What comes next in an answer.
enum Next {
    Head,
    /// So many more bytes of the body, or of the chunk.
    Data {
        left: u64,
        chunked: bool,
    },
    ChunkSize,
    Trailers,
    /// The body goes on as long as the connection.
    UntilClose,
    End,
}

/// A piece of an answer.
pub(crate) enum Piece {
    Head(response::Parts),
    Chunk(Bytes),
    End,
}

impl Exchange {
    /// Connects, and sends the request.
    ///
    /// What a failure says about the request matters more than why it failed: `Refused` will never work, `Connect` sent nothing,
    /// and from the first byte on it is `Interrupted`: the server may have it.
    pub(crate) fn begin(request: &Request<Bytes>) -> Result<Self, Failure> {
        let refused = |why| failure(FailureKind::Refused, io::Error::other(why));
        let uri = request.uri();
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(refused("only http URLs can be sent here"));
        };
        let address = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let connected = connect(&address).map_err(|error| failure(FailureKind::Connect, error));
        let mut socket = connected?;
        // A server may answer, and close, before it has taken everything: a 413. So it is the answer that
        // counts: where none comes, reading fails too.
        let _ = write(&mut socket, request);
        Ok(Self {
            socket: BufReader::new(Socket {
                socket,
                deadline: None,
                late: false,
            }),
            next: Next::Head,
            to_head: request.method() == Method::HEAD,
            line: Vec::new(),
            head: Vec::new(),
        })
    }

    /// The next piece of the answer; `None` when the deadline came first. Nothing is lost by that.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Result<Option<Piece>, Failure> {
        let socket = self.socket.get_mut();
        (socket.deadline, socket.late) = (deadline, false);
        match self.piece() {
            Ok(piece) => Ok(Some(piece)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(failure(FailureKind::Interrupted, error)),
        }
    }

    fn piece(&mut self) -> io::Result<Piece> {
        loop {
            match self.next {
                Next::Head => {
                    let head = parse_head(&self.block()?)?;
                    // 100 and 103 announce the answer; they are none.
                    if !head.status.is_informational() {
                        self.next = framing(&head, self.to_head)?;
                        return Ok(Piece::Head(head));
                    }
                }
                Next::Data { left: 0, chunked } => {
                    if chunked && self.line()? != b"\r\n" {
                        return Err(malformed("a chunk is longer than it says"));
                    }
                    self.next = if chunked { Next::ChunkSize } else { Next::End };
                }
                Next::Data { left, chunked } => {
                    let chunk = self.data(left)?;
                    if chunk.is_empty() {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    let left = left - chunk.len() as u64;
                    self.next = Next::Data { left, chunked };
                    return Ok(Piece::Chunk(chunk));
                }
                Next::ChunkSize => {
                    self.next = match httparse::parse_chunk_size(&self.line()?) {
                        Ok(httparse::Status::Complete((_, 0))) => Next::Trailers,
                        Ok(httparse::Status::Complete((_, left))) => Next::Data {
                            left,
                            chunked: true,
                        },
                        _ => return Err(malformed("not the size of a chunk")),
                    };
                }
                Next::Trailers => {
                    self.block()?;
                    self.next = Next::End;
                }
                Next::UntilClose => {
                    let chunk = self.data(u64::MAX)?;
                    if !chunk.is_empty() {
                        return Ok(Piece::Chunk(chunk));
                    }
                    self.next = Next::End;
                }
                Next::End => return Ok(Piece::End),
            }
        }
    }

    /// What has arrived of the body, and waits for it where nothing has. Empty at the end of the connection.
    fn data(&mut self, limit: u64) -> io::Result<Bytes> {
        let arrived = self.socket.fill_buf()?;
        let length = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .min(arrived.len());
        let data = Bytes::copy_from_slice(&arrived[..length]);
        self.socket.consume(length);
        Ok(data)
    }

    /// One line, with its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let room = (MAX_HEAD - self.line.len()) as u64;
        (&mut self.socket)
            .take(room)
            .read_until(b'\n', &mut self.line)?;
        match self.line.last() {
            Some(b'\n') => Ok(std::mem::take(&mut self.line)),
            _ if self.line.len() == MAX_HEAD => Err(malformed("a line is too long")),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The lines up to an empty one, and that one: a head, or the trailers of a chunked body.
    fn block(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let line = self.line()?;
            self.head.extend_from_slice(&line);
            if line == b"\r\n" {
                return Ok(std::mem::take(&mut self.head));
            }
            if self.head.len() > MAX_HEAD {
                return Err(malformed("the head is too long"));
            }
        }
    }
}

/// A socket whose reads end at a deadline. The limit of the system counts from each read, so it is set for each.
struct Socket {
    socket: TcpStream,
    deadline: Option<Instant>,
    /// The time was up before the last read.
    late: bool,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self
                .deadline
                .map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // What has arrived is read even when the time is up, but once: a trickle would go on for ever.
            let late = left.is_some_and(|left| left.is_zero());
            if std::mem::replace(&mut self.late, late) {
                return Err(ErrorKind::TimedOut.into());
            }
            // Zero is no limit that can be set.
            let limit = left.map(|left| left.max(Duration::from_millis(1)));
            self.socket.set_read_timeout(limit)?;
            match self.socket.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_write_timeout(Some(LIMIT))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn write(socket: &mut TcpStream, request: &Request<Bytes>) -> io::Result<()> {
    let (uri, body) = (request.uri(), request.body());
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    // The URL of a stream has no user name in it, so this is host and port.
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut text = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    write!(text, "host: {host}\r\nconnection: close\r\n")?;
    // An empty body is announced too, where a server could expect one: some answer 411 otherwise.
    if !body.is_empty() || matches!(*request.method(), Method::POST | Method::PUT) {
        write!(text, "content-length: {}\r\n", body.len())?;
    }
    for (name, value) in request.headers() {
        text.extend_from_slice(name.as_ref());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(body);
    socket.write_all(&text)
}

fn parse_head(text: &[u8]) -> io::Result<response::Parts> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut parsed = httparse::Response::new(&mut headers);
    let (Ok(_), Some(code)) = (parsed.parse(text), parsed.code) else {
        return Err(malformed("not the head of an answer"));
    };
    let mut answer = Response::builder().status(code);
    for header in parsed.headers {
        answer = answer.header(header.name, header.value);
    }
    let answer = answer.body(());
    answer.map_or_else(
        |_| Err(malformed("a head that is none of HTTP's")),
        |answer| Ok(answer.into_parts().0),
    )
}

/// How the end of the body is told (RFC 9112 §6.3).
fn framing(head: &response::Parts, to_head: bool) -> io::Result<Next> {
    if to_head
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        )
    {
        return Ok(Next::End);
    }
    let all = |name| head.headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let codings: Vec<_> = all(header::TRANSFER_ENCODING).collect();
    match codings[..] {
        [] => {}
        [only] if only.eq_ignore_ascii_case(b"chunked") => return Ok(Next::ChunkSize),
        _ => return Err(malformed("a transfer coding that nobody asked for")),
    }
    let mut lengths = all(header::CONTENT_LENGTH);
    let Some(length) = lengths.next() else {
        return Ok(Next::UntilClose);
    };
    let digits = length.iter().all(u8::is_ascii_digit) && lengths.all(|other| other == length);
    let left = std::str::from_utf8(length)
        .ok()
        .and_then(|text| text.parse().ok());
    match left {
        Some(left) if digits => Ok(Next::Data {
            left,
            chunked: false,
        }),
        _ => Err(malformed("not the length of a body")),
    }
}

fn malformed(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

fn failure(kind: FailureKind, error: io::Error) -> Failure {
    Failure {
        kind,
        source: Some(Arc::new(error)),
    }
}

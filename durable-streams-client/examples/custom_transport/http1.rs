//! HTTP/1.1 over a blocking connection: a request is written, and its answer read as it arrives.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http::{header, response};

/// The longest head of an answer, in bytes.
const MAX_HEAD: u64 = 64 * 1024;
/// The largest piece of a body that is given at once, in bytes.
const PIECE: usize = 16 * 1024;

/// A connection, and how far the answer on it was read.
pub(crate) struct Connection {
    socket: BufReader<Reading>,
    body: Body,
    /// Whether another request may follow when this answer is over.
    keep: bool,
}

/// What is left of the body of an answer.
enum Body {
    Length(u64),
    /// So many more bytes of the current chunk; `None` before the first one.
    Chunked(Option<u64>),
    /// It goes on as long as the connection.
    UntilClose,
    Over,
}

impl Connection {
    /// A connection that nothing was sent on yet.
    pub(crate) fn new(socket: Arc<TcpStream>) -> Self {
        Self {
            socket: BufReader::with_capacity(PIECE, Reading(socket)),
            body: Body::Over,
            keep: true,
        }
    }

    /// The socket below, for whoever may have to shut it down.
    pub(crate) fn socket(&self) -> &Arc<TcpStream> {
        &self.socket.get_ref().0
    }

    /// Writes a request. Its URL has been looked at: it has a host, and nothing before it.
    pub(crate) fn write(&mut self, request: &Request<Bytes>) -> io::Result<()> {
        let (method, uri) = (request.method(), request.uri());
        let (headers, body) = (request.headers(), request.body());
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut head = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        if let (false, Some(host)) = (headers.contains_key(header::HOST), uri.authority()) {
            write!(head, "host: {host}\r\n")?;
        }
        // Some servers answer 411 where the length of an empty body is not said.
        if !body.is_empty() || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            write!(head, "content-length: {}\r\n", body.len())?;
        }
        for (name, value) in headers {
            // How the body is framed is decided here.
            if !matches!(*name, header::CONTENT_LENGTH | header::TRANSFER_ENCODING) {
                head.extend_from_slice(name.as_ref());
                head.extend_from_slice(b": ");
                head.extend_from_slice(value.as_bytes());
                head.extend_from_slice(b"\r\n");
            }
        }
        head.extend_from_slice(b"\r\n");
        self.keep = false;
        let mut socket = &**self.socket();
        socket.write_all(&head)?;
        socket.write_all(body)?;
        self.keep = true;
        Ok(())
    }

    /// The head of the answer to a request of this method.
    pub(crate) fn head(&mut self, method: &Method) -> io::Result<response::Parts> {
        let head = loop {
            let head = parse(&self.block()?)?;
            // 100 and 103 announce the answer; they are none. And nobody asked for another protocol (101).
            if !head.status.is_informational() {
                break head;
            }
        };
        self.body = framing(&head, method)?;
        let said = |token: &str| values(&head, header::CONNECTION).any(|value| has(value, token));
        self.keep &= head.version == Version::HTTP_11 && !said("close");
        Ok(head)
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.body {
                Body::Length(left) => {
                    let piece = self.piece(left)?;
                    self.body = match left - piece.len() as u64 {
                        0 => Body::Over,
                        left => Body::Length(left),
                    };
                    return Ok(Some(piece));
                }
                Body::Chunked(Some(left)) if left > 0 => {
                    let piece = self.piece(left)?;
                    self.body = Body::Chunked(Some(left - piece.len() as u64));
                    return Ok(Some(piece));
                }
                Body::Chunked(current) => {
                    if current.is_some() && self.line()? != b"\r\n" {
                        return Err(malformed("a chunk is longer than it says"));
                    }
                    self.body = match httparse::parse_chunk_size(&self.line()?) {
                        Ok(httparse::Status::Complete((_, 0))) => {
                            // The trailers, which nobody asked for.
                            self.block()?;
                            Body::Over
                        }
                        Ok(httparse::Status::Complete((_, size))) => Body::Chunked(Some(size)),
                        _ => return Err(malformed("not the size of a chunk")),
                    };
                }
                Body::UntilClose => match self.piece(u64::MAX) {
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        self.body = Body::Over;
                        self.keep = false;
                    }
                    piece => return piece.map(Some),
                },
                Body::Over => return Ok(None),
            }
        }
    }

    /// Whether the answer is complete.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.body, Body::Over)
    }

    /// Whether another request may follow: the last one and its answer are over, and the server has not said otherwise.
    pub(crate) fn is_reusable(&self) -> bool {
        self.is_over() && self.keep && self.socket.buffer().is_empty()
    }

    /// Whether there is nothing to read now, not even the end.
    pub(crate) fn is_silent(&self) -> bool {
        let socket = self.socket();
        let peeked = socket
            .set_nonblocking(true)
            .and_then(|()| socket.peek(&mut [0]));
        let silent = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        silent && socket.set_nonblocking(false).is_ok()
    }

    /// What has arrived, at most so much of it; waits where nothing has.
    fn piece(&mut self, limit: u64) -> io::Result<Bytes> {
        let arrived = self.socket.fill_buf()?;
        if arrived.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let piece = Bytes::copy_from_slice(&arrived[..arrived.len().min(limit)]);
        self.socket.consume(piece.len());
        Ok(piece)
    }

    /// One line, with its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.socket).take(MAX_HEAD);
        limited.read_until(b'\n', &mut line)?;
        match line.last() {
            Some(b'\n') => Ok(line),
            _ if limited.limit() == 0 => Err(malformed("a line is too long")),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The lines up to an empty one, and that one: a head, or the trailers of a chunked body.
    fn block(&mut self) -> io::Result<Vec<u8>> {
        let mut block = Vec::new();
        loop {
            let line = self.line()?;
            block.extend_from_slice(&line);
            if line == b"\r\n" {
                return Ok(block);
            }
            if block.len() as u64 > MAX_HEAD {
                return Err(malformed("the head is too long"));
            }
        }
    }
}

/// A socket that somebody else may shut down.
struct Reading(Arc<TcpStream>);

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&*self.0).read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

fn parse(text: &[u8]) -> io::Result<response::Parts> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut parsed = httparse::Response::new(&mut headers);
    let complete = parsed.parse(text).is_ok_and(|parsed| parsed.is_complete());
    let code = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let (true, Some(status)) = (complete, code) else {
        return Err(malformed("not the head of an answer"));
    };
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status;
    if parsed.version == Some(0) {
        head.version = Version::HTTP_10;
    }
    for header in parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(malformed("not a header"));
        };
        head.headers.append(name, value);
    }
    Ok(head)
}

/// How the end of the body is told (RFC 9112 §6.3).
fn framing(head: &response::Parts, method: &Method) -> io::Result<Body> {
    let bodiless = matches!(
        head.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if bodiless || *method == Method::HEAD {
        return Ok(Body::Over);
    }
    let codings: Vec<_> = values(head, header::TRANSFER_ENCODING).collect();
    match codings[..] {
        [] => {}
        [only] if only.eq_ignore_ascii_case(b"chunked") => return Ok(Body::Chunked(None)),
        _ => return Err(malformed("a transfer coding that nobody asked for")),
    }
    let mut lengths = values(head, header::CONTENT_LENGTH);
    let Some(length) = lengths.next() else {
        return Ok(Body::UntilClose);
    };
    let same = length.iter().all(u8::is_ascii_digit) && lengths.all(|other| other == length);
    let text = std::str::from_utf8(length).unwrap_or_default();
    match text.parse() {
        Ok(0) if same => Ok(Body::Over),
        Ok(length) if same => Ok(Body::Length(length)),
        _ => Err(malformed("not the length of a body")),
    }
}

fn values(head: &response::Parts, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    head.headers
        .get_all(name)
        .into_iter()
        .map(HeaderValue::as_bytes)
}

/// Whether a list of tokens has this one.
fn has(list: &[u8], token: &str) -> bool {
    let mut tokens = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tokens.any(|other| other.eq_ignore_ascii_case(token.as_bytes()))
}

fn malformed(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

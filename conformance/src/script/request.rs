//! Reads requests off a socket, and keeps them as they were.

use std::io;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use http::Version;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest head that is taken.
const MAX_HEAD: usize = 1024 * 1024;

/// How much is read ahead of a reply that is still being written.
const MAX_AHEAD: usize = 1024 * 1024;

/// A request as it was on the wire.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The target: path and query, exactly as they were sent.
    pub target: String,
    /// Which HTTP it came by.
    pub version: Version,
    /// The headers in their order and casing. Bytes that are not UTF-8 are replaced; [`head`](Self::head) has them.
    ///
    /// Over HTTP/2 names are in lower case, and `:authority` is given as `host`.
    pub headers: Vec<(String, String)>,
    /// The whole head, byte for byte, up to and with the empty line. Empty over HTTP/2.
    pub head: Bytes,
    /// The body, without its framing.
    pub body: Bytes,
    /// The number of the connection it came on, from 0.
    pub connection: usize,
    /// When it had arrived in full.
    pub at: Instant,
}

impl RecordedRequest {
    /// The first value of a header, whatever its casing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of a header, whatever its casing.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query, without the `?`, as it was sent.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// A query parameter, as it was sent: escapes stay.
    pub fn query_param(&self, name: &str) -> Option<&str> {
        self.query()?
            .split('&')
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// What came instead of a request.
pub(super) enum NoRequest {
    /// The peer closed the connection, between requests or inside one.
    Gone,
    /// Not a request. Says why.
    Malformed(String),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

fn malformed(why: impl Into<String>) -> NoRequest {
    NoRequest::Malformed(why.into())
}

/// The reading side of a connection, and what was read ahead.
pub(super) struct Requests<S> {
    socket: S,
    ahead: BytesMut,
}

impl<S: AsyncRead + Unpin> Requests<S> {
    pub(super) fn new(socket: S, ahead: BytesMut) -> Self {
        Self { socket, ahead }
    }

    pub(super) fn into_socket(self) -> S {
        self.socket
    }

    /// Waits until the peer closes the connection. Requests that come meanwhile are kept for later.
    pub(super) async fn gone(&mut self) {
        while self.ahead.len() < MAX_AHEAD {
            if self.more().await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Reads a request. The other side of the socket is for `100 Continue`.
    pub(super) async fn next(
        &mut self,
        connection: usize,
        back: &mut (impl AsyncWrite + Unpin),
    ) -> Result<RecordedRequest, NoRequest> {
        let head = self.head().await?;
        let mut request = parse(head, connection)?;
        let expects = request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        if expects {
            back.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            back.flush().await?;
        }
        request.body = self.body(&request).await?;
        request.at = Instant::now();
        Ok(request)
    }

    async fn head(&mut self) -> Result<Bytes, NoRequest> {
        loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(self.ahead.split_to(at + 4).freeze());
            }
            if self.ahead.len() > MAX_HEAD {
                return Err(malformed("the head is too long"));
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, request: &RecordedRequest) -> Result<Bytes, NoRequest> {
        let mut lengths = request.header_all("content-length");
        match (request.header("transfer-encoding"), lengths.next()) {
            (Some(_), Some(_)) => Err(malformed("both Transfer-Encoding and Content-Length")),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => self.chunks().await,
            (Some(coding), None) => Err(malformed(format!("Transfer-Encoding: {coding}"))),
            (None, Some(_)) if lengths.next().is_some() => {
                Err(malformed("more than one Content-Length"))
            }
            (None, Some(length)) => match length.parse() {
                Ok(length) => Ok(self.exactly(length).await?),
                Err(_) => Err(malformed(format!("Content-Length: {length}"))),
            },
            (None, None) => Ok(Bytes::new()),
        }
    }

    async fn chunks(&mut self) -> Result<Bytes, NoRequest> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16)
                .map_err(|_| malformed(format!("chunk size {line:?}")))?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&self.exactly(size).await?);
            if !self.line().await?.is_empty() {
                return Err(malformed("a chunk is longer than its size"));
            }
        }
        while !self.line().await?.is_empty() {}
        Ok(body.freeze())
    }

    async fn line(&mut self) -> Result<String, NoRequest> {
        loop {
            if let Some(at) = self.ahead.windows(2).position(|two| two == b"\r\n") {
                let line = self.ahead.split_to(at);
                self.ahead.advance(2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if self.ahead.len() > MAX_HEAD {
                return Err(malformed("a line is too long"));
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Bytes> {
        while self.ahead.len() < length {
            self.more().await?;
        }
        Ok(self.ahead.split_to(length).freeze())
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.socket.read_buf(&mut self.ahead).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn parse(head: Bytes, connection: usize) -> Result<RecordedRequest, NoRequest> {
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ');
    let (method, target) = match (words.next(), words.next(), words.next(), words.next()) {
        (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) => (method, target),
        _ => return Err(malformed(format!("request line {first:?}"))),
    };
    let headers = lines
        .map(|line| match line.split_once(':') {
            Some((name, value)) if !name.is_empty() && !name.contains([' ', '\t']) => {
                Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
            }
            _ => Err(malformed(format!("header {line:?}"))),
        })
        .collect::<Result<_, _>>()?;
    Ok(RecordedRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        version: Version::HTTP_11,
        headers,
        head,
        body: Bytes::new(),
        connection,
        at: Instant::now(),
    })
}

//! Requests that no HTTP client would send, over a plain socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

use super::answer::Answer;
use super::outcome::{Stop, Verdict};
use super::target::Target;

/// The most that is read of an answer.
const MOST: usize = 1 << 20;

/// Bytes of a request, put together line by line.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    bytes: Vec<u8>,
    /// Whether the connection ends behind them.
    cut: bool,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Back {
    /// An answer.
    Answer(Answer),
    /// The end of the connection, without a byte.
    Nothing,
}

impl Raw {
    /// A request line with this target, as it is written here, and nothing else.
    pub(super) fn new(method: &str, target: &str) -> Self {
        Self {
            bytes: format!("{method} {target} HTTP/1.1\r\n").into_bytes(),
            cut: false,
        }
    }

    /// Adds a line to the head.
    pub(super) fn line(mut self, line: &str) -> Self {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Ends the head, and adds the bytes of the body as they go over the wire.
    pub(super) fn body(mut self, body: &str) -> Self {
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(body.as_bytes());
        self
    }

    /// The connection ends behind it.
    pub(super) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

impl Target {
    /// The path of the root, and the headers that every request has: `Host`, those of the user, and `Connection: close`.
    pub(super) fn raw(&self, method: &str, path_and_query: &str) -> Verdict<Raw> {
        let root = self.root_uri()?;
        let target = format!("{}{path_and_query}", root.path().trim_end_matches('/'));
        let host = root.authority().map_or("", |authority| authority.as_str());
        let mut raw = Raw::new(method, &target).line(&format!("Host: {host}"));
        for (name, value) in self.user_headers() {
            let value = String::from_utf8_lossy(value.as_bytes());
            raw = raw.line(&format!("{name}: {value}"));
        }
        Ok(raw.line("Connection: close"))
    }

    fn root_uri(&self) -> Verdict<Uri> {
        let uri: Uri = self
            .root()
            .parse()
            .map_err(|error| Stop::Error(format!("{}: {error}", self.root())))?;
        if uri.scheme_str() == Some("https") {
            return Err(Stop::Skip(
                "it goes over a plain socket, which has no TLS".to_owned(),
            ));
        }
        Ok(uri)
    }

    /// Where plain sockets go.
    pub(super) fn plain_address(&self) -> Verdict<(String, u16)> {
        let root = self.root_uri()?;
        let host = root.host().unwrap_or_default().trim_matches(['[', ']']);
        Ok((host.to_owned(), root.port_u16().unwrap_or(80)))
    }

    /// Sends bytes, and reads what comes back until the server ends the connection or the answer is whole.
    pub(super) async fn send_raw(&self, raw: Raw) -> Verdict<Back> {
        let (host, port) = self.plain_address()?;
        let patience = self.patience();
        let line = raw.bytes.split(|byte| *byte == b'\r').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
        let number = self.begin_raw(&line, &raw.bytes);
        let (give, given) = oneshot::channel();
        // A socket that blocks needs no executor.
        thread::Builder::new()
            .name("raw-request".to_owned())
            .spawn(move || drop(give.send(exchange(&host, port, &raw, patience))))
            .map_err(|error| Stop::Error(format!("no thread: {error}")))?;
        let received = match given.await {
            Ok(Ok(received)) => received,
            Ok(Err(error)) => return Err(Stop::Error(format!("{line}: {error}"))),
            Err(_) => return Err(Stop::Error(format!("{line}: the thread ended"))),
        };
        match received {
            Received::Silent => self.fail(number, "an answer in HTTP", "nothing"),
            Received::End(bytes) if bytes.is_empty() => Ok(Back::Nothing),
            Received::End(bytes) => match parsed(&bytes, number) {
                Some(answer) => {
                    self.answered_raw(&answer);
                    Ok(Back::Answer(answer))
                }
                None => self.fail(number, "an answer in HTTP", super::answer::quoted(&bytes)),
            },
        }
    }
}

enum Received {
    End(Vec<u8>),
    Silent,
}

fn exchange(host: &str, port: u16, raw: &Raw, patience: Duration) -> io::Result<Received> {
    Ok(talk(connect(host, port, patience)?, raw, patience))
}

/// A connection to whichever of the host's addresses takes one.
pub(super) fn connect(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => return Ok(socket),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn talk(mut socket: TcpStream, raw: &Raw, patience: Duration) -> Received {
    // A server may end the connection before it has read everything: that is for what comes back to tell.
    let _ = socket.set_read_timeout(Some(patience));
    let _ = socket.set_write_timeout(Some(patience));
    let _ = socket.write_all(&raw.bytes);
    if raw.cut {
        // What the server makes of it is awaited: its answer, or its end of the connection.
        let _ = socket.shutdown(Shutdown::Write);
    }
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    while bytes.len() < MOST {
        match socket.read(&mut piece) {
            Ok(0) => return Received::End(bytes),
            Ok(size) => bytes.extend_from_slice(&piece[..size]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) && bytes.is_empty() && !raw.cut => {
                return Received::Silent;
            }
            // A reset behind an answer is an end of it.
            Err(_) => return Received::End(bytes),
        }
        if is_whole(&bytes) {
            return Received::End(bytes);
        }
    }
    Received::End(bytes)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Whether an answer with a length is there to its end. Others end with the connection.
fn is_whole(bytes: &[u8]) -> bool {
    parsed(bytes, 0).is_some_and(|answer| {
        let length = answer.header("content-length");
        let length = length.and_then(|length| length.parse::<usize>().ok());
        length.is_some_and(|length| answer.body.len() >= length)
    })
}

/// The final answer; interim ones come before it.
fn parsed(mut bytes: &[u8], number: usize) -> Option<Answer> {
    loop {
        let mut lines = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut lines);
        let httparse::Status::Complete(length) = head.parse(bytes).ok()? else {
            return None;
        };
        bytes = &bytes[length..];
        let status = head.code?;
        if (100..200).contains(&status) {
            continue;
        }
        let mut headers = HeaderMap::new();
        for line in head.headers.iter() {
            let name = HeaderName::try_from(line.name).ok()?;
            headers.append(name, HeaderValue::from_bytes(line.value).ok()?);
        }
        return Some(Answer {
            number,
            status,
            headers,
            body: Bytes::copy_from_slice(bytes),
        });
    }
}

/// A request as the log shows it: its bytes are the body of what is shown, without the lines that the user set.
pub(super) fn shown(line: &str, bytes: &[u8], root: &str, hidden: &HeaderMap) -> Request<Bytes> {
    let text = String::from_utf8_lossy(bytes);
    let is_shown = |line: &&str| {
        let name = line.split_once(':').map(|(name, _)| name.trim());
        !name.is_some_and(|name| hidden.contains_key(name))
    };
    let lines: String = text.split_inclusive('\n').filter(is_shown).collect();
    let mut request = Request::new(Bytes::from(lines));
    let method = line.split(' ').next().unwrap_or_default();
    if let Ok(method) = method.parse() {
        *request.method_mut() = method;
    }
    if let Ok(uri) = root.parse() {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_set_is_not_shown() {
        let mut hidden = HeaderMap::new();
        hidden.insert("authorization", HeaderValue::from_static("Bearer secret"));
        let raw = Raw::new("GET", "/x").line("authorization: Bearer secret");
        let raw = raw.line("Connection: close").body("abc");
        let shown = shown("GET /x HTTP/1.1", &raw.bytes, "http://h/", &hidden);
        assert_eq!(
            shown.body(),
            "GET /x HTTP/1.1\r\nConnection: close\r\n\r\nabc"
        );
    }

    #[test]
    fn an_answer_is_whole_with_its_length() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert!(!is_whole(format!("{head}ab").as_bytes()));
        assert!(is_whole(format!("{head}abc").as_bytes()));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n\r\nabc"));
        let interim = format!("HTTP/1.1 100 Continue\r\n\r\n{head}abc");
        assert_eq!(parsed(interim.as_bytes(), 0).unwrap().status, 200);
    }
}

//! As much HTTP/1.1 as a hop needs: whole requests and whole answers, as bytes.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request, ready to be sent on a connection of its own, as often as one likes.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    pub(crate) body: Vec<u8>,
}

/// One answer, complete.
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) status: u16,
    /// Its end can be seen without the end of the connection.
    pub(crate) has_length: bool,
}

impl Request {
    /// The next request of a connection; `None` when it ends.
    pub(crate) async fn read(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Self> {
        let end = loop {
            if let Some(end) = find_end(buffer) {
                break end;
            }
            if socket.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(buffer[..end].to_vec()).ok()?;
        let length: usize = match header(&head, "content-length") {
            Some(length) => length.parse().ok()?,
            None => 0,
        };
        while buffer.len() < end + length {
            if socket.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        let body = buffer[end..end + length].to_vec();
        buffer.drain(..end + length);
        Some(Self { head, body })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The same without the headers that begin like this.
    pub(crate) fn without(mut self, prefix: &str) -> Self {
        self.head = without(&self.head, prefix);
        self
    }

    /// Sends it on a connection of its own, and waits for the whole answer.
    pub(crate) async fn send(&self, server: SocketAddr) -> io::Result<Answer> {
        let mut socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let head = without(&self.head, "connection");
        let head = head.trim_end().to_owned() + "\r\nconnection: close\r\n\r\n";
        let bytes = [head.as_bytes(), &self.body].concat();
        socket.write_all(&bytes).await?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await?;
        Answer::parse(answer).ok_or_else(|| io::Error::other("the server's answer is no HTTP"))
    }
}

impl Answer {
    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let end = find_end(&bytes)?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let framed = |name| header(head, name).is_some();
        let has_length = status == 204 || framed("content-length") || framed("transfer-encoding");
        let head = without(head, "connection");
        let bytes = [head.as_bytes(), &bytes[end..]].concat();
        Some(Self {
            bytes,
            status,
            has_length,
        })
    }

    /// An answer of the hop's own.
    pub(crate) fn own(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        Self::parse(head.into_bytes()).unwrap()
    }
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

fn without(head: &str, prefix: &str) -> String {
    let begins = |line: &str| {
        line.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let kept = rest.split_inclusive("\r\n").filter(|line| !begins(line));
    [first, "\r\n"].into_iter().chain(kept).collect()
}

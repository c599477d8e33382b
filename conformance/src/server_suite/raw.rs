//! Requests whose body goes in chunks. Transports are given bodies as a whole, so this is a connection of its own: HTTP/1.1
//! over plain TCP, on a thread, as any executor may run the suite.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use tokio::sync::oneshot;

use super::answer::{Answer, quoted};
use super::outcome::{Stop, Verdict, fail};

/// An answer is no longer than this.
const MAX_ANSWER: u64 = 1 << 20;

/// Sends a request with these chunks as its body, and reads the answer. Its body is left as it was sent.
pub(super) async fn send_chunked(
    request: &Request<Bytes>,
    number: usize,
    chunks: Vec<Bytes>,
    patience: Duration,
) -> Verdict<Answer> {
    let uri = request.uri();
    let host = match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) => host.trim_matches(['[', ']']).to_owned(),
        _ => {
            return Err(Stop::Skip(
                "chunks are sent over plain HTTP only".to_owned(),
            ));
        }
    };
    let address = (host, uri.port_u16().unwrap_or(80));
    let head = head(request);
    let (done, answer) = oneshot::channel();
    // It ends by itself: each of its steps has a limit.
    thread::spawn(move || {
        // Nobody waits for it any more if the case was dropped.
        drop(done.send(exchange(&address, &head, &chunks, patience)));
    });
    let answer = match answer.await {
        Ok(answer) => answer?,
        Err(_) => return Err(Stop::Error("the thread of an exchange is gone".to_owned())),
    };
    Ok(Answer { number, ..answer })
}

fn head(request: &Request<Bytes>) -> Vec<u8> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut head = format!(
        "{} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n",
        request.method()
    )
    .into_bytes();
    for (name, value) in request.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn exchange(
    address: &(String, u16),
    head: &[u8],
    chunks: &[Bytes],
    patience: Duration,
) -> Verdict<Answer> {
    let unreachable = |error: std::io::Error| Stop::Error(error.to_string());
    let mut socket = TcpStream::connect((address.0.as_str(), address.1)).map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    socket
        .set_read_timeout(Some(patience))
        .map_err(unreachable)?;
    socket
        .set_write_timeout(Some(patience))
        .map_err(unreachable)?;
    // What answers early may not read to the end: the answer tells more than the failure to write.
    let written = write(&mut socket, head, chunks);
    let mut answer = Vec::new();
    let read = socket.take(MAX_ANSWER).read_to_end(&mut answer);
    match parse(&answer) {
        Some(answer) => Ok(answer),
        None => {
            let error = written.and(read.map(drop)).err();
            let received = quoted(&answer);
            fail(
                "an answer, to its end",
                error.map_or(received, |error| error.to_string()),
            )
        }
    }
}

fn write(socket: &mut TcpStream, head: &[u8], chunks: &[Bytes]) -> std::io::Result<()> {
    socket.write_all(head)?;
    for chunk in chunks {
        let mut piece = format!("{:x}\r\n", chunk.len()).into_bytes();
        piece.extend_from_slice(chunk);
        piece.extend_from_slice(b"\r\n");
        socket.write_all(&piece)?;
    }
    socket.write_all(b"0\r\n\r\n")
}

/// The final answer; interim ones come before it.
fn parse(mut bytes: &[u8]) -> Option<Answer> {
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        bytes = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?;
        let status: StatusCode = status.parse().ok()?;
        if status.is_informational() {
            continue;
        }
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let value = HeaderValue::from_str(value.trim()).ok()?;
            headers.append(HeaderName::try_from(name).ok()?, value);
        }
        return Some(Answer {
            number: 0,
            status: status.as_u16(),
            headers,
            body: Bytes::copy_from_slice(bytes),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_follows_the_interim_ones() {
        let bytes =
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nStream-Closed: true\r\n\r\n";
        let answer = parse(bytes).unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("stream-closed"), Some("true"));
        assert!(parse(&bytes[..40]).is_none());
    }
}

//! Where webhooks arrive: a plain socket on this machine. Each waits until its case has an answer for it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_channel::mpsc as arrivals;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use serde_json::Value;

use super::answer::Answer;
use super::outcome::{Stop, Verdict};
use super::target::Target;

/// The most that is read of a webhook.
const MOST: usize = 1 << 20;

/// How long a connection may take to bring its request.
const SLOWEST: Duration = Duration::from_secs(20);

/// A socket that takes webhooks until it is dropped.
pub(super) struct Receiver {
    target: Target,
    address: SocketAddr,
    arrivals: arrivals::UnboundedReceiver<Arrival>,
    ended: Arc<AtomicBool>,
}

struct Arrival {
    at: Instant,
    request: Request<Bytes>,
    answer: mpsc::Sender<Vec<u8>>,
}

/// A webhook that has arrived.
pub(super) struct Webhook {
    target: Target,
    pub(super) at: Instant,
    /// As an answer would be, to be asked the same things.
    pub(super) content: Answer,
    answer: mpsc::Sender<Vec<u8>>,
}

impl Receiver {
    pub(super) fn start(target: &Target) -> Verdict<Self> {
        Self::listen(target).map_err(|error| Stop::Error(format!("no receiver: {error}")))
    }

    fn listen(target: &Target) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (give, arrivals) = arrivals::unbounded();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        thread::Builder::new()
            .name("webhook-receiver".to_owned())
            .spawn(move || accept(&listener, &give, &end))?;
        Ok(Self {
            target: target.clone(),
            address,
            arrivals,
            ended,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/webhook", self.address)
    }

    /// The next webhook, which should come soon.
    pub(super) async fn next(&mut self) -> Verdict<Webhook> {
        let arrival = self.target.within(self.arrivals.next()).await.flatten();
        let Some(arrival) = arrival else {
            let limit = self.target.patience();
            return super::outcome::fail(format!("a webhook within {limit:?}"), "none");
        };
        let (head, body) = arrival.request.into_parts();
        let content = Answer {
            number: 0,
            status: 0,
            headers: head.headers.clone(),
            body: body.clone(),
        };
        let request = Request::from_parts(head, body);
        let number = self.target.log.begin(&request, &HeaderMap::new());
        Ok(Webhook {
            target: self.target.clone(),
            at: arrival.at,
            content: Answer { number, ..content },
            answer: arrival.answer,
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // It waits for a connection: this is one. If there can be none, the thread ends with the process.
        drop(TcpStream::connect(self.address));
    }
}

impl Webhook {
    /// Answers it.
    pub(super) fn answer(self, status: StatusCode, body: &Value) {
        let body = body.to_string();
        let (number, length) = (self.content.number, body.len());
        self.target.log.answered(number, status, &HeaderMap::new());
        self.target.log.received(number, body.as_bytes());
        let answer = format!(
            "HTTP/1.1 {} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            status.as_u16(),
        );
        // A server that has gone on may not wait for it any more.
        drop(self.answer.send(answer.into_bytes()));
    }
}

fn accept(listener: &TcpListener, give: &arrivals::UnboundedSender<Arrival>, end: &AtomicBool) {
    while let Ok((socket, _)) = listener.accept() {
        if end.load(Ordering::SeqCst) {
            return;
        }
        let give = give.clone();
        // A connection without a thread is closed: the server tries again.
        drop(
            thread::Builder::new()
                .name("webhook".to_owned())
                .spawn(move || receive(socket, &give)),
        );
    }
}

/// Takes one request of a connection, and answers it when there is an answer.
fn receive(mut socket: TcpStream, give: &arrivals::UnboundedSender<Arrival>) {
    let _ = socket.set_read_timeout(Some(SLOWEST));
    let Some(request) = read(&mut socket) else {
        return;
    };
    let (answer, given) = mpsc::channel();
    let arrival = Arrival {
        at: Instant::now(),
        request,
        answer,
    };
    if give.unbounded_send(arrival).is_err() {
        return;
    }
    // A case that ends without an answer closes the connection.
    if let Ok(answer) = given.recv() {
        let _ = socket.write_all(&answer);
    }
}

fn read(socket: &mut TcpStream) -> Option<Request<Bytes>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    while bytes.len() < MOST {
        let size = socket.read(&mut piece).ok().filter(|size| *size > 0)?;
        bytes.extend_from_slice(&piece[..size]);
        if let Some(request) = parsed(&bytes) {
            return Some(request);
        }
    }
    None
}

/// The request, once it is there to its end.
fn parsed(bytes: &[u8]) -> Option<Request<Bytes>> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut lines);
    let httparse::Status::Complete(length) = head.parse(bytes).ok()? else {
        return None;
    };
    let rest = &bytes[length..];
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = head.method?.parse().ok()?;
    *request.uri_mut() = head.path?.parse().ok()?;
    for line in head.headers.iter() {
        let name = HeaderName::try_from(line.name).ok()?;
        let value = HeaderValue::from_bytes(line.value).ok()?;
        request.headers_mut().append(name, value);
    }
    let text = |name| request.headers().get(name)?.to_str().ok();
    let chunked = text("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    let body = if chunked {
        unchunked(rest)?
    } else {
        let length = text("content-length").map_or(Some(0), |length| length.parse().ok())?;
        rest.get(..length)?.to_vec()
    };
    *request.body_mut() = body.into();
    Some(request)
}

/// A body in chunks, once it is there to its end. There may be trailers behind it, which nobody needs.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((start, size)) = httparse::parse_chunk_size(bytes).ok()?
        else {
            return None;
        };
        if size == 0 {
            return Some(body);
        }
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        body.extend_from_slice(bytes.get(start..end)?);
        bytes = bytes.get(end + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_there_with_its_body() {
        let head = "POST /webhook HTTP/1.1\r\nHost: h\r\n";
        let whole = format!("{head}Content-Length: 3\r\n\r\nabc");
        assert!(parsed(&whole.as_bytes()[..whole.len() - 1]).is_none());
        assert_eq!(parsed(whole.as_bytes()).unwrap().body(), "abc");
        let chunks =
            format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        assert_eq!(parsed(chunks.as_bytes()).unwrap().body(), "abc");
        assert!(parsed(&chunks.as_bytes()[..chunks.len() - 9]).is_none());
    }
}

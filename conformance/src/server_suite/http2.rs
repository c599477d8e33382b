//! One request over HTTP/2, whose body comes in frames.

use std::io;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_channel::oneshot;
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, Version};
use tokio::time::timeout;

use super::answer::Answer;
use super::outcome::{Stop, Verdict};
use super::raw::connect;
use super::target::Ask;

impl Ask {
    /// Sends it over a connection of its own that begins with HTTP/2, with the frames as its body, of which nobody says how long
    /// it is. A server that does not speak HTTP/2 there is not asked further.
    pub(super) async fn send_in_frames(self, frames: &[&'static str]) -> Verdict<Answer> {
        let target = self.target().clone();
        let (host, port) = target.plain_address()?;
        let request = self.body(frames.concat()).request()?;
        let number = target.begin(&request);
        let (mut head, _) = request.into_parts();
        head.version = Version::HTTP_2;
        let request = Request::from_parts(head, ());
        let patience = target.patience();
        let frames = frames.to_vec();
        let (give, given) = oneshot::channel();
        // A thread of its own, because h2 wants the sockets of a runtime that need not be the one here.
        thread::Builder::new()
            .name("http2-request".to_owned())
            .spawn(move || drop(give.send(exchange(&host, port, request, &frames, patience))))
            .map_err(|error| Stop::Error(format!("no thread: {error}")))?;
        let (status, headers, body) = match given.await {
            Ok(Ok(received)) => received,
            Ok(Err(Missing::Unspoken(why))) => {
                return Err(Stop::Skip(format!("no HTTP/2 without TLS: {why}")));
            }
            Ok(Err(Missing::Unanswered(why))) => return target.fail(number, "an answer", why),
            Err(_) => return Err(Stop::Error("the thread ended".to_owned())),
        };
        let answer = Answer {
            number,
            status,
            headers,
            body,
        };
        target.answered_raw(&answer);
        Ok(answer)
    }
}

type Received = (u16, HeaderMap, Bytes);

/// Why there is no answer.
enum Missing {
    /// The server does not speak HTTP/2 here.
    Unspoken(String),
    /// It does, and did not answer this request.
    Unanswered(String),
}

fn exchange(
    host: &str,
    port: u16,
    request: Request<()>,
    frames: &[&'static str],
    patience: Duration,
) -> Result<Received, Missing> {
    let unspoken = |error: io::Error| Missing::Unspoken(error.to_string());
    let socket = connect(host, port, patience).map_err(unspoken)?;
    socket.set_nonblocking(true).map_err(unspoken)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unspoken)?;
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::from_std(socket).map_err(unspoken)?;
        let silence = |_| format!("nothing for {patience:?}");
        let handshake = timeout(patience, h2::client::handshake(socket)).await;
        let (sender, connection) = handshake
            .map_err(silence)
            .and_then(|made| made.map_err(|error| error.to_string()))
            .map_err(Missing::Unspoken)?;
        let mut connection = pin!(connection);
        // The end of the connection is the end of whatever is asked over it.
        let mut asked = async |request, frames| {
            let over_this = async {
                tokio::select! {
                    answered = ask(sender.clone(), request, frames) => answered.map_err(|error| error.to_string()),
                    _ = &mut connection => Err("the end of the connection".to_owned()),
                }
            };
            timeout(patience, over_this).await.map_err(silence)?
        };
        let mut head = request.clone();
        *head.method_mut() = Method::HEAD;
        asked(head, &[]).await.map_err(Missing::Unspoken)?;
        asked(request, frames).await.map_err(Missing::Unanswered)
    })
}

async fn ask(
    sender: SendRequest<Bytes>,
    request: Request<()>,
    frames: &[&'static str],
) -> Result<Received, h2::Error> {
    let mut sender = sender.ready().await?;
    let (answer, mut body) = sender.send_request(request, frames.is_empty())?;
    for (number, frame) in frames.iter().enumerate() {
        let is_last = number + 1 == frames.len();
        body.send_data(Bytes::from_static(frame.as_bytes()), is_last)?;
    }
    let (head, mut body) = answer.await?.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok((head.status.as_u16(), head.headers, bytes.freeze()))
}

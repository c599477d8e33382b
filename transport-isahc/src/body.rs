//! The answer as it streams.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durable_streams_client::{Body, FailureKind, TransportError};
use futures_lite::{AsyncRead, Stream, StreamExt};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode, Version, response};
use isahc::AsyncBody;

use super::failure;
use super::pool::Lease;

/// The most that libcurl gives at once.
const CHUNK: usize = 16 * 1024;

/// The answer, without what isahc adds to it for itself.
///
/// libcurl gives a head that the end of the connection cuts off like a whole one, as far as it came. What is left of it
/// may say nothing of a body. Such an answer is looked into before it is given; that waits for nothing, since isahc
/// gives no head before the first byte of the body or the end.
pub(crate) async fn of(
    answer: Response<AsyncBody>,
    method: &Method,
    lease: Option<Lease>,
) -> Result<Response<Body>, TransportError> {
    let (head, body) = answer.into_parts();
    let body = if has_no_body(method, &head) {
        // isahc gives the head of such an answer at its end. Nobody reads what is not there.
        drop(body);
        if let Some(lease) = lease {
            lease.give_back();
        }
        Body::empty()
    } else {
        let mut chunks = Chunks {
            body,
            lease,
            buffer: vec![0; CHUNK],
            first: None,
        };
        if has_untold_length(&head.headers) {
            return Err(interrupted("its length is more than can be counted"));
        }
        if may_be_cut(method, &head) {
            match chunks.next().await {
                Some(first) => chunks.first = Some(first?),
                None => return Err(interrupted("the answer ends within its head")),
            }
        }
        Body::new(chunks)
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.headers;
    Ok(response)
}

fn interrupted(why: &str) -> TransportError {
    TransportError::new(FailureKind::Interrupted).with_source(why)
}

/// Whether the head says so.
fn has_no_body(method: &Method, head: &response::Parts) -> bool {
    let length = head.headers.get(CONTENT_LENGTH);
    *method == Method::HEAD
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        )
        || length.is_some_and(|length| length == "0")
}

/// Whether the head, if no body comes, is one that was cut off.
///
/// A head of HTTP/2 is there or not. That of a chunked body is too likely to be whole. What is left is a body that has
/// the end of the connection for its end, and a server is to announce that (RFC 9112 §9.6). It is enough for an answer
/// to a write. A read would lose data by it.
fn may_be_cut(method: &Method, head: &response::Parts) -> bool {
    let has = |name| head.headers.contains_key(name);
    let closes = head.version < Version::HTTP_11
        || values(&head.headers, &CONNECTION).any(|value| value.eq_ignore_ascii_case("close"));
    let may_be_empty = closes && !has(CONTENT_LENGTH) && *method != Method::GET;
    head.version <= Version::HTTP_11 && !has(TRANSFER_ENCODING) && !may_be_empty
}

/// Whether its length is one that libcurl goes by the end of the connection for.
fn has_untold_length(headers: &HeaderMap) -> bool {
    !headers.contains_key(TRANSFER_ENCODING)
        && values(headers, &CONTENT_LENGTH).any(|length| length.parse::<i64>().is_err())
}

/// All values of a list.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| line.to_str().unwrap_or_default().split(',').map(str::trim))
}

/// What arrives, as it arrives.
struct Chunks {
    /// Before the lease: it holds the client as well.
    body: AsyncBody,
    /// There until the end.
    lease: Option<Lease>,
    /// For all that arrives. Each chunk is as large as what was in it.
    buffer: Vec<u8>,
    /// What was read to see that there is something.
    first: Option<Bytes>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let read = ready!(Pin::new(&mut this.body).poll_read(cx, &mut this.buffer));
        Poll::Ready(match read {
            Ok(0) => {
                if let Some(lease) = this.lease.take() {
                    lease.give_back();
                }
                None
            }
            Ok(length) => Some(Ok(Bytes::copy_from_slice(&this.buffer[..length]))),
            Err(error) => Some(Err(failure::of_sent(error.into()))),
        })
    }
}

//! The answer as it streams.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durable_streams_client::{Body, FailureKind, TransportError};
use futures_lite::{AsyncRead, Stream};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode, Version, response};
use isahc::AsyncBody;

use super::failure;
use super::pool::Lease;

/// The most that libcurl gives at once.
const CHUNK: usize = 16 * 1024;

/// The answer, without what isahc adds to it for itself.
pub(crate) fn of(
    answer: Response<AsyncBody>,
    method: &Method,
    lease: Option<Lease>,
) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let body = if has_no_body(method, &head) {
        // isahc gives the head of such an answer at its end. Nobody reads what is not there.
        drop(body);
        if let Some(lease) = lease {
            lease.give_back();
        }
        Body::empty()
    } else {
        // A head of HTTP/2 is there or not.
        let whole = head.version > Version::HTTP_11 || head.headers.contains_key(TRANSFER_ENCODING);
        Body::new(Chunks {
            body,
            lease,
            buffer: vec![0; CHUNK],
            may_be_empty: whole,
        })
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.headers;
    response
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

/// What arrives, as it arrives.
struct Chunks {
    /// Before the lease: it holds the client as well.
    body: AsyncBody,
    /// There until the end.
    lease: Option<Lease>,
    /// For all that arrives. Each chunk is as large as what was in it.
    buffer: Vec<u8>,
    /// libcurl gives a head that the end of the connection cuts off like a whole one, as far as it came. It has no body,
    /// and does not say so.
    may_be_empty: bool,
}

impl Stream for Chunks {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let read = ready!(Pin::new(&mut this.body).poll_read(cx, &mut this.buffer));
        let is_cut = !mem::replace(&mut this.may_be_empty, true);
        Poll::Ready(match read {
            Ok(0) if is_cut => {
                let error = TransportError::new(FailureKind::Interrupted);
                Some(Err(error.with_source("the answer ends within its head")))
            }
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

//! The body of an answer, chunk by chunk.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durable_streams_client::{FailureKind, TransportError};
use futures_util::Stream;
use http::{Response, StatusCode};
use http_body::Body as _;

use super::failure;

/// The data of a body as it arrives. Trailers are skipped, and the empty frame that can end a body in HTTP/2.
pub(crate) struct Chunks {
    body: reqwest::Body,
    /// Whether its end is still to be checked.
    unchecked: bool,
}

impl Chunks {
    /// The answer to a request, which was a HEAD or not.
    pub(crate) fn of(answer: reqwest::Response, to_head: bool) -> Response<Self> {
        // The length in such a head is that of a body elsewhere.
        let unchecked = !to_head && answer.status() != StatusCode::NOT_MODIFIED;
        Response::from(answer).map(|body| Self { body, unchecked })
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(failure::of_body(error)))),
                None => break,
            };
            match frame.into_data() {
                Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                _ => {}
            }
        }
        // A stream that is reset with NO_ERROR ends without an error in the stack, whether the body was whole or not. What
        // is missing of an announced length tells. Whether the stack saw END_STREAM does not: it cannot be asked when
        // another crate enables decompression in reqwest.
        let missing = self.body.size_hint().lower();
        if self.unchecked && missing > 0 {
            self.unchecked = false;
            let cut = TransportError::new(FailureKind::Interrupted);
            let why = format!("the HTTP/2 stream was reset {missing} bytes before the body's end");
            return Poll::Ready(Some(Err(cut.with_source(why))));
        }
        Poll::Ready(None)
    }
}

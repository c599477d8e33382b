//! The body of an answer, chunk by chunk.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durable_streams_client::{FailureKind, TransportError};
use futures_core::Stream;
use http::{Response, Version};
use hyper::body::{Body as _, Incoming};

use super::failure;

/// The data of a body as it arrives. Trailers are skipped, and the empty frame that can end a body in HTTP/2.
pub(crate) struct Chunks {
    body: Incoming,
    /// Whether the end is still to be checked.
    unchecked: bool,
}

impl Chunks {
    pub(crate) fn of(answer: Response<Incoming>) -> Response<Self> {
        let unchecked = answer.version() == Version::HTTP_2;
        answer.map(|body| Self { body, unchecked })
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
        // A stream that is reset with NO_ERROR ends without an error in hyper, whether the body was whole or not. Only
        // END_STREAM is the end of a body.
        if self.unchecked && !self.body.is_end_stream() {
            self.unchecked = false;
            let cut = TransportError::new(FailureKind::Interrupted);
            let why = "the HTTP/2 stream was reset within the body";
            return Poll::Ready(Some(Err(cut.with_source(why))));
        }
        Poll::Ready(None)
    }
}

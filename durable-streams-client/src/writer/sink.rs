//! A writer as a sink.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durable_streams_core::{Error, Flushed, Refused, RefusedReason};
use futures_sink::Sink;

use super::Writer;
use crate::BoxFuture;

type Result<T> = std::result::Result<T, Refused>;

/// A [`Sink`] of messages into a [`Writer`]: ready when the writer has taken the message before; flushing waits until everything
/// is stored; closing flushes, and leaves the writer open.
pub struct WriterSink {
    writer: Writer,
    append: Option<BoxFuture<'static, Result<()>>>,
    flush: Option<BoxFuture<'static, std::result::Result<Flushed, Error>>>,
}

impl WriterSink {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer,
            append: None,
            flush: None,
        }
    }

    /// Waits until the message before is taken.
    fn poll_append(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Some(append) = &mut self.append {
            let result = ready!(append.as_mut().poll(cx));
            self.append = None;
            return Poll::Ready(result);
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<Bytes> for WriterSink {
    type Error = Refused;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_append(cx))?;
        if self.writer.shared.gives_way() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Bytes) -> Result<()> {
        // A flush that was begun before does not cover this message.
        self.flush = None;
        match self.writer.try_append(message) {
            Err(Refused {
                message,
                reason: RefusedReason::Full,
            }) => {
                let writer = self.writer.clone();
                self.append = Some(Box::pin(async move { writer.append(message).await }));
                Ok(())
            }
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_append(cx))?;
        let writer = self.writer.clone();
        let flush = self
            .flush
            .get_or_insert_with(|| Box::pin(async move { writer.flush().await }));
        let result = ready!(flush.as_mut().poll(cx));
        self.flush = None;
        Poll::Ready(result.map(|_| ()).map_err(|error| Refused {
            message: Bytes::new(),
            reason: RefusedReason::Error(error),
        }))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_flush(cx)
    }
}

impl fmt::Debug for WriterSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterSink")
            .field("writer", &self.writer)
            .finish_non_exhaustive()
    }
}

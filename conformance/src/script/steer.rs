//! What a test holds in its hand while a reply is being written.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::reply::sse_event;

/// A gate that a reply waits at until the test opens it. Clones are the same gate; once open it stays open.
#[derive(Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A gate that is shut.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Opens it: whatever waits goes on, and nothing waits again.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is open.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn opened(&self) {
        // It fails only when the sender is gone, and `self` holds it.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.is_open()).finish()
    }
}

/// What the test does to a body while it streams.
pub(super) enum Push {
    Piece(Bytes),
    End,
    Cut,
    Reset,
}

/// The test's end of a [live body](super::Reply::live): what is pushed is written at once.
///
/// A handle that is dropped without [`end`](Self::end) cuts the connection, so that a forgotten one does not look
/// like a complete body.
#[derive(Debug)]
pub struct Live(mpsc::UnboundedSender<Push>);

impl Live {
    pub(super) fn channel() -> (Self, mpsc::UnboundedReceiver<Push>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Writes a piece of the body: a chunk of its own when the body is chunked.
    pub fn send(&self, piece: impl Into<Bytes>) {
        self.push(Push::Piece(piece.into()));
    }

    /// Writes an event of a stream of server-sent events.
    pub fn event(&self, event: &str, data: &str) {
        self.send(sse_event(event, data));
    }

    /// Ends the body as its framing wants it.
    pub fn end(self) {
        self.push(Push::End);
    }

    /// Closes the connection without ending the body.
    pub fn cut(self) {
        self.push(Push::Cut);
    }

    /// Resets the connection. What was sent just before may be lost.
    pub fn reset(self) {
        self.push(Push::Reset);
    }

    /// Waits until nothing can be written any more, because the connection is gone.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn gone(&self) {
        self.0.closed().await;
    }

    fn push(&self, push: Push) {
        // A body whose connection is gone takes nothing: the test sees that at the connection.
        let _ = self.0.send(push);
    }
}

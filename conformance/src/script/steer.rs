//! What a test holds in its hand while a reply is being written.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
pub struct Live {
    sender: mpsc::UnboundedSender<Push>,
    /// How many pushes, and ends, the server did not act on yet.
    unseen: Arc<AtomicUsize>,
}

impl Live {
    pub(super) fn channel() -> (Self, Pushed) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let unseen = Arc::<AtomicUsize>::default();
        let pushed = Pushed {
            receiver,
            unseen: Arc::clone(&unseen),
        };
        (Self { sender, unseen }, pushed)
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
        self.sender.closed().await;
    }

    fn push(&self, push: Push) {
        self.unseen.fetch_add(1, Ordering::SeqCst);
        // A body whose connection is gone takes nothing: the test sees that at the connection.
        let _ = self.sender.send(push);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.unseen.fetch_add(1, Ordering::SeqCst);
    }
}

/// The server's end of a live body.
pub(super) struct Pushed {
    receiver: mpsc::UnboundedReceiver<Push>,
    unseen: Arc<AtomicUsize>,
}

impl Pushed {
    /// What it waits for.
    pub(super) fn awaited(&self) -> Awaited {
        Awaited::Push(Arc::clone(&self.unseen))
    }

    /// What was pushed next; `None` when the other end is dropped.
    pub(super) async fn recv(&mut self) -> Option<Push> {
        self.receiver.recv().await
    }

    /// The push that was received is dealt with.
    pub(super) fn seen(&self) {
        self.unseen.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a reply waits for until the test does it.
pub(super) enum Awaited {
    Gate(Gate),
    Push(Arc<AtomicUsize>),
}

impl Awaited {
    /// Whether the test did it already, even if the server, on its own thread, does not know yet.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::Gate(gate) => gate.is_open(),
            Self::Push(unseen) => unseen.load(Ordering::SeqCst) > 0,
        }
    }
}

//! Consuming a stream under supervision: handle, commit, and go on after whatever fails.

mod builder;
mod driver;
mod file;
mod handler;
mod shared;
mod store;

pub use builder::ConsumerBuilder;
pub use driver::ConsumerDriver;
pub use file::FileCheckpoints;
pub use handler::{Decision, Handler, HandlerFn, handler_fn};
pub(crate) use shared::{Shared, Wish};
pub use store::{CheckpointStore, MemoryCheckpoints};

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use durable_streams_core::{Checkpoint, Error};

/// How a consumer came to its end without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The stream is closed, and everything in it was handled and committed.
    StreamClosed,
    /// The tail was reached, and the consumer is not live.
    UpToDate,
    /// It was [stopped](Consumer::stop); what was handled is committed.
    Stopped,
}

/// Consumes a stream under supervision: each batch is handled, then its checkpoint is committed, and what fails is tried again, left
/// out or the end, as the [`Handler`] decides.
///
/// This is the handle to a consumer that runs elsewhere: in the background of the client's runtime
/// ([`start`](ConsumerBuilder::start)), or wherever its driver is polled ([`into_parts`](ConsumerBuilder::into_parts)). Clones share it.
/// When the last one is dropped the consumer stops, as by [`stop`](Self::stop).
///
/// ```no_run
/// # use durable_streams_client::{BoxError, DurableStream, Error, FileCheckpoints, Live, handler_fn};
/// # async fn example(orders: DurableStream, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
/// let consumer = orders
///     .read()
///     .live(Live::Auto)
///     .consumer("billing")
///     .store(FileCheckpoints::new("/var/lib/billing"))
///     .start(handler_fn(|batch| async move {
///         for order in batch.json::<serde_json::Value>() {
///             println!("{}", order?);
///         }
///         Ok(())                                             // committed from here on
///     }));
/// shutdown.await;
/// consumer.stop();                                           // after the batch at hand
/// consumer.finished().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "the consumer stops when its last handle is dropped"]
pub struct Consumer {
    shared: Arc<Shared>,
    /// Its drop stops the consumer when it is the last.
    _handle: Arc<Handle>,
}

impl Consumer {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            _handle: Handle::new(&shared),
            shared,
        }
    }

    /// Asks it to stop: the batch at hand is handled to its end and committed. Cannot be undone. A handler may call it.
    ///
    /// [`finished`](Self::finished) waits until it has.
    pub fn stop(&self) {
        self.shared.want(Wish::Stop);
    }

    /// Asks it to pause: the batch at hand is handled to its end and committed, and the connection is given up. A handler may call it.
    ///
    /// [`paused`](Self::paused) waits until it has.
    pub fn pause(&self) {
        self.shared.want(Wish::Pause);
    }

    /// Goes on after a pause, from the committed checkpoint.
    pub fn resume(&self) {
        self.shared.want(Wish::Run);
    }

    /// Waits until it rests after [`pause`](Self::pause): nothing is handled or committed any more until [`resume`](Self::resume). Resolves
    /// as well when it has ended, or is not to pause any more. Not for a handler, which it would wait for.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    pub async fn paused(&self) {
        poll_fn(|cx| self.shared.poll_rest(cx)).await;
    }

    /// Whether it rests.
    pub fn is_paused(&self) -> bool {
        self.shared.is_resting()
    }

    /// Waits until it has ended, and says how; again and again the same. Not for a handler, which it would wait for.
    ///
    /// # Errors
    /// What the handler decided to [stop](Decision::Stop) for, or what was tried again for as long as the
    /// [policy](ConsumerBuilder::retry) allows. [`Stopped`](crate::ErrorKind::Stopped) when its driver was dropped, or the handler panicked.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    pub async fn finished(&self) -> Result<Ended, Error> {
        poll_fn(|cx| self.shared.poll_end(cx)).await
    }

    /// The checkpoint up to which everything is handled and committed; `None` before it is known.
    pub fn committed(&self) -> Option<Checkpoint> {
        self.shared.committed()
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("committed", &self.committed())
            .field("paused", &self.is_paused())
            .field("ended", &self.shared.ended())
            .finish_non_exhaustive()
    }
}

/// Held by the handles: the consumer or worker stops with the last of them.
pub(crate) struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self(Arc::clone(shared)))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.want(Wish::Stop);
    }
}

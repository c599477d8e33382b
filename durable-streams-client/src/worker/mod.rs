//! Working for a subscription, beside others: claim, handle, acknowledge, and keep the lease meanwhile.

mod builder;
mod driver;
mod handler;

pub use builder::WorkerBuilder;
pub use driver::WorkerDriver;
pub use handler::{WorkDecision, WorkFn, WorkHandler, work_fn};

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use durable_streams_core::Error;

use crate::consumer::{Handle, Shared, Wish};

/// Works for a pull-wake subscription (§7.2): it claims wakes, hands what is pending to a [`WorkHandler`], acknowledges what was handled, and
/// renews its lease meanwhile. Others may work for the same subscription: one of them has the lease at a time, with all of its streams.
///
/// - **At least once.** What was handled is acknowledged, and what is acknowledged is given to nobody again. What was handled and not
///   acknowledged, because of a crash or a lost lease, comes again.
/// - **Fenced.** A worker whose lease is over does nothing more under it: handlers are dropped where they wait, nothing is acknowledged. It
///   counts the lease by its own monotonic clock from before it asked for it, so that it stops before another one is let in, whatever
///   the calendars of the two say. What a handler has sent elsewhere by then cannot be called back: that is what at least once is about.
///
/// This is the handle to a worker that runs elsewhere: in the background of the client's runtime ([`start`](WorkerBuilder::start)), or
/// wherever its driver is polled ([`into_parts`](WorkerBuilder::into_parts)). Clones share it. When the last one is dropped the worker stops,
/// as by [`stop`](Self::stop).
///
/// ```no_run
/// # use durable_streams_client::{Client, Error, work_fn};
/// # async fn example(client: Client, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
/// client.stream("wakes/letters").create().content_type("application/json").await?;
/// let letters = client.subscription("letters");
/// letters.create_pull_wake("wakes/letters").pattern("letters/*").await?;
///
/// let worker = letters.worker("worker-7").concurrency(8).start(work_fn(|work| async move {
///     for letter in work.batch.json::<serde_json::Value>() {
///         println!("{}: {}", work.stream, letter?);
///     }
///     Ok(())                                                 // acknowledged from here on
/// }));
/// shutdown.await;
/// worker.stop();                                             // after what is at hand
/// worker.finished().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "the worker stops when its last handle is dropped"]
pub struct Worker {
    shared: Arc<Shared>,
    /// Its drop stops the worker when it is the last.
    _handle: Arc<Handle>,
}

impl Worker {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            _handle: Handle::new(&shared),
            shared,
        }
    }

    /// Asks it to stop: nothing more is handed out, what is at hand is handled to its end and acknowledged, and the rest is given back at
    /// once. Cannot be undone. A handler may call it.
    ///
    /// [`finished`](Self::finished) waits until it has.
    pub fn stop(&self) {
        self.shared.want(Wish::Stop);
    }

    /// Waits until it has ended; again and again the same. Not for a handler, which it would wait for.
    ///
    /// # Errors
    /// What the handler decided to [stop](WorkDecision::Stop) for; what no other attempt can help with, as a subscription that is
    /// [not there](crate::ErrorKind::SubscriptionNotFound), or none that is claimed; what was tried again for as long as the policies allow.
    /// [`Stopped`](crate::ErrorKind::Stopped) when its driver was dropped, or the handler panicked.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    pub async fn finished(&self) -> Result<(), Error> {
        poll_fn(|cx| self.shared.poll_end(cx)).await.map(|_| ())
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("ended", &self.shared.ended())
            .finish_non_exhaustive()
    }
}

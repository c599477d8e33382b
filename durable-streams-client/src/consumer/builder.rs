//! Configures a consumer.

use std::fmt;
use std::sync::Arc;

use durable_streams_core::{Error, RetryPolicy};

use super::driver::{ConsumerDriver, Engine};
use super::handler::Handler;
use super::shared::Shared;
use super::store::CheckpointStore;
use super::{Consumer, Ended};
use crate::blocking;
use crate::reader::ReadBuilder;

/// Configures a [`Consumer`]: how it reads was said before, by the [`ReadBuilder`]. What cannot be sent is reported by the consumer,
/// before any I/O.
#[must_use = "nothing is consumed until it is run or started"]
pub struct ConsumerBuilder {
    read: ReadBuilder,
    name: String,
    store: Option<Arc<dyn CheckpointStore>>,
    retry: RetryPolicy,
}

impl ConsumerBuilder {
    pub(crate) fn new(read: ReadBuilder, name: String) -> Self {
        Self {
            read,
            name,
            store: None,
            retry: RetryPolicy::endless(),
        }
    }

    /// Where checkpoints are committed, under the consumer's name; and where it begins, unless nothing was committed yet: then it begins
    /// where [`ReadBuilder::from`] says. Default: nowhere; it begins there every time.
    pub fn store(mut self, store: impl CheckpointStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// How what failed is tried again, when the handler decides so: a batch, a commit, a reader that gave up. A success starts it over.
    /// When it gives up, the consumer ends with the last error. Default: 100 ms, doubling up to 30 s, without end.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    fn engine<H: Handler>(self, handler: H, shared: &Arc<Shared>) -> Engine<H> {
        let timer = Arc::clone(&self.read.stream().client().0.timer);
        Engine::new(
            handler,
            self.read,
            self.name,
            self.store,
            self.retry,
            timer,
            Arc::clone(shared),
        )
    }

    /// Consumes the stream here and now, until it ends, or for good if it is live.
    ///
    /// # Errors
    /// As [`Consumer::finished`].
    ///
    /// # Cancel safety
    /// Dropping it is a crash: a batch that was at hand may be handled again by the next consumer, and nothing is lost. For an end in
    /// order use [`into_parts`](Self::into_parts) or [`start`](Self::start), and [`Consumer::stop`].
    pub async fn run<H: Handler>(self, handler: H) -> Result<Ended, Error> {
        let shared = Arc::default();
        self.engine(handler, &shared).run().await
    }

    /// As [`run`](Self::run), on this thread, which is blocked meanwhile: see [`blocking`].
    ///
    /// # Errors
    /// As [`Consumer::finished`]; and [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) for a client that needs a runtime of the
    /// caller's.
    pub fn run_blocking<H: Handler>(self, handler: H) -> Result<Ended, Error> {
        blocking::check(self.read.stream().client())?;
        blocking::block_on(self.run(handler))
    }

    /// The handle, and the future that does the work. For runtimes that the client has no spawner for.
    pub fn into_parts<H: Handler + 'static>(self, handler: H) -> (Consumer, ConsumerDriver) {
        let shared = Arc::default();
        let engine = self.engine(handler, &shared);
        let consumer = Consumer::new(Arc::clone(&shared));
        (consumer, ConsumerDriver::new(engine, shared))
    }

    /// Consumes the stream in the background of the client's runtime.
    ///
    /// On a client without a spawner ([`ClientBuilder::spawner`](crate::ClientBuilder::spawner)) it has ended at once, with an error that
    /// says so.
    pub fn start<H: Handler + 'static>(self, handler: H) -> Consumer {
        let spawner = self.read.stream().client().0.spawner.clone();
        let (consumer, driver) = self.into_parts(handler);
        match spawner {
            Some(spawn) => spawn(Box::pin(driver)),
            None => driver.refuse("the client has no spawner: use into_parts, and poll the driver"),
        }
        consumer
    }
}

impl fmt::Debug for ConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerBuilder")
            .field("name", &self.name)
            .field("read", &self.read)
            .field("store", &self.store)
            .field("retry", &self.retry)
            .finish()
    }
}

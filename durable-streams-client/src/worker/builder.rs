//! Configures a worker.

use std::sync::Arc;
use std::time::Duration;

use durable_streams_core::{
    Error, Extras, Live, OperationKind, RetryPolicy, Worker as Machine, WorkerConfig,
};

use super::Worker;
use super::driver::{Engine, WorkerDriver};
use super::handler::WorkHandler;
use crate::blocking;
use crate::consumer::Shared;
use crate::driver::Driver;
use crate::subscription::Subscription;

/// Configures a [`Worker`]. What cannot be sent is reported by the worker, before any I/O.
#[must_use = "nothing is worked on until it is run or started"]
#[derive(Debug)]
pub struct WorkerBuilder {
    subscription: Subscription,
    name: String,
    config: Result<WorkerConfig, Error>,
}

impl WorkerBuilder {
    pub(crate) fn new(subscription: Subscription, name: String) -> Self {
        let client = subscription.client();
        let settings = &client.0.settings;
        let config = subscription.url().and_then(|url| {
            let config = WorkerConfig::new(client.root(), url.id(), &name)?;
            Ok(config
                .retry(settings.read_retry.clone())
                .request_timeout(settings.request_timeout)
                .long_poll_timeout(settings.long_poll_timeout)
                .sse_idle_timeout(settings.sse_idle_timeout)
                .seed(fastrand::u64(..)))
        });
        Self {
            config,
            subscription,
            name,
        }
    }

    fn map(mut self, change: impl FnOnce(WorkerConfig) -> WorkerConfig) -> Self {
        self.config = self.config.map(change);
        self
    }

    /// How many streams are worked on at a time; each stream's batches come one after the other. Of every stream that is worked on, a batch
    /// may be at the handler and another one in memory. Default 8; 0 counts as 1.
    pub fn concurrency(self, streams: usize) -> Self {
        self.map(|config| config.concurrency(streams))
    }

    /// How wakes are waited for. [`Live::Off`] looks for work at the [interval](Self::poll_interval) alone. Default [`Live::Auto`].
    pub fn live(self, live: Live) -> Self {
        self.map(|config| config.live(live))
    }

    /// How requests that failed are tried again. When it gives up while the worker asks for work, the worker ends with that error; a stream
    /// that cannot be read is brought to [`WorkHandler::failed`]. Reports on work are tried again as long as the lease holds. Default: the
    /// client's for reading.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.map(|config| config.retry(policy))
    }

    /// When a stream whose work failed comes again, where the handler decides so; a success starts it over. When it gives up, the worker ends
    /// with the last error. Default: 100 ms, doubling up to 30 s, without end.
    pub fn work_retry(self, policy: RetryPolicy) -> Self {
        self.map(|config| config.work_retry(policy))
    }

    /// After so long without a wake it looks for work all the same. Default 30 s.
    pub fn poll_interval(self, interval: Duration) -> Self {
        self.map(|config| config.poll_interval(interval))
    }

    /// How long an answer may take to begin, and a body may stand still. Reports on work have no longer than a third of the lease. Default:
    /// the client's.
    pub fn request_timeout(self, limit: Duration) -> Self {
        self.map(|config| config.request_timeout(limit))
    }

    /// About how much one batch of a long answer holds. Default 256 KiB.
    pub fn max_batch_bytes(self, limit: usize) -> Self {
        self.map(|config| config.max_batch_bytes(limit))
    }

    /// The largest message that is kept in memory. Default 64 MiB.
    pub fn max_message_bytes(self, limit: usize) -> Self {
        self.map(|config| config.max_message_bytes(limit))
    }

    fn engine<H: WorkHandler>(self, handler: H, shared: &Arc<Shared>) -> Engine<H> {
        let url = self.subscription.url().cloned();
        let driver = self.config.and_then(|config| {
            let session = self.subscription.handle().session(&Extras::new())?;
            Ok(Driver::new(Machine::new(config), Arc::new(session)))
        });
        let driver = driver.map_err(|error| match &url {
            Ok(url) => error.at(OperationKind::Claim, url.url()),
            Err(_) => error,
        });
        let subscription = url.map_or_else(|_| String::new(), |url| url.id().to_owned());
        Engine::new(handler, driver, subscription, self.name, Arc::clone(shared))
    }

    /// Works here and now, until it fails.
    ///
    /// # Errors
    /// As [`Worker::finished`].
    ///
    /// # Cancel safety
    /// Dropping it is a crash: what was handled and not acknowledged comes again, to whoever has the wake when the lease of this one has run
    /// out. For an end in order use [`into_parts`](Self::into_parts) or [`start`](Self::start), and [`Worker::stop`].
    pub async fn run<H: WorkHandler>(self, handler: H) -> Result<(), Error> {
        let shared = Arc::default();
        self.engine(handler, &shared).run().await
    }

    /// As [`run`](Self::run), on this thread, which is blocked meanwhile: see [`blocking`].
    ///
    /// # Errors
    /// As [`Worker::finished`]; and [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) for a client that needs a runtime of the
    /// caller's.
    pub fn run_blocking<H: WorkHandler>(self, handler: H) -> Result<(), Error> {
        blocking::check(self.subscription.client())?;
        blocking::block_on(self.run(handler))
    }

    /// The handle, and the future that does the work. For runtimes that the client has no spawner for.
    pub fn into_parts<H: WorkHandler + 'static>(self, handler: H) -> (Worker, WorkerDriver) {
        let shared = Arc::default();
        let engine = self.engine(handler, &shared);
        let worker = Worker::new(Arc::clone(&shared));
        (worker, WorkerDriver::new(engine, shared))
    }

    /// Works in the background of the client's runtime.
    ///
    /// On a client without a spawner ([`ClientBuilder::spawner`](crate::ClientBuilder::spawner)) it has ended at once, with an error that
    /// says so.
    pub fn start<H: WorkHandler + 'static>(self, handler: H) -> Worker {
        let spawner = self.subscription.client().0.spawner.clone();
        let (worker, driver) = self.into_parts(handler);
        match spawner {
            Some(spawn) => spawn(Box::pin(driver)),
            None => driver.refuse("the client has no spawner: use into_parts, and poll the driver"),
        }
        worker
    }
}

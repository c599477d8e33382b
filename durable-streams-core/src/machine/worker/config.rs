//! How a worker behaves.

use std::time::Duration;

use crate::machine::reader::{Live, ReaderConfig};
use crate::wire::control::SubscriptionUrl;
use crate::wire::error::Error;
use crate::wire::retry::RetryPolicy;
use crate::wire::url::StreamUrl;

/// What a [`Worker`](super::Worker) is asked to do. Everything but the subscription and the name has a default.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    pub(super) root: StreamUrl,
    pub(super) subscription: SubscriptionUrl,
    pub(super) name: String,
    pub(super) concurrency: usize,
    pub(super) live: Live,
    pub(super) retry: RetryPolicy,
    pub(super) work_retry: RetryPolicy,
    pub(super) poll_interval: Duration,
    pub(super) request_timeout: Duration,
    pub(super) long_poll_timeout: Duration,
    pub(super) sse_idle_timeout: Duration,
    pub(super) max_batch_bytes: usize,
    pub(super) max_message_bytes: usize,
    pub(super) seed: u64,
}

impl WorkerConfig {
    /// A worker of the pull-wake subscription of this id to streams below this root. Its name is told to others that want the same
    /// wake; it need not be unique.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the id is none, or the name is empty.
    pub fn new(
        root: &StreamUrl,
        id: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<Self, Error> {
        let name = name.into();
        if name.is_empty() {
            return Err(Error::invalid("a worker has a name"));
        }
        Ok(Self {
            root: root.clone(),
            subscription: SubscriptionUrl::new(root, id)?,
            name,
            concurrency: 8,
            live: Live::Auto,
            retry: RetryPolicy::endless(),
            work_retry: RetryPolicy::endless(),
            poll_interval: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            long_poll_timeout: Duration::from_secs(65),
            sse_idle_timeout: Duration::from_secs(90),
            max_batch_bytes: 256 * 1024,
            max_message_bytes: 64 * 1024 * 1024,
            seed: 0,
        })
    }

    /// How many streams are worked on at a time, each in its order. Of every one of them a batch may be out and another one be kept.
    /// Default 8; 0 counts as 1.
    #[must_use]
    pub fn concurrency(mut self, streams: usize) -> Self {
        self.concurrency = streams.max(1);
        self
    }

    /// How wakes are waited for: as [`ReaderConfig::live`]; [`Live::Off`] leaves it at [`poll_interval`](Self::poll_interval).
    /// Default [`Live::Auto`].
    #[must_use]
    pub fn live(mut self, live: Live) -> Self {
        self.live = live;
        self
    }

    /// How requests that failed are tried again. When it gives up, a worker that asks for work fails, and a stream with work is
    /// [`Unreadable`](super::Unreadable). Reports on work are tried again as long as the lease holds, whatever this says. Default: 100 ms,
    /// doubling up to 30 s, without end.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// When a stream whose work failed comes again; what worked starts it over. See [`Worker::failed`](super::Worker::failed). Default:
    /// 100 ms, doubling up to 30 s, without end.
    #[must_use]
    pub fn work_retry(mut self, policy: RetryPolicy) -> Self {
        self.work_retry = policy;
        self
    }

    /// After so long without a wake it asks for work all the same: for wakes that never came. Default 30 s.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long an answer may take to begin, and a body may stand still. Reports on work have no longer than a third of the lease. Default
    /// 30 s.
    #[must_use]
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = limit;
        self
    }

    /// How long a long-poll for wakes may go unanswered. Longer than the server waits. Default 65 s.
    #[must_use]
    pub fn long_poll_timeout(mut self, limit: Duration) -> Self {
        self.long_poll_timeout = limit;
        self
    }

    /// How long an event stream of wakes may be without a byte before it is opened anew. Default 90 s.
    #[must_use]
    pub fn sse_idle_timeout(mut self, limit: Duration) -> Self {
        self.sse_idle_timeout = limit;
        self
    }

    /// About how much one batch of a long answer holds. A single larger message still comes whole. Default 256 KiB.
    #[must_use]
    pub fn max_batch_bytes(mut self, limit: usize) -> Self {
        self.max_batch_bytes = limit;
        self
    }

    /// The largest JSON message that is kept in memory. Default 64 MiB.
    #[must_use]
    pub fn max_message_bytes(mut self, limit: usize) -> Self {
        self.max_message_bytes = limit;
        self
    }

    /// The seed of the jitter. Default 0: give workers different ones.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How a stream is read, whatever it is for.
    pub(super) fn reader(&self, url: StreamUrl, seed: u64) -> ReaderConfig {
        ReaderConfig::new(url)
            .retry(self.retry.clone())
            .request_timeout(self.request_timeout)
            .long_poll_timeout(self.long_poll_timeout)
            .sse_idle_timeout(self.sse_idle_timeout)
            .max_batch_bytes(self.max_batch_bytes)
            .max_message_bytes(self.max_message_bytes)
            // Streams are read beside each other, which is ahead enough.
            .prefetch(0)
            .seed(seed)
    }
}

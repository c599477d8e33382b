//! How a reader behaves.

use std::time::Duration;

use crate::wire::error::Error;
use crate::wire::position::Start;
use crate::wire::retry::RetryPolicy;
use crate::wire::url::StreamUrl;

/// What a reader does once it has come to the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Live {
    /// It ends.
    #[default]
    Off,
    /// It waits for more by long-poll (§5.7).
    LongPoll,
    /// It waits for more by server-sent events (§5.8), and by long-poll where they are refused or do not get through.
    Sse,
    /// As [`Sse`](Self::Sse) for JSON and text, as [`LongPoll`](Self::LongPoll) for binary streams, which
    /// travel over server-sent events a third larger.
    Auto,
}

/// What a [`Reader`](super::Reader) is asked to do. Everything but the URL has a default.
#[derive(Debug, Clone)]
pub struct ReaderConfig {
    pub(super) url: StreamUrl,
    pub(super) start: Start,
    pub(super) live: Live,
    pub(super) retry: RetryPolicy,
    pub(super) request_timeout: Duration,
    pub(super) long_poll_timeout: Duration,
    pub(super) sse_idle_timeout: Duration,
    pub(super) max_message_bytes: usize,
    pub(super) max_batch_bytes: usize,
    pub(super) prefetch: usize,
    pub(super) max_prefetch_bytes: usize,
    pub(super) cross_origin_redirects: bool,
    pub(super) if_none_match: Option<String>,
    pub(super) seed: u64,
}

impl ReaderConfig {
    /// Reads the stream at this URL from its beginning to its tail.
    pub fn new(url: StreamUrl) -> Self {
        Self {
            url,
            start: Start::Beginning,
            live: Live::Off,
            retry: RetryPolicy::endless(),
            request_timeout: Duration::from_secs(30),
            long_poll_timeout: Duration::from_secs(65),
            sse_idle_timeout: Duration::from_secs(90),
            max_message_bytes: 64 * 1024 * 1024,
            max_batch_bytes: 256 * 1024,
            prefetch: 2,
            max_prefetch_bytes: 1024 * 1024,
            cross_origin_redirects: false,
            if_none_match: None,
            seed: 0,
        }
    }

    /// Where to begin. Default: the beginning of the stream.
    #[must_use]
    pub fn from(mut self, start: impl Into<Start>) -> Self {
        self.start = start.into();
        self
    }

    /// What to do at the tail. Default: end.
    #[must_use]
    pub fn live(mut self, live: Live) -> Self {
        self.live = live;
        self
    }

    /// How failed requests are tried again. Default: 100 ms, doubling up to 30 s, without end.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long an answer may take to begin, and a body may stand still. Not for waiting live requests. Default 30 s.
    #[must_use]
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = limit;
        self
    }

    /// How long a long-poll may go unanswered. Longer than the server waits, or every quiet poll is an error. Default 65 s.
    #[must_use]
    pub fn long_poll_timeout(mut self, limit: Duration) -> Self {
        self.long_poll_timeout = limit;
        self
    }

    /// How long an event stream may be without a byte before it is opened anew. Default 90 s.
    #[must_use]
    pub fn sse_idle_timeout(mut self, limit: Duration) -> Self {
        self.sse_idle_timeout = limit;
        self
    }

    /// The largest JSON message, and the largest group of server-sent events before their control event, that is kept
    /// in memory. Larger ones are [`LimitExceeded`](crate::ErrorKind::LimitExceeded). Default 64 MiB.
    #[must_use]
    pub fn max_message_bytes(mut self, limit: usize) -> Self {
        self.max_message_bytes = limit.max(1);
        self
    }

    /// About how much one batch of a long answer holds. A single larger message still comes whole. Default 256 KiB.
    #[must_use]
    pub fn max_batch_bytes(mut self, limit: usize) -> Self {
        self.max_batch_bytes = limit.max(1);
        self
    }

    /// On catch-up, ask for so many answers ahead: each is asked for as soon as the head of the one before says where it begins.
    /// What is delivered stays the same. Default 2; 0 asks for one answer at a time.
    #[must_use]
    pub fn prefetch(mut self, answers: usize) -> Self {
        self.prefetch = answers;
        self
    }

    /// About how much of the answers ahead is kept in memory: beyond it none is asked for, and none is read on. Default 1 MiB.
    #[must_use]
    pub fn max_prefetch_bytes(mut self, limit: usize) -> Self {
        self.max_prefetch_bytes = limit;
        self
    }

    /// Follow redirects to other origins too. They get no header and no parameter of the application. Default: no.
    #[must_use]
    pub fn cross_origin_redirects(mut self, allowed: bool) -> Self {
        self.cross_origin_redirects = allowed;
        self
    }

    /// Send this entity tag with the first request: when nothing changed since, a reader that is not live ends without a batch.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it cannot be sent.
    pub fn if_none_match(mut self, etag: impl Into<String>) -> Result<Self, Error> {
        let etag = etag.into();
        http::HeaderValue::from_str(&etag)
            .map_err(|_| Error::invalid("the entity tag cannot be sent"))?;
        self.if_none_match = Some(etag);
        Ok(self)
    }

    /// The seed of the jitter. Default 0: give readers different ones.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

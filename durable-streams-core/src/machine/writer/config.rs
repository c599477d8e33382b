//! How a writer behaves.

use std::sync::Arc;
use std::time::Duration;

use crate::wire::error::Error;
use crate::wire::header::MAX_INTEGER;
use crate::wire::retry::RetryPolicy;
use crate::wire::url::StreamUrl;

/// What happens, after another epoch was claimed, to messages that may have been stored under the old one (§5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AfterClaim {
    /// They are sent again under the new epoch: none is lost, and one may be stored twice.
    #[default]
    Resend,
    /// They fail with an error that says they may have been applied: none is stored twice, and the caller decides.
    Report,
}

/// What a [`Writer`](super::Writer) is asked to do. Everything but stream, content type and id has a default.
#[derive(Debug, Clone)]
pub struct WriterConfig {
    pub(super) url: StreamUrl,
    pub(super) content_type: String,
    pub(super) producer_id: Arc<str>,
    pub(super) epoch: u64,
    pub(super) auto_claim: bool,
    pub(super) after_claim: AfterClaim,
    pub(super) max_claims: u32,
    pub(super) max_batch_bytes: usize,
    pub(super) max_batch_messages: usize,
    pub(super) linger: Duration,
    pub(super) max_in_flight: usize,
    pub(super) max_buffer_bytes: usize,
    pub(super) max_buffer_messages: usize,
    pub(super) retry: RetryPolicy,
    pub(super) request_timeout: Duration,
    pub(super) seed: u64,
}

impl WriterConfig {
    /// A writer to this stream. The id tells writers of one stream apart: two that live at the same time need two.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the id is empty, or one of them cannot be sent.
    pub fn new(
        url: StreamUrl,
        content_type: impl Into<String>,
        producer_id: impl Into<Arc<str>>,
    ) -> Result<Self, Error> {
        let (content_type, producer_id) = (content_type.into(), producer_id.into());
        if producer_id.is_empty() || !producer_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid(
                "a producer's id is visible ASCII, and not empty",
            ));
        }
        if content_type.is_empty() || http::HeaderValue::from_str(&content_type).is_err() {
            return Err(Error::invalid("the content type cannot be sent"));
        }
        Ok(Self {
            url,
            content_type,
            producer_id,
            epoch: 0,
            auto_claim: false,
            after_claim: AfterClaim::default(),
            max_claims: 10,
            max_batch_bytes: 1024 * 1024,
            max_batch_messages: 1000,
            linger: Duration::from_millis(5),
            max_in_flight: 5,
            max_buffer_bytes: 64 * 1024 * 1024,
            max_buffer_messages: 100_000,
            retry: RetryPolicy::writers(),
            request_timeout: Duration::from_secs(30),
            seed: 0,
        })
    }

    /// The epoch to begin with. Default 0.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is over 2^53−1.
    pub fn epoch(mut self, epoch: u64) -> Result<Self, Error> {
        if epoch > MAX_INTEGER {
            return Err(Error::invalid("an epoch is at most 2^53-1"));
        }
        self.epoch = epoch;
        Ok(self)
    }

    /// When fenced by another epoch, claim the next one instead of failing. Default: no.
    ///
    /// It rests on telling one's own acknowledgements from those of another writer of the same id. Something on the way that
    /// repeats a request and passes on the second answer makes that impossible, as do two writers that claim the same
    /// epoch at the same moment and lose their first answers.
    #[must_use]
    pub fn auto_claim(mut self, claim: bool) -> Self {
        self.auto_claim = claim;
        self
    }

    /// What happens after a claim to messages that may have been stored. Default: they are sent again.
    #[must_use]
    pub fn after_claim(mut self, choice: AfterClaim) -> Self {
        self.after_claim = choice;
        self
    }

    /// How many claims in a row may fail before the writer does. Default 10.
    #[must_use]
    pub fn max_claims(mut self, claims: u32) -> Self {
        self.max_claims = claims;
        self
    }

    /// The largest body of a request; a single larger message still goes, alone. Default 1 MiB.
    #[must_use]
    pub fn max_batch_bytes(mut self, limit: usize) -> Self {
        self.max_batch_bytes = limit.max(1);
        self
    }

    /// The most messages in a request. Default 1 000.
    #[must_use]
    pub fn max_batch_messages(mut self, limit: usize) -> Self {
        self.max_batch_messages = limit.max(1);
        self
    }

    /// How long the first message of a batch waits for others. Default 5 ms; zero sends as soon as a request may go.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// The most requests in flight. Default 5. They get fewer while requests overtake each other on their way, which they do over
    /// several connections: what arrives too early has to be sent again.
    #[must_use]
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests.max(1);
        self
    }

    /// The most bytes of messages that are kept until they are stored. Default 64 MiB. As long as some are, the memory of stored
    /// batches is kept for the next ones, of as many as can be in flight.
    #[must_use]
    pub fn max_buffer_bytes(mut self, limit: usize) -> Self {
        self.max_buffer_bytes = limit.max(1);
        self
    }

    /// The most messages that are kept until they are stored. Default 100 000.
    #[must_use]
    pub fn max_buffer_messages(mut self, limit: usize) -> Self {
        self.max_buffer_messages = limit.max(1);
        self
    }

    /// How failed requests are tried again. Default: given up after 10 attempts or 2 minutes, whichever is later.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long one request may take. Default 30 s.
    #[must_use]
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = limit;
        self
    }

    /// The seed of the jitter. Default 0: give writers different ones.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

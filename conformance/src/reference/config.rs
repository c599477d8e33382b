//! What a server is free to choose.

use std::time::Duration;

use super::choice::{AnswerStyle, OffsetFormat, SseStyle};
use super::defect::{Defect, Flaws};
use super::json::{SPACED, Spacing, TIGHT};
use super::log::Limits;

/// The choices the protocol leaves to a server.
///
/// ```
/// use std::time::Duration;
/// use durable_streams_conformance::reference::Config;
///
/// let config = Config::default()
///     .with_long_poll_timeout(Duration::from_millis(200))
///     .with_page_bytes(4096);
/// assert_eq!(config.page_bytes, Some(4096));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How long a long-poll waits for data before it answers 204 (§5.7). 30 seconds by default.
    pub long_poll_timeout: Duration,
    /// How long an SSE connection stays open before the server ends it (§5.8). 60 seconds by default.
    pub sse_lifetime: Duration,
    /// The most content one answer carries, in bytes (§5.6), and one SSE event too; `None` gives everything
    /// at once. JSON answers hold whole messages, at least one, whatever the limit. 1 MiB by default.
    pub page_bytes: Option<usize>,
    /// The most appends one answer carries content of, and one SSE event too; messages, in a JSON stream. `None`, the
    /// default, sets no limit but that in bytes.
    pub page_appends: Option<usize>,
    /// The longest request body that is taken; a longer one is refused with 413. 64 MiB by default.
    pub max_body_bytes: usize,
    /// How much content a stream keeps, in bytes, when more is appended (§4): before it is written, the oldest
    /// appends (messages, in a JSON stream) are dropped until no more than this is left. Offsets before what
    /// is left are answered with 410, and the beginning is its beginning. A stream that has forks drops
    /// nothing. `None`, the default, keeps everything.
    pub retention_bytes: Option<usize>,
    /// How long the listener waits before it takes a request to the model, as if it were far away. Not at all by default.
    pub answer_delay: Duration,
    /// How long the listener waits between the head of an answer with content and the content, as if that were fetched from a
    /// slower place than what is known about it. Not at all by default.
    pub body_delay: Duration,
    /// Whether webhooks may go to this machine, by plain HTTP, as tests need it (§12.8). Otherwise they go over TLS, and
    /// to nowhere local. No by default.
    pub local_webhooks: bool,
    /// How offsets look (§8).
    pub offsets: OffsetFormat,
    /// How events are written (§5.8), other than in the plainest way.
    pub sse: Vec<SseStyle>,
    /// How answers are written, other than in the plainest way.
    pub answers: Vec<AnswerStyle>,
    /// Seeds everything that is random: cursor jitter (§10.1), the identities in entity tags, the jitter of retries; and
    /// the key that webhooks are signed with (§6.5).
    pub seed: u64,
    /// What the server does wrong, for suites that are to notice it. Nothing by default.
    pub defect: Option<Defect>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            long_poll_timeout: Duration::from_secs(30),
            sse_lifetime: Duration::from_secs(60),
            page_bytes: Some(1024 * 1024),
            page_appends: None,
            max_body_bytes: 64 * 1024 * 1024,
            retention_bytes: None,
            answer_delay: Duration::ZERO,
            body_delay: Duration::ZERO,
            local_webhooks: false,
            offsets: OffsetFormat::Hex,
            sse: Vec::new(),
            answers: Vec::new(),
            seed: 0,
            defect: None,
        }
    }
}

impl Config {
    /// Sets [`long_poll_timeout`](Self::long_poll_timeout).
    #[must_use]
    pub fn with_long_poll_timeout(mut self, timeout: Duration) -> Self {
        self.long_poll_timeout = timeout;
        self
    }

    /// Sets [`sse_lifetime`](Self::sse_lifetime).
    #[must_use]
    pub fn with_sse_lifetime(mut self, lifetime: Duration) -> Self {
        self.sse_lifetime = lifetime;
        self
    }

    /// Sets [`page_bytes`](Self::page_bytes): a number, or `None` for no limit.
    #[must_use]
    pub fn with_page_bytes(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.page_bytes = bytes.into();
        self
    }

    /// Sets [`page_appends`](Self::page_appends): a number, or `None` for no limit.
    #[must_use]
    pub fn with_page_appends(mut self, appends: impl Into<Option<usize>>) -> Self {
        self.page_appends = appends.into();
        self
    }

    /// Sets [`max_body_bytes`](Self::max_body_bytes).
    #[must_use]
    pub fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets [`retention_bytes`](Self::retention_bytes): a number, or `None` to keep everything.
    #[must_use]
    pub fn with_retention_bytes(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.retention_bytes = bytes.into();
        self
    }

    /// Sets [`answer_delay`](Self::answer_delay).
    #[must_use]
    pub fn with_answer_delay(mut self, delay: Duration) -> Self {
        self.answer_delay = delay;
        self
    }

    /// Sets [`body_delay`](Self::body_delay).
    #[must_use]
    pub fn with_body_delay(mut self, delay: Duration) -> Self {
        self.body_delay = delay;
        self
    }

    /// Sets [`local_webhooks`](Self::local_webhooks).
    #[must_use]
    pub fn with_local_webhooks(mut self, allowed: bool) -> Self {
        self.local_webhooks = allowed;
        self
    }

    /// Sets [`offsets`](Self::offsets).
    #[must_use]
    pub fn with_offsets(mut self, format: OffsetFormat) -> Self {
        self.offsets = format;
        self
    }

    /// Adds to [`sse`](Self::sse).
    #[must_use]
    pub fn with_sse(mut self, styles: impl IntoIterator<Item = SseStyle>) -> Self {
        self.sse.extend(styles);
        self
    }

    /// Adds to [`answers`](Self::answers).
    #[must_use]
    pub fn with_answers(mut self, styles: impl IntoIterator<Item = AnswerStyle>) -> Self {
        self.answers.extend(styles);
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The rule that does not hold, if [`defect`](Self::defect) is one.
    pub(crate) fn flaws(&self) -> Flaws {
        Flaws::of(self.defect.and_then(|defect| defect.flaw()))
    }

    /// Sets [`defect`](Self::defect).
    #[must_use]
    pub fn with_defect(mut self, defect: Defect) -> Self {
        self.defect = Some(defect);
        self
    }

    /// Does it write answers like this?
    pub(super) fn answers_like(&self, style: AnswerStyle) -> bool {
        self.answers.contains(&style)
    }

    /// Does it write events like this?
    pub(super) fn sse_like(&self, style: SseStyle) -> bool {
        self.sse.contains(&style)
    }

    /// How arrays in answers are written.
    pub(super) fn spacing(&self) -> Spacing {
        if self.answers_like(AnswerStyle::Space) {
            SPACED
        } else {
            TIGHT
        }
    }

    /// How much one answer carries.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            bytes: self.page_bytes,
            pieces: self.page_appends,
        }
    }
}

//! Reading a stream: a session that survives what fails, and resumes from any checkpoint.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use durable_streams_core::{
    Batch, Checkpoint, Error, Extras, Live, Notice, OperationKind, Reader as Machine, ReaderConfig,
    ReaderEvent, RetryPolicy, Start,
};
use futures_core::Stream;
use http::StatusCode;

use crate::blocking;
use crate::consumer::ConsumerBuilder;
use crate::driver::Driver;
use crate::log;
use crate::metrics::Delivered;
use crate::session::Session;
use crate::stream::{DurableStream, edit};

/// Configures a [`Reader`]. What cannot be sent is reported by the reader, before any I/O.
#[must_use = "nothing is read until the reader is started"]
#[derive(Debug, Clone)]
pub struct ReadBuilder {
    stream: DurableStream,
    config: Result<ReaderConfig, Error>,
    extras: Result<Extras, Error>,
    start: Start,
    cursor: Option<String>,
}

impl ReadBuilder {
    pub(crate) fn new(stream: DurableStream) -> Self {
        let settings = &stream.client().0.settings;
        let config = stream.url().map(|url| {
            ReaderConfig::new(url.clone())
                .retry(settings.read_retry.clone())
                .request_timeout(settings.request_timeout)
                .long_poll_timeout(settings.long_poll_timeout)
                .sse_idle_timeout(settings.sse_idle_timeout)
                .prefetch(settings.prefetch)
                .seed(fastrand::u64(..))
        });
        Self {
            config,
            extras: Ok(Extras::new()),
            start: Start::Beginning,
            cursor: None,
            stream,
        }
    }

    fn map(mut self, change: impl FnOnce(ReaderConfig) -> ReaderConfig) -> Self {
        self.config = self.config.map(change);
        self
    }

    /// Where to begin: a [`Checkpoint`], an [`Offset`](crate::Offset), a [`Start`], or an `Option` of one, of which `None` is the
    /// beginning. Default: the beginning.
    pub fn from(mut self, start: impl Into<Start>) -> Self {
        self.start = start.into();
        self
    }

    /// A cursor kept elsewhere than in a checkpoint, which the first live request echoes (§10.1).
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// What to do at the tail. Default: end.
    pub fn live(self, live: Live) -> Self {
        self.map(|config| config.live(live))
    }

    /// How failed requests are tried again. Default: the client's.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.map(|config| config.retry(policy))
    }

    /// How long an answer may take to begin, and a body may stand still. Default: the client's.
    pub fn request_timeout(self, limit: Duration) -> Self {
        self.map(|config| config.request_timeout(limit))
    }

    /// How long a long-poll may go unanswered. Default: the client's.
    pub fn long_poll_timeout(self, limit: Duration) -> Self {
        self.map(|config| config.long_poll_timeout(limit))
    }

    /// How long an event stream may be without a byte. Default: the client's.
    pub fn sse_idle_timeout(self, limit: Duration) -> Self {
        self.map(|config| config.sse_idle_timeout(limit))
    }

    /// The largest message that is kept in memory. Default 64 MiB.
    pub fn max_message_bytes(self, limit: usize) -> Self {
        self.map(|config| config.max_message_bytes(limit))
    }

    /// About how much one batch of a long answer holds. Default 256 KiB.
    pub fn max_batch_bytes(self, limit: usize) -> Self {
        self.map(|config| config.max_batch_bytes(limit))
    }

    /// On catch-up, ask for so many answers ahead: each is asked for as soon as the head of the one before says where it begins.
    /// What is delivered stays the same; 0 asks for one answer at a time. Default: the client's.
    pub fn prefetch(self, answers: usize) -> Self {
        self.map(|config| config.prefetch(answers))
    }

    /// About how much of the answers ahead is kept in memory: beyond it none is asked for, and none is read on. Default 1 MiB.
    pub fn max_prefetch_bytes(self, limit: usize) -> Self {
        self.map(|config| config.max_prefetch_bytes(limit))
    }

    /// Follow redirects to other origins too; they get none of the application's headers. Default: no.
    pub fn cross_origin_redirects(self, allowed: bool) -> Self {
        self.map(|config| config.cross_origin_redirects(allowed))
    }

    /// The entity tag of an earlier answer: when nothing changed since, a reader that is not live ends without a batch.
    pub fn if_none_match(mut self, etag: impl Into<String>) -> Self {
        self.config = self.config.and_then(|config| config.if_none_match(etag));
        self
    }

    /// A header for every request of this reader.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_header(name, value));
        self
    }

    /// A query parameter for every request of this reader.
    pub fn param(mut self, key: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_param(key, value));
        self
    }

    /// The reader. Nothing is sent until it is polled.
    pub fn start(self) -> Reader {
        let url = self.stream.url().cloned();
        let state = self.build().map_err(|error| match &url {
            Ok(url) => error.at(OperationKind::Read, url),
            Err(_) => error,
        });
        Reader {
            state,
            failed: None,
            told: false,
            behind_since: None,
        }
    }

    /// The reader as an iterator that blocks: see [`blocking`]. It gives an error for a client that needs a runtime of the caller's.
    pub fn start_blocking(mut self) -> blocking::Reader {
        if let Err(error) = blocking::check(self.stream.client()) {
            self.config = Err(error);
        }
        blocking::Reader::new(self.start())
    }

    /// Consumes the stream under supervision: each batch is handled, then its checkpoint is committed under this name, and failures are
    /// decided upon. One name for each consumer of a store.
    pub fn consumer(self, name: impl Into<String>) -> ConsumerBuilder {
        ConsumerBuilder::new(self, name.into())
    }

    pub(crate) fn stream(&self) -> &DurableStream {
        &self.stream
    }

    /// The next reader begins here.
    pub(crate) fn go_on_from(&mut self, start: Start) {
        self.start = start;
        self.cursor = None;
    }

    fn build(self) -> Result<Driver<Machine>, Error> {
        let session = self.stream.session(&self.extras?)?;
        let start = match (self.start, self.cursor) {
            (start, None) => start,
            (Start::At(checkpoint), Some(cursor)) => Start::At(checkpoint.with_cursor(cursor)?),
            (_, Some(_)) => {
                return Err(Error::invalid(
                    "a cursor goes with the position it was received with",
                ));
            }
        };
        let config = self.config?.from(start);
        Ok(Driver::new(Machine::new(config), Arc::new(session)))
    }
}

/// Reads a stream, batch by batch, in order and exactly once.
///
/// It keeps going through whatever can pass: lost connections, 429, 5xx, bodies that are cut. It ends when the stream is
/// closed and everything was delivered, or at the tail when it is not live. An error is never reported as an end. It is driven by
/// whoever polls it: between calls nothing happens in the background, and a slow consumer slows the server down.
///
/// It is also a [`futures` stream](Stream), which gives an error once and then ends.
pub struct Reader {
    state: Result<Driver<Machine>, Error>,
    failed: Option<Error>,
    /// Whether the stream interface has given its last item.
    told: bool,
    /// Since when it is not at the tail, where somebody wants to know.
    behind_since: Option<Instant>,
}

/// Tells the metrics of a batch, if there are any.
fn measure(session: &Session, batch: &Batch, behind_since: &mut Option<Instant>) {
    let Some(metrics) = session.metrics() else {
        return;
    };
    let now = session.now();
    let since = *behind_since.get_or_insert(now);
    if batch.is_up_to_date() {
        *behind_since = Some(now);
    }
    let behind_for = if batch.is_up_to_date() {
        Duration::ZERO
    } else {
        now.saturating_duration_since(since)
    };
    metrics.delivered(&Delivered {
        messages: batch.messages().len(),
        bytes: batch.size(),
        up_to_date: batch.is_up_to_date(),
        behind_for,
    });
}

impl Reader {
    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// What cannot pass by itself, or did not within the retry policy. Every later call gives the same error; to go on, start
    /// a new reader from [`checkpoint`](Self::checkpoint).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what has arrived stays in the reader for the next call.
    pub async fn next(&mut self) -> Result<Option<Batch>, Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Batch>, Error>> {
        let driver = match (&mut self.state, &self.failed) {
            (Err(error), _) => return Poll::Ready(Err(error.clone())),
            (_, Some(error)) => return Poll::Ready(Err(error.clone())),
            (Ok(driver), None) => driver,
        };
        loop {
            match ready!(driver.poll_event(cx)) {
                Some(ReaderEvent::Batch(batch)) => {
                    measure(driver.session(), &batch, &mut self.behind_since);
                    return Poll::Ready(Ok(Some(batch)));
                }
                Some(ReaderEvent::Notice(notice)) => {
                    log::notice(&notice);
                    let retrying = matches!(notice, Notice::Retrying { .. });
                    if let Some(metrics) = driver.session().metrics().filter(|_| retrying) {
                        metrics.retrying(OperationKind::Read);
                    }
                }
                Some(ReaderEvent::Failed(error)) => {
                    self.failed = Some(error.clone());
                    return Poll::Ready(Err(error));
                }
                None => return Poll::Ready(Ok(None)),
                Some(_) => {}
            }
        }
    }

    /// Where the stream goes on after every batch that was delivered. `None` for a reader that began at
    /// [`Start::Now`] and has no answer yet.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.state
            .as_ref()
            .ok()
            .and_then(|driver| driver.machine.checkpoint())
    }

    /// Whether the end of a closed stream was delivered.
    pub fn is_closed(&self) -> bool {
        self.state
            .as_ref()
            .is_ok_and(|driver| driver.machine.is_closed())
    }

    /// Whether it ended because nothing changed since the entity tag it was given.
    pub fn is_not_modified(&self) -> bool {
        self.state
            .as_ref()
            .is_ok_and(|driver| driver.machine.is_not_modified())
    }

    /// The status of the last answer that was taken on: 200; or 204, when the wait of a long-poll ran out. `None` before the first.
    /// Refusals, which are tried again or end the reader, do not count.
    pub fn status(&self) -> Option<StatusCode> {
        self.state
            .as_ref()
            .ok()
            .and_then(|driver| driver.machine.status())
    }
}

impl Stream for Reader {
    type Item = Result<Batch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.told {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll(cx)).transpose();
        self.told = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("checkpoint", &self.checkpoint())
            .field("closed", &self.is_closed())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

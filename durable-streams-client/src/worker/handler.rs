//! What an application does with what a worker is given.

use std::fmt;
use std::future::Future;

use durable_streams_core::{Batch, Error, Offset, Work};

use crate::BoxError;

/// What to do about work that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkDecision {
    /// Let it come again after a delay, while other streams go on. When the worker's [policy for work](super::WorkerBuilder::work_retry) gives
    /// up, it is [`Stop`](Self::Stop).
    Retry,
    /// Leave it out: it is acknowledged as if it had been handled. Of a stream that cannot be read that is all that was pending when the wake
    /// was claimed.
    Skip,
    /// End the worker with this error: the rest of what is at hand is handled and acknowledged before.
    Stop,
}

/// Works on what a subscription has for a worker.
///
/// It is called for several streams at a time, as many as the worker's [concurrency](super::WorkerBuilder::concurrency) says, and for each
/// stream with one batch after the other, in order. The functions may be written as `async fn`. A closure is a handler by [`work_fn`].
///
/// ```
/// use durable_streams_client::{Batch, BoxError, Error, Work, WorkDecision, WorkHandler};
///
/// struct Mailer;
///
/// impl WorkHandler for Mailer {
///     async fn handle(&self, work: &Work) -> Result<(), BoxError> {
///         for address in work.batch.json::<String>() {
///             println!("{}: a letter to {}", work.stream, address?);
///         }
///         Ok(())
///     }
///
///     async fn failed(&self, error: &Error, stream: &str, batch: Option<&Batch>) -> WorkDecision {
///         eprintln!("{stream}: {error}");
///         if batch.is_some() { WorkDecision::Retry } else { WorkDecision::Stop }
///     }
/// }
/// ```
pub trait WorkHandler: Send + Sync {
    /// Works on a batch, which is not empty. It is acknowledged when this returned ok, and not before.
    ///
    /// What is done here is done at least once: a batch comes again, to this worker or another one, after an error, after a crash, and when
    /// the lease was lost before it was acknowledged. [`Work::stream`] and [`Batch::checkpoint`] tell what was done already, where the effect
    /// is stored together with them.
    ///
    /// It must not hold its thread up for longer than a third of the lease without an `.await`: meanwhile the lease cannot be renewed.
    ///
    /// # Errors
    /// Any error is brought to [`failed`](Self::failed), as the source of one of the kind [`Handler`](crate::ErrorKind::Handler).
    ///
    /// # Cancel safety
    /// It is dropped, wherever it waits, when the lease is lost: another worker may be given the same by then. And with the driver of the
    /// worker. Stopping waits for it.
    fn handle(&self, work: &Work) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Called when the server has confirmed that everything of this stream up to here is acknowledged: nobody is given it again. For counting
    /// and for logs; it is not called for what is acknowledged by an answer that gets lost.
    fn acknowledged(&self, stream: &str, up_to: &Offset) {
        let _ = (stream, up_to);
    }

    /// Decides what happens after an error: with a batch, of the [handler](crate::ErrorKind::Handler); without one, of the reader of this
    /// stream, which has already tried again whatever can pass. By default, [`WorkDecision::Retry`]: nothing is left out, and other
    /// streams go on.
    fn failed(
        &self,
        error: &Error,
        stream: &str,
        batch: Option<&Batch>,
    ) -> impl Future<Output = WorkDecision> + Send {
        let _ = (error, stream, batch);
        async { WorkDecision::Retry }
    }
}

/// A closure as a [`WorkHandler`].
///
/// ```no_run
/// # use durable_streams_client::{Error, Subscription, WorkDecision, work_fn};
/// # async fn example(letters: Subscription) -> Result<(), Error> {
/// let handler = work_fn(|work| async move {
///     for letter in work.batch.json::<serde_json::Value>() {
///         println!("{}: {}", work.stream, letter?);
///     }
///     Ok(())
/// });
/// let handler = handler.on_failure(|error, stream, _| {
///     eprintln!("{stream}: {error}");
///     WorkDecision::Retry
/// });
/// letters.worker("worker-7").run(handler).await?;
/// # Ok(()) }
/// ```
pub fn work_fn<'a, F, Fut>(handle: F) -> WorkFn<'a, F>
where
    F: Fn(Work) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), BoxError>> + Send,
{
    WorkFn {
        handle,
        failed: Box::new(|_, _, _| WorkDecision::Retry),
        acknowledged: Box::new(|_, _| {}),
    }
}

type FailureHook<'a> = dyn Fn(&Error, &str, Option<&Batch>) -> WorkDecision + Send + Sync + 'a;

type AcknowledgedHook<'a> = dyn Fn(&str, &Offset) + Send + Sync + 'a;

/// A handler made of closures: see [`work_fn`].
pub struct WorkFn<'a, F> {
    handle: F,
    failed: Box<FailureHook<'a>>,
    acknowledged: Box<AcknowledgedHook<'a>>,
}

impl<'a, F> WorkFn<'a, F> {
    /// Decides what happens after an error: see [`WorkHandler::failed`].
    #[must_use]
    pub fn on_failure(
        mut self,
        hook: impl Fn(&Error, &str, Option<&Batch>) -> WorkDecision + Send + Sync + 'a,
    ) -> Self {
        self.failed = Box::new(hook);
        self
    }

    /// Called when something is acknowledged: see [`WorkHandler::acknowledged`].
    #[must_use]
    pub fn on_acknowledged(mut self, hook: impl Fn(&str, &Offset) + Send + Sync + 'a) -> Self {
        self.acknowledged = Box::new(hook);
        self
    }
}

impl<F, Fut> WorkHandler for WorkFn<'_, F>
where
    F: Fn(Work) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), BoxError>> + Send,
{
    fn handle(&self, work: &Work) -> impl Future<Output = Result<(), BoxError>> + Send {
        // Its contents are shared, not copied.
        (self.handle)(work.clone())
    }

    fn acknowledged(&self, stream: &str, up_to: &Offset) {
        (self.acknowledged)(stream, up_to);
    }

    async fn failed(&self, error: &Error, stream: &str, batch: Option<&Batch>) -> WorkDecision {
        (self.failed)(error, stream, batch)
    }
}

impl<F> fmt::Debug for WorkFn<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkFn").finish_non_exhaustive()
    }
}

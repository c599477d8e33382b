//! What an application does with what a consumer reads.

use std::fmt;
use std::future::Future;

use durable_streams_core::{Batch, Checkpoint, Error, ErrorKind, Start};

use crate::BoxError;

/// What to do about something that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Try the same again after a delay: the batch, the commit, or a new reader from where the last one was. When the consumer's
    /// [retry policy](super::ConsumerBuilder::retry) gives up, it is [`Stop`](Self::Stop).
    Retry,
    /// Leave it out: the batch, whose checkpoint is committed as if it had been handled; or a commit, which the next one makes
    /// good. Where there is nothing to leave out, when reading or loading failed, it is [`Stop`](Self::Stop).
    Skip,
    /// Go on from here instead, with a new reader. The checkpoint of the next batch that is handled is committed.
    From(Start),
    /// End the consumer with this error.
    Stop,
}

impl Decision {
    /// The decision where a handler makes none. Nothing is ever left out: a batch, a commit and a reader that failed for a cause
    /// that [can pass](Error::is_retryable) are tried again; a reader that failed for good ends the consumer.
    pub fn default_for(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Handler | ErrorKind::CheckpointStore => Self::Retry,
            _ if error.is_retryable() => Self::Retry,
            _ => Self::Stop,
        }
    }
}

/// Handles the batches of a stream, one after the other and in order.
///
/// The functions may be written as `async fn`. A closure is a handler by [`handler_fn`].
///
/// ```
/// use durable_streams_client::{Batch, BoxError, Decision, Error, Handler};
///
/// struct Billing { total: u64 }
///
/// impl Handler for Billing {
///     async fn handle(&mut self, batch: &Batch) -> Result<(), BoxError> {
///         for amount in batch.json::<u64>() {
///             self.total += amount?;
///         }
///         Ok(())
///     }
///
///     async fn failed(&mut self, error: &Error, batch: Option<&Batch>) -> Decision {
///         match batch {
///             Some(batch) => { eprintln!("left out up to {}: {error}", batch.checkpoint()); Decision::Skip }
///             None => Decision::default_for(error),
///         }
///     }
/// }
/// ```
pub trait Handler: Send {
    /// Handles a batch, which is not empty. Its checkpoint is committed when this returned ok, and not before.
    ///
    /// A batch is given again after an error, and after a crash before its commit: what is done here is done at least once. It is
    /// done exactly once where the effect and [`Batch::checkpoint`] are stored in the same transaction; the consumer is then started
    /// [from](crate::ReadBuilder::from) that checkpoint, and has no store.
    ///
    /// # Errors
    /// Any error is brought to [`failed`](Self::failed), as the source of one of the kind [`Handler`](ErrorKind::Handler).
    ///
    /// # Cancel safety
    /// It is dropped only with the driver of the consumer. Stopping and pausing wait for it.
    fn handle(&mut self, batch: &Batch) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Called when the tail is reached and everything before it was handled: at the start, and whenever it was behind.
    ///
    /// # Cancel safety
    /// As [`handle`](Self::handle).
    fn up_to_date(&mut self, checkpoint: &Checkpoint) -> impl Future<Output = ()> + Send {
        let _ = checkpoint;
        async {}
    }

    /// Decides what happens after an error.
    ///
    /// With a batch: of the [handler](ErrorKind::Handler), or of the [store](ErrorKind::CheckpointStore) that did not take its
    /// checkpoint. Without: of the store that could not be asked, or of the reader, which has already tried again whatever can
    /// pass, as far as its own policy allows. By default, [`Decision::default_for`].
    ///
    /// # Cancel safety
    /// As [`handle`](Self::handle).
    fn failed(
        &mut self,
        error: &Error,
        batch: Option<&Batch>,
    ) -> impl Future<Output = Decision> + Send {
        let _ = batch;
        let decision = Decision::default_for(error);
        async move { decision }
    }
}

/// A closure as a [`Handler`].
///
/// ```no_run
/// # use durable_streams_client::{DurableStream, Decision, Error, handler_fn};
/// # async fn example(orders: DurableStream) -> Result<(), Error> {
/// let handler = handler_fn(|batch| async move {
///     for order in batch.json::<serde_json::Value>() {
///         println!("{}", order?);
///     }
///     Ok(())
/// });
/// let handler = handler.on_failure(|error, _| {
///     eprintln!("{error}");
///     Decision::default_for(error)
/// });
/// orders.read().consumer("printer").run(handler).await?;
/// # Ok(()) }
/// ```
pub fn handler_fn<'a, F, Fut>(handle: F) -> HandlerFn<'a, F>
where
    F: FnMut(Batch) -> Fut + Send,
    Fut: Future<Output = Result<(), BoxError>> + Send,
{
    HandlerFn {
        handle,
        failed: Box::new(|error, _| Decision::default_for(error)),
        up_to_date: Box::new(|_| {}),
    }
}

type FailureHook<'a> = dyn FnMut(&Error, Option<&Batch>) -> Decision + Send + 'a;
type UpToDateHook<'a> = dyn FnMut(&Checkpoint) + Send + 'a;

/// A handler made of closures: see [`handler_fn`].
pub struct HandlerFn<'a, F> {
    handle: F,
    failed: Box<FailureHook<'a>>,
    up_to_date: Box<UpToDateHook<'a>>,
}

impl<'a, F> HandlerFn<'a, F> {
    /// Decides what happens after an error: see [`Handler::failed`].
    #[must_use]
    pub fn on_failure(
        mut self,
        hook: impl FnMut(&Error, Option<&Batch>) -> Decision + Send + 'a,
    ) -> Self {
        self.failed = Box::new(hook);
        self
    }

    /// Called when the tail is reached: see [`Handler::up_to_date`].
    #[must_use]
    pub fn on_up_to_date(mut self, hook: impl FnMut(&Checkpoint) + Send + 'a) -> Self {
        self.up_to_date = Box::new(hook);
        self
    }
}

impl<F, Fut> Handler for HandlerFn<'_, F>
where
    F: FnMut(Batch) -> Fut + Send,
    Fut: Future<Output = Result<(), BoxError>> + Send,
{
    fn handle(&mut self, batch: &Batch) -> impl Future<Output = Result<(), BoxError>> + Send {
        // Its contents are shared, not copied.
        (self.handle)(batch.clone())
    }

    async fn up_to_date(&mut self, checkpoint: &Checkpoint) {
        (self.up_to_date)(checkpoint);
    }

    async fn failed(&mut self, error: &Error, batch: Option<&Batch>) -> Decision {
        (self.failed)(error, batch)
    }
}

impl<F> fmt::Debug for HandlerFn<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerFn").finish_non_exhaustive()
    }
}

//! Single operations: configured like builders, and awaited.

use std::future::{IntoFuture, poll_fn};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use durable_streams_core::operation::{
    Append, Close, Create, Created, Delete, Fork, Head, Metadata, Operation, Payload,
};
use durable_streams_core::{Call, CallConfig, Error, Extras, Offset, RetryPolicy, StreamUrl};
use serde::Serialize;

use crate::driver::Driver;
use crate::stream::{DurableStream, edit};
use crate::{BoxFuture, blocking};

/// An operation on a stream or a subscription, to be awaited.
///
/// # Errors
/// Awaiting it gives what went wrong, [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) before any I/O. Failures that can pass were
/// already tried again, as far as that is safe for the operation.
///
/// # Cancel safety
/// Dropping the future cancels the request. Whether it reached the server is then unknown.
#[must_use = "nothing is sent until it is awaited"]
#[derive(Debug)]
pub struct OperationBuilder<O> {
    stream: DurableStream,
    operation: Result<O, Error>,
    extras: Result<Extras, Error>,
    config: CallConfig,
}

impl<O> OperationBuilder<O> {
    pub(crate) fn new(stream: &DurableStream, make: impl FnOnce(StreamUrl) -> O) -> Self {
        Self::try_new(stream, |url| Ok(make(url)))
    }

    pub(crate) fn try_new(
        stream: &DurableStream,
        make: impl FnOnce(StreamUrl) -> Result<O, Error>,
    ) -> Self {
        Self {
            stream: stream.clone(),
            operation: stream.url().cloned().and_then(make),
            extras: Ok(Extras::new()),
            config: stream.client().0.settings.call(),
        }
    }

    pub(crate) fn map(mut self, change: impl FnOnce(O) -> O) -> Self {
        self.operation = self.operation.map(change);
        self
    }

    /// A header for this request.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_header(name, value));
        self
    }

    /// A query parameter for this request.
    pub fn param(mut self, key: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_param(key, value));
        self
    }

    /// How this operation is tried again. Default: the client's.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.config.retry = policy;
        self
    }

    /// How long one attempt may take. Default: the client's.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.config.timeout = limit;
        self
    }
}

impl OperationBuilder<Create> {
    /// The content type, fixed for the stream's life. Without it: that of the contents given here, or the server's default.
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        self.map(|create| create.content_type(content_type))
    }

    /// Delete the stream when nobody read or wrote it for this long; whole seconds.
    pub fn ttl(self, ttl: Duration) -> Self {
        self.map(|create| create.ttl(ttl))
    }

    /// Delete the stream at this time.
    pub fn expires_at(self, moment: SystemTime) -> Self {
        self.map(|create| create.expires_at(moment))
    }

    /// Create it closed: the contents given here are all it will ever have.
    pub fn closed(self) -> Self {
        self.map(|create| create.closed(true))
    }

    /// Its first contents.
    pub fn contents(self, payload: impl Into<Payload>) -> Self {
        self.map(|create| create.contents(payload))
    }

    /// Its first contents, as one JSON message.
    pub fn contents_json<T: Serialize + ?Sized>(mut self, message: &T) -> Self {
        let payload = Payload::message(message);
        self.operation = self
            .operation
            .and_then(|create| Ok(create.contents(payload?)));
        self
    }

    /// The fork begins at this offset of the source instead of at its tail.
    pub fn at(self, offset: Offset) -> Self {
        self.fork(|fork| fork.at(offset))
    }

    /// The fork takes so many more messages (JSON) or bytes past its offset.
    pub fn plus(self, count: u64) -> Self {
        self.fork(|fork| fork.plus(count))
    }

    /// Says where a fork begins. Of a stream that is none it is a mistake.
    fn fork(mut self, change: impl FnOnce(Fork) -> Fork) -> Self {
        self.operation = self.operation.and_then(|create| {
            if create.is_fork() {
                return Ok(create.map_fork(change));
            }
            Err(Error::invalid(
                "a place to begin at is for a fork: see fork_from",
            ))
        });
        self
    }
}

impl OperationBuilder<Append> {
    /// `Stream-Seq`: must be above the last one, byte by byte, or the append is refused. It also makes the append safe to
    /// send again.
    pub fn seq(self, seq: impl Into<String>) -> Self {
        self.map(|append| append.seq(seq))
    }

    /// The stream's content type, where the handle does not know it.
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        self.map(|append| append.content_type(content_type))
    }

    /// Send it again when its answer is lost too: it is then stored at least once, and maybe twice. Default: no.
    ///
    /// For what may stand in the stream twice. Exactly once is what [`seq`](Self::seq) or a [`Writer`](crate::Writer) is for.
    pub fn at_least_once(self, wanted: bool) -> Self {
        self.map(|append| append.at_least_once(wanted))
    }

    /// Close the stream with this append.
    pub fn close(self, close: bool) -> Self {
        self.map(|append| append.close(close))
    }
}

/// What a handle learns from a success.
pub(crate) trait Learn: Operation {
    fn learn(&self, _: &Self::Outcome, _: &DurableStream) {}
}

impl Learn for Create {
    fn learn(&self, created: &Created, stream: &DurableStream) {
        if let Some(content_type) = &created.content_type {
            stream.remember(Some(content_type.clone()));
        }
    }
}

impl Learn for Head {
    fn learn(&self, metadata: &Metadata, stream: &DurableStream) {
        if let Some(content_type) = &metadata.content_type {
            stream.remember(Some(content_type.clone()));
        }
    }
}

impl Learn for Delete {
    fn learn(&self, (): &(), stream: &DurableStream) {
        stream.remember(None);
    }
}

impl Learn for Append {}
impl Learn for Close {}

impl<O> OperationBuilder<O>
where
    Self: IntoFuture<Output = Result<<O as Operation>::Outcome, Error>>,
    O: Operation,
{
    /// Does it, and waits for it on this thread: see [`blocking`].
    ///
    /// # Errors
    /// As awaiting it does; and [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) for a client that needs a runtime of the caller's.
    pub fn wait(self) -> Result<O::Outcome, Error> {
        blocking::check(self.stream.client())?;
        blocking::block_on(self.into_future())
    }
}

impl<O> IntoFuture for OperationBuilder<O>
where
    O: Learn + Send + Sync + 'static,
    O::Outcome: Send,
{
    type Output = Result<O::Outcome, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let operation = self.operation?;
            let located = |error: Error| error.at(O::KIND, operation.url());
            let session = self
                .stream
                .session(&self.extras.map_err(located)?)
                .map_err(located)?;
            let call = Call::of(&operation, self.config)?;
            let mut driver = Driver::new(call, Arc::new(session));
            let end = poll_fn(|cx| driver.poll_event(cx)).await;
            if let Some(metrics) = driver.session().metrics() {
                (0..driver.machine.retries()).for_each(|_| metrics.retrying(O::KIND));
            }
            // The machine ends with an event: without one there would be no answer to give.
            let end =
                end.ok_or_else(|| located(Error::protocol("the call ended without an answer")))?;
            let outcome = end.outcome(&operation)?;
            operation.learn(&outcome, &self.stream);
            Ok(outcome)
        })
    }
}

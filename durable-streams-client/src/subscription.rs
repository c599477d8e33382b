//! A handle to one subscription.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use durable_streams_core::operation::subscription::{
    Ack, Claim, CreateSubscription, DeleteSubscription, LinkStreams, ReadSubscription, Release,
    UnlinkStream, Wake,
};
use durable_streams_core::{Error, Offset, SubscriptionUrl};

use crate::client::Client;
use crate::hooks::{HookResult, Outgoing};
use crate::operation::{Learn, OperationBuilder};
use crate::stream::DurableStream;
use crate::worker::WorkerBuilder;

/// A handle to one subscription (§6, §7): cheap to make, cheap to clone, and no I/O until something is awaited.
///
/// Streams are named by their paths below the client's root, as in [`Client::stream`].
///
/// ```no_run
/// # use durable_streams_client::{ClaimOutcome, Client, Error};
/// # async fn example(client: Client) -> Result<(), Error> {
/// let billing = client.subscription("billing");
/// billing.create_pull_wake("wakes/billing").pattern("orders/*").await?;
///
/// if let ClaimOutcome::Claimed(claimed) = billing.claim("worker-7").await? {
///     let mut done = billing.ack(&claimed.wake).done(true);
///     for stream in claimed.streams.iter().filter(|stream| stream.has_pending) {
///         let mut reader = client.stream(&stream.path).read().from(stream.acked.clone()).start();
///         while let Some(batch) = reader.next().await? {
///             println!("{} bytes of {}", batch.bytes().len(), stream.path);
///             if let Some(offset) = batch.checkpoint().offset() {
///                 done = done.stream(&stream.path, offset.clone());
///             }
///         }
///     }
///     done.await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Subscription {
    url: Result<SubscriptionUrl, Error>,
    /// The way of its requests: its URL is where the subscription is.
    handle: DurableStream,
}

impl Subscription {
    pub(crate) fn new(client: &Client, url: Result<SubscriptionUrl, Error>) -> Self {
        let at = url.as_ref().map(|url| url.url().clone());
        Self {
            handle: DurableStream::new(client.clone(), at.map_err(Clone::clone)),
            url,
        }
    }

    /// The subscription's URL.
    ///
    /// # Errors
    /// [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) when the handle was made from an id that cannot name a subscription.
    pub fn url(&self) -> Result<&SubscriptionUrl, Error> {
        self.url.as_ref().map_err(Clone::clone)
    }

    /// The client it belongs to.
    pub fn client(&self) -> &Client {
        self.handle.client()
    }

    /// The same subscription, with a header for every request about it. A name or value that cannot be sent is reported before any I/O.
    ///
    /// `Authorization` of reports on a wake is the token of that wake, whatever is set here.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.handle = self.handle.with_header(name, value);
        self
    }

    /// The same subscription, with a query parameter for every request about it. One of the protocol's is reported before any I/O.
    #[must_use]
    pub fn with_param(mut self, key: &str, value: &str) -> Self {
        self.handle = self.handle.with_param(key, value);
        self
    }

    /// The same subscription, with a hook that says anew for every request about it what goes on it, as
    /// [`DurableStream::with_hook`](crate::DurableStream::with_hook).
    #[must_use]
    pub fn with_hook<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Outgoing) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HookResult> + Send + 'static,
    {
        self.handle = self.handle.with_hook(hook);
        self
    }

    /// The way of its requests.
    pub(crate) fn handle(&self) -> &DurableStream {
        &self.handle
    }

    fn operation<O>(&self, make: impl FnOnce(&SubscriptionUrl) -> O) -> OperationBuilder<O> {
        OperationBuilder::try_new(&self.handle, |_| Ok(make(self.url()?)))
    }

    /// Creates the subscription with webhooks (§6.2, §7.1): each wake is sent to this URL. Creating one that exists with the same
    /// configuration succeeds, and says so.
    ///
    /// It is for streams: a [`pattern`](OperationBuilder::pattern), or some [`streams`](OperationBuilder::streams).
    pub fn create_webhook(&self, to: impl Into<String>) -> OperationBuilder<CreateSubscription> {
        self.operation(|url| CreateSubscription::webhook(url, to))
    }

    /// Creates the subscription with wakes that are claimed (§6.2, §7.2): each is announced on the JSON stream at this path, which is the
    /// application's to create. Creating one that exists with the same configuration succeeds, and says so.
    ///
    /// It is for streams: a [`pattern`](OperationBuilder::pattern), or some [`streams`](OperationBuilder::streams).
    pub fn create_pull_wake(
        &self,
        wake_stream: impl Into<String>,
    ) -> OperationBuilder<CreateSubscription> {
        self.operation(|url| CreateSubscription::pull_wake(url, wake_stream))
    }

    /// Asks what the subscription is, and how far its streams were worked on (§6.3).
    pub fn read(&self) -> OperationBuilder<ReadSubscription> {
        self.operation(ReadSubscription::new)
    }

    /// Deletes the subscription (§6.3). The streams stay.
    pub fn delete(&self) -> OperationBuilder<DeleteSubscription> {
        self.operation(DeleteSubscription::new)
    }

    /// Links these streams (§6.4). What they hold already is no work. None at all is refused before any I/O.
    pub fn link<P: Into<String>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> OperationBuilder<LinkStreams> {
        self.operation(|url| LinkStreams::new(url, paths))
    }

    /// Takes back that this stream was linked (§6.4). Where the pattern is for it, it stays linked by that.
    pub fn unlink(&self, path: impl Into<String>) -> OperationBuilder<UnlinkStream> {
        self.operation(|url| UnlinkStream::new(url, path))
    }

    /// Claims what is pending for the worker of this name (§7.2).
    pub fn claim(&self, worker: impl Into<String>) -> OperationBuilder<Claim> {
        self.operation(|url| Claim::new(url, worker))
    }

    /// Reports on a wake that was claimed (§7.2): what is done of each [stream](OperationBuilder::stream), and whether that is
    /// [all](OperationBuilder::done). It extends the lease, or ends it.
    ///
    /// A wake that is over is [`Fenced`](durable_streams_core::ErrorKind::Fenced): somebody else may be working on what it was about.
    pub fn ack(&self, wake: &Wake) -> OperationBuilder<Ack> {
        self.operation(|url| Ack::new(url, wake))
    }

    /// Extends the lease of a wake that was claimed (§7.2): an [`ack`](Self::ack) of nothing.
    pub fn heartbeat(&self, wake: &Wake) -> OperationBuilder<Ack> {
        self.ack(wake)
    }

    /// Works for the subscription, beside others: claims what is pending, has each batch handled, acknowledges it, and keeps the lease
    /// meanwhile. What it is told here, headers and parameters, goes on its requests for streams too.
    ///
    /// The name is told to others that want the same wake.
    pub fn worker(&self, name: impl Into<String>) -> WorkerBuilder {
        WorkerBuilder::new(self.clone(), name.into())
    }

    /// Gives a claimed wake back, as it is (§7.2): what is not acknowledged wakes somebody else.
    pub fn release(&self, wake: &Wake) -> OperationBuilder<Release> {
        self.operation(|url| Release::new(url, wake))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl OperationBuilder<CreateSubscription> {
    /// Link every stream whose path matches, also those to come: `*` is one segment, `**` any number of them. An asterisk that is meant is
    /// written `%2A`.
    pub fn pattern(self, pattern: impl Into<String>) -> Self {
        self.map(|create| create.pattern(pattern))
    }

    /// Link these streams too.
    pub fn streams<P: Into<String>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        self.map(|create| create.streams(paths))
    }

    /// How long a wake belongs to who has it, without a word: from 1 s to 10 min, in whole milliseconds. Default: the server's, 30 s.
    pub fn lease(self, lease: Duration) -> Self {
        self.map(|create| create.lease(lease))
    }

    /// What it is for, for people.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.map(|create| create.description(text))
    }
}

impl OperationBuilder<Ack> {
    /// Everything of this stream up to here is done: the offset of the checkpoint behind what was worked on. It takes the place of one that
    /// was named before for the same stream.
    pub fn stream(self, path: impl Into<String>, offset: Offset) -> Self {
        self.map(|ack| ack.stream(path, offset))
    }

    /// The work on this wake is over, and its lease ends. What is not acknowledged is for the next wake. Default: no.
    pub fn done(self, done: bool) -> Self {
        self.map(|ack| ack.done(done))
    }
}

impl Learn for CreateSubscription {}
impl Learn for ReadSubscription {}
impl Learn for DeleteSubscription {}
impl Learn for LinkStreams {}
impl Learn for UnlinkStream {}
impl Learn for Claim {}
impl Learn for Ack {}
impl Learn for Release {}

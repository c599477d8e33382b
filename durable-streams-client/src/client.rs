//! The client: where streams live, and how they are spoken to.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use durable_streams_core::operation::subscription::{Ack, Wake};
use durable_streams_core::{CallConfig, Error, Extras, RetryPolicy, StreamUrl, SubscriptionUrl};

use crate::hooks::{HookResult, Outgoing, Refresh, RequestHook};
use crate::metrics::Metrics;
use crate::operation::OperationBuilder;
use crate::session::Session;
use crate::stream::DurableStream;
use crate::subscription::Subscription;
use crate::transport::{BoxFuture, Timer, Transport};

/// A server, or a part of one, under which streams live.
///
/// Cheap to clone; clones share the transport and its connections. It has no type parameter: the transport is chosen
/// where the client is built.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) root: StreamUrl,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) extras: Extras,
    pub(crate) hook: Option<Arc<RequestHook>>,
    pub(crate) refresh: Option<Arc<Refresh>>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
    pub(crate) spawner: Option<Arc<Spawner>>,
    /// Whether it needs no runtime of the caller's.
    pub(crate) stands_alone: bool,
    pub(crate) settings: Settings,
}

/// Runs a future in the background.
pub(crate) type Spawner = dyn Fn(BoxFuture<'static, ()>) + Send + Sync;

/// The defaults for everything the client does.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) request_timeout: Duration,
    pub(crate) long_poll_timeout: Duration,
    pub(crate) sse_idle_timeout: Duration,
    pub(crate) prefetch: usize,
    pub(crate) operation_retry: RetryPolicy,
    pub(crate) read_retry: RetryPolicy,
}

impl Settings {
    pub(crate) fn call(&self) -> CallConfig {
        CallConfig {
            retry: self.operation_retry.clone(),
            timeout: self.request_timeout,
            seed: fastrand::u64(..),
        }
    }
}

impl Client {
    /// Begins a client of the streams under `root`, over this transport.
    ///
    /// The transport crates have a shorter way: `client(root)`.
    ///
    /// # Errors
    /// [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) when `root` is no absolute http or https URL.
    pub fn builder(
        root: &str,
        transport: impl Transport,
        timer: impl Timer,
    ) -> Result<ClientBuilder, Error> {
        Ok(ClientBuilder {
            root: StreamUrl::parse(root)?,
            transport: Arc::new(transport),
            timer: Arc::new(timer),
            extras: Ok(Extras::new()),
            hook: None,
            refresh: None,
            metrics: None,
            spawner: None,
            stands_alone: false,
            settings: Settings {
                request_timeout: Duration::from_secs(30),
                long_poll_timeout: Duration::from_secs(65),
                sse_idle_timeout: Duration::from_secs(90),
                prefetch: 2,
                operation_retry: RetryPolicy::operations(),
                read_retry: RetryPolicy::endless(),
            },
        })
    }

    /// The stream at this path under the root, or at this absolute URL. Cheap, and no I/O.
    ///
    /// Slashes between root and path do not matter; what a URL cannot carry is percent-encoded, escapes stay. A path that
    /// cannot name a stream is reported by whatever is done with the handle, before any I/O. A stream of another origin
    /// gets none of the client's headers and parameters.
    pub fn stream(&self, path: &str) -> DurableStream {
        DurableStream::new(self.clone(), self.0.root.join(path))
    }

    /// The subscription of this id, to streams under the root (§6). Cheap, and no I/O.
    ///
    /// An id that cannot name a subscription is reported by whatever is done with the handle, before any I/O.
    pub fn subscription(&self, id: impl Into<String>) -> Subscription {
        Subscription::new(self, SubscriptionUrl::new(&self.0.root, id))
    }

    /// Reports on a wake that came by webhook, to the callback URL that came with it (§7.1): what is done of each stream, and whether that
    /// is all. Without anything it extends the lease.
    ///
    /// The URL and the token are to be those of a webhook whose signature was checked: the token goes where the URL says.
    pub fn callback(&self, url: &StreamUrl, wake: &Wake) -> OperationBuilder<Ack> {
        let handle = DurableStream::new(self.clone(), Ok(url.clone()));
        OperationBuilder::new(&handle, |url| Ack::callback(url, wake))
    }

    /// A session that nothing is sent over.
    pub(crate) fn idle_session(&self) -> Session {
        let inner = &self.0;
        let (transport, timer) = (Arc::clone(&inner.transport), Arc::clone(&inner.timer));
        Session::new(transport, timer, http::Uri::default())
    }

    /// The root under which streams live, without its query.
    pub fn root(&self) -> &StreamUrl {
        &self.0.root
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("root", &self.0.root)
            .field("transport", &self.0.transport)
            .field("extras", &self.0.extras)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// Configures a [`Client`].
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder {
    root: StreamUrl,
    transport: Arc<dyn Transport>,
    timer: Arc<dyn Timer>,
    extras: Result<Extras, Error>,
    hook: Option<Arc<RequestHook>>,
    refresh: Option<Arc<Refresh>>,
    metrics: Option<Arc<dyn Metrics>>,
    spawner: Option<Arc<Spawner>>,
    stands_alone: bool,
    settings: Settings,
}

impl ClientBuilder {
    /// A header for every request. Its value is never shown.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        crate::stream::edit(&mut self.extras, |extras| extras.set_header(name, value));
        self
    }

    /// `Authorization: Bearer …` for every request. Never shown.
    pub fn bearer_token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A query parameter for every request, sorted among the protocol's own.
    pub fn param(mut self, key: &str, value: &str) -> Self {
        crate::stream::edit(&mut self.extras, |extras| extras.set_param(key, value));
        self
    }

    /// Says anew for every request what goes on it, reconnects of readers and what is sent again included: a token that expires, a
    /// trace, a counter.
    ///
    /// What it gives replaces what was [set](Self::header) or [renewed](Self::refresh) under the same name. The request waits for it,
    /// within its timeout. When it fails the request is not sent, and is tried again as where no connection could be made; the last error
    /// is of the kind [`Hook`](durable_streams_core::ErrorKind::Hook). A name or value that cannot be sent is final. A hook of one
    /// stream alone: [`DurableStream::with_hook`].
    ///
    /// ```
    /// # use durable_streams_client::{BoxError, Client, ClientBuilder, Extras};
    /// # async fn valid_token() -> Result<String, BoxError> { Ok(String::new()) }
    /// # fn example(builder: ClientBuilder) -> ClientBuilder {
    /// builder.hook(|request| async move {
    ///     let mut extras = Extras::new();
    ///     extras.set_header("authorization", &format!("Bearer {}", valid_token().await?))?;
    ///     if request.method() == "POST" {
    ///         extras.set_param("source", "orders")?;
    ///     }
    ///     Ok(extras)
    /// })
    /// # }
    /// ```
    pub fn hook<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Outgoing) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HookResult> + Send + 'static,
    {
        self.hook = Some(Arc::new(move |request| Box::pin(hook(request))));
        self
    }

    /// Renews headers and parameters when a request is refused with 401 or 403, reconnects of a reader included.
    ///
    /// The request is then sent once more; what the hook gives replaces what has the same name and stays for all later requests.
    /// Requests that are refused at the same time share one run of it. When it fails, the refusal stands. A producer that was fenced is not
    /// a matter of credentials.
    pub fn refresh<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HookResult> + Send + 'static,
    {
        let hook = Box::new(move || -> BoxFuture<'static, HookResult> { Box::pin(hook()) });
        self.refresh = Some(Arc::new(Refresh::new(hook)));
        self
    }

    /// Counts what is done. Default: nothing is counted.
    pub fn metrics(mut self, metrics: impl Metrics) -> Self {
        self.metrics = Some(Arc::new(metrics));
        self
    }

    /// How writers and consumers are run in the background: the runtime's `spawn`. Transport crates that know their runtime set it.
    pub fn spawner(
        mut self,
        spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
    ) -> Self {
        self.spawner = Some(Arc::new(spawn));
        self
    }

    /// Says that transport and timer can be polled on any thread, without a runtime of the caller's: what [`blocking`](crate::blocking)
    /// needs. Transport crates set it.
    pub fn stands_alone(mut self) -> Self {
        self.stands_alone = true;
        self
    }

    /// How long an answer may take, and a body stand still. Not for live requests, which wait. Default 30 s.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.settings.request_timeout = limit;
        self
    }

    /// How long a long-poll may go unanswered; longer than the server waits. Default 65 s.
    pub fn long_poll_timeout(mut self, limit: Duration) -> Self {
        self.settings.long_poll_timeout = limit;
        self
    }

    /// How long an event stream may be without a byte before it is opened anew. Default 90 s.
    pub fn sse_idle_timeout(mut self, limit: Duration) -> Self {
        self.settings.sse_idle_timeout = limit;
        self
    }

    /// On catch-up, how many answers readers ask for ahead. What is delivered stays the same. Default 2; 0 asks for one answer at
    /// a time.
    pub fn prefetch(mut self, answers: usize) -> Self {
        self.settings.prefetch = answers;
        self
    }

    /// How single operations are tried again. Default: given up after 5 attempts or 30 s, whichever is later.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.operation_retry = policy;
        self
    }

    /// How readers try again. Default: without end.
    pub fn read_retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.read_retry = policy;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`InvalidInput`](durable_streams_core::ErrorKind::InvalidInput) for the first header or parameter that cannot be sent.
    pub fn build(self) -> Result<Client, Error> {
        Ok(Client(Arc::new(Inner {
            root: self.root,
            transport: self.transport,
            timer: self.timer,
            extras: self.extras?,
            hook: self.hook,
            refresh: self.refresh,
            metrics: self.metrics,
            spawner: self.spawner,
            stands_alone: self.stands_alone,
            settings: self.settings,
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("root", &self.root)
            .field("transport", &self.transport)
            .field("extras", &self.extras)
            .finish_non_exhaustive()
    }
}

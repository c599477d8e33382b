//! A handle to one stream.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use durable_streams_core::operation::{Append, Close, Create, Delete, Fork, Head, Payload};
use durable_streams_core::{Error, Extras, StreamUrl};
use serde::Serialize;

use crate::client::Client;
use crate::hooks::{HookResult, Outgoing, RequestHook};
use crate::operation::OperationBuilder;
use crate::reader::ReadBuilder;
use crate::session::Session;
use crate::writer::WriterBuilder;

/// A handle to one stream: cheap to make, cheap to clone, and no I/O until something is awaited.
///
/// It remembers the stream's content type, once it was told ([`with_content_type`](Self::with_content_type)) or learned it by
/// [`create`](Self::create) or [`head`](Self::head): appends must name it. Clones share what was learned.
///
/// It is for as many tasks and threads as there are, and so are what it makes: operations, readers, writers and consumers are `Send`.
///
/// ```no_run
/// # use durable_streams_client::{DurableStream, Error};
/// # fn spawn<T>(_task: impl Future<Output = T> + Send + 'static) {}
/// # fn example(orders: DurableStream) {
/// for shop in 1..=4 {
///     let orders = orders.clone();
///     spawn(async move {
///         let writer = orders.writer(format!("shop-{shop}")).start();
///         writer.append(format!("an order of shop {shop}")).await?;
///         writer.close().await?;
///         Ok::<(), Error>(())
///     });
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct DurableStream {
    client: Client,
    url: Result<Arc<StreamUrl>, Error>,
    extras: Result<Extras, Error>,
    hook: Option<Arc<RequestHook>>,
    content_type: Arc<Mutex<Option<String>>>,
}

impl DurableStream {
    pub(crate) fn new(client: Client, url: Result<StreamUrl, Error>) -> Self {
        Self {
            client,
            url: url.map(Arc::new),
            extras: Ok(Extras::new()),
            hook: None,
            content_type: Arc::default(),
        }
    }

    /// The stream's URL.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the handle was made from a path that cannot name a stream.
    pub fn url(&self) -> Result<&StreamUrl, Error> {
        self.url.as_deref().map_err(Clone::clone)
    }

    /// The client it belongs to.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The same stream, with a header for every request about it. A name or value that cannot be sent is reported before any I/O.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_header(name, value));
        self
    }

    /// The same stream, with a query parameter for every request about it. One of the protocol's is reported before any I/O.
    #[must_use]
    pub fn with_param(mut self, key: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_param(key, value));
        self
    }

    /// The same stream, with a hook that says anew for every request about it what goes on it: see [`ClientBuilder::hook`]. It adds to what
    /// the client's says, and takes the place of one that was set before.
    ///
    /// [`ClientBuilder::hook`]: crate::ClientBuilder::hook
    #[must_use]
    pub fn with_hook<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Outgoing) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HookResult> + Send + 'static,
    {
        self.hook = Some(Arc::new(move |request| Box::pin(hook(request))));
        self
    }

    /// The same stream, with its content type known: what appends are labelled with.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Arc::new(Mutex::new(Some(content_type.into())));
        self
    }

    /// The stream's content type, where it is known.
    pub fn content_type(&self) -> Option<String> {
        self.content_type
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn remember(&self, content_type: Option<String>) {
        *self
            .content_type
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = content_type;
    }

    /// Creates the stream (§5.1). Creating one that exists with the same configuration succeeds, and says so.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use durable_streams_client::{Client, Error};
    /// # async fn example(client: Client) -> Result<(), Error> {
    /// let orders = client.stream("orders");
    /// let created = orders.create().content_type("application/json").await?;
    /// println!("new: {}, tail: {}", created.created, created.next_offset);
    ///
    /// let report = client.stream("reports/7").create();
    /// let hour = Duration::from_secs(3600);
    /// report.contents("all that it will ever have").closed().ttl(hour).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Awaited: [`StreamExists`](crate::ErrorKind::StreamExists) when it exists with another configuration, or its URL
    /// may not be used again.
    pub fn create(&self) -> OperationBuilder<Create> {
        OperationBuilder::new(self, Create::new)
    }

    /// Creates the stream as a fork of `source`, which lives on the same server (§4.2): at its tail, or where `at` and `plus` say.
    ///
    /// ```no_run
    /// # use durable_streams_client::{Client, Error, Offset};
    /// # async fn example(client: Client, asked: Offset) -> Result<(), Error> {
    /// let talk = client.stream("talk");
    /// client.stream("talk-2").fork_from(&talk).await?;                          // all of it so far
    /// client.stream("talk-3").fork_from(&talk).at(asked.clone()).await?;        // up to an offset
    /// client.stream("talk-4").fork_from(&talk).at(asked).plus(1).await?;        // and one message more
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Awaited: [`StreamNotFound`](crate::ErrorKind::StreamNotFound) when there is no source;
    /// [`Conflict`](crate::ErrorKind::Conflict) when the source is deleted, or the URL is that of another stream;
    /// [`BadRequest`](crate::ErrorKind::BadRequest) for a place past the end of the source.
    pub fn fork_from(&self, source: &Self) -> OperationBuilder<Create> {
        let source = source.url.clone();
        OperationBuilder::try_new(self, |url| Ok(Create::new(url).fork(Fork::of(&*source?))))
    }

    /// Appends bytes (§5.2). On a JSON stream they must be one JSON value, and are one message.
    ///
    /// It is not sent again when its answer is lost: the error then says that it
    /// [may have been applied](Error::may_have_been_applied).
    ///
    /// # Errors
    /// Awaited: [`StreamNotFound`](crate::ErrorKind::StreamNotFound); [`StreamClosed`](crate::ErrorKind::StreamClosed);
    /// [`ContentTypeMismatch`](crate::ErrorKind::ContentTypeMismatch);
    /// [`SequenceConflict`](crate::ErrorKind::SequenceConflict) with a [`seq`](OperationBuilder::seq) that is not above
    /// the last one; [`PayloadTooLarge`](crate::ErrorKind::PayloadTooLarge).
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an empty payload.
    pub fn append(&self, payload: impl Into<Payload>) -> OperationBuilder<Append> {
        self.append_payload(Ok(payload.into()))
    }

    /// Appends one JSON message; an array stays one message.
    ///
    /// # Errors
    /// Awaited: as [`append`](Self::append); [`InvalidInput`](crate::ErrorKind::InvalidInput) when the message cannot
    /// be written as JSON.
    pub fn append_json<T: Serialize + ?Sized>(&self, message: &T) -> OperationBuilder<Append> {
        self.append_payload(Payload::message(message))
    }

    /// Appends several JSON messages at once. An empty batch is refused before any I/O.
    ///
    /// # Errors
    /// Awaited: as [`append_json`](Self::append_json).
    pub fn append_json_batch<T: Serialize>(
        &self,
        messages: impl IntoIterator<Item = T>,
    ) -> OperationBuilder<Append> {
        self.append_payload(Payload::batch(messages))
    }

    /// Appends one JSON message that is encoded already, byte for byte.
    ///
    /// # Errors
    /// Awaited: as [`append`](Self::append); [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is no JSON value.
    pub fn append_raw_json(&self, message: impl AsRef<[u8]>) -> OperationBuilder<Append> {
        self.append_payload(Payload::raw_message(message))
    }

    fn append_payload(&self, payload: Result<Payload, Error>) -> OperationBuilder<Append> {
        let content_type = self.content_type();
        OperationBuilder::try_new(self, |url| {
            let append = Append::new(url, payload?);
            Ok(match content_type {
                Some(content_type) => append.content_type(content_type),
                None => append,
            })
        })
    }

    /// Closes the stream (§5.3). Closing a closed stream succeeds, with its final offset.
    ///
    /// # Errors
    /// Awaited: [`StreamNotFound`](crate::ErrorKind::StreamNotFound).
    pub fn close(&self) -> OperationBuilder<Close> {
        OperationBuilder::new(self, Close::new)
    }

    /// Appends, and closes the stream in the same step (§5.2). Not sent again when its answer is lost, as any append.
    ///
    /// # Errors
    /// Awaited: as [`append`](Self::append).
    pub fn close_with(&self, payload: impl Into<Payload>) -> OperationBuilder<Append> {
        self.append(payload).close(true)
    }

    /// Deletes the stream (§5.4).
    ///
    /// # Errors
    /// Awaited: [`StreamNotFound`](crate::ErrorKind::StreamNotFound), unless an earlier attempt of the same call may
    /// have deleted it; [`Gone`](crate::ErrorKind::Gone) when it is deleted already and its forks live on.
    pub fn delete(&self) -> OperationBuilder<Delete> {
        OperationBuilder::new(self, Delete::new)
    }

    /// Asks what the stream is: content type, tail, closed, expiry (§5.5).
    ///
    /// ```no_run
    /// # use durable_streams_client::{DurableStream, Error};
    /// # async fn example(orders: DurableStream) -> Result<(), Error> {
    /// let metadata = orders.head().await?;
    /// println!("the tail is {}, expires in {:?}", metadata.next_offset, metadata.ttl);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Awaited: [`StreamNotFound`](crate::ErrorKind::StreamNotFound); [`Gone`](crate::ErrorKind::Gone) when it is
    /// deleted and its forks live on.
    pub fn head(&self) -> OperationBuilder<Head> {
        OperationBuilder::new(self, Head::new)
    }

    /// Reads the stream: from a start position, to the tail or live.
    ///
    /// ```no_run
    /// # use durable_streams_client::{Checkpoint, Client, Error, Live};
    /// # async fn example(client: Client, saved: Option<Checkpoint>) -> Result<(), Error> {
    /// let mut reader = client.stream("orders").read().from(saved).live(Live::Sse).start();
    /// while let Some(batch) = reader.next().await? {
    ///     for order in batch.json::<serde_json::Value>() {
    ///         println!("{}", order?);
    ///     }
    ///     println!("resume at {}", batch.checkpoint());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn read(&self) -> ReadBuilder {
        ReadBuilder::new(self.clone())
    }

    /// Writes the stream exactly once, as the producer with this id: one id for each writer that lives at the same time.
    ///
    /// The handle must know the stream's content type: see [`with_content_type`](Self::with_content_type).
    pub fn writer(&self, id: impl Into<String>) -> WriterBuilder {
        WriterBuilder::new(self.clone(), id.into())
    }

    /// Writes the stream exactly once, as a producer with a random id: for a writer that nothing has to take over from.
    pub fn writer_with_random_id(&self) -> WriterBuilder {
        self.writer(format!(
            "{:016x}{:016x}",
            fastrand::u64(..),
            fastrand::u64(..)
        ))
    }

    /// The way of this stream's requests: `own` are the extras of one operation.
    pub(crate) fn session(&self, own: &Extras) -> Result<Session, Error> {
        let url = self.url()?;
        let inner = &self.client.0;
        let at_home = url.origin() == inner.root.origin();
        let mut extras = if at_home {
            inner.extras.clone()
        } else {
            Extras::new()
        };
        extras.extend(self.extras.as_ref().map_err(Clone::clone)?);
        extras.extend(own);
        let client_hook = inner.hook.clone().filter(|_| at_home).into_iter();
        let transport = Arc::clone(&inner.transport);
        let mut session = Session::new(transport, Arc::clone(&inner.timer), url.to_uri()?);
        session.extras = extras;
        session.hooks = client_hook.chain(self.hook.clone()).collect();
        session.refresh = inner.refresh.clone().filter(|_| at_home);
        session.metrics = inner.metrics.clone();
        Ok(session)
    }
}

/// Changes extras that have no error yet; the first error stays.
pub(crate) fn edit(
    extras: &mut Result<Extras, Error>,
    change: impl FnOnce(&mut Extras) -> Result<(), Error>,
) {
    if let Ok(ok) = extras {
        if let Err(error) = change(ok) {
            *extras = Err(error);
        }
    }
}

impl fmt::Debug for DurableStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableStream")
            .field("url", &self.url)
            .field("extras", &self.extras)
            .field("content_type", &self.content_type())
            .finish_non_exhaustive()
    }
}

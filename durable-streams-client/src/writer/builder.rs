//! Configures a writer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use durable_streams_core::{
    AfterClaim, Error, Extras, RetryPolicy, Writer as WriterMachine, WriterConfig,
};

use super::Writer;
use super::driver::{ErrorHook, WriterDriver};
use super::shared::{Locked, Shared};
use crate::blocking;
use crate::driver::Driver;
use crate::session::Session;
use crate::stream::{DurableStream, edit};

/// Configures a [`Writer`]. What cannot be sent is reported by the writer, before any I/O.
#[must_use = "nothing is written until the writer is started"]
pub struct WriterBuilder {
    stream: DurableStream,
    config: Result<WriterConfig, Error>,
    extras: Result<Extras, Error>,
    hook: Option<Arc<ErrorHook>>,
}

impl WriterBuilder {
    pub(crate) fn new(stream: DurableStream, id: String) -> Self {
        let content_type = stream
            .content_type()
            .unwrap_or_else(|| "application/octet-stream".into());
        let config = stream
            .url()
            .and_then(|url| WriterConfig::new(url.clone(), content_type, id));
        let timeout = stream.client().0.settings.request_timeout;
        let config = config.map(|config| config.request_timeout(timeout).seed(fastrand::u64(..)));
        Self {
            stream,
            config,
            extras: Ok(Extras::new()),
            hook: None,
        }
    }

    fn map(mut self, change: impl FnOnce(WriterConfig) -> WriterConfig) -> Self {
        self.config = self.config.map(change);
        self
    }

    /// A limit of nothing would let nothing through: it is a mistake, and said to be one.
    fn limit(
        mut self,
        name: &str,
        limit: usize,
        change: impl FnOnce(WriterConfig) -> WriterConfig,
    ) -> Self {
        if limit == 0 {
            self.config = self
                .config
                .and_then(|_| Err(Error::invalid(format!("{name} is at least 1"))));
        }
        self.map(change)
    }

    /// The epoch to begin with: one above that of the run before, where it is kept. Default 0.
    pub fn epoch(mut self, epoch: u64) -> Self {
        self.config = self.config.and_then(|config| config.epoch(epoch));
        self
    }

    /// When fenced by another epoch, claim the next one instead of failing. Default: no.
    ///
    /// For one writer at a time that may have to take over from a dead one. Two live writers of one id fence each other, and
    /// when they claim one epoch at the same moment and lose their first answers, they cannot be told apart.
    ///
    /// The first batch of all may be a predecessor's under the same epoch: when its answer is lost, the next epoch is claimed and it
    /// is sent again, or reported, as [`after_claim`](Self::after_claim) says. With an [`epoch`](Self::epoch) that is kept and raised
    /// for every run, and without auto-claim, that does not arise.
    pub fn auto_claim(self, claim: bool) -> Self {
        self.map(|config| config.auto_claim(claim))
    }

    /// What happens after a claim to messages that may have been stored. Default: they are sent again.
    pub fn after_claim(self, choice: AfterClaim) -> Self {
        self.map(|config| config.after_claim(choice))
    }

    /// How many claims in a row may fail before the writer does. Default 10.
    pub fn max_claims(self, claims: u32) -> Self {
        self.map(|config| config.max_claims(claims))
    }

    /// The largest body of a request; a single larger message still goes, alone. Default 1 MiB.
    pub fn max_batch_bytes(self, limit: usize) -> Self {
        self.limit("max_batch_bytes", limit, |config| {
            config.max_batch_bytes(limit)
        })
    }

    /// The most messages in a request. Default 1 000.
    pub fn max_batch_messages(self, limit: usize) -> Self {
        self.limit("max_batch_messages", limit, |config| {
            config.max_batch_messages(limit)
        })
    }

    /// How long the first message of a batch waits for others. Default 5 ms; zero sends as soon as a request may go.
    pub fn linger(self, linger: Duration) -> Self {
        self.map(|config| config.linger(linger))
    }

    /// The most requests in flight. Default 5. They get fewer while requests overtake each other on their way.
    pub fn max_in_flight(self, requests: usize) -> Self {
        self.limit("max_in_flight", requests, |config| {
            config.max_in_flight(requests)
        })
    }

    /// The most bytes of messages that are kept until they are stored. Default 64 MiB.
    pub fn max_buffer_bytes(self, limit: usize) -> Self {
        self.limit("max_buffer_bytes", limit, |config| {
            config.max_buffer_bytes(limit)
        })
    }

    /// The most messages that are kept until they are stored. Default 100 000.
    pub fn max_buffer_messages(self, limit: usize) -> Self {
        self.limit("max_buffer_messages", limit, |config| {
            config.max_buffer_messages(limit)
        })
    }

    /// How failed requests are tried again. Default: given up after 10 attempts or 2 minutes, whichever is later.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.map(|config| config.retry(policy))
    }

    /// How long one request may take. Default: the client's.
    pub fn request_timeout(self, limit: Duration) -> Self {
        self.map(|config| config.request_timeout(limit))
    }

    /// A header for every request of this writer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_header(name, value));
        self
    }

    /// A query parameter for every request of this writer.
    pub fn param(mut self, key: &str, value: &str) -> Self {
        edit(&mut self.extras, |extras| extras.set_param(key, value));
        self
    }

    /// Called with every error: of a request that is tried again, of messages that are given up, of the writer as a whole.
    ///
    /// It runs where the requests are driven, and is to be quick.
    pub fn on_error(mut self, hook: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// The writer, and the future that does its sending. For runtimes that the client has no spawner for.
    pub fn into_parts(self) -> (Writer, WriterDriver) {
        let timer = Arc::clone(&self.stream.client().0.timer);
        let idle = self.stream.client().idle_session();
        let (machine, session) = match self.machine() {
            Ok((machine, session)) => (Ok(machine), session),
            Err(error) => (Err(error), idle),
        };
        let shared = Arc::new(Shared::new(machine, timer));
        let driver = Driver::new(Locked(Arc::clone(&shared)), Arc::new(session));
        let writer = Writer::new(Arc::clone(&shared));
        (writer, WriterDriver::new(driver, shared, self.hook))
    }

    /// The writer, with its sending in the background of the client's runtime. Begins nothing until something is appended.
    ///
    /// On a client without a spawner ([`ClientBuilder::spawner`](crate::ClientBuilder::spawner)) every call of the writer gives an
    /// error that says so.
    pub fn start(mut self) -> Writer {
        let spawner = self.stream.client().0.spawner.clone();
        if spawner.is_none() && self.config.is_ok() {
            let why = "the client has no spawner: use into_parts, and poll the driver";
            self.config = Err(Error::invalid(why));
        }
        let (writer, driver) = self.into_parts();
        if let Some(spawn) = spawner {
            spawn(Box::pin(driver));
        }
        writer
    }

    /// The writer, whose calls block: see [`blocking`]. Every call gives an error for a client that needs a runtime of the caller's.
    pub fn start_blocking(mut self) -> blocking::Writer {
        if let Err(error) = blocking::check(self.stream.client()) {
            self.config = Err(error);
        }
        blocking::Writer::new(self.start())
    }

    fn machine(&self) -> Result<(WriterMachine, Session), Error> {
        let extras = self.extras.as_ref().map_err(Clone::clone)?;
        let session = self.stream.session(extras)?;
        let config = self.config.clone()?;
        Ok((WriterMachine::new(config), session))
    }
}

impl fmt::Debug for WriterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterBuilder")
            .field("config", &self.config)
            .field("extras", &self.extras)
            .finish_non_exhaustive()
    }
}

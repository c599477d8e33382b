//! What is tested: a transport, and how to make one.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use durable_streams_client::{Timer, Transport};

use super::case::Case;

type BoxError = Box<dyn StdError + Send + Sync>;
type Made = Result<Arc<dyn Transport>, BoxError>;
type Make<A> = Arc<dyn Fn(A) -> Made + Send + Sync>;

/// What a transport speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, by prior knowledge.
    Http2,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        })
    }
}

/// A transport to be tested, as functions that make it. Cheap to clone.
///
/// What it cannot do is left out; the cases that need it are skipped, and say so.
///
/// ```no_run
/// use durable_streams_conformance::suite::Subject;
/// # use durable_streams_client::{BoxFuture, Body, Timer, Transport, TransportError};
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # #[derive(Debug)] struct MyTransport;
/// # impl MyTransport { fn new() -> Result<Self, TransportError> { Ok(Self) } fn http2() -> Result<Self, TransportError> { Ok(Self) } }
/// # #[async_trait::async_trait] impl Transport for MyTransport {
/// #     async fn send(&self, _: Request<Bytes>) -> Result<Response<Body>, TransportError> { unimplemented!() }
/// # }
/// # #[derive(Debug)] struct MyTimer;
/// # impl Timer for MyTimer { fn sleep(&self, _: std::time::Duration) -> BoxFuture<'static, ()> { unimplemented!() } }
///
/// let subject = Subject::new("mine", MyTimer, MyTransport::new).http2(MyTransport::http2);
/// ```
#[derive(Clone)]
pub struct Subject {
    name: Arc<str>,
    timer: Arc<dyn Timer>,
    http1: Make<()>,
    http2: Option<Make<()>>,
    trusting: Option<Make<Vec<u8>>>,
    connecting_within: Option<Make<Duration>>,
    patience: Duration,
    lacking: Arc<[(&'static str, &'static str)]>,
}

/// How long a case waits for what should happen at once: a limit for what would hang.
const PATIENCE: Duration = Duration::from_secs(30);

impl Subject {
    /// A transport of this name, as its users get it; and a clock that works where the suite is run.
    pub fn new<T: Transport, E: Into<BoxError>>(
        name: &str,
        timer: impl Timer,
        make: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: Arc::from(name),
            timer: Arc::new(timer),
            http1: made(move |()| make()),
            http2: None,
            trusting: None,
            connecting_within: None,
            patience: PATIENCE,
            lacking: Arc::default(),
        }
    }

    /// How to make one that speaks HTTP/2 by prior knowledge, without TLS.
    #[must_use]
    pub fn http2<T: Transport, E: Into<BoxError>>(
        mut self,
        make: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        self.http2 = Some(made(move |()| make()));
        self
    }

    /// How to make one that trusts this certificate (DER), and has TLS.
    #[must_use]
    pub fn trusting<T: Transport, E: Into<BoxError>>(
        mut self,
        make: impl Fn(Vec<u8>) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        self.trusting = Some(made(make));
        self
    }

    /// How to make one that takes no longer than this for a connection.
    #[must_use]
    pub fn connecting_within<T: Transport, E: Into<BoxError>>(
        mut self,
        make: impl Fn(Duration) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        self.connecting_within = Some(made(make));
        self
    }

    /// The same with something around each transport that it makes.
    #[must_use]
    pub fn wrapped<T: Transport>(
        mut self,
        name: &str,
        wrap: impl Fn(Arc<dyn Transport>) -> T + Clone + Send + Sync + 'static,
    ) -> Self {
        fn around<A: 'static, T: Transport>(
            make: Make<A>,
            wrap: impl Fn(Arc<dyn Transport>) -> T + Send + Sync + 'static,
        ) -> Make<A> {
            made(move |argument| make(argument).map(&wrap))
        }
        self.name = Arc::from(name);
        self.http1 = around(self.http1, wrap.clone());
        self.http2 = self.http2.map(|make| around(make, wrap.clone()));
        self.trusting = self.trusting.map(|make| around(make, wrap.clone()));
        self.connecting_within = self.connecting_within.map(|make| around(make, wrap));
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn timed(mut self, name: &str, timer: impl Timer) -> Self {
        self.name = Arc::from(name);
        self.timer = Arc::new(timer);
        self
    }

    /// What its stack cannot do: ids of cases, each with the reason. They are skipped, and the report says why. The first
    /// word of an id stands for all cases that have it.
    #[must_use]
    pub fn lacking(mut self, cases: &[(&'static str, &'static str)]) -> Self {
        self.lacking = Arc::from(cases);
        self
    }

    /// How long a case waits for what should happen at once, before it fails. By default 30 seconds. Nothing that passes
    /// waits for it.
    #[must_use]
    pub fn patience(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }

    /// Its name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it can speak.
    pub fn protocols(&self) -> Vec<Protocol> {
        let http2 = self.http2.is_some().then_some(Protocol::Http2);
        [Protocol::Http1].into_iter().chain(http2).collect()
    }

    pub(crate) fn timer(&self) -> Arc<dyn Timer> {
        Arc::clone(&self.timer)
    }

    pub(crate) fn lacks(&self, case: &Case) -> Option<&'static str> {
        let mut lacking = self.lacking.iter();
        lacking.find(|(id, _)| case.is(id)).map(|(_, why)| *why)
    }

    pub(crate) fn limit(&self) -> Duration {
        self.patience
    }

    pub(crate) fn make(&self, protocol: Protocol) -> Option<Made> {
        match protocol {
            Protocol::Http1 => Some((self.http1)(())),
            Protocol::Http2 => self.http2.as_ref().map(|make| make(())),
        }
    }

    pub(crate) fn make_trusting(&self, root: &[u8]) -> Option<Made> {
        self.trusting.as_ref().map(|make| make(root.to_vec()))
    }

    pub(crate) fn make_connecting_within(&self, limit: Duration) -> Option<Made> {
        self.connecting_within.as_ref().map(|make| make(limit))
    }

    pub(crate) fn can_trust(&self) -> bool {
        self.trusting.is_some()
    }

    pub(crate) fn can_limit_connecting(&self) -> bool {
        self.connecting_within.is_some()
    }
}

fn made<A, T: Transport, E: Into<BoxError>>(
    make: impl Fn(A) -> Result<T, E> + Send + Sync + 'static,
) -> Make<A> {
    Arc::new(move |argument| match make(argument) {
        Ok(transport) => Ok(Arc::new(transport)),
        Err(error) => Err(error.into()),
    })
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .field("protocols", &self.protocols())
            .finish_non_exhaustive()
    }
}

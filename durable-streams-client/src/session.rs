//! What stands between a machine and the transport: the application's headers and parameters, and their renewal.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::wire::header::PRODUCER_EPOCH;
use durable_streams_core::{Error, Extras, FailureKind};
use http::{Request, Response, StatusCode, Uri};

use crate::transport::{Body, BoxFuture, Timer, Transport, TransportError};

/// What a refresh hook gives: headers and parameters that replace those of the same name, or why it could not.
pub type RefreshResult = Result<Extras, Box<dyn StdError + Send + Sync>>;

type RefreshHook = dyn Fn() -> BoxFuture<'static, RefreshResult> + Send + Sync;

/// Renews credentials, shared by everything of one client.
pub(crate) struct Refresh {
    hook: Box<RefreshHook>,
    renewed: Mutex<(u64, Extras)>,
}

impl Refresh {
    pub(crate) fn new(hook: Box<RefreshHook>) -> Self {
        Self {
            hook,
            renewed: Mutex::default(),
        }
    }

    fn current(&self) -> (u64, Extras) {
        self.renewed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Renews, unless somebody else did since `seen`. Says whether there is something new.
    async fn renew(&self, seen: u64) -> bool {
        if self.current().0 != seen {
            return true;
        }
        match (self.hook)().await {
            Ok(extras) => {
                let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
                renewed.0 += 1;
                renewed.1.extend(&extras);
                true
            }
            Err(error) => {
                crate::log::refresh_failed(&*error);
                false
            }
        }
    }
}

/// The way of one stream's requests to the transport.
pub(crate) struct Session {
    transport: Arc<dyn Transport>,
    timer: Arc<dyn Timer>,
    extras: Extras,
    refresh: Option<Arc<Refresh>>,
    /// The origin that the extras are for.
    home: Uri,
}

impl Session {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        timer: Arc<dyn Timer>,
        extras: Extras,
        refresh: Option<Arc<Refresh>>,
        home: Uri,
    ) -> Self {
        Self {
            transport,
            timer,
            extras,
            refresh,
            home,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.timer.now()
    }

    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.timer.sleep(duration)
    }

    /// Sends a request with the application's headers. A refusal for want of credentials goes through the refresh hook
    /// once, and the request is sent again: the server did not take it on.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Body>, TransportError> {
        let Some(refresh) = &self.refresh else {
            self.extras
                .apply(&mut request, &self.home)
                .map_err(refused)?;
            return self.transport.send(request).await;
        };
        let (seen, renewed) = refresh.current();
        let answer = self.transport.send(self.with(&request, &renewed)?).await?;
        if !wants_credentials(&answer) || !refresh.renew(seen).await {
            return Ok(answer);
        }
        drop(answer);
        let (_, renewed) = refresh.current();
        self.transport.send(self.with(&request, &renewed)?).await
    }

    fn with(
        &self,
        request: &Request<Bytes>,
        renewed: &Extras,
    ) -> Result<Request<Bytes>, TransportError> {
        let mut request = request.clone();
        let mut extras = self.extras.clone();
        extras.extend(renewed);
        extras.apply(&mut request, &self.home).map_err(refused)?;
        Ok(request)
    }
}

fn refused(error: Error) -> TransportError {
    TransportError::new(FailureKind::Refused).with_source(error)
}

/// 401, or a 403 that is not the fencing of a producer.
fn wants_credentials(answer: &Response<Body>) -> bool {
    match answer.status() {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => !answer.headers().contains_key(PRODUCER_EPOCH),
        _ => false,
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("transport", &self.transport)
            .field("extras", &self.extras)
            .finish_non_exhaustive()
    }
}

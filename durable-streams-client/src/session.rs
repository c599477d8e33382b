//! What stands between a machine and the transport: the application's headers and parameters, and their renewal.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::wire::header::PRODUCER_EPOCH;
use durable_streams_core::{Error, Extras, FailureKind};
use http::{Request, Response, StatusCode, Uri};

use crate::hooks::{Outgoing, Refresh, RequestHook, unprepared};
use crate::transport::{Body, BoxFuture, Timer, Transport, TransportError};

/// The way of one stream's requests to the transport.
pub(crate) struct Session {
    transport: Arc<dyn Transport>,
    timer: Arc<dyn Timer>,
    extras: Extras,
    /// What goes on each request anew, over the extras.
    hooks: Vec<Arc<RequestHook>>,
    refresh: Option<Arc<Refresh>>,
    /// The origin that the extras are for.
    home: Uri,
}

impl Session {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        timer: Arc<dyn Timer>,
        extras: Extras,
        hooks: Vec<Arc<RequestHook>>,
        refresh: Option<Arc<Refresh>>,
        home: Uri,
    ) -> Self {
        Self {
            transport,
            timer,
            extras,
            hooks,
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
        request: Request<Bytes>,
    ) -> Result<Response<Body>, TransportError> {
        let Some(refresh) = &self.refresh else {
            let request = self.prepare(request, None).await?;
            return self.transport.send(request).await;
        };
        let (seen, renewed) = refresh.current();
        let first = self.prepare(request.clone(), Some(&renewed)).await?;
        let answer = self.transport.send(first).await?;
        if !wants_credentials(&answer) || !refresh.renew(seen).await {
            return Ok(answer);
        }
        drop(answer);
        let (_, renewed) = refresh.current();
        let second = self.prepare(request, Some(&renewed)).await?;
        self.transport.send(second).await
    }

    /// The request with what goes on it: what was set, under what was renewed, under what the hooks say now.
    async fn prepare(
        &self,
        mut request: Request<Bytes>,
        renewed: Option<&Extras>,
    ) -> Result<Request<Bytes>, TransportError> {
        if renewed.is_none() && self.hooks.is_empty() {
            self.extras
                .apply(&mut request, &self.home)
                .map_err(refused)?;
            return Ok(request);
        }
        let mut extras = self.extras.clone();
        if let Some(renewed) = renewed {
            extras.extend(renewed);
        }
        for hook in &self.hooks {
            let more = hook(Outgoing::of(&request)).await;
            extras.extend(&more.map_err(unprepared)?);
        }
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

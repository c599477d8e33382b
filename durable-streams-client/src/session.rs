//! What stands between a machine and the transport: the application's headers and parameters, and their renewal.

use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::wire::header::PRODUCER_EPOCH;
use durable_streams_core::{Error, Extras, FailureKind};
use http::{Request, Response, StatusCode, Uri};

use crate::hooks::{Outgoing, Refresh, RequestHook, unprepared};
use crate::log::{self, traced};
use crate::metrics::{Measured, Metrics};
use crate::transport::{Body, BoxFuture, Timer, Transport, TransportError};

/// The way of one stream's requests to the transport.
pub(crate) struct Session {
    transport: Arc<dyn Transport>,
    timer: Arc<dyn Timer>,
    pub(crate) extras: Extras,
    /// What goes on each request anew, over the extras.
    pub(crate) hooks: Vec<Arc<RequestHook>>,
    pub(crate) refresh: Option<Arc<Refresh>>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
    /// The origin that the extras are for.
    home: Uri,
}

impl Session {
    /// A way with nothing on it.
    pub(crate) fn new(transport: Arc<dyn Transport>, timer: Arc<dyn Timer>, home: Uri) -> Self {
        Self {
            transport,
            timer,
            extras: Extras::new(),
            hooks: Vec::new(),
            refresh: None,
            metrics: None,
            home,
        }
    }

    /// The metrics, if anything is counted.
    pub(crate) fn metrics(&self) -> Option<&dyn Metrics> {
        self.metrics.as_deref()
    }

    pub(crate) fn now(&self) -> Instant {
        self.timer.now()
    }

    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.timer.sleep(duration)
    }

    /// Sends a request with the application's headers.
    pub(crate) fn send(
        self: Arc<Self>,
        mut request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        if self.has_hooks() || self.metrics.is_some() || log::is_on() {
            return Box::pin(async move { self.send_hooked(request).await });
        }
        // Mostly there is nothing else to do. A future that has room for all the rest is some kilobytes, for every reader that waits.
        match self.extras.apply(&mut request, &self.home) {
            Ok(()) => Box::pin(async move { self.transport.send(request).await }),
            Err(error) => Box::pin(ready(Err(refused(error)))),
        }
    }

    fn has_hooks(&self) -> bool {
        self.refresh.is_some() || !self.hooks.is_empty()
    }

    /// A refusal for want of credentials goes through the refresh hook once, and the request is sent again: the server did not take
    /// it on.
    async fn send_hooked(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let Some(refresh) = &self.refresh else {
            let request = self.prepare(request, None).await?;
            return self.exchange(request).await;
        };
        let (seen, renewed) = refresh.current();
        let first = self.prepare(request.clone(), Some(&renewed)).await?;
        let answer = self.exchange(first).await?;
        if !wants_credentials(&answer) || !refresh.renew(seen).await {
            return Ok(answer);
        }
        drop(answer);
        let (_, renewed) = refresh.current();
        let second = self.prepare(request, Some(&renewed)).await?;
        self.exchange(second).await
    }

    /// One request as the transport sends it, in a span and counted where that is wanted.
    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let measured = self
            .metrics
            .as_ref()
            .map(|metrics| Measured::begin(metrics, &self.timer, &request));
        let answer = traced(request, |request| self.transport.send(request)).await;
        match measured {
            Some(measured) => measured.answered(answer),
            None => answer,
        }
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

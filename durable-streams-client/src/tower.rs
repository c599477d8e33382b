//! Tower services as transports, and transports as tower services.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use durable_streams_core::FailureKind;
use futures_core::Stream;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use tower_service::Service;

use crate::hooks::BoxError;
use crate::transport::{Body, BoxFuture, Transport, TransportError};

/// A tower service as a [`Transport`]: the layers of tower and tower-http around another transport, or a stack of its own.
///
/// What the [contract](Transport) says of a transport holds for the service and all of its layers: no layer may follow redirects, decode
/// bodies or limit the whole time of an answer, and one that tries again must leave alone what may have been sent. A layer that limits
/// how long the head may take is fine where it is longer than the client's own limits.
///
/// A failure that has a [`TransportError`] somewhere in it, as those of a [`TransportService`] have, is of that kind. Any other counts as
/// [`Interrupted`](FailureKind::Interrupted), the kind that claims nothing; one of a service that does not get ready counts as
/// [`Connect`](FailureKind::Connect), as nothing was sent then.
///
/// ```
/// use durable_streams_client::tower::{TowerTransport, TransportService};
/// # use durable_streams_client::Transport;
///
/// fn limited(transport: impl Transport) -> impl Transport {
///     let service = tower::ServiceBuilder::new()
///         .concurrency_limit(64)
///         .service(TransportService::new(transport));
///     TowerTransport::new(service)
/// }
/// ```
pub struct TowerTransport<S> {
    /// Cloned for each request. Behind a lock, so that it need not be `Sync`.
    service: Mutex<S>,
}

impl<S> TowerTransport<S> {
    /// A transport over this service.
    pub fn new(service: S) -> Self {
        let service = Mutex::new(service);
        Self { service }
    }
}

impl<S> fmt::Debug for TowerTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S, B> Transport for TowerTransport<S>
where
    S: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let mut service = {
            let service = self.service.lock();
            service.unwrap_or_else(PoisonError::into_inner).clone()
        };
        let ready = poll_fn(|cx| service.poll_ready(cx)).await;
        ready.map_err(|error| failure(error, FailureKind::Connect))?;
        let answer = service.call(request).await;
        let answer = answer.map_err(|error| failure(error, FailureKind::Interrupted))?;
        Ok(answer.map(|body| Body::new(Chunks(Box::pin(body)))))
    }
}

/// The failure that an error is, or has in it.
fn failure(error: impl Into<BoxError>, otherwise: FailureKind) -> TransportError {
    let error = match error.into().downcast::<TransportError>() {
        Ok(own) => return *own,
        Err(error) => error,
    };
    let mut kind = otherwise;
    let mut next: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<TransportError>() {
            kind = own.kind();
            break;
        }
        next = error.source();
    }
    TransportError::new(kind).with_source(error)
}

/// The data of a body; its trailers are nothing to the protocol.
struct Chunks<B>(Pin<Box<B>>);

impl<B> Stream for Chunks<B>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(self.0.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    let error = failure(error, FailureKind::Interrupted);
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Ok(frame)) => frame,
            };
            // Bytes are handed on as they are; other buffers are copied.
            match frame.into_data() {
                Ok(mut data) if data.has_remaining() => {
                    return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining()))));
                }
                _ => {}
            }
        }
    }
}

/// A [`Transport`] as a tower service, to put layers around. Clones share it.
#[derive(Debug, Clone)]
pub struct TransportService(Arc<dyn Transport>);

impl TransportService {
    /// A service over this transport.
    pub fn new(transport: impl Transport) -> Self {
        Self(Arc::new(transport))
    }
}

impl Service<Request<Bytes>> for TransportService {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Response<Body>, TransportError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let transport = Arc::clone(&self.0);
        Box::pin(async move { transport.send(request).await })
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.poll_next(cx)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

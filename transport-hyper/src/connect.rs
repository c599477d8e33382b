//! A limit to how long making a connection takes.

use std::error::Error as StdError;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use durable_streams_client::BoxFuture;
use http::Uri;
use tokio::time;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A connector that gives up in time.
///
/// The limit of [`HttpConnector`](hyper_util::client::legacy::connect::HttpConnector) is for TCP alone. This one
/// goes around all that a connector does: name, TCP and TLS.
#[derive(Clone)]
pub(crate) struct Limited<C> {
    pub(crate) connector: C,
    pub(crate) limit: Duration,
}

impl<C> Service<Uri> for Limited<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.connector.call(uri);
        let limit = self.limit;
        Box::pin(async move {
            match time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => {
                    Err(io::Error::new(io::ErrorKind::TimedOut, "connecting took too long").into())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Pending, pending};

    use tower::service_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connector_that_takes_too_long_is_given_up() {
        let mut connector = Limited {
            connector: service_fn(|_| -> Pending<io::Result<()>> { pending() }),
            limit: Duration::from_secs(10),
        };
        let begin = time::Instant::now();
        let error = connector.call(Uri::default()).await.unwrap_err();
        assert_eq!(begin.elapsed().as_secs(), 10);
        let error = error.downcast::<io::Error>().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn any_limit_is_taken() {
        let mut connector = Limited {
            connector: service_fn(|_| async { io::Result::Ok("connected") }),
            limit: Duration::MAX,
        };
        assert_eq!(connector.call(Uri::default()).await.unwrap(), "connected");
    }
}

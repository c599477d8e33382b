//! Spans and events. Their names and fields are stable, and follow OpenTelemetry's conventions for HTTP clients and for messaging; the
//! crate's docs list them. Without the feature `tracing` nothing is said.

use durable_streams_core::OperationKind;
use http::{Method, Request};

/// What a request is for: it says so itself, or its method does.
pub(crate) fn operation_of<B>(request: &Request<B>) -> OperationKind {
    if let Some(operation) = request.extensions().get() {
        return *operation;
    }
    match *request.method() {
        Method::PUT => OperationKind::Create,
        Method::DELETE => OperationKind::Delete,
        Method::HEAD => OperationKind::Head,
        Method::GET => OperationKind::Read,
        // Only what closes has no content type.
        _ if request.headers().contains_key(http::header::CONTENT_TYPE) => OperationKind::Append,
        _ => OperationKind::Close,
    }
}

#[cfg(feature = "tracing")]
pub(crate) use said::*;
#[cfg(not(feature = "tracing"))]
pub(crate) use unsaid::*;

#[cfg(feature = "tracing")]
mod said {
    use std::error::Error as StdError;

    use bytes::Bytes;
    use durable_streams_core::{
        Error, Notice, OperationKind, WorkerEvent, WorkerNotice, WriterEvent,
    };
    use http::{Request, Response};
    use tracing::field::Empty;
    use tracing::level_filters::LevelFilter;
    use tracing::{Instrument, Level, Span, event, info_span};

    use super::operation_of;
    use crate::consumer::Decision;
    use crate::transport::{Body, BoxFuture, TransportError};
    use crate::worker::WorkDecision;

    type Answer = Result<Response<Body>, TransportError>;

    /// The span of a request, until the head of its answer. The query stays out of it: there may be a token in it.
    fn span(request: &Request<Bytes>) -> Span {
        let operation = operation_of(request);
        let uri = request.uri();
        let usual = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        // As OpenTelemetry groups what is done with messages.
        let kind = match operation {
            OperationKind::Append => "send",
            OperationKind::Read | OperationKind::Claim => "receive",
            OperationKind::Create | OperationKind::CreateSubscription => "create",
            _ => "settle",
        };
        info_span!(
            "durable_streams.request",
            otel.kind = "client",
            otel.name = %format_args!("{operation} {}", uri.path()),
            http.request.method = request.method().as_str(),
            http.request.body.size = request.body().len(),
            http.response.status_code = Empty,
            server.address = uri.host(),
            server.port = uri.port_u16().unwrap_or(usual),
            url.scheme = uri.scheme_str(),
            url.path = uri.path(),
            messaging.system = "durable_streams",
            messaging.destination.name = uri.path(),
            messaging.operation.name = %operation,
            "messaging.operation.type" = kind,
            "error.type" = Empty,
        )
    }

    /// Whether somebody may want to know of requests.
    pub(crate) fn is_on() -> bool {
        LevelFilter::current() >= LevelFilter::INFO
    }

    /// Sends a request within a span, if anybody wants to know.
    pub(crate) fn traced<'a>(
        request: Request<Bytes>,
        send: impl FnOnce(Request<Bytes>) -> BoxFuture<'a, Answer>,
    ) -> impl Future<Output = Answer> + Send + 'a {
        let span = span(&request);
        let sent = send(request);
        async move {
            let answer = sent.instrument(span.clone()).await;
            match &answer {
                Ok(answer) => {
                    let status = answer.status();
                    span.record("http.response.status_code", status.as_u16());
                    if status.is_client_error() || status.is_server_error() {
                        span.record("error.type", status.as_str());
                    }
                }
                Err(error) => {
                    span.record("error.type", tracing::field::debug(error.kind()));
                }
            }
            answer
        }
    }

    pub(crate) fn notice(notice: &Notice) {
        match notice {
            Notice::Retrying { error, delay } => event!(
                name: "durable_streams.read.retry",
                Level::DEBUG,
                %error,
                delay_ms = delay.as_millis() as u64,
                "a read is tried again"
            ),
            Notice::FellBack { reason } => event!(
                name: "durable_streams.read.fallback",
                Level::WARN,
                reason,
                "server-sent events do not work here, going on by long-poll"
            ),
            _ => {}
        }
    }

    pub(crate) fn writer(what: &WriterEvent) {
        match what {
            WriterEvent::Retrying { error, delay } => event!(
                name: "durable_streams.write.retry",
                Level::DEBUG,
                %error,
                delay_ms = delay.as_millis() as u64,
                "a write is tried again"
            ),
            WriterEvent::Rejected { error, .. } => event!(
                name: "durable_streams.write.rejected",
                Level::WARN,
                %error,
                "messages were not stored"
            ),
            WriterEvent::Failed(error) => event!(
                name: "durable_streams.write.failed",
                Level::ERROR,
                %error,
                "the writer failed"
            ),
            _ => {}
        }
    }

    pub(crate) fn refresh_failed(error: &(dyn StdError + Send + Sync)) {
        event!(
            name: "durable_streams.refresh.failed",
            Level::WARN,
            %error,
            "the refresh hook failed"
        );
    }

    pub(crate) fn consumer(name: &str, error: &Error, decision: &Decision) {
        // What the handler itself said is in the source.
        let cause = error.source().map(ToString::to_string);
        event!(
            name: "durable_streams.consumer.failed",
            Level::WARN,
            messaging.consumer.group.name = name,
            %error,
            cause,
            ?decision,
            "a consumer met an error"
        );
    }

    pub(crate) fn worker(subscription: &str, name: &str, what: &WorkerEvent) {
        match what {
            WorkerEvent::Claimed {
                generation,
                pending,
            } => event!(
                name: "durable_streams.worker.claimed",
                Level::DEBUG,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                generation,
                pending,
                "a worker has the lease"
            ),
            WorkerEvent::Released { generation, done } => event!(
                name: "durable_streams.worker.released",
                Level::DEBUG,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                generation,
                done,
                "a worker has given the lease back"
            ),
            WorkerEvent::LeaseLost { generation, reason } => event!(
                name: "durable_streams.worker.lease_lost",
                Level::WARN,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                generation,
                ?reason,
                "a worker lost the lease"
            ),
            WorkerEvent::Notice(WorkerNotice::Retrying { error, delay }) => event!(
                name: "durable_streams.worker.retry",
                Level::DEBUG,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                %error,
                delay_ms = delay.as_millis() as u64,
                "what a worker asked is asked again"
            ),
            WorkerEvent::Notice(WorkerNotice::Deaf { error, delay }) => event!(
                name: "durable_streams.worker.deaf",
                Level::WARN,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                %error,
                delay_ms = delay.as_millis() as u64,
                "a worker cannot hear of wakes, and looks for work at intervals"
            ),
            WorkerEvent::Notice(WorkerNotice::AckRejected { stream, error }) => event!(
                name: "durable_streams.worker.ack_rejected",
                Level::WARN,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                stream,
                %error,
                "an acknowledgement is not taken"
            ),
            WorkerEvent::Failed(error) => event!(
                name: "durable_streams.worker.ended",
                Level::ERROR,
                messaging.consumer.group.name = subscription,
                messaging.client.id = name,
                %error,
                "a worker gave up"
            ),
            _ => {}
        }
    }

    pub(crate) fn work(
        subscription: &str,
        name: &str,
        stream: &str,
        error: &Error,
        decision: WorkDecision,
    ) {
        // What the handler itself said is in the source.
        let cause = error.source().map(ToString::to_string);
        event!(
            name: "durable_streams.worker.failed",
            Level::WARN,
            messaging.consumer.group.name = subscription,
            messaging.client.id = name,
            stream,
            %error,
            cause,
            ?decision,
            "a worker met an error"
        );
    }
}

#[cfg(not(feature = "tracing"))]
mod unsaid {
    use std::error::Error as StdError;

    use bytes::Bytes;
    use durable_streams_core::{Error, Notice, WorkerEvent, WriterEvent};
    use http::{Request, Response};

    use crate::consumer::Decision;
    use crate::transport::{Body, BoxFuture, TransportError};
    use crate::worker::WorkDecision;

    pub(crate) fn is_on() -> bool {
        false
    }

    pub(crate) fn traced<'a>(
        request: Request<Bytes>,
        send: impl FnOnce(Request<Bytes>) -> BoxFuture<'a, Result<Response<Body>, TransportError>>,
    ) -> BoxFuture<'a, Result<Response<Body>, TransportError>> {
        send(request)
    }

    pub(crate) fn notice(_: &Notice) {}

    pub(crate) fn writer(_: &WriterEvent) {}

    pub(crate) fn refresh_failed(_: &(dyn StdError + Send + Sync)) {}

    pub(crate) fn consumer(_: &str, _: &Error, _: &Decision) {}

    pub(crate) fn worker(_: &str, _: &str, _: &WorkerEvent) {}

    pub(crate) fn work(_: &str, _: &str, _: &str, _: &Error, _: WorkDecision) {}
}

//! The few things worth a line in a log. Without the feature `tracing` they say nothing.

use durable_streams_core::{Error, Notice, WriterEvent};

use crate::consumer::Decision;

#[cfg(feature = "tracing")]
pub(crate) fn notice(notice: &Notice) {
    match notice {
        Notice::Retrying { error, delay } => {
            tracing::debug!(error = %error, delay_ms = delay.as_millis() as u64, "retrying a read");
        }
        Notice::FellBack { reason } => {
            tracing::warn!(
                reason,
                "server-sent events do not work here, going on by long-poll"
            );
        }
        _ => {}
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn notice(_: &Notice) {}

#[cfg(feature = "tracing")]
pub(crate) fn refresh_failed(error: &(dyn std::error::Error + Send + Sync)) {
    tracing::warn!(%error, "the refresh hook failed");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn refresh_failed(_: &(dyn std::error::Error + Send + Sync)) {}

#[cfg(feature = "tracing")]
pub(crate) fn writer(event: &WriterEvent) {
    match event {
        WriterEvent::Retrying { error, delay } => {
            tracing::debug!(%error, delay_ms = delay.as_millis() as u64, "retrying a write");
        }
        WriterEvent::Rejected { error, .. } => tracing::warn!(%error, "messages were not stored"),
        WriterEvent::Failed(error) => tracing::error!(%error, "the writer failed"),
        _ => {}
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn writer(_: &WriterEvent) {}

#[cfg(feature = "tracing")]
pub(crate) fn consumer(name: &str, error: &Error, decision: &Decision) {
    tracing::warn!(consumer = name, %error, ?decision, "a consumer met an error");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn consumer(_: &str, _: &Error, _: &Decision) {}

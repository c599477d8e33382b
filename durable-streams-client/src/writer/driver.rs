//! The background of a writer: a plain future that whoever has a runtime spawns.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use durable_streams_core::{Error, OperationKind, WriterEvent};

use super::shared::{Locked, Shared};
use crate::driver::Driver;
use crate::metrics::{Metrics, StoredBatch};

pub(super) type ErrorHook = dyn Fn(&Error) + Send + Sync;

/// Sends what a [`Writer`](super::Writer) accepts. It resolves when the writer has ended; dropping it ends the writer.
#[must_use = "nothing is sent unless it is polled"]
pub struct WriterDriver {
    driver: Driver<Locked>,
    shared: Arc<Shared>,
    hook: Option<Arc<ErrorHook>>,
    /// What is to be announced.
    events: Vec<WriterEvent>,
}

impl WriterDriver {
    pub(super) fn new(
        driver: Driver<Locked>,
        shared: Arc<Shared>,
        hook: Option<Arc<ErrorHook>>,
    ) -> Self {
        Self {
            driver,
            shared,
            hook,
            events: Vec::new(),
        }
    }

    /// Tells whoever waits. Not before the machine has nothing more to send: who is woken may be busy on this thread for a while,
    /// and the next request is not to wait for that.
    fn announce(&mut self) {
        for event in &self.events {
            self.report(event);
        }
        self.shared.announce(self.events.drain(..));
    }

    fn report(&self, event: &WriterEvent) {
        if let Some(metrics) = self.driver.session().metrics() {
            self.measure(event, metrics);
        }
        let error = match event {
            WriterEvent::Retrying { error, .. }
            | WriterEvent::Rejected { error, .. }
            | WriterEvent::Failed(error) => error,
            _ => return,
        };
        crate::log::writer(event);
        if let Some(hook) = &self.hook {
            hook(error);
        }
    }
}

impl WriterDriver {
    fn measure(&self, event: &WriterEvent, metrics: &dyn Metrics) {
        match event {
            WriterEvent::Retrying { .. } => metrics.retrying(OperationKind::Append),
            WriterEvent::Stored {
                tickets, duplicate, ..
            } => metrics.stored(&StoredBatch {
                messages: tickets.end - tickets.start,
                duplicate: *duplicate,
                pending: self.shared.look(|machine| machine.pending()),
            }),
            _ => {}
        }
    }
}

impl Future for WriterDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Before the machine is asked, so that what is asked of it meanwhile wakes.
        self.shared.register_driver(cx.waker());
        if self.shared.is_over() {
            self.driver.stop();
            return Poll::Ready(());
        }
        let end = loop {
            match self.driver.poll_event(cx) {
                Poll::Ready(Some(event)) => self.events.push(event),
                Poll::Ready(None) => break Poll::Ready(()),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.announce();
        end
    }
}

impl Drop for WriterDriver {
    fn drop(&mut self) {
        self.shared.abandon("the writer's driver was dropped");
    }
}

impl fmt::Debug for WriterDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterDriver")
            .field("writer", &self.shared)
            .finish_non_exhaustive()
    }
}

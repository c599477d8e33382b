//! The work of a worker: a plain future that whoever has a runtime spawns.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use durable_streams_core::{
    Batch, Error, ErrorKind, Fate, Notice, OperationKind, Ticket, Unreadable, Work,
    Worker as Machine, WorkerEvent, WorkerNotice,
};

use super::handler::{WorkDecision, WorkHandler};
use crate::consumer::{Ended, Shared, Wish};
use crate::driver::Driver;
use crate::log;
use crate::metrics::Delivered;
use crate::transport::BoxFuture;

/// Does the work of a [`Worker`](super::Worker). It resolves when the worker has ended; dropping it before is a crash: what was not
/// acknowledged comes again, when the lease has run out.
#[must_use = "nothing is worked on unless it is polled"]
pub struct WorkerDriver {
    work: BoxFuture<'static, Result<(), Error>>,
    shared: Arc<Shared>,
}

impl WorkerDriver {
    pub(super) fn new<H: WorkHandler + 'static>(engine: Engine<H>, shared: Arc<Shared>) -> Self {
        let work = Box::pin(engine.run());
        Self { work, shared }
    }

    /// Ends it before it began.
    pub(super) fn refuse(self, why: &str) {
        self.shared.end(Err(Error::invalid(why)));
    }
}

impl Future for WorkerDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work.as_mut().poll(cx).map(|result| {
            // A worker has no other end than that.
            self.shared.end(result.map(|()| Ended::Stopped));
        })
    }
}

impl Drop for WorkerDriver {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl fmt::Debug for WorkerDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerDriver")
            .field("worker", &self.shared)
            .finish_non_exhaustive()
    }
}

pub(super) struct Engine<H> {
    handler: H,
    driver: Result<Driver<Machine>, Error>,
    subscription: String,
    name: String,
    shared: Arc<Shared>,
}

/// What happens next.
enum Next {
    /// It is to stop.
    Stop,
    /// The handler has come to an end with something.
    Attended(Ticket, Verdict),
    Event(WorkerEvent),
    Over,
}

/// What came of handling something.
enum Verdict {
    /// It is as good as handled.
    Processed,
    /// It is to come again.
    Again(Error),
    /// The worker is to end.
    Stop(Error),
}

impl<H: WorkHandler> Engine<H> {
    pub(super) fn new(
        handler: H,
        driver: Result<Driver<Machine>, Error>,
        subscription: String,
        name: String,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            handler,
            driver,
            subscription,
            name,
            shared,
        }
    }

    pub(super) async fn run(self) -> Result<(), Error> {
        let mut driver = self.driver?;
        let attendant = Attendant {
            handler: &self.handler,
            subscription: &self.subscription,
            name: &self.name,
        };
        let mut attended: Vec<BoxFuture<'_, (Ticket, Verdict)>> = Vec::new();
        let (mut stopped, mut result) = (false, Ok(()));
        loop {
            let next = poll_fn(|cx| {
                if !stopped && self.shared.poll_other_wish(Wish::Run, cx).is_ready() {
                    return Poll::Ready(Next::Stop);
                }
                if let Poll::Ready((ticket, verdict)) = poll_any(&mut attended, cx) {
                    return Poll::Ready(Next::Attended(ticket, verdict));
                }
                driver
                    .poll_event(cx)
                    .map(|event| event.map_or(Next::Over, Next::Event))
            })
            .await;
            match next {
                Next::Stop => {
                    stopped = true;
                    driver.machine.stop();
                }
                Next::Attended(ticket, verdict) => {
                    let end = match verdict {
                        Verdict::Processed => {
                            driver.machine.processed(ticket);
                            None
                        }
                        Verdict::Again(error) => {
                            let now = driver.session().now();
                            let fate = driver.machine.failed(ticket, now);
                            (fate == Fate::GivenUp).then_some(error)
                        }
                        Verdict::Stop(error) => {
                            let now = driver.session().now();
                            driver.machine.failed(ticket, now);
                            Some(error)
                        }
                    };
                    if let Some(error) = end {
                        stopped = true;
                        driver.machine.stop();
                        result = result.and(Err(error));
                    }
                }
                Next::Event(event) => {
                    attendant.say(&event);
                    attendant.measure(&driver, &event);
                    match event {
                        WorkerEvent::Work(work) => attended.push(Box::pin(attendant.attend(work))),
                        WorkerEvent::Unreadable(what) => {
                            attended.push(Box::pin(attendant.unreadable(what)));
                        }
                        WorkerEvent::Acked { acks, .. } => {
                            for (stream, offset) in &acks {
                                self.handler.acknowledged(stream, offset);
                            }
                        }
                        WorkerEvent::LeaseLost { .. } => attended.clear(),
                        WorkerEvent::Failed(error) => {
                            attended.clear();
                            result = result.and(Err(error));
                        }
                        _ => {}
                    }
                }
                Next::Over => return result,
            }
        }
    }
}

/// Looks after what was handed out.
#[derive(Debug)]
struct Attendant<'a, H> {
    handler: &'a H,
    subscription: &'a str,
    name: &'a str,
}

impl<H> Clone for Attendant<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Attendant<'_, H> {}

impl<H: WorkHandler> Attendant<'_, H> {
    async fn attend(self, work: Work) -> (Ticket, Verdict) {
        let verdict = match self.handler.handle(&work).await {
            Ok(()) => Verdict::Processed,
            Err(source) => {
                let message = format!("worker {:?}, stream {:?}", self.name, work.stream);
                let error = Error::new(ErrorKind::Handler, message).with_source(source);
                self.judge(error, &work.stream, Some(&work.batch)).await
            }
        };
        (work.ticket, verdict)
    }

    async fn unreadable(self, what: Unreadable) -> (Ticket, Verdict) {
        let verdict = self.judge(what.error, &what.stream, None).await;
        (what.ticket, verdict)
    }

    async fn judge(&self, error: Error, stream: &str, batch: Option<&Batch>) -> Verdict {
        let decision = self.handler.failed(&error, stream, batch).await;
        log::work(self.subscription, self.name, stream, &error, decision);
        match decision {
            WorkDecision::Retry => Verdict::Again(error),
            WorkDecision::Skip => Verdict::Processed,
            WorkDecision::Stop => Verdict::Stop(error),
        }
    }

    fn say(&self, event: &WorkerEvent) {
        match event {
            WorkerEvent::Notice(WorkerNotice::Reader { notice, .. }) => log::notice(notice),
            _ => log::worker(self.subscription, self.name, event),
        }
    }

    fn measure(&self, driver: &Driver<Machine>, event: &WorkerEvent) {
        let Some(metrics) = driver.session().metrics() else {
            return;
        };
        match event {
            WorkerEvent::Work(Work { batch, .. }) => metrics.delivered(&Delivered {
                messages: batch.messages().len(),
                bytes: batch.size(),
                up_to_date: batch.is_up_to_date(),
                behind_for: std::time::Duration::ZERO,
            }),
            WorkerEvent::Notice(WorkerNotice::Retrying { error, .. }) => {
                metrics.retrying(error.operation().unwrap_or(OperationKind::Claim));
            }
            WorkerEvent::Notice(WorkerNotice::Reader {
                notice: Notice::Retrying { .. },
                ..
            }) => metrics.retrying(OperationKind::Read),
            _ => {}
        }
    }
}

/// The first of these that has come to its end.
fn poll_any<T>(futures: &mut Vec<BoxFuture<'_, T>>, cx: &mut Context<'_>) -> Poll<T> {
    for index in 0..futures.len() {
        if let Poll::Ready(output) = futures[index].as_mut().poll(cx) {
            drop(futures.swap_remove(index));
            return Poll::Ready(output);
        }
    }
    Poll::Pending
}

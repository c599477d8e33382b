//! The work of a consumer: a plain future that whoever has a runtime spawns.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use durable_streams_core::wire::retry::Backoff;
use durable_streams_core::{Batch, Checkpoint, Error, ErrorKind, OperationKind, RetryPolicy};

use super::Ended;
use super::handler::{Decision, Handler};
use super::shared::{Shared, Wish};
use super::store::CheckpointStore;
use crate::reader::{ReadBuilder, Reader};
use crate::transport::{BoxFuture, Timer};
use crate::{BoxError, log};

/// Does the work of a [`Consumer`](super::Consumer). It resolves when the consumer has ended; dropping it before is a crash: what was
/// not committed comes again, to the next consumer.
#[must_use = "nothing is consumed unless it is polled"]
pub struct ConsumerDriver {
    work: BoxFuture<'static, Result<Ended, Error>>,
    shared: Arc<Shared>,
}

impl ConsumerDriver {
    pub(super) fn new<H: Handler + 'static>(engine: Engine<H>, shared: Arc<Shared>) -> Self {
        let work = Box::pin(engine.run());
        Self { work, shared }
    }

    /// Ends it before it began.
    pub(super) fn refuse(self, why: &str) {
        self.shared.end(Err(Error::invalid(why)));
    }
}

impl Future for ConsumerDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work
            .as_mut()
            .poll(cx)
            .map(|result| self.shared.end(result))
    }
}

impl Drop for ConsumerDriver {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl fmt::Debug for ConsumerDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerDriver")
            .field("consumer", &self.shared)
            .finish_non_exhaustive()
    }
}

/// What is done next, and with what.
enum Next {
    /// Ask the store where to begin.
    Load,
    /// Read from where the builder says by now.
    Open,
    Read(Reader),
    Handle(Reader, Batch),
    Commit(Reader, Batch),
}

/// What came of a decision.
enum Verdict {
    Again,
    Skip,
    /// The next reader begins where the decision said.
    Elsewhere,
}

pub(super) struct Engine<H> {
    handler: H,
    /// Its start is the place of the next reader.
    read: ReadBuilder,
    name: String,
    store: Option<Arc<dyn CheckpointStore>>,
    backoff: Backoff,
    timer: Arc<dyn Timer>,
    shared: Arc<Shared>,
    up_to_date: bool,
}

impl<H: Handler> Engine<H> {
    pub(super) fn new(
        handler: H,
        read: ReadBuilder,
        name: String,
        store: Option<Arc<dyn CheckpointStore>>,
        retry: RetryPolicy,
        timer: Arc<dyn Timer>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            handler,
            read,
            name,
            store,
            backoff: Backoff::new(retry, fastrand::u64(..)),
            timer,
            shared,
            up_to_date: false,
        }
    }

    pub(super) async fn run(mut self) -> Result<Ended, Error> {
        let mut next = Next::Load;
        loop {
            // What was handled is committed first.
            if !matches!(next, Next::Commit(..)) {
                match self.shared.wish() {
                    Wish::Run => {}
                    Wish::Stop => return Ok(Ended::Stopped),
                    Wish::Pause => {
                        if !matches!(next, Next::Load) {
                            next = Next::Open;
                        }
                        self.shared.rest(true);
                        self.other_wish(Wish::Pause).await;
                        self.shared.rest(false);
                        continue;
                    }
                }
            }
            next = match next {
                Next::Load => self.load().await?,
                Next::Open => Next::Read(self.read.clone().start()),
                Next::Read(mut reader) => match self.read(&mut reader).await {
                    None => Next::Read(reader),
                    Some(Ok(Some(batch))) => Next::Handle(reader, batch),
                    Some(Ok(None)) if reader.is_closed() => return Ok(Ended::StreamClosed),
                    Some(Ok(None)) => return Ok(Ended::UpToDate),
                    Some(Err(error)) => {
                        self.judge(error, None).await?;
                        Next::Open
                    }
                },
                Next::Handle(reader, batch) => self.handle(reader, batch).await?,
                Next::Commit(reader, batch) => self.commit(reader, batch).await?,
            };
        }
    }

    /// The reader's next result; `None` when something else is wished for meanwhile.
    async fn read(&mut self, reader: &mut Reader) -> Option<Result<Option<Batch>, Error>> {
        let mut result = pin!(reader.next());
        poll_fn(|cx| {
            if self.shared.poll_other_wish(Wish::Run, cx).is_ready() {
                return Poll::Ready(None);
            }
            result.as_mut().poll(cx).map(Some)
        })
        .await
    }

    async fn load(&mut self) -> Result<Next, Error> {
        let Some(store) = &self.store else {
            return Ok(Next::Open);
        };
        match store.load(&self.name).await {
            Ok(saved) => {
                if let Some(checkpoint) = saved {
                    self.shared.commit(&checkpoint);
                    self.read.go_on_from(checkpoint.into());
                }
                self.backoff.reset();
                Ok(Next::Open)
            }
            Err(source) => {
                let error = self.error(ErrorKind::CheckpointStore, source);
                Ok(match self.judge(error, None).await? {
                    Verdict::Elsewhere => Next::Open,
                    Verdict::Again | Verdict::Skip => Next::Load,
                })
            }
        }
    }

    async fn handle(&mut self, reader: Reader, batch: Batch) -> Result<Next, Error> {
        // One that only says where the reader is.
        if batch.is_empty() {
            return Ok(Next::Commit(reader, batch));
        }
        let Err(source) = self.handler.handle(&batch).await else {
            return Ok(Next::Commit(reader, batch));
        };
        let error = self.error(ErrorKind::Handler, source);
        Ok(match self.judge(error, Some(&batch)).await? {
            Verdict::Again => Next::Handle(reader, batch),
            Verdict::Skip => Next::Commit(reader, batch),
            Verdict::Elsewhere => Next::Open,
        })
    }

    async fn commit(&mut self, reader: Reader, batch: Batch) -> Result<Next, Error> {
        match self.save(batch.checkpoint()).await {
            Ok(()) => {
                self.shared.commit(batch.checkpoint());
                self.backoff.reset();
            }
            Err(source) => {
                let error = self.error(ErrorKind::CheckpointStore, source);
                if self.shared.wish() == Wish::Stop {
                    return Err(error);
                }
                match self.judge(error, Some(&batch)).await? {
                    Verdict::Again => return Ok(Next::Commit(reader, batch)),
                    Verdict::Skip => {}
                    Verdict::Elsewhere => return Ok(Next::Open),
                }
            }
        }
        self.read.go_on_from(batch.checkpoint().into());
        let was_behind = !std::mem::replace(&mut self.up_to_date, batch.is_up_to_date());
        if was_behind && self.up_to_date {
            self.handler.up_to_date(batch.checkpoint()).await;
        }
        Ok(Next::Read(reader))
    }

    /// Saves a checkpoint, unless nothing but its cursor is new.
    async fn save(&mut self, checkpoint: &Checkpoint) -> Result<(), BoxError> {
        let place = |at: &Checkpoint| (at.offset().cloned(), at.delivered());
        let known = self.shared.committed();
        match &self.store {
            Some(store) if known.as_ref().map(place) != Some(place(checkpoint)) => {
                store.save(&self.name, checkpoint).await
            }
            _ => Ok(()),
        }
    }

    /// Asks the handler what to make of an error, and waits where it is to be tried again.
    ///
    /// # Errors
    /// The error, where the consumer is to end with it.
    async fn judge(&mut self, error: Error, batch: Option<&Batch>) -> Result<Verdict, Error> {
        let decision = self.handler.failed(&error, batch).await;
        log::consumer(&self.name, &error, &decision);
        match decision {
            Decision::Retry => {
                let floor = error.retry_after();
                let delay = self.backoff.fail(self.timer.now(), floor);
                self.wait(delay.ok_or(error)?).await;
                Ok(Verdict::Again)
            }
            Decision::Skip if batch.is_some() => Ok(Verdict::Skip),
            Decision::From(start) => {
                self.read.go_on_from(start);
                Ok(Verdict::Elsewhere)
            }
            Decision::Skip | Decision::Stop => Err(error),
        }
    }

    /// Waits, or until something else is wished for.
    async fn wait(&mut self, delay: Duration) {
        let wish = self.shared.wish();
        let mut sleep = self.timer.sleep(delay);
        poll_fn(|cx| {
            if self.shared.poll_other_wish(wish, cx).is_ready() {
                return Poll::Ready(());
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }

    async fn other_wish(&mut self, than: Wish) {
        poll_fn(|cx| self.shared.poll_other_wish(than, cx)).await;
    }

    fn error(&self, kind: ErrorKind, source: BoxError) -> Error {
        let error = Error::new(kind, format!("consumer {:?}", self.name)).with_source(source);
        match self.read.stream().url() {
            Ok(url) => error.at(OperationKind::Read, url),
            Err(_) => error,
        }
    }
}

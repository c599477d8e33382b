//! Writing a stream exactly once: the async face of the writer machine.

mod builder;
mod driver;
mod receipt;
mod shared;
mod sink;
mod state;

pub use builder::WriterBuilder;
pub use driver::WriterDriver;
pub use receipt::{Receipt, Stored};
pub use sink::WriterSink;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use durable_streams_core::{Error, Flushed, Offset, Refused, RefusedReason, Unsent};
use serde::Serialize;

use self::shared::{Handle, Shared};
use self::state::State;
use crate::transport::Timer;

/// Writes a stream exactly once: what it accepts is stored once and in order, however often it has to be sent.
///
/// Messages are gathered into batches, several requests are in flight, and what can pass is tried again. Appending waits for
/// room in the buffer, not for the server: what became of a message is told by [`flush`](Self::flush), by a [`Receipt`], or by the error
/// hook. Once a writer fails it has failed for good: every call gives the error, and [`take_unsent`](Self::take_unsent) gives back what
/// was not stored.
///
/// Clones share one writer. When the last one is dropped it ends at once, with whatever it has not sent: flush or close first.
///
/// ```no_run
/// # use durable_streams_client::{DurableStream, Error};
/// # async fn example(orders: DurableStream) -> Result<(), Box<dyn std::error::Error>> {
/// let writer = orders.writer("order-service-1").auto_claim(true).start();
/// writer.append_json(&serde_json::json!({"id": 1})).await?;   // waits for room
/// writer.append_json(&serde_json::json!({"id": 2})).await?;
/// writer.flush().await?;                                      // both are stored
/// writer.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    /// Its drop ends the writer when it is the last.
    _handle: Arc<Handle>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let handle = Arc::new(Handle::new(Arc::clone(&shared)));
        Self {
            shared,
            _handle: handle,
        }
    }

    /// Appends a message, once there is room in the buffer: bytes, or on a JSON stream one JSON value.
    ///
    /// Behind a message that filled a batch it lets other tasks of its thread go first, once: one of them sends the batch.
    ///
    /// # Errors
    /// The message comes back with why it can never be taken.
    ///
    /// # Cancel safety
    /// Until it resolves nothing was appended; a message of a dropped future is dropped with it.
    pub async fn append(&self, message: impl Into<Bytes>) -> Result<(), Refused> {
        let message = message.into();
        self.shared.give_way().await;
        // Mostly there is room, and nothing to wait for; then a message is not even moved.
        match self.try_push(&message, false) {
            Ok(_) => Ok(()),
            Err(reason) => self.wait_push(message, reason, false).await.map(|_| ()),
        }
    }

    /// As [`append`](Self::append), for a message that is written as JSON here. An array is one message.
    ///
    /// # Errors
    /// As [`append`](Self::append); and when the message cannot be written as JSON, or the stream is not a JSON stream.
    ///
    /// # Cancel safety
    /// As [`append`](Self::append).
    pub async fn append_json<T: Serialize + ?Sized>(&self, message: &T) -> Result<(), Refused> {
        let message = self.json(message)?;
        self.push_checked(message, false).await.map(|_| ())
    }

    /// As [`append`](Self::append), and gives a receipt: a future of what becomes of the message.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    ///
    /// # Cancel safety
    /// As [`append`](Self::append).
    pub async fn append_with_receipt(&self, message: impl Into<Bytes>) -> Result<Receipt, Refused> {
        let message = message.into();
        self.shared.give_way().await;
        let ticket = match self.try_push(&message, true) {
            Ok(ticket) => ticket,
            Err(reason) => self.wait_push(message, reason, true).await?,
        };
        Ok(Receipt::new(Arc::clone(&self.shared), ticket))
    }

    /// As [`append_json`](Self::append_json), and gives a receipt.
    ///
    /// # Errors
    /// As [`append_json`](Self::append_json).
    ///
    /// # Cancel safety
    /// As [`append`](Self::append).
    pub async fn append_json_with_receipt<T: Serialize + ?Sized>(
        &self,
        message: &T,
    ) -> Result<Receipt, Refused> {
        let message = self.json(message)?;
        let ticket = self.push_checked(message, true).await?;
        Ok(Receipt::new(Arc::clone(&self.shared), ticket))
    }

    /// Appends a message and waits until it is stored.
    ///
    /// # Errors
    /// Why it is not; the error says whether it may be all the same.
    ///
    /// # Cancel safety
    /// Dropping it after the message was accepted does not cancel its delivery.
    pub async fn append_acked(&self, message: impl Into<Bytes>) -> Result<Stored, Error> {
        self.append_with_receipt(message).await?.await
    }

    /// Appends a message if there is room now.
    ///
    /// # Errors
    /// The message comes back: [`Full`](RefusedReason::Full), or with why it can never be taken.
    pub fn try_append(&self, message: impl Into<Bytes>) -> Result<(), Refused> {
        let message = message.into();
        match self.try_push(&message, false) {
            Ok(_) => Ok(()),
            Err(reason) => Err(Refused { message, reason }),
        }
    }

    fn json<T: Serialize + ?Sized>(&self, message: &T) -> Result<Bytes, Refused> {
        let refuse = |why: String| Refused {
            message: Bytes::new(),
            reason: RefusedReason::Error(Error::invalid(why)),
        };
        if !self.shared.is_json() {
            return Err(refuse(
                "the stream is not known to be JSON: create it, ask for its head, or say its type"
                    .into(),
            ));
        }
        let message = serde_json::to_vec(message);
        message
            .map(Bytes::from)
            .map_err(|error| refuse(format!("the message cannot be written as JSON: {error}")))
    }

    #[inline]
    fn try_push(&self, message: &Bytes, receipt: bool) -> Result<u64, RefusedReason> {
        self.shared.check(message)?;
        self.shared.append(message, receipt)
    }

    async fn push_checked(&self, message: Bytes, receipt: bool) -> Result<u64, Refused> {
        self.shared.give_way().await;
        match self.shared.append(&message, receipt) {
            Ok(ticket) => Ok(ticket),
            Err(reason) => self.wait_push(message, reason, receipt).await,
        }
    }

    /// Waits for room, if that is what was missing.
    async fn wait_push(
        &self,
        message: Bytes,
        reason: RefusedReason,
        receipt: bool,
    ) -> Result<u64, Refused> {
        let RefusedReason::Full = reason else {
            return Err(Refused { message, reason });
        };
        self.give(message, |state, message, clock| {
            let taken = state.append(&message, receipt, clock);
            taken
                .map(|accepted| accepted.ticket)
                .map_err(|reason| Refused { message, reason })
        })
        .await
    }

    /// Gives the machine a message once there is room for it.
    async fn give<T>(
        &self,
        message: Bytes,
        take: impl Fn(&mut State, Bytes, &dyn Timer) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut message = Some(message);
        let mut place = self.shared.place();
        poll_fn(|cx| {
            // It is put back whenever it is not taken.
            let Some(next) = message.take() else {
                return Poll::Pending;
            };
            match place.offer(next, cx, &take) {
                Err(Refused {
                    message: back,
                    reason: RefusedReason::Full,
                }) => {
                    message = Some(back);
                    Poll::Pending
                }
                result => Poll::Ready(result),
            }
        })
        .await
    }

    /// Waits until everything accepted so far is answered for. Gives the last offset, and how many messages turned out to be
    /// stored already.
    ///
    /// # Errors
    /// The first error of a message that no flush has reported yet; or why the writer failed.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing about what is sent.
    pub async fn flush(&self) -> Result<Flushed, Error> {
        let flush = self.shared.flush();
        poll_fn(|cx| flush.poll(cx)).await
    }

    /// Stores what was accepted, and ends the writer. The stream stays open. Calling it again gives the same result.
    ///
    /// # Errors
    /// Why the writer failed.
    ///
    /// # Cancel safety
    /// It takes effect when it is first polled: dropping it afterwards does not undo it.
    pub async fn close(&self) -> Result<Option<Offset>, Error> {
        self.shared.close();
        let mut place = self.shared.place();
        poll_fn(|cx| place.poll_end(cx)).await
    }

    /// Stores what was accepted, closes the stream behind it, and ends the writer. Gives the stream's final offset; calling it again
    /// gives the same.
    ///
    /// # Errors
    /// Why the writer failed; or that it was closed before, with the stream left open.
    ///
    /// # Cancel safety
    /// As [`close`](Self::close).
    pub async fn close_stream(&self) -> Result<Option<Offset>, Error> {
        self.shared.close_stream()?;
        let mut place = self.shared.place();
        poll_fn(|cx| place.poll_end(cx)).await
    }

    /// Appends a last message and closes the stream with it, in one step, behind everything that was accepted; then ends the writer.
    /// It waits for room in the buffer as [`append`](Self::append) does. Gives the stream's final offset.
    ///
    /// # Errors
    /// Why the message can never be taken: the writer is closed already, for one. Or why the writer failed: where somebody else closed
    /// the stream, the message is not stored.
    ///
    /// # Cancel safety
    /// Until there is room for the message nothing happens; from then on, dropping it does not undo it.
    pub async fn close_stream_with(&self, last: impl Into<Bytes>) -> Result<Option<Offset>, Error> {
        let last = last.into();
        if let Err(reason) = self.shared.check(&last) {
            return Err(Refused {
                message: last,
                reason,
            }
            .into());
        }
        self.give(last, |state, last, clock| {
            state.close_stream(Some(last), clock.now())
        })
        .await?;
        let mut place = self.shared.place();
        poll_fn(|cx| place.poll_end(cx)).await
    }

    /// Goes on under the next epoch, from sequence number 0, once everything accepted so far is answered for. Gives that epoch.
    ///
    /// ```no_run
    /// # async fn example(orders: durable_streams_client::DurableStream) -> Result<(), durable_streams_client::Error> {
    /// let writer = orders.writer("order-service-1").epoch(3).start();
    /// writer.append("a").await?;
    /// assert_eq!(writer.restart().await?, 4);
    /// assert_eq!(writer.next_seq(), 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the writer is closed or has failed.
    ///
    /// # Cancel safety
    /// As [`close`](Self::close).
    pub async fn restart(&self) -> Result<u64, Error> {
        let before = self.shared.restart()?;
        let mut place = self.shared.place();
        poll_fn(|cx| place.poll_epoch(before, cx)).await
    }

    /// The epoch that requests carry now.
    pub fn epoch(&self) -> u64 {
        self.shared.look(|machine| machine.epoch())
    }

    /// The sequence number of the next new request.
    pub fn next_seq(&self) -> u64 {
        self.shared.look(|machine| machine.next_seq())
    }

    /// How many messages were accepted and not yet answered for.
    pub fn pending(&self) -> usize {
        self.shared.look(|machine| machine.pending())
    }

    /// How many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.shared.look(|machine| machine.in_flight())
    }

    /// Why nothing is taken any more, if so.
    pub fn error(&self) -> Option<Error> {
        self.shared.ended()
    }

    /// The refusal that said that the stream was closed already, when [`close_stream`](Self::close_stream) came to close it, which
    /// succeeds all the same: somebody else closed it, and no request of this writer can have.
    pub fn closed_by_others(&self) -> Option<Error> {
        self.shared
            .look(|machine| machine.closed_by_others().cloned())
    }

    /// What was accepted and not stored, in order, by a writer that failed. Given once; empty while the writer lives. The
    /// [guide](crate::guide::writing) shows how another writer goes on with it.
    pub fn take_unsent(&self) -> Vec<Unsent> {
        self.shared.take_unsent()
    }

    /// A [`Sink`](futures_sink::Sink) of messages into this writer.
    pub fn sink(&self) -> WriterSink {
        WriterSink::new(self.clone())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

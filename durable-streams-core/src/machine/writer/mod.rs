//! The idempotent producer: what it accepts is stored once and in order, however often it has to be sent (§5.2.1).
//!
//! ```text
//!   append ─► queue: batches being filled, full, or due  ─► window: batches with a number, front first
//!                                                              │ acknowledged: an event for each batch
//!   a failure that can pass ──► the front alone, again and again, until it is stored; then the window opens
//!   fenced, with auto-claim ──► nothing in flight, then a new epoch: everything not stored is queued again, in order
//!   fenced, closed, diverged, given up ──► failed for good: what was not stored can be taken back
//! ```
//!
//! A batch is fixed with its first sending: the same body under the same epoch and sequence number, byte for byte, until the
//! server has answered for it. Nothing is given another number under the same epoch: what has to be cut differently, or was not
//! acknowledged by the epoch's owner, goes under the next epoch, where the server refuses whatever of the old one is still on its way.

mod answers;
mod batch;
mod config;
mod event;
mod pace;
mod sending;

pub use config::{AfterClaim, WriterConfig};
pub use event::{Accepted, FlushId, Flushed, Refused, RefusedReason, Unsent, WriterEvent};

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::time::Instant;

use bytes::Bytes;

use self::batch::{Batch, Room, State};
use self::pace::Pace;
use super::{Input, Machine, Output};
use crate::wire::content_type::Format;
use crate::wire::error::{Error, ErrorKind, MAX_ERROR_BODY, OperationKind};
use crate::wire::json;
use crate::wire::position::Offset;
use crate::wire::retry::Backoff;

/// The machine that writes a stream exactly once. See the [module](self), and [`machine`](super) for how to drive it.
pub struct Writer {
    config: WriterConfig,
    json: bool,
    epoch: u64,
    next_seq: u64,
    /// Batches that have a number, in its order; the front is the oldest that is not acknowledged.
    window: VecDeque<Batch>,
    /// Batches that have none yet. Only the last one may still be open.
    queue: VecDeque<Batch>,
    /// Only the front of the window may be sent: after a failure, and to claim an epoch.
    alone: bool,
    pace: Pace,
    /// Not before this time is anything sent, unless the front is stored meanwhile.
    not_before: Option<Instant>,
    /// Not before this time either: `Retry-After`.
    server_asked: Option<Instant>,
    /// The epoch to go on with once nothing is in flight.
    rotation: Option<Rotation>,
    /// Restart once everything before each of these tickets is answered for.
    restarts: VecDeque<u64>,
    /// The epoch is one that this writer raised, not the one it began with.
    claimed: bool,
    /// Claims in a row that stored nothing.
    claims: u32,
    backoff: Backoff,
    next_ticket: u64,
    buffered_bytes: usize,
    /// The memory of batches that are stored: what goes in and out all the time is not given back in between. As many as can be in
    /// flight, and none once everything is stored.
    spare: Vec<Room>,
    flushes: VecDeque<Flush>,
    last_flush: u64,
    /// The first error of a message that no flush waits for.
    first_error: Option<Error>,
    last_offset: Option<Offset>,
    /// Messages acknowledged as duplicates that no flush has told of.
    duplicates: u64,
    /// What the close of this writer was answered, when the stream was closed before it.
    found_closed: Option<Error>,
    phase: Phase,
    last_id: u64,
    outbox: VecDeque<Output<WriterEvent>>,
    /// What it was told since it last said to wait may change what it would say.
    stirred: bool,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// Nothing more is taken; it ends when everything is stored.
    Closing,
    Closed,
    Failed(Error),
}

/// Waits until everything before a ticket is answered for.
struct Flush {
    id: FlushId,
    before: u64,
    error: Option<Error>,
}

#[derive(Debug, Clone)]
struct Rotation {
    epoch: u64,
    /// Somebody else's epoch made it necessary: what may have been stored is the caller's choice.
    fenced: Option<Error>,
}

impl Writer {
    /// A writer that has sent nothing yet.
    pub fn new(config: WriterConfig) -> Self {
        Self {
            json: Format::of(&config.content_type) == Format::Json,
            epoch: config.epoch,
            next_seq: 0,
            window: VecDeque::new(),
            queue: VecDeque::new(),
            // The first request of an epoch goes alone: what becomes of it decides about those behind it.
            alone: true,
            pace: Pace::new(config.max_in_flight),
            not_before: None,
            server_asked: None,
            rotation: None,
            restarts: VecDeque::new(),
            claimed: false,
            claims: 0,
            backoff: Backoff::new(config.retry.clone(), config.seed),
            next_ticket: 0,
            buffered_bytes: 0,
            spare: Vec::new(),
            flushes: VecDeque::new(),
            last_flush: 0,
            first_error: None,
            last_offset: None,
            duplicates: 0,
            found_closed: None,
            phase: Phase::Open,
            last_id: 0,
            outbox: VecDeque::new(),
            stirred: false,
            config,
        }
    }

    /// Takes a message: of a JSON stream one JSON value, otherwise bytes. Gives its ticket; tickets count from 0.
    ///
    /// # Errors
    /// The message comes back: when the buffer is [full](RefusedReason::Full), or with an error when it can never be taken: it is
    /// empty, no JSON value, larger than the buffer, or the writer is closed or has failed.
    pub fn append(&mut self, message: Bytes, now: Instant) -> Result<u64, Refused> {
        let taken = match self.check_json(&message) {
            Ok(()) => self.append_checked(&message, || now),
            Err(error) => Err(RefusedReason::Error(error)),
        };
        taken
            .map(|accepted| accepted.ticket)
            .map_err(|reason| Refused { message, reason })
    }

    /// As [`append`](Self::append), for a message that is known to be JSON where the stream is: that is not looked at. The
    /// clock is read only for a message that begins a batch.
    ///
    /// # Errors
    /// Why the message is not taken, as [`append`](Self::append) has it.
    // Most messages join a batch that is being filled, with next to no work: what is done for a few is kept out of line.
    #[inline]
    pub fn append_checked(
        &mut self,
        message: &Bytes,
        clock: impl FnOnce() -> Instant,
    ) -> Result<Accepted, RefusedReason> {
        let length = message.len();
        if length == 0 || !self.has_room(length) || !matches!(self.phase, Phase::Open) {
            return Err(self.refusal(length));
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.buffered_bytes += length;
        let (max_bytes, max_messages) =
            (self.config.max_batch_bytes, self.config.max_batch_messages);
        let fills_batch = match self.queue.back_mut() {
            Some(batch) if batch.has_room(length, max_bytes, max_messages) => {
                batch.push(message);
                let full = !batch.has_room(1, max_bytes, max_messages);
                if full {
                    batch.seal();
                    self.stirred = true;
                }
                full
            }
            _ => self.begin_batch(ticket, message, clock()),
        };
        Ok(Accepted {
            ticket,
            fills_batch,
        })
    }

    /// Begins a batch with a message. Says whether it is full with it.
    #[cold]
    fn begin_batch(&mut self, ticket: u64, message: &Bytes, now: Instant) -> bool {
        self.seal_last();
        self.stirred = true;
        let (max_bytes, max_messages) =
            (self.config.max_batch_bytes, self.config.max_batch_messages);
        let batch = if message.len() >= max_bytes {
            Batch::single(ticket, self.json, message.clone(), now)
        } else {
            let room = self.spare.pop().unwrap_or_else(|| {
                // It will likely get as large as the one before.
                let before = self.queue.back().or(self.window.back());
                before.map_or_else(Room::default, |before| before.as_much_room(max_bytes))
            });
            let mut batch = Batch::in_room(room, ticket, self.json, now);
            batch.push(message);
            if !batch.has_room(1, max_bytes, max_messages) {
                batch.seal();
            }
            batch
        };
        let full = batch.is_sealed();
        self.queue.push_back(batch);
        full
    }

    /// Why a message of this length is not taken.
    #[cold]
    fn refusal(&self, length: usize) -> RefusedReason {
        let error = self.ended().or_else(|| self.unfit(length));
        error.map_or(RefusedReason::Full, RefusedReason::Error)
    }

    /// Whether a message is JSON where the stream is.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) when it is not exactly one JSON value.
    pub fn check_json(&self, message: &[u8]) -> Result<(), Error> {
        if !self.json || message.is_empty() {
            return Ok(());
        }
        json::validate(message).map_err(|error| {
            Error::invalid(format!("not one JSON value: {error}"))
                .at(OperationKind::Append, &self.config.url)
        })
    }

    /// Why a message of this length can never be taken, if so.
    fn unfit(&self, length: usize) -> Option<Error> {
        let why = if length == 0 {
            "an empty append".into()
        } else if length > self.config.max_buffer_bytes {
            format!("a message of {length} bytes is larger than the buffer")
        } else {
            return None;
        };
        Some(Error::invalid(why).at(OperationKind::Append, &self.config.url))
    }

    /// Whether the stream is a JSON stream, and messages are JSON values.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether something was asked of it since it last said [`Wait`](Output::Wait) that may change what it says: a
    /// driver that is not already about to poll it is to be woken.
    #[inline]
    pub fn needs_poll(&self) -> bool {
        self.stirred
    }

    /// Whether a message of this length would be taken now.
    #[inline]
    pub fn has_room(&self, length: usize) -> bool {
        self.pending() < self.config.max_buffer_messages
            && self.buffered_bytes + length <= self.config.max_buffer_bytes
    }

    /// Why nothing is taken any more, if so.
    pub fn ended(&self) -> Option<Error> {
        match &self.phase {
            Phase::Open => None,
            Phase::Failed(error) => Some(error.clone()),
            Phase::Closing | Phase::Closed => Some(
                Error::invalid("the writer is closed").at(OperationKind::Append, &self.config.url),
            ),
        }
    }

    /// Sends what is queued without waiting for more, and tells by [`WriterEvent::Flushed`] when everything accepted so far
    /// was answered for.
    pub fn flush(&mut self) -> FlushId {
        self.last_flush += 1;
        let flush = FlushId(self.last_flush);
        for batch in &mut self.queue {
            batch.due = true;
        }
        self.flushes.push_back(Flush {
            id: flush,
            before: self.next_ticket,
            error: self.first_error.take(),
        });
        self.stirred = true;
        self.settle();
        flush
    }

    /// Takes nothing more; ends with [`WriterEvent::Closed`] when everything is stored. The stream stays open.
    pub fn close(&mut self) {
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Closing;
            self.stirred = true;
            for batch in &mut self.queue {
                batch.due = true;
            }
            self.settle();
        }
    }

    /// Closes the stream behind everything that was accepted, in one step with the last message when one is given. Ends with
    /// [`WriterEvent::Closed`].
    ///
    /// # Errors
    /// The message comes back as from [`append`](Self::append).
    pub fn close_stream(&mut self, last: Option<Bytes>, now: Instant) -> Result<(), Refused> {
        if let Some(error) = self.ended() {
            return Err(Refused::error(last.unwrap_or_default(), error));
        }
        self.seal_last();
        match last {
            Some(message) => {
                self.append(message, now)?;
                self.seal_last();
            }
            None => {
                let batch = Batch::closing(self.next_ticket, self.json, now);
                self.queue.push_back(batch);
            }
        }
        if let Some(batch) = self.queue.back_mut() {
            batch.close = true;
        }
        self.close();
        Ok(())
    }

    /// Goes on under the next epoch, from sequence number 0, once everything accepted so far was answered for. Told by
    /// [`WriterEvent::Epoch`].
    ///
    /// # Errors
    /// When the writer is closed or has failed.
    pub fn restart(&mut self) -> Result<(), Error> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        self.seal_last();
        for batch in &mut self.queue {
            batch.due = true;
        }
        self.restarts.push_back(self.next_ticket);
        self.stirred = true;
        self.settle();
        Ok(())
    }

    /// The refusal that said that the stream was closed already, when this writer came to close it without a last message. It is
    /// closed then, as it was to be, but by somebody else: no request of this writer can have done it.
    pub fn closed_by_others(&self) -> Option<&Error> {
        self.found_closed.as_ref()
    }

    /// The epoch that requests carry now.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The sequence number of the next new request.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Whether a new epoch is due, and not begun yet.
    pub fn is_restarting(&self) -> bool {
        !self.restarts.is_empty() || self.rotation.is_some()
    }

    /// How many messages were accepted and not yet answered for.
    #[inline]
    pub fn pending(&self) -> usize {
        usize::try_from(self.next_ticket - self.oldest()).unwrap_or(usize::MAX)
    }

    /// How many bytes of messages that is.
    pub fn pending_bytes(&self) -> usize {
        self.buffered_bytes
    }

    /// How many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.window
            .iter()
            .filter(|batch| batch.flight().is_some())
            .count()
    }

    /// What was accepted and not stored, in order, by a writer that failed. Given once.
    pub fn take_unsent(&mut self) -> Vec<Unsent> {
        if !matches!(self.phase, Phase::Failed(_)) {
            return Vec::new();
        }
        self.buffered_bytes = 0;
        let batches = self.window.drain(..).chain(self.queue.drain(..));
        let unsent = batches.flat_map(|batch| {
            let may_have_been_applied = batch.may_have_been_applied();
            batch.into_messages().map(move |(ticket, message)| Unsent {
                ticket,
                message,
                may_have_been_applied,
            })
        });
        unsent.collect()
    }

    fn seal_last(&mut self) {
        if let Some(batch) = self.queue.back_mut() {
            batch.seal();
        }
    }

    /// The oldest ticket that was not answered for.
    #[inline]
    fn oldest(&self) -> u64 {
        self.window
            .front()
            .or(self.queue.front())
            .map_or(self.next_ticket, |batch| batch.first)
    }

    /// Tells what has been waited for, now that something was answered for.
    fn settle(&mut self) {
        let oldest = self.oldest();
        while let Some(flush) = self.flushes.front() {
            let failed = match &self.phase {
                Phase::Failed(error) => Some(error.clone()),
                _ if oldest < flush.before => break,
                _ => None,
            };
            let Some(Flush { id, error, .. }) = self.flushes.pop_front() else {
                break;
            };
            let error = error.or(failed);
            let result = match error {
                Some(error) => Err(error),
                None => Ok(Flushed {
                    next_offset: self.last_offset.clone(),
                    duplicates: mem::take(&mut self.duplicates),
                }),
            };
            self.outbox
                .push_back(Output::Event(WriterEvent::Flushed { flush: id, result }));
        }
        let empty = self.window.is_empty() && self.queue.is_empty();
        if empty {
            self.spare = Vec::new();
        }
        let restart = self.restarts.front().is_some_and(|&at| at <= oldest);
        if restart && self.rotation.is_none() && self.window.is_empty() {
            self.restarts.pop_front();
            self.rotate(self.epoch + 1, None);
        }
        if matches!(self.phase, Phase::Closing) && empty {
            self.phase = Phase::Closed;
            let next_offset = self.last_offset.clone();
            self.outbox
                .push_back(Output::Event(WriterEvent::Closed { next_offset }));
        }
    }
}

impl Machine for Writer {
    type Event = WriterEvent;

    fn poll_output(&mut self, now: Instant) -> Output<WriterEvent> {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return output;
            }
            if matches!(self.phase, Phase::Closed | Phase::Failed(_)) {
                return Output::Done;
            }
            if !self.send_next(now) {
                self.stirred = false;
                return Output::Wait(self.deadline(now));
            }
        }
    }

    fn handle_input(&mut self, input: Input, now: Instant) {
        let find = |id| move |batch: &Batch| batch.flight().is_some_and(|flight| flight.id == id);
        match input {
            Input::Head(id, head) => {
                if let Some(State::InFlight(flight)) = self.state_where(find(id)) {
                    flight.head = Some(Box::new(head));
                }
            }
            Input::Chunk(id, chunk) => {
                if let Some(State::InFlight(flight)) = self.state_where(find(id)) {
                    let room = MAX_ERROR_BODY - flight.body.len();
                    flight
                        .body
                        .extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if chunk.len() > room {
                        self.outbox.push_back(Output::Abort(id));
                        self.complete(find(id), now);
                    }
                }
            }
            Input::End(id) => self.complete(find(id), now),
            Input::Failed(id, failure) => {
                let index = self.window.iter().position(find(id));
                let Some(index) = index else { return };
                // The head decides; what is missing of an explanation changes nothing.
                if self.window[index]
                    .flight()
                    .is_some_and(|flight| flight.head.is_some())
                {
                    self.complete(find(id), now);
                } else {
                    self.lost(index, &failure, now);
                }
            }
            Input::Timeout => self.time_out(now),
        }
    }
}

impl Writer {
    fn state_where(&mut self, predicate: impl Fn(&Batch) -> bool) -> Option<&mut State> {
        self.window
            .iter_mut()
            .find(|batch| predicate(batch))
            .map(|batch| &mut batch.state)
    }

    fn error(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, message).at(OperationKind::Append, &self.config.url)
    }
}

/// Without the messages.
impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("url", &self.config.url)
            .field("producer_id", &self.config.producer_id)
            .field("epoch", &self.epoch)
            .field("next_seq", &self.next_seq)
            .field("pending", &self.pending())
            .field("in_flight", &self.in_flight())
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

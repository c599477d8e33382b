//! What is sent next, and when.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::batch::{Batch, Flight, State};
use super::{Rotation, Writer, WriterEvent};
use crate::machine::later;
use crate::machine::{Output, RequestId};
use crate::operation::{Operation, Produce, Producer};
use crate::wire::error::{Error, ErrorKind};
use crate::wire::header::MAX_INTEGER;

impl Writer {
    /// Sends the next request that may go. Says whether anything was done.
    pub(super) fn send_next(&mut self, now: Instant) -> bool {
        if self.rotation.is_some() {
            return self.in_flight() == 0 && self.turn_epoch();
        }
        if self.pause().is_some_and(|at| at > now) {
            return false;
        }
        if let Some(index) = self.next_of_window() {
            self.send(index, now);
            return true;
        }
        if !self.may_extend_window(now) {
            return false;
        }
        if self.next_seq > MAX_INTEGER {
            if !self.window.is_empty() {
                return false;
            }
            self.rotate(self.epoch + 1, None);
            return true;
        }
        let Some(mut batch) = self.queue.pop_front() else {
            return false;
        };
        batch.seq = Some(self.next_seq);
        batch.seal();
        self.next_seq += 1;
        self.window.push_back(batch);
        self.send(self.window.len() - 1, now);
        true
    }

    /// Until when nothing is sent: the backoff's time, and the server's own word.
    fn pause(&self) -> Option<Instant> {
        self.not_before.max(self.server_asked)
    }

    /// The oldest batch of the window that is to be sent again.
    fn next_of_window(&self) -> Option<usize> {
        let waiting = |batch: &Batch| matches!(batch.state, State::Waiting);
        if self.alone {
            return self
                .window
                .front()
                .filter(|batch| waiting(batch))
                .map(|_| 0);
        }
        let next = self.window.iter().position(waiting);
        next.filter(|_| self.in_flight() < self.pace.limit())
    }

    /// Whether the first batch of the queue may go now.
    fn may_extend_window(&self, now: Instant) -> bool {
        let Some(next) = self.queue.front() else {
            return false;
        };
        let restarting = self.restarts.front().is_some_and(|&at| next.first >= at);
        // Nothing may come behind the end of the stream, so it waits for everything before it.
        let alone = self.alone || next.close;
        let limit = if alone { 1 } else { self.pace.limit() };
        self.window.len() < limit && !restarting && self.is_due(next, now)
    }

    fn is_due(&self, batch: &Batch, now: Instant) -> bool {
        batch.due
            || batch.is_sealed()
            || now.saturating_duration_since(batch.since) >= self.config.linger
    }

    fn send(&mut self, index: usize, now: Instant) {
        let Some(batch) = self.window.get_mut(index) else {
            return;
        };
        let (seq, close, body) = (batch.seq, batch.close, batch.body());
        let request = self.produce(seq, close, body).request();
        let Some(batch) = self.window.get_mut(index) else {
            return;
        };
        match request {
            Ok(request) => {
                self.last_id += 1;
                let id = RequestId(self.last_id);
                batch.state = State::InFlight(Flight {
                    id,
                    deadline: later(now, self.config.request_timeout),
                    as_front: index == 0,
                    head: None,
                    body: BytesMut::new(),
                });
                self.outbox.push_back(Output::Send(id, request));
            }
            Err(error) => self.fail(error),
        }
    }

    /// A request of this writer, under the current epoch. Its answer is read by one like it, for which the body does not matter.
    pub(super) fn produce(&self, seq: Option<u64>, close: bool, body: Bytes) -> Produce {
        let producer = Producer {
            id: self.config.producer_id.clone(),
            epoch: self.epoch,
            seq: seq.unwrap_or_default(),
        };
        let content_type = self.config.content_type.as_str();
        Produce::new(self.config.url.clone(), producer, content_type, body).close(close)
    }

    /// When something is to be done by itself.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let flights = self
            .window
            .iter()
            .filter_map(|batch| batch.flight().map(|flight| flight.deadline));
        let linger = self
            .queue
            .front()
            .filter(|_| self.rotation.is_none())
            .and_then(|next| {
                let at = later(next.since, self.config.linger);
                // It waits for time only when time is all it waits for.
                (!self.is_due(next, now) && self.may_extend_window(at)).then_some(at)
            });
        let pause = self.pause().filter(|&at| at > now);
        flights.chain(linger).chain(pause).min()
    }

    /// Everything that is not stored is to go under another epoch, once nothing of this one is in flight. Of several
    /// reasons the highest epoch counts.
    pub(super) fn rotate(&mut self, epoch: u64, fenced: Option<Error>) {
        let before = self.rotation.take();
        let epoch = before
            .as_ref()
            .map_or(epoch, |before| before.epoch.max(epoch));
        if epoch > MAX_INTEGER {
            let why = "there is no epoch above 2^53-1 left to go on with";
            return self.fail(self.error(ErrorKind::Fenced, why));
        }
        let fenced = fenced.or_else(|| before.and_then(|before| before.fenced));
        self.rotation = Some(Rotation { epoch, fenced });
    }

    /// Goes on under the new epoch. Says that something was done.
    fn turn_epoch(&mut self) -> bool {
        let Some(Rotation { epoch, fenced }) = self.rotation.take() else {
            return false;
        };
        if let Some(error) = &fenced {
            self.claims += 1;
            if self.claims > self.config.max_claims {
                let why = "every epoch that was claimed was taken over at once";
                self.fail(error.clone().because(why));
                return true;
            }
        }
        self.confirm_before_stored();
        self.mark_impossible();
        self.epoch = epoch;
        self.claimed = true;
        self.next_seq = 0;
        self.alone = true;
        self.outbox
            .push_back(Output::Event(WriterEvent::Epoch(epoch)));
        let report = fenced.filter(|_| self.config.after_claim == super::AfterClaim::Report);
        let mut again = Vec::new();
        for mut batch in std::mem::take(&mut self.window) {
            let close_only = batch.close && batch.messages() == 0;
            match &report {
                Some(error) if batch.may_have_been_applied() && !close_only => {
                    // The stream is closed all the same, behind what the caller was told of.
                    if batch.close {
                        let end = batch.tickets().end;
                        again.push(Batch::closing(end, self.json, batch.since));
                    }
                    self.reject(batch, error.clone());
                }
                _ => {
                    batch.unsend();
                    again.push(batch);
                }
            }
        }
        for batch in again.into_iter().rev() {
            self.queue.push_front(batch);
        }
        self.settle();
        true
    }

    /// Numbers are taken without a gap: what comes before a batch that is stored is stored as well. Not so when somebody else
    /// takes numbers of this epoch: then it is stored, and nobody knows whose it is.
    pub(super) fn confirm_before_stored(&mut self) {
        let offset = |batch: &Batch| match &batch.state {
            State::Stored(offset) => Some(offset.clone()),
            _ => None,
        };
        let foreign = self.window.iter().any(|batch| batch.foreign);
        let stored = self.window.iter().enumerate().rev();
        let last = stored
            .filter_map(|(index, batch)| Some((index, offset(batch)?)))
            .next();
        let Some((last, next_offset)) = last else {
            return;
        };
        let mut kept = Vec::new();
        for batch in self.window.drain(..=last) {
            let told = offset(&batch).is_some();
            if !told && foreign {
                kept.push(batch);
                continue;
            }
            self.buffered_bytes -= batch.payload_bytes();
            if !told {
                self.outbox.push_back(Output::Event(WriterEvent::Stored {
                    tickets: batch.tickets(),
                    next_offset: next_offset.clone(),
                    duplicate: false,
                }));
            }
        }
        for batch in kept.into_iter().rev() {
            self.window.push_front(batch);
        }
    }

    /// Numbers are taken without a gap: behind a batch that is certainly not stored, none is. Not so when somebody else takes
    /// numbers of this epoch.
    pub(super) fn mark_impossible(&mut self) {
        if self.window.iter().any(|batch| batch.foreign) {
            return;
        }
        let mut possible = true;
        for batch in &mut self.window {
            if !matches!(batch.state, State::Stored(_)) {
                batch.unknown &= possible;
                batch.doubtful &= possible;
                possible = batch.unknown || batch.doubtful;
            }
        }
    }
}

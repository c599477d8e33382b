//! What is sent next, and when.

use std::time::Instant;

use bytes::BytesMut;

use super::batch::{Batch, Flight, State};
use super::{Rotation, Writer, WriterEvent};
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
        if self.not_before.is_some_and(|at| at > now) {
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
        self.window.iter().position(waiting)
    }

    /// Whether the first batch of the queue may go now.
    fn may_extend_window(&self, now: Instant) -> bool {
        let Some(next) = self.queue.front() else {
            return false;
        };
        let restarting = self.restart_at.is_some_and(|at| next.first >= at);
        // Nothing may come behind the end of the stream, so it waits for everything before it.
        let alone = self.alone || next.close;
        let limit = if alone { 1 } else { self.config.max_in_flight };
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
        let producer = Producer {
            id: self.config.producer_id.clone(),
            epoch: self.epoch,
            seq: batch.seq.unwrap_or_default(),
        };
        let produce = Produce::new(
            self.config.url.clone(),
            producer,
            self.config.content_type.as_str(),
            batch.body(),
        )
        .close(batch.close);
        match produce.request() {
            Ok(request) => {
                self.last_id += 1;
                let id = RequestId(self.last_id);
                batch.sends += 1;
                batch.state = State::InFlight(Flight {
                    id,
                    deadline: now + self.config.request_timeout,
                    as_front: index == 0,
                    head: None,
                    body: BytesMut::new(),
                });
                self.outbox.push_back(Output::Send(id, request));
            }
            Err(error) => self.fail(error),
        }
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
                let at = next.since + self.config.linger;
                // It waits for time only when time is all it waits for.
                (!self.is_due(next, now) && self.may_extend_window(at)).then_some(at)
            });
        let pause = self.not_before.filter(|&at| at > now);
        flights.chain(linger).chain(pause).min()
    }

    /// Everything that is not stored is to go under another epoch, once nothing of this one is in flight.
    pub(super) fn rotate(&mut self, epoch: u64, fenced: Option<Error>) {
        if epoch > MAX_INTEGER {
            return self.fail(self.error(
                ErrorKind::Fenced,
                "there is no epoch above 2^53-1 left to go on with",
            ));
        }
        let fenced = fenced.or_else(|| self.rotation.take().and_then(|rotation| rotation.fenced));
        self.rotation = Some(Rotation { epoch, fenced });
    }

    /// Goes on under the new epoch. Says that something was done.
    fn turn_epoch(&mut self) -> bool {
        let Some(Rotation { epoch, fenced }) = self.rotation.take() else {
            return false;
        };
        self.mark_impossible();
        self.epoch = epoch;
        self.next_seq = 0;
        self.alone = true;
        self.outbox
            .push_back(Output::Event(WriterEvent::Epoch(epoch)));
        let report = fenced.filter(|_| self.config.after_claim == super::AfterClaim::Report);
        let mut window = std::mem::take(&mut self.window);
        // Numbers are taken without a gap, so what comes before a batch that is stored is stored as well.
        let mut stored = None;
        while let Some(mut batch) = window.pop_back() {
            if let State::Stored(offset) = &batch.state {
                stored = Some(offset.clone());
                self.buffered_bytes -= batch.payload_bytes();
            } else if let Some(offset) = &stored {
                self.buffered_bytes -= batch.payload_bytes();
                self.outbox.push_back(Output::Event(WriterEvent::Stored {
                    tickets: batch.tickets(),
                    next_offset: offset.clone(),
                    duplicate: false,
                }));
            } else if let Some(error) = report.as_ref().filter(|_| batch.unknown) {
                self.reject(batch, error.clone().applied(true));
            } else {
                batch.unsend();
                self.queue.push_front(batch);
            }
        }
        self.settle();
        true
    }

    /// Numbers are taken without a gap: behind a batch that is certainly not stored, none is.
    pub(super) fn mark_impossible(&mut self) {
        let mut possible = true;
        for batch in &mut self.window {
            if !matches!(batch.state, State::Stored(_)) {
                possible &= batch.unknown;
                batch.unknown = possible;
            }
        }
    }
}

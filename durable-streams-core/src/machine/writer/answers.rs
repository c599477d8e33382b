//! What an answer, or the lack of one, means for its batch and for the rest.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;

use super::batch::{Batch, State};
use super::{Phase, Writer, WriterEvent};
use crate::machine::call::is_passing;
use crate::machine::later;
use crate::machine::{Output, RequestId};
use crate::operation::{Operation, Produced};
use crate::wire::error::{Error, ErrorKind, Failure, FailureKind, OperationKind};
use crate::wire::time;

impl Writer {
    /// The answer of a flight is complete.
    pub(super) fn complete(&mut self, which: impl Fn(&Batch) -> bool, now: Instant) {
        let Some(index) = self.window.iter().position(which) else {
            return;
        };
        let batch = &mut self.window[index];
        let State::InFlight(flight) = std::mem::replace(&mut batch.state, State::Waiting) else {
            return;
        };
        // A body without a head is nothing a driver can hand in.
        let Some(head) = flight.head else { return };
        let response = Response::from_parts(*head, flight.body.freeze());
        let (seq, close) = (batch.seq, batch.close);
        let produce = self.produce(seq, close, Bytes::new());
        match produce.decode(&response) {
            Ok(produced) => self.acknowledged(index, produced),
            Err(error) => {
                if error.kind() == ErrorKind::ProducerGap && !flight.as_front {
                    self.came_too_early(flight.id);
                }
                self.refused(index, error, flight.as_front, &response, now);
            }
        }
    }

    /// A request was turned down for a gap. Unless what came before it failed, it overtook that.
    fn came_too_early(&mut self, request: RequestId) {
        if !self.alone && self.rotation.is_none() {
            self.pace.overtaken(request, RequestId(self.last_id));
        }
    }

    fn acknowledged(&mut self, index: usize, produced: Produced) {
        let batch = &mut self.window[index];
        let close_only = batch.close && batch.messages() == 0;
        let highest = self.next_seq.saturating_sub(1);
        // A 204 does not say whose data is stored (B62). Somebody else's it is to what no earlier attempt can have stored, and
        // beyond what was ever sent. To the first request under an epoch that was not claimed it may be either, and a
        // predecessor's is what auto-claim is there for.
        let unclaimed = !self.claimed && batch.seq == Some(0);
        let foreign = produced.highest_seq.is_some_and(|seq| seq > highest)
            || (produced.duplicate && !close_only && (!batch.unknown || unclaimed));
        if self.config.auto_claim && foreign {
            batch.foreign = true;
            let error = self.error(ErrorKind::Fenced, "somebody else writes under this epoch");
            return self.claim(self.epoch, error);
        }
        batch.state = State::Stored(produced.next_offset.clone());
        batch.unknown = false;
        let tickets = batch.tickets();
        self.backoff.reset();
        self.pace.stored();
        self.claims = 0;
        self.last_offset = self.last_offset.take().max(produced.next_offset.clone());
        if produced.duplicate {
            self.duplicates += batch.messages() as u64;
        }
        if !tickets.is_empty() {
            self.outbox.push_back(Output::Event(WriterEvent::Stored {
                tickets,
                next_offset: produced.next_offset,
                duplicate: produced.duplicate,
            }));
        }
        if index == 0 {
            self.alone = false;
            self.not_before = None;
        }
        while self
            .window
            .front()
            .is_some_and(|batch| matches!(batch.state, State::Stored(_)))
        {
            if let Some(batch) = self.window.pop_front() {
                self.buffered_bytes -= batch.payload_bytes();
                if self.spare.len() < self.config.max_in_flight {
                    self.spare
                        .extend(batch.into_room(self.config.max_batch_bytes));
                }
            }
        }
        // A finished request starts the next batch.
        if let Some(next) = self.queue.front_mut() {
            next.due = true;
        }
        self.settle();
    }

    fn refused(
        &mut self,
        index: usize,
        error: Error,
        as_front: bool,
        response: &Response<Bytes>,
        now: Instant,
    ) {
        let batch = &mut self.window[index];
        batch.unknown |= error.may_have_been_applied();
        match error.kind() {
            ErrorKind::Fenced => match error.producer_epoch() {
                Some(theirs) if self.config.auto_claim && theirs >= self.epoch => {
                    self.claim(theirs, error)
                }
                _ => self.fail(error),
            },
            // The number of the close was taken before, by what did not close the stream.
            ErrorKind::Diverged if self.config.auto_claim => {
                batch.foreign = true;
                self.claim(self.epoch, error);
            }
            // Closed is what it was to be.
            ErrorKind::StreamClosed if batch.close && batch.messages() == 0 => {
                self.last_offset = self.last_offset.take().max(error.next_offset().cloned());
                if !batch.may_have_been_applied() {
                    self.found_closed = Some(error);
                }
                self.window.remove(index);
                self.settle();
            }
            // An answer from before earlier batches landed says nothing final (B61). It is the one refusal that passes by
            // itself: a second copy of the request, still on its way, may be taken.
            ErrorKind::ProducerGap if !as_front => {
                batch.doubtful = true;
                self.alone = true;
            }
            ErrorKind::ProducerGap => {
                let why =
                    "the server misses what it acknowledged, or somebody else writes with this id";
                self.fail(error.with_kind(ErrorKind::Diverged).because(why));
            }
            // What comes before it is to be answered for under the epoch it was sent in.
            ErrorKind::PayloadTooLarge if index > 0 => self.alone = true,
            ErrorKind::PayloadTooLarge if !batch.unknown => self.too_large(index, error),
            // Sending it again is safe, so a page of a proxy, or a redirect, may pass like a 503.
            ErrorKind::Protocol | ErrorKind::Redirect => self.retry(index, error, None, now),
            _ if is_passing(response.status()) => {
                self.retry(index, error, time::retry_after(response.headers()), now);
            }
            _ => self.fail(error),
        }
    }

    /// Claims the epoch above `theirs`.
    fn claim(&mut self, theirs: u64, error: Error) {
        self.rotate(theirs.saturating_add(1), Some(error));
    }

    /// A body the server does not take goes in two parts, or is its one message's error (B54b). The parts go under the next
    /// epoch: their number was given to another body, which may still be on its way.
    fn too_large(&mut self, index: usize, error: Error) {
        let Some(batch) = self.window.remove(index) else {
            return;
        };
        if batch.messages() > 1 {
            for part in batch.split().into_iter().rev() {
                self.window.insert(index, part);
            }
        } else if batch.close {
            self.window.insert(index, batch);
            return self.fail(error);
        } else {
            self.reject(batch, error);
        }
        self.rotate(self.epoch + 1, None);
        self.settle();
    }

    /// There is no answer.
    pub(super) fn lost(&mut self, index: usize, failure: &Failure, now: Instant) {
        let batch = &mut self.window[index];
        batch.state = State::Waiting;
        batch.unknown |= failure.kind.may_have_been_sent();
        let unknown = batch.unknown;
        let error = Error::transport(failure)
            .at(OperationKind::Append, &self.config.url)
            .applied(unknown);
        if failure.kind == FailureKind::Refused {
            return self.fail(error);
        }
        self.retry(index, error, None, now);
    }

    pub(super) fn time_out(&mut self, now: Instant) {
        let late = |batch: &Batch| batch.flight().is_some_and(|flight| flight.deadline <= now);
        while let Some(index) = self.window.iter().position(late) {
            let Some((id, answered)) = self.window[index]
                .flight()
                .map(|flight| (flight.id, flight.head.is_some()))
            else {
                return;
            };
            self.outbox.push_back(Output::Abort(id));
            if answered {
                self.complete(
                    |batch| batch.flight().is_some_and(|flight| flight.id == id),
                    now,
                );
            } else {
                self.lost(index, &FailureKind::Timeout.into(), now);
            }
        }
    }

    /// The batch is to be sent again; until the front is stored, only the front is.
    fn retry(&mut self, index: usize, error: Error, floor: Option<Duration>, now: Instant) {
        self.alone = true;
        self.server_asked = self.server_asked.max(floor.map(|wait| later(now, wait)));
        if index > 0 {
            // The front decides how long.
            return;
        }
        match self.backoff.fail(now, floor) {
            Some(delay) => {
                self.not_before = self.not_before.max(Some(later(now, delay)));
                self.outbox
                    .push_back(Output::Event(WriterEvent::Retrying { error, delay }));
            }
            None => self.fail(error),
        }
    }

    /// These messages will not be sent again.
    pub(super) fn reject(&mut self, batch: Batch, error: Error) {
        self.buffered_bytes -= batch.payload_bytes();
        let tickets = batch.tickets();
        let error = error.applied(batch.may_have_been_applied());
        // Each flush that waits for one of them tells it; without one the next flush will.
        let mut from = 0;
        let mut told = false;
        for flush in &mut self.flushes {
            if from < tickets.end && tickets.start < flush.before {
                flush.error.get_or_insert_with(|| error.clone());
                told = true;
            }
            from = flush.before;
        }
        if !told || from < tickets.end {
            self.first_error.get_or_insert_with(|| error.clone());
        }
        self.outbox
            .push_back(Output::Event(WriterEvent::Rejected { tickets, error }));
    }

    /// Ends the writer with this error, as when it fails by itself: for an owner that cannot drive it any more.
    pub fn stop(&mut self, error: Error) {
        self.fail(error);
    }

    /// The writer is over. What it did not store stays for [`Writer::take_unsent`].
    pub(super) fn fail(&mut self, error: Error) {
        if matches!(self.phase, Phase::Failed(_) | Phase::Closed) {
            return;
        }
        let error = error.at(OperationKind::Append, &self.config.url);
        for batch in &mut self.window {
            if let State::InFlight(flight) = &batch.state {
                self.outbox.push_back(Output::Abort(flight.id));
                batch.unknown = true;
                batch.state = State::Waiting;
            }
        }
        self.confirm_before_stored();
        self.mark_impossible();
        for batch in self.window.iter().chain(&self.queue) {
            let tickets = batch.tickets();
            if !tickets.is_empty() {
                let error = error.clone().applied(batch.may_have_been_applied());
                self.outbox
                    .push_back(Output::Event(WriterEvent::Rejected { tickets, error }));
            }
        }
        self.phase = Phase::Failed(error.clone());
        self.settle();
        self.outbox
            .push_back(Output::Event(WriterEvent::Failed(error)));
    }
}

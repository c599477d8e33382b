//! Under the lock: the machine, and who waits for what.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::ops::Range;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use durable_streams_core::{
    Accepted, Error, ErrorKind, FlushId, Flushed, Offset, Refused, RefusedReason,
    Writer as WriterMachine, WriterEvent,
};

use super::receipt::Stored;
use crate::transport::Timer;

pub(super) struct State {
    pub(super) machine: Result<WriterMachine, Error>,
    driver: Option<Waker>,
    /// Why the writer is over, or the last offset when it ended as asked.
    pub(super) end: Option<Result<Option<Offset>, Error>>,
    receipts: VecDeque<(u64, Slot<Stored>)>,
    flushes: BTreeMap<FlushId, Slot<Flushed>>,
    waiting: BTreeMap<u64, (Want, Waker)>,
    last_waiting: u64,
    /// Whether the end it comes to is the stream's as well.
    closes_stream: bool,
    pub(super) deferred: Deferred,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    /// Room for a message of this length.
    Room(usize),
    /// The end, or another epoch.
    Change,
}

/// A result that somebody waits for, or will.
enum Slot<T> {
    Empty(Option<Waker>),
    Full(Result<T, Error>),
}

/// What is left to do when the lock is open again. Whoever is woken may use the writer at once, and the last reference to a
/// task may be a waker: neither can happen under the lock.
#[derive(Default)]
pub(super) struct Deferred {
    wake: Vec<Waker>,
    drop: Vec<Waker>,
}

impl Deferred {
    pub(super) fn is_empty(&self) -> bool {
        self.wake.is_empty() && self.drop.is_empty()
    }

    pub(super) fn run(self) {
        self.wake.into_iter().for_each(Waker::wake);
        drop(self.drop);
    }
}

impl<T> Slot<T> {
    fn fill(&mut self, result: Result<T, Error>, deferred: &mut Deferred) {
        if let Self::Empty(waker) = mem::replace(self, Self::Full(result)) {
            deferred.wake.extend(waker);
        }
    }

    fn wait(&mut self, cx: &Context<'_>, deferred: &mut Deferred) {
        if let Self::Empty(waker) = self {
            deferred.drop.extend(waker.replace(cx.waker().clone()));
        }
    }
}

impl State {
    pub(super) fn new(machine: Result<WriterMachine, Error>) -> Self {
        Self {
            end: machine.as_ref().err().map(|error| Err(error.clone())),
            machine,
            driver: None,
            receipts: VecDeque::new(),
            flushes: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_waiting: 0,
            closes_stream: false,
            deferred: Deferred::default(),
        }
    }

    /// The machine, while the writer is not over.
    fn machine(&mut self) -> Result<&mut WriterMachine, Error> {
        match (&self.end, &mut self.machine) {
            (Some(Err(error)), _) => Err(error.clone()),
            (_, Ok(machine)) => Ok(machine),
            (_, Err(error)) => Err(error.clone()),
        }
    }

    #[inline]
    pub(super) fn append(
        &mut self,
        message: &Bytes,
        receipt: bool,
        clock: &dyn Timer,
    ) -> Result<Accepted, RefusedReason> {
        let machine = self.machine().map_err(RefusedReason::Error)?;
        let stirred = machine.needs_poll();
        let accepted = machine.append_checked(message, || clock.now())?;
        // Most messages join a batch that waits already, and nobody has to wake for them.
        if !stirred && machine.needs_poll() {
            self.wake_driver();
        }
        if receipt {
            self.receipts
                .push_back((accepted.ticket, Slot::Empty(None)));
        }
        Ok(accepted)
    }

    /// Begins a flush; or gives its result where the writer is over.
    pub(super) fn flush(&mut self) -> Result<FlushId, Result<Flushed, Error>> {
        if let Some(end) = &self.end {
            return Err(end.clone().map(|next_offset| {
                let mut flushed = Flushed::default();
                flushed.next_offset = next_offset;
                flushed
            }));
        }
        let flush = self.machine().map_err(Err)?.flush();
        self.flushes.insert(flush, Slot::Empty(None));
        self.wake_driver();
        Ok(flush)
    }

    pub(super) fn poll_flush(
        &mut self,
        flush: FlushId,
        cx: &Context<'_>,
    ) -> Poll<Result<Flushed, Error>> {
        match self.flushes.get_mut(&flush) {
            Some(Slot::Full(result)) => Poll::Ready(result.clone()),
            Some(slot) => {
                slot.wait(cx, &mut self.deferred);
                Poll::Pending
            }
            None => Poll::Ready(Ok(Flushed::default())),
        }
    }

    pub(super) fn forget_flush(&mut self, flush: FlushId) {
        if let Some(Slot::Empty(waker)) = self.flushes.remove(&flush) {
            self.deferred.drop.extend(waker);
        }
    }

    pub(super) fn close(&mut self) {
        if let Ok(machine) = self.machine() {
            machine.close();
            self.wake_driver();
        }
    }

    /// Closes the stream. Asking for it again without a message changes nothing.
    pub(super) fn close_stream(
        &mut self,
        last: Option<Bytes>,
        now: Instant,
    ) -> Result<(), Refused> {
        if self.closes_stream && last.is_none() {
            return Ok(());
        }
        match self.machine() {
            Ok(machine) => machine.close_stream(last, now)?,
            Err(error) => {
                return Err(Refused {
                    message: last.unwrap_or_default(),
                    reason: RefusedReason::Error(error),
                });
            }
        }
        self.closes_stream = true;
        self.wake_driver();
        Ok(())
    }

    /// Asks for a restart. Gives the epoch to be left.
    pub(super) fn restart(&mut self) -> Result<u64, Error> {
        let machine = self.machine()?;
        machine.restart()?;
        let epoch = machine.epoch();
        self.wake_driver();
        Ok(epoch)
    }

    /// The epoch after `before`, once there is one.
    pub(super) fn epoch_after(&mut self, before: u64) -> Option<Result<u64, Error>> {
        let over = self.end.is_some();
        match self.machine() {
            Err(error) => Some(Err(error)),
            Ok(machine) if machine.epoch() > before && !machine.is_restarting() => {
                Some(Ok(machine.epoch()))
            }
            Ok(_) if over => Some(Err(Error::invalid(
                "the writer was closed before it restarted",
            ))),
            Ok(_) => None,
        }
    }

    pub(super) fn poll_receipt(
        &mut self,
        ticket: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<Stored, Error>> {
        let Some(index) = self.receipt(ticket) else {
            return Poll::Ready(Err(Error::invalid("the receipt was read already")));
        };
        match &mut self.receipts[index].1 {
            Slot::Full(result) => {
                let result = result.clone();
                self.receipts.remove(index);
                Poll::Ready(result)
            }
            slot => {
                slot.wait(cx, &mut self.deferred);
                Poll::Pending
            }
        }
    }

    pub(super) fn forget_receipt(&mut self, ticket: u64) {
        let receipt = self
            .receipt(ticket)
            .and_then(|index| self.receipts.remove(index));
        if let Some((_, Slot::Empty(waker))) = receipt {
            self.deferred.drop.extend(waker);
        }
    }

    fn receipt(&self, ticket: u64) -> Option<usize> {
        self.receipts
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket)
            .ok()
    }

    /// Waits in the place with this id, or a new one.
    pub(super) fn wait(&mut self, id: &mut Option<u64>, want: Want, cx: &Context<'_>) {
        let id = *id.get_or_insert_with(|| {
            self.last_waiting += 1;
            self.last_waiting
        });
        let before = self.waiting.insert(id, (want, cx.waker().clone()));
        self.deferred.drop.extend(before.map(|(_, waker)| waker));
    }

    pub(super) fn leave(&mut self, id: u64) {
        let left = self.waiting.remove(&id);
        self.deferred.drop.extend(left.map(|(_, waker)| waker));
    }

    /// Who is to be woken when a handle asks for something.
    pub(super) fn register_driver(&mut self, waker: &Waker) {
        if !self
            .driver
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.deferred
                .drop
                .extend(self.driver.replace(waker.clone()));
        }
    }

    fn wake_driver(&mut self) {
        self.deferred.wake.extend(self.driver.clone());
    }

    /// Tells those who wait what happened.
    pub(super) fn announce(&mut self, event: WriterEvent) {
        match event {
            WriterEvent::Stored {
                tickets,
                next_offset,
                duplicate,
            } => {
                self.fill_receipts(
                    tickets,
                    &Ok(Stored {
                        next_offset,
                        duplicate,
                    }),
                );
                self.wake_waiting(false);
            }
            WriterEvent::Rejected { tickets, error } => {
                self.fill_receipts(tickets, &Err(error));
                self.wake_waiting(false);
            }
            WriterEvent::Flushed { flush, result } => {
                if let Some(slot) = self.flushes.get_mut(&flush) {
                    slot.fill(result, &mut self.deferred);
                }
            }
            WriterEvent::Epoch(_) => self.wake_waiting(true),
            WriterEvent::Closed { next_offset } => self.finish(Ok(next_offset)),
            WriterEvent::Failed(error) => self.finish(Err(error)),
            _ => {}
        }
    }

    fn fill_receipts(&mut self, tickets: Range<u64>, result: &Result<Stored, Error>) {
        let from = self
            .receipts
            .partition_point(|(ticket, _)| *ticket < tickets.start);
        for (ticket, slot) in self.receipts.range_mut(from..) {
            if *ticket >= tickets.end {
                break;
            }
            slot.fill(result.clone(), &mut self.deferred);
        }
    }

    /// Wakes those who may have what they wait for.
    fn wake_waiting(&mut self, change: bool) {
        let over = self.end.is_some();
        let machine = self.machine.as_ref().ok();
        let deferred = &mut self.deferred;
        self.waiting.retain(|_, (want, waker)| {
            let wake = over
                || match want {
                    Want::Room(length) => machine.is_some_and(|machine| machine.has_room(*length)),
                    Want::Change => change,
                };
            if wake {
                deferred.wake.push(waker.clone());
            }
            !wake
        });
    }

    /// The driver is gone, or the last handle: nothing will happen any more.
    pub(super) fn abandon(&mut self, why: &'static str) {
        if self.end.is_none() {
            let error = Error::new(ErrorKind::Stopped, why);
            if let Ok(machine) = &mut self.machine {
                machine.stop(error.clone());
            }
            self.finish(Err(error));
        }
        self.deferred.wake.extend(self.driver.take());
    }

    fn finish(&mut self, end: Result<Option<Offset>, Error>) {
        self.end = Some(end.clone());
        if let Err(error) = end {
            for (_, slot) in &mut self.receipts {
                if matches!(slot, Slot::Empty(_)) {
                    // Nobody answered for it: it may be stored or not.
                    slot.fill(Err(error.clone().applied(true)), &mut self.deferred);
                }
            }
            for slot in self.flushes.values_mut() {
                if matches!(slot, Slot::Empty(_)) {
                    slot.fill(Err(error.clone()), &mut self.deferred);
                }
            }
        }
        self.wake_waiting(true);
    }
}

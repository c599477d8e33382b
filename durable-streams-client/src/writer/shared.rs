//! What the handles of a writer and its driver share: the machine, and who waits for what.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use durable_streams_core::wire::json;
use durable_streams_core::{
    Error, ErrorKind, FlushId, Input, Machine, Offset, Output, Refused, RefusedReason, Unsent,
    Writer as WriterMachine, WriterEvent,
};

use super::receipt::Stored;
use crate::transport::Timer;

/// One writer, behind a lock that is held for the time of a call into the machine.
pub(crate) struct Shared {
    timer: Arc<dyn Timer>,
    json: bool,
    state: Mutex<State>,
}

struct State {
    machine: Result<WriterMachine, Error>,
    driver: Option<Waker>,
    /// Why the writer is over, or the last offset when it ended as asked.
    end: Option<Result<Option<Offset>, Error>>,
    receipts: VecDeque<(u64, Slot<Stored>)>,
    flushes: BTreeMap<FlushId, Slot<Option<Offset>>>,
    rooms: BTreeMap<u64, (usize, Waker)>,
    last_room: u64,
    /// Who waits for the end, or for an epoch.
    waiting: Vec<Waker>,
    /// Whether the end it comes to is the stream's as well.
    closes_stream: bool,
}

/// A result that somebody waits for, or will.
enum Slot<T> {
    Empty(Option<Waker>),
    Full(Result<T, Error>),
}

impl<T> Slot<T> {
    fn fill(&mut self, result: Result<T, Error>) {
        if let Self::Empty(waker) = std::mem::replace(self, Self::Full(result)) {
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

impl Shared {
    pub(super) fn new(machine: Result<WriterMachine, Error>, timer: Arc<dyn Timer>) -> Self {
        let end = machine.as_ref().err().map(|error| Err(error.clone()));
        Self {
            timer,
            json: machine.as_ref().is_ok_and(WriterMachine::is_json),
            state: Mutex::new(State {
                machine,
                driver: None,
                end,
                receipts: VecDeque::new(),
                flushes: BTreeMap::new(),
                rooms: BTreeMap::new(),
                last_room: 0,
                waiting: Vec::new(),
                closes_stream: false,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look<T: Default>(&self, question: impl FnOnce(&WriterMachine) -> T) -> T {
        self.lock()
            .machine
            .as_ref()
            .map(question)
            .unwrap_or_default()
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Looks at a message of the caller's own encoding, before the lock is taken for it.
    pub(super) fn check(&self, message: Bytes) -> Result<Bytes, Refused> {
        if !self.json || message.is_empty() {
            return Ok(message);
        }
        match json::validate(&message) {
            Ok(()) => Ok(message),
            Err(error) => {
                let error = Error::invalid(format!("not one JSON value: {error}"));
                Err(Refused {
                    message,
                    reason: RefusedReason::Error(error),
                })
            }
        }
    }

    pub(super) fn ended(&self) -> Option<Error> {
        let state = self.lock();
        match (&state.end, &state.machine) {
            (Some(Err(error)), _) | (None, Err(error)) => Some(error.clone()),
            (_, Ok(machine)) => machine.ended(),
            (Some(Ok(_)), Err(_)) => None,
        }
    }

    /// Appends, if there is room now, what was [checked](Self::check).
    pub(super) fn append(&self, message: Bytes, receipt: bool) -> Result<u64, Refused> {
        let now = self.timer.now();
        self.lock().append(message, receipt, now)
    }

    /// A place in the line for room.
    pub(super) fn wait_for_room(&self) -> WaitForRoom<'_> {
        WaitForRoom {
            shared: self,
            id: None,
        }
    }

    pub(super) fn flush(self: &Arc<Self>) -> Flush {
        let mut state = self.lock();
        let mut id = None;
        if let Some(Err(error)) = state.end.clone() {
            return Flush {
                shared: Arc::clone(self),
                id,
                failed: Some(error),
            };
        }
        if let Ok(machine) = &mut state.machine {
            let flush = machine.flush();
            state.flushes.insert(flush, Slot::Empty(None));
            id = Some(flush);
        }
        state.wake_driver();
        Flush {
            shared: Arc::clone(self),
            id,
            failed: None,
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        if let Ok(machine) = &mut state.machine {
            machine.close();
        }
        state.wake_driver();
    }

    pub(super) fn close_stream(&self) -> Result<(), Error> {
        let now = self.timer.now();
        let mut state = self.lock();
        if std::mem::replace(&mut state.closes_stream, true) {
            return Ok(());
        }
        if let Ok(machine) = &mut state.machine {
            if let Err(Refused {
                reason: RefusedReason::Error(error),
                ..
            }) = machine.close_stream(None, now)
            {
                state.closes_stream = false;
                return Err(error);
            }
        }
        state.wake_driver();
        Ok(())
    }

    /// Asks for a restart. Gives the epoch to be left.
    pub(super) fn restart(&self) -> Result<u64, Error> {
        let mut state = self.lock();
        if let Some(Err(error)) = &state.end {
            return Err(error.clone());
        }
        let machine = state.machine.as_mut().map_err(|error| error.clone())?;
        machine.restart()?;
        let epoch = machine.epoch();
        state.wake_driver();
        Ok(epoch)
    }

    pub(super) fn poll_epoch(&self, before: u64, cx: &mut Context<'_>) -> Poll<Result<u64, Error>> {
        let mut state = self.lock();
        if let Some(Err(error)) = &state.end {
            return Poll::Ready(Err(error.clone()));
        }
        match &state.machine {
            Ok(machine) if machine.is_restarting() || machine.epoch() == before => {
                state.waiting.push(cx.waker().clone());
                Poll::Pending
            }
            Ok(machine) => Poll::Ready(Ok(machine.epoch())),
            Err(error) => Poll::Ready(Err(error.clone())),
        }
    }

    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Offset>, Error>> {
        let mut state = self.lock();
        match &state.end {
            Some(end) => Poll::Ready(end.clone()),
            None => {
                state.waiting.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn take_unsent(&self) -> Vec<Unsent> {
        self.lock()
            .machine
            .as_mut()
            .map(WriterMachine::take_unsent)
            .unwrap_or_default()
    }

    pub(super) fn poll_receipt(
        &self,
        ticket: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stored, Error>> {
        let mut state = self.lock();
        let Some(index) = state.receipt(ticket) else {
            return Poll::Ready(Err(Error::invalid("the receipt was read already")));
        };
        match &mut state.receipts[index].1 {
            Slot::Empty(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Slot::Full(result) => {
                let result = result.clone();
                state.forget_receipt(index);
                Poll::Ready(result)
            }
        }
    }

    pub(super) fn drop_receipt(&self, ticket: u64) {
        let mut state = self.lock();
        if let Some(index) = state.receipt(ticket) {
            state.forget_receipt(index);
        }
    }

    /// Who is to be woken when a handle asks for something.
    pub(super) fn register_driver(&self, waker: &Waker) {
        let mut state = self.lock();
        if !state
            .driver
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            state.driver = Some(waker.clone());
        }
    }

    /// Tells those who wait what happened.
    pub(super) fn announce(&self, event: WriterEvent) {
        self.lock().announce(event);
    }

    /// The driver is gone, or the last handle: nothing will happen any more.
    pub(super) fn abandon(&self, why: &'static str) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.finish(Err(Error::new(ErrorKind::Stopped, why)));
        }
        state.driver.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().end.is_some()
    }
}

impl State {
    fn append(&mut self, message: Bytes, receipt: bool, now: Instant) -> Result<u64, Refused> {
        if let Some(Err(error)) = &self.end {
            return Err(Refused {
                message,
                reason: RefusedReason::Error(error.clone()),
            });
        }
        let machine = match &mut self.machine {
            Ok(machine) => machine,
            Err(error) => {
                return Err(Refused {
                    message,
                    reason: RefusedReason::Error(error.clone()),
                });
            }
        };
        let stirred = machine.needs_poll();
        let ticket = machine.append_checked(message, now)?;
        // Most messages join a batch that waits already, and nobody has to wake for them.
        let wake = !stirred && machine.needs_poll();
        if receipt {
            self.receipts.push_back((ticket, Slot::Empty(None)));
        }
        if wake {
            self.wake_driver();
        }
        Ok(ticket)
    }

    fn wake_driver(&mut self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    fn receipt(&self, ticket: u64) -> Option<usize> {
        self.receipts
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket)
            .ok()
    }

    fn forget_receipt(&mut self, index: usize) {
        self.receipts.remove(index);
    }

    fn announce(&mut self, event: WriterEvent) {
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
                self.wake_rooms();
            }
            WriterEvent::Rejected { tickets, error } => {
                self.fill_receipts(tickets, &Err(error));
                self.wake_rooms();
            }
            WriterEvent::Flushed { flush, result } => {
                if let Some(slot) = self.flushes.get_mut(&flush) {
                    slot.fill(result);
                }
            }
            WriterEvent::Epoch(_) => self.waiting.drain(..).for_each(Waker::wake),
            WriterEvent::Closed { next_offset } => self.finish(Ok(next_offset)),
            WriterEvent::Failed(error) => self.finish(Err(error)),
            _ => {}
        }
    }

    fn fill_receipts(&mut self, tickets: std::ops::Range<u64>, result: &Result<Stored, Error>) {
        let from = self
            .receipts
            .partition_point(|(ticket, _)| *ticket < tickets.start);
        for (ticket, slot) in self.receipts.range_mut(from..) {
            if *ticket >= tickets.end {
                break;
            }
            slot.fill(result.clone());
        }
    }

    /// Wakes those for whom there may be room now.
    fn wake_rooms(&mut self) {
        let over = self.end.is_some();
        let Ok(machine) = &self.machine else { return };
        self.rooms.retain(|_, (length, waker)| {
            let room = over || machine.has_room(*length);
            if room {
                waker.wake_by_ref();
            }
            !room
        });
    }

    fn finish(&mut self, end: Result<Option<Offset>, Error>) {
        if let Err(error) = &end {
            let failed = |slot: &Slot<Stored>| matches!(slot, Slot::Empty(_));
            for (_, slot) in self.receipts.iter_mut().filter(|(_, slot)| failed(slot)) {
                // A receipt that nobody answered for: it may be stored or not.
                slot.fill(Err(error.clone().applied(true)));
            }
            for slot in self.flushes.values_mut() {
                if matches!(slot, Slot::Empty(_)) {
                    slot.fill(Err(error.clone()));
                }
            }
        }
        self.end = Some(end);
        self.wake_rooms();
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// Waits for room in the buffer. Leaves the line when it is dropped.
pub(super) struct WaitForRoom<'a> {
    shared: &'a Shared,
    id: Option<u64>,
}

impl WaitForRoom<'_> {
    pub(super) fn append(
        &mut self,
        message: Bytes,
        receipt: bool,
        cx: &mut Context<'_>,
    ) -> Result<u64, Refused> {
        let now = self.shared.timer.now();
        let mut state = self.shared.lock();
        let length = message.len();
        let result = state.append(message, receipt, now);
        if matches!(
            &result,
            Err(Refused {
                reason: RefusedReason::Full,
                ..
            })
        ) {
            let id = *self.id.get_or_insert_with(|| {
                state.last_room += 1;
                state.last_room
            });
            state.rooms.insert(id, (length, cx.waker().clone()));
        }
        result
    }
}

impl Drop for WaitForRoom<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.lock().rooms.remove(&id);
        }
    }
}

/// Waits for one flush. Is forgotten when it is dropped.
pub(super) struct Flush {
    shared: Arc<Shared>,
    id: Option<FlushId>,
    failed: Option<Error>,
}

impl Flush {
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Offset>, Error>> {
        if let Some(error) = &self.failed {
            return Poll::Ready(Err(error.clone()));
        }
        let mut state = self.shared.lock();
        match self.id.and_then(|id| state.flushes.get_mut(&id)) {
            Some(Slot::Empty(waker)) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Some(Slot::Full(result)) => Poll::Ready(result.clone()),
            None => Poll::Ready(Ok(None)),
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.lock().flushes.remove(&id);
        }
    }
}

/// Held by the handles: the writer ends with the last of them.
pub(super) struct Handle(Arc<Shared>);

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.abandon("every handle of the writer was dropped");
    }
}

/// The machine as a driver sees it: locked for each call.
#[derive(Debug)]
pub(super) struct Locked(pub(super) Arc<Shared>);

impl Machine for Locked {
    type Event = WriterEvent;

    fn poll_output(&mut self, now: Instant) -> Output<WriterEvent> {
        let mut state = self.0.lock();
        match &mut state.machine {
            Ok(machine) => machine.poll_output(now),
            Err(_) => Output::Done,
        }
    }

    fn handle_input(&mut self, input: Input, now: Instant) {
        if let Ok(machine) = &mut self.0.lock().machine {
            machine.handle_input(input, now);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.lock().machine {
            Ok(machine) => machine.fmt(f),
            Err(error) => f
                .debug_struct("Writer")
                .field("error", error)
                .finish_non_exhaustive(),
        }
    }
}

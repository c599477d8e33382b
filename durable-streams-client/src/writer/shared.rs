//! What the handles of a writer and its driver share.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use durable_streams_core::wire::json;
use durable_streams_core::{
    Error, FlushId, Flushed, Input, Machine, Offset, Output, Refused, RefusedReason, Unsent,
    Writer as WriterMachine, WriterEvent,
};

use super::receipt::Stored;
use super::state::{State, Want};
use crate::transport::Timer;

/// One writer, behind a lock that is held for the time of a call into the machine.
pub(crate) struct Shared {
    timer: Arc<dyn Timer>,
    json: bool,
    /// A batch was filled: before the next message is taken, the driver is let at it where it shares a thread with whoever appends.
    give_way: AtomicBool,
    state: Mutex<State>,
}

impl Shared {
    pub(super) fn new(machine: Result<WriterMachine, Error>, timer: Arc<dyn Timer>) -> Self {
        Self {
            timer,
            json: machine.as_ref().is_ok_and(WriterMachine::is_json),
            give_way: AtomicBool::new(false),
            state: Mutex::new(State::new(machine)),
        }
    }

    /// The one way to the state: what is to be woken is, when the lock is open again.
    #[inline]
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut state);
        if !state.deferred.is_empty() {
            let deferred = mem::take(&mut state.deferred);
            drop(state);
            deferred.run();
        }
        result
    }

    pub(super) fn look<T: Default>(&self, question: impl FnOnce(&WriterMachine) -> T) -> T {
        self.with(|state| state.machine.as_ref().map(question).unwrap_or_default())
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Looks at a message of the caller's own encoding, before the lock is taken for it.
    #[inline]
    pub(super) fn check(&self, message: &Bytes) -> Result<(), RefusedReason> {
        if self.json && !message.is_empty() {
            return check_json(message);
        }
        Ok(())
    }

    /// Why nothing is taken any more, if so.
    pub(super) fn ended(&self) -> Option<Error> {
        self.with(|state| match (&state.end, &state.machine) {
            (Some(Err(error)), _) | (_, Err(error)) => Some(error.clone()),
            (_, Ok(machine)) => machine.ended(),
        })
    }

    /// Appends, if there is room now, what was [checked](Self::check).
    #[inline]
    pub(super) fn append(&self, message: &Bytes, receipt: bool) -> Result<u64, RefusedReason> {
        let accepted = self.with(|state| state.append(message, receipt, &*self.timer))?;
        if accepted.fills_batch {
            self.give_way.store(true, Ordering::Relaxed);
        }
        Ok(accepted.ticket)
    }

    /// Whether to let others on this thread go first: so once for every batch that was filled.
    #[inline]
    pub(super) fn gives_way(&self) -> bool {
        // Whoever misses it, or gives way once more than others, only goes a little later or sooner.
        let gives_way = self.give_way.load(Ordering::Relaxed);
        if gives_way {
            self.give_way.store(false, Ordering::Relaxed);
        }
        gives_way
    }

    /// Lets others on this thread go first, if it is time for that.
    #[inline]
    pub(super) async fn give_way(&self) {
        let mut ready = !self.gives_way();
        poll_fn(|cx| {
            if mem::replace(&mut ready, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub(super) fn flush(self: &Arc<Self>) -> Flush {
        let shared = Arc::clone(self);
        let flush = self.with(State::flush);
        Flush { shared, flush }
    }

    pub(super) fn close(&self) {
        self.with(State::close);
    }

    pub(super) fn close_stream(&self) -> Result<(), Error> {
        let now = self.timer.now();
        self.with(|state| state.close_stream(None, now))
            .map_err(Refused::into_error)
    }

    pub(super) fn restart(&self) -> Result<u64, Error> {
        self.with(State::restart)
    }

    pub(super) fn take_unsent(&self) -> Vec<Unsent> {
        self.with(|state| match &mut state.machine {
            Ok(machine) => machine.take_unsent(),
            Err(_) => Vec::new(),
        })
    }

    pub(super) fn poll_receipt(
        &self,
        ticket: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<Stored, Error>> {
        self.with(|state| state.poll_receipt(ticket, cx))
    }

    pub(super) fn forget_receipt(&self, ticket: u64) {
        self.with(|state| state.forget_receipt(ticket));
    }

    pub(super) fn register_driver(&self, waker: &Waker) {
        self.with(|state| state.register_driver(waker));
    }

    pub(super) fn announce(&self, events: impl Iterator<Item = WriterEvent>) {
        self.with(|state| events.for_each(|event| state.announce(event)));
    }

    pub(super) fn abandon(&self, why: &'static str) {
        self.with(|state| state.abandon(why));
    }

    pub(super) fn is_over(&self) -> bool {
        self.with(|state| state.end.is_some())
    }

    /// A place among those who wait.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            shared: self,
            id: None,
        }
    }
}

fn check_json(message: &Bytes) -> Result<(), RefusedReason> {
    json::validate(message).map_err(|error| {
        RefusedReason::Error(Error::invalid(format!("not one JSON value: {error}")))
    })
}

/// A place among those who wait for room, for the end or for an epoch. It is left when it is dropped.
pub(super) struct Place<'a> {
    shared: &'a Shared,
    id: Option<u64>,
}

impl Place<'_> {
    /// Gives the machine a message, or waits for room for it.
    pub(super) fn offer<T>(
        &mut self,
        message: Bytes,
        cx: &Context<'_>,
        take: impl FnOnce(&mut State, Bytes, &dyn Timer) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let length = message.len();
        self.shared.with(|state| {
            let result = take(state, message, &*self.shared.timer);
            if matches!(
                &result,
                Err(Refused {
                    reason: RefusedReason::Full,
                    ..
                })
            ) {
                state.wait(&mut self.id, Want::Room(length), cx);
            }
            result
        })
    }

    pub(super) fn poll_end(&mut self, cx: &Context<'_>) -> Poll<Result<Option<Offset>, Error>> {
        self.poll(cx, |state| state.end.clone())
    }

    pub(super) fn poll_epoch(&mut self, before: u64, cx: &Context<'_>) -> Poll<Result<u64, Error>> {
        self.poll(cx, |state| state.epoch_after(before))
    }

    fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        ready: impl FnOnce(&mut State) -> Option<T>,
    ) -> Poll<T> {
        self.shared.with(|state| match ready(state) {
            Some(value) => Poll::Ready(value),
            None => {
                state.wait(&mut self.id, Want::Change, cx);
                Poll::Pending
            }
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.with(|state| state.leave(id));
        }
    }
}

/// Waits for one flush. Is forgotten when it is dropped.
pub(super) struct Flush {
    shared: Arc<Shared>,
    /// Its result, where the writer is over.
    flush: Result<FlushId, Result<Flushed, Error>>,
}

impl Flush {
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Result<Flushed, Error>> {
        match &self.flush {
            Ok(flush) => self.shared.with(|state| state.poll_flush(*flush, cx)),
            Err(result) => Poll::Ready(result.clone()),
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if let Ok(flush) = self.flush {
            self.shared.with(|state| state.forget_flush(flush));
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
        self.0.with(|state| match &mut state.machine {
            Ok(machine) => machine.poll_output(now),
            Err(_) => Output::Done,
        })
    }

    fn handle_input(&mut self, input: Input, now: Instant) {
        self.0.with(|state| {
            if let Ok(machine) = &mut state.machine {
                machine.handle_input(input, now);
            }
        });
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|state| match &state.machine {
            Ok(machine) => machine.fmt(f),
            Err(error) => f
                .debug_struct("Writer")
                .field("error", error)
                .finish_non_exhaustive(),
        })
    }
}

//! The model, shared by all connections: one lock, one clock, and who waits for output.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::reference::{Config, Defect, Delivery, DeliveryId, ExchangeId, Flaw, Model, Output};

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    clock: Clock,
    deadline_moved: Notify,
    webhook_waits: Notify,
    max_body_bytes: usize,
    defect: Option<Defect>,
    answer_delay: Duration,
    body_delay: Duration,
}

#[derive(Debug)]
struct State {
    model: Model,
    last_id: u64,
    /// Who asked for output when there was none.
    waiting: BTreeMap<ExchangeId, Waker>,
    /// Webhooks that are to be sent.
    webhooks: VecDeque<Delivery>,
}

/// The time of day at the start, carried on by a clock that never jumps: when the system's clock is set, no
/// long-poll runs out early or waits for an hour.
#[derive(Debug)]
struct Clock {
    day: SystemTime,
    start: Instant,
}

impl Clock {
    fn now(&self) -> SystemTime {
        self.day + self.start.elapsed()
    }

    fn instant(&self, time: SystemTime) -> Option<Instant> {
        let since = time.duration_since(self.day).unwrap_or_default();
        self.start.checked_add(since)
    }
}

impl Shared {
    pub(super) fn new(config: Config) -> Self {
        Self {
            max_body_bytes: config.max_body_bytes,
            defect: config.defect,
            answer_delay: config.answer_delay,
            body_delay: config.body_delay,
            state: Mutex::new(State {
                model: Model::new(config),
                last_id: 0,
                waiting: BTreeMap::new(),
                webhooks: VecDeque::new(),
            }),
            clock: Clock {
                day: SystemTime::now(),
                start: Instant::now(),
            },
            deadline_moved: Notify::new(),
            webhook_waits: Notify::new(),
        }
    }

    pub(super) fn answer_delay(&self) -> Duration {
        self.answer_delay
    }

    pub(super) fn body_delay(&self) -> Duration {
        self.body_delay
    }

    pub(super) fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    pub(super) fn defect(&self) -> Option<Defect> {
        self.defect
    }

    /// Is this what is wrong with the server?
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        let broken = self.defect.and_then(|defect| defect.flaw());
        broken == Some(flaw)
    }

    pub(super) fn open_exchanges(&self) -> usize {
        self.lock().model.open_exchanges()
    }

    /// Hands a request to the model.
    pub(super) fn step(&self, request: Request<Bytes>) -> ExchangeId {
        self.input(|state, now| {
            state.last_id += 1;
            let id = ExchangeId(state.last_id);
            state.model.step(id, request, now);
            id
        })
    }

    /// Tells the model that a client has left.
    pub(super) fn cancel(&self, id: ExchangeId) {
        self.input(|state, now| {
            state.model.tick(now);
            state.model.cancel(id);
            state.waiting.remove(&id);
        });
    }

    /// The next webhook to be sent.
    pub(super) async fn webhook(&self) -> Delivery {
        loop {
            let webhook = self.lock().webhooks.pop_front();
            match webhook {
                Some(webhook) => return webhook,
                None => self.webhook_waits.notified().await,
            }
        }
    }

    /// Tells the model what came of a webhook.
    pub(super) fn delivered(&self, id: DeliveryId, answer: Option<Response<Bytes>>) {
        self.input(|state, now| state.model.delivered(id, answer, now));
    }

    pub(super) fn restarted(&self) {
        self.input(|state, _| state.model.restarted());
    }

    pub(super) fn tick(&self) {
        self.input(|state, now| state.model.tick(now));
    }

    /// The next piece of an answer, or word when to ask again.
    pub(super) fn poll_output(&self, id: ExchangeId, cx: &Context<'_>) -> Poll<Output> {
        self.input(|state, _| match state.model.poll_exchange(id) {
            Some(output) => Poll::Ready(output),
            None => {
                state.waiting.insert(id, cx.waker().clone());
                Poll::Pending
            }
        })
    }

    /// When the model wants to be ticked. A deadline too far away to be waited for is none.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.lock().model.next_deadline()?;
        self.clock.instant(deadline)
    }

    /// Waits until the deadline is no longer what it was.
    pub(super) async fn deadline_moved(&self) {
        self.deadline_moved.notified().await;
    }

    /// Does something to the model, and passes on the consequences: exchanges that have output now are woken,
    /// webhooks go out, and the timekeeper learns when the deadline has moved.
    fn input<T>(&self, act: impl FnOnce(&mut State, SystemTime) -> T) -> T {
        let mut state = self.lock();
        let deadline = state.model.next_deadline();
        let result = act(&mut state, self.clock.now());
        while let Some(id) = state.model.poll_ready() {
            if let Some(waker) = state.waiting.remove(&id) {
                waker.wake();
            }
        }
        while let Some(webhook) = state.model.poll_delivery() {
            state.webhooks.push_back(webhook);
            self.webhook_waits.notify_one();
        }
        if state.model.next_deadline() != deadline {
            self.deadline_moved.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere has not left the model half changed in a way that matters to a reference server.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

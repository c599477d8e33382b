//! A clock that only a case turns, and a look at what the client has under way: limits of minutes pass at once, and nothing
//! depends on how fast the machine is.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, BoxFuture, Timer, Transport, TransportError};
use futures_util::Stream;
use http::{Request, Response};
use tokio::sync::watch;

use crate::script::ScriptServer;

/// The clock and the exchanges of one client. Clones are the same.
#[derive(Clone)]
pub(crate) struct Clock {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

struct State {
    now: Instant,
    last_sleep: u64,
    /// Who sleeps until when.
    sleeps: BTreeMap<(Instant, u64), Waker>,
    /// How many exchanges were begun, and how many of them are under way.
    begun: usize,
    under_way: usize,
    /// How many bytes of bodies the client was given.
    received: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    now: Instant::now(),
                    last_sleep: 0,
                    sleeps: BTreeMap::new(),
                    begun: 0,
                    under_way: 0,
                    received: 0,
                }),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// The transport, with its exchanges counted.
    pub(super) fn watch(&self, transport: Arc<dyn Transport>) -> Watched {
        Watched {
            clock: self.clone(),
            transport,
        }
    }

    /// Waits until nothing can happen without time, or without something that the case does.
    ///
    /// That is so when every exchange of the client has arrived at the server, and the server holds the reply to each of
    /// them. Bytes that a held reply sent before may still be on their way: see [`received`](Self::received).
    pub(crate) async fn settle(&self, server: &ScriptServer) {
        loop {
            // Asked for before looking: no change is missed.
            let (mine, theirs) = (self.changed(), server.changed());
            for _ in 0..8 {
                // Whoever was woken on this thread has its turn, and who is woken by that.
                tokio::task::yield_now().await;
            }
            if self.is_settled(server) {
                return;
            }
            tokio::select! {
                () = mine => {}
                () = theirs => {}
            }
        }
    }

    /// Turns the clock this far, and gives everyone who wakes on the way the time to act.
    pub(crate) async fn turn(&self, server: &ScriptServer, far: Duration) {
        let end = self.now() + far;
        loop {
            self.settle(server).await;
            match self.next_deadline() {
                Some(deadline) if deadline <= end => self.turn_to(deadline),
                _ => break,
            }
        }
        self.turn_to(end);
        self.settle(server).await;
    }

    /// Turns the clock until this many requests have arrived, and says how far that was.
    pub(crate) async fn until_requests(&self, server: &ScriptServer, count: usize) -> Duration {
        let begin = self.now();
        loop {
            self.settle(server).await;
            if server.activity().requests >= count {
                return self.now() - begin;
            }
            match self.next_deadline() {
                Some(deadline) => self.turn_to(deadline),
                None => panic!("no request {count}, and nobody waits for the time"),
            }
        }
    }

    /// Waits until the client was given this many bytes of bodies in all.
    pub(crate) async fn received(&self, bytes: u64) {
        let mut changed = self.shared.changed.subscribe();
        while self.state().received < bytes {
            // It fails only when the sender is gone, and `self` holds it.
            let _ = changed.changed().await;
        }
    }

    fn is_settled(&self, server: &ScriptServer) -> bool {
        let there = server.activity();
        let here = self.state();
        there.requests == here.begun && there.open == here.under_way && there.held == there.open
    }

    fn next_deadline(&self) -> Option<Instant> {
        let state = self.state();
        state.sleeps.keys().next().map(|(deadline, _)| *deadline)
    }

    /// Wakes whoever sleeps until then.
    fn turn_to(&self, time: Instant) {
        self.change(|state| {
            state.now = state.now.max(time);
            let later = state.sleeps.split_off(&(state.now, u64::MAX));
            for waker in std::mem::replace(&mut state.sleeps, later).into_values() {
                waker.wake();
            }
        });
    }

    fn changed(&self) -> impl Future<Output = ()> + use<> {
        let mut changed = self.shared.changed.subscribe();
        let shared = Arc::clone(&self.shared);
        async move {
            // It fails only when the sender is gone, and `shared` holds it.
            let _ = changed.changed().await;
            drop(shared);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.shared.changed.send_replace(());
        result
    }

    /// A panic elsewhere leaves the state whole: every change is a single step.
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let deadline = self.now().checked_add(duration);
        let clock = self.clone();
        Box::pin(async move {
            let Some(deadline) = deadline else {
                return std::future::pending().await;
            };
            let key = clock.change(|state| {
                state.last_sleep += 1;
                (deadline, state.last_sleep)
            });
            let sleep = Sleep { clock, key };
            poll_fn(|cx| sleep.poll(cx)).await;
        })
    }

    fn now(&self) -> Instant {
        self.state().now
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

struct Sleep {
    clock: Clock,
    key: (Instant, u64),
}

impl Sleep {
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.clock.change(|state| {
            if self.key.0 <= state.now {
                return Poll::Ready(());
            }
            state.sleeps.insert(self.key, cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.change(|state| state.sleeps.remove(&self.key));
    }
}

/// A transport whose exchanges a clock counts.
#[derive(Debug)]
pub(super) struct Watched {
    clock: Clock,
    transport: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        self.clock.change(|state| {
            state.begun += 1;
            state.under_way += 1;
        });
        let exchange = UnderWay(self.clock.clone());
        let answer = self.transport.send(request).await?;
        Ok(answer.map(|body| {
            Body::new(WatchedBody {
                body,
                exchange: Some(exchange),
            })
        }))
    }
}

/// An exchange that is under way until this is dropped.
struct UnderWay(Clock);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.change(|state| state.under_way -= 1);
    }
}

struct WatchedBody {
    body: Body,
    exchange: Option<UnderWay>,
}

impl Stream for WatchedBody {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.body).poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => {
                if let Some(UnderWay(clock)) = &self.exchange {
                    clock.change(|state| state.received += chunk.len() as u64);
                }
            }
            Poll::Ready(_) => self.exchange = None,
            Poll::Pending => {}
        }
        polled
    }
}

//! Time and wake-ups by hand: time moves when it is told to, and every wake-up is counted.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use durable_streams_client::{BoxFuture, Timer};

/// A clock that is moved by hand, and counts who sleeps by it.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<Times>>);

struct Times {
    now: Instant,
    sleeps: usize,
    sleepers: Vec<(Instant, Waker)>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Times {
            now: Instant::now(),
            sleeps: 0,
            sleepers: Vec::new(),
        })))
    }

    /// How many sleeps were ever begun.
    pub(crate) fn sleeps(&self) -> usize {
        self.0.lock().unwrap().sleeps
    }

    /// Goes on to when the next sleeper wakes. Says whether there was one.
    pub(crate) fn jump(&self) -> bool {
        let next = {
            let times = self.0.lock().unwrap();
            times.sleepers.iter().map(|(until, _)| *until).min()
        };
        next.is_some_and(|next| {
            self.turn_to(next);
            true
        })
    }

    /// Goes on by so much.
    pub(crate) fn advance(&self, by: Duration) {
        self.turn_to(self.now() + by);
    }

    /// Wakes whoever has slept long enough by then.
    fn turn_to(&self, time: Instant) {
        let mut times = self.0.lock().unwrap();
        times.now = times.now.max(time);
        let now = times.now;
        let (due, rest) = std::mem::take(&mut times.sleepers)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        times.sleepers = rest;
        drop(times);
        let due: Vec<(Instant, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let until = {
            let mut times = self.0.lock().unwrap();
            times.sleeps += 1;
            times.now + duration
        };
        Box::pin(std::future::poll_fn(move |cx| {
            let mut times = clock.0.lock().unwrap();
            if until <= times.now {
                return Poll::Ready(());
            }
            times.sleepers.push((until, cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Wakes {
    pub(crate) woken: AtomicBool,
    count: AtomicUsize,
}

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}

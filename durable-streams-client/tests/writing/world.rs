//! A writer, its driver, a server and a clock, run by hand: every poll and every wake-up is counted, and time moves only when
//! nothing else can.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use durable_streams_client::{
    BoxFuture, Client, ClientBuilder, RetryPolicy, Timer, Writer, WriterBuilder, WriterDriver,
};

use crate::server::Server;

pub(crate) const ROOT: &str = "http://streams.test/v1";

/// A clock that is moved by hand, and counts who sleeps by it.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<Times>>);

struct Times {
    now: Instant,
    sleeps: usize,
    sleepers: Vec<(Instant, Waker)>,
}

impl Clock {
    fn new() -> Self {
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
    fn jump(&self) -> bool {
        let mut times = self.0.lock().unwrap();
        let Some(next) = times.sleepers.iter().map(|(until, _)| *until).min() else {
            return false;
        };
        times.now = times.now.max(next);
        let (due, rest) = std::mem::take(&mut times.sleepers)
            .into_iter()
            .partition(|(until, _)| *until <= next);
        times.sleepers = rest;
        drop(times);
        let due: Vec<(Instant, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
        true
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
    woken: AtomicBool,
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

/// A future that is polled only when it was woken.
pub(crate) struct Task<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) polls: usize,
}

impl<T> Task<T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'static) -> Self {
        let wakes = Arc::new(Wakes::default());
        wakes.woken.store(true, Ordering::SeqCst);
        Self {
            future: Box::pin(future),
            wakes,
            polls: 0,
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.wakes.woken.load(Ordering::SeqCst)
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        self.wakes.woken.store(false, Ordering::SeqCst);
        self.polls += 1;
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clock: Clock,
    pub(crate) driver: Option<Task<()>>,
}

pub(crate) fn client(server: &Server, clock: &Clock) -> ClientBuilder {
    Client::builder(ROOT, server.clone(), clock.clone()).unwrap()
}

impl World {
    /// A writer to a JSON stream.
    pub(crate) fn new(configure: impl FnOnce(WriterBuilder) -> WriterBuilder) -> (Self, Writer) {
        let (server, clock) = (Server::default(), Clock::new());
        let client = client(&server, &clock).build().unwrap();
        let stream = client.stream("s").with_content_type("application/json");
        let (writer, driver) = configure(stream.writer("w")).into_parts();
        (Self::of(server, clock, driver), writer)
    }

    pub(crate) fn of(server: Server, clock: Clock, driver: WriterDriver) -> Self {
        Self {
            server,
            clock,
            driver: Some(Task::new(driver)),
        }
    }

    /// The parts of a world that has no writer yet.
    pub(crate) fn parts() -> (Server, Clock) {
        (Server::default(), Clock::new())
    }

    /// Polls the driver as long as it is woken.
    pub(crate) fn settle(&mut self) {
        while self.driver.as_ref().is_some_and(Task::is_woken) {
            if self.driver.as_mut().unwrap().poll().is_ready() {
                self.driver = None;
            }
        }
    }

    /// Does what can be done without the task, once: polls the driver, or moves the clock. Says whether there was anything.
    pub(crate) fn step(&mut self) -> bool {
        if self.driver.as_ref().is_some_and(Task::is_woken) {
            if self.driver.as_mut().unwrap().poll().is_ready() {
                self.driver = None;
            }
            return true;
        }
        self.clock.jump()
    }

    /// Runs a task to its end, or until it was polled this often. Time moves when nothing else can.
    pub(crate) fn run_for<T>(&mut self, task: &mut Task<T>, polls: usize) -> Option<T> {
        while task.polls < polls {
            if task.is_woken() {
                if let Poll::Ready(value) = task.poll() {
                    return Some(value);
                }
            } else {
                assert!(self.step() || task.is_woken(), "it hangs");
            }
        }
        None
    }

    /// Runs a future to its end.
    pub(crate) fn run<T>(&mut self, future: impl Future<Output = T> + 'static) -> T {
        self.run_for(&mut Task::new(future), 1_000_000)
            .expect("it spins")
    }
}

/// What is tried again is tried soon, and for long.
pub(crate) fn patient() -> RetryPolicy {
    RetryPolicy::endless()
}

/// `future` on a clone of the writer.
pub(crate) fn with<T, F: Future<Output = T> + 'static>(
    writer: &Writer,
    call: impl FnOnce(Writer) -> F + 'static,
) -> Task<T> {
    Task::new(call(writer.clone()))
}

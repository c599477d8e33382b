//! A writer, its driver, a server and a clock, run by hand: every poll and every wake-up is counted, and time moves only when
//! nothing else can.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use durable_streams_client::{
    Client, ClientBuilder, RetryPolicy, Writer, WriterBuilder, WriterDriver,
};

use crate::by_hand::{Clock, Wakes};
use crate::server::Server;

pub(crate) const ROOT: &str = "http://streams.test/v1";

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

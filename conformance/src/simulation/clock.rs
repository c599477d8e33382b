//! Virtual time, and what is to happen when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant, SystemTime};

/// A moment of a run, in nanoseconds since it began.
pub(super) type Time = u64;

pub(super) const MICROSECOND: Time = 1_000;
pub(super) const MILLISECOND: Time = 1_000_000;
pub(super) const SECOND: Time = 1_000_000_000;

/// Noon of some day: what the server's calendar says when a run begins.
const CALENDAR: Duration = Duration::from_secs(1_750_000_000);

/// The clock of a run. It shows the time of what happens, and nothing takes time by itself.
#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    pub(super) now: Time,
}

impl Clock {
    /// `origin` is a point to count from, never compared with anything.
    pub(super) fn new(origin: Instant) -> Self {
        Self { origin, now: 0 }
    }

    /// Now, as machines are told.
    pub(super) fn instant(&self) -> Instant {
        self.at(self.now)
    }

    pub(super) fn at(&self, time: Time) -> Instant {
        self.origin + Duration::from_nanos(time)
    }

    /// When this is, on the clock of the run.
    pub(super) fn time(&self, instant: Instant) -> Time {
        nanos(instant.saturating_duration_since(self.origin))
    }

    /// Now, as the server is told.
    pub(super) fn calendar(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + CALENDAR + Duration::from_nanos(self.now)
    }

    /// When the server's calendar shows this.
    pub(super) fn of_calendar(&self, moment: SystemTime) -> Time {
        let since = moment.duration_since(SystemTime::UNIX_EPOCH + CALENDAR);
        since.map_or(0, nanos)
    }
}

fn nanos(duration: Duration) -> Time {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What is to happen, in the order of its time; at the same time in the order of its planning.
#[derive(Debug)]
pub(super) struct Queue<E> {
    heap: BinaryHeap<Planned<E>>,
    count: u64,
}

#[derive(Debug)]
struct Planned<E> {
    at: Time,
    order: u64,
    event: E,
}

impl<E> Queue<E> {
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            count: 0,
        }
    }

    pub(super) fn push(&mut self, at: Time, event: E) {
        self.count += 1;
        self.heap.push(Planned {
            at,
            order: self.count,
            event,
        });
    }

    pub(super) fn pop(&mut self) -> Option<(Time, E)> {
        self.heap.pop().map(|planned| (planned.at, planned.event))
    }

    pub(super) fn peek(&self) -> Option<(Time, &E)> {
        self.heap.peek().map(|planned| (planned.at, &planned.event))
    }
}

impl<E> Ord for Planned<E> {
    /// The earliest is the greatest: a heap gives out its greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Planned<E> {}

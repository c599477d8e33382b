//! The lease of a wake, by the worker's own clock.

use std::time::{Duration, Instant};

use crate::machine::later;
use crate::operation::subscription::Wake;

/// What a worker holds while it works.
///
/// The server counts from when it answers, the worker from before it asked: it comes to the end first, however long the answer took and
/// whatever the two calendars say. That the two clocks run at different speeds is allowed for by a twentieth of the lease.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) wake: Wake,
    length: Duration,
    /// Nothing is done from here on.
    until: Instant,
    /// When to say that it is still needed.
    renew_at: Instant,
}

impl Lease {
    /// A lease of this length that was asked for then.
    pub(super) fn new(wake: Wake, length: Duration, sent: Instant) -> Self {
        let mut lease = Self {
            wake,
            length,
            until: sent,
            renew_at: sent,
        };
        lease.renewed(sent);
        lease
    }

    /// The server has confirmed a report that was sent then.
    pub(super) fn renewed(&mut self, sent: Instant) {
        self.until = self.until.max(later(sent, self.length - self.length / 20));
        self.renew_at = later(sent, self.length / 3);
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn renew_at(&self) -> Instant {
        self.renew_at
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    /// How long a report may take: then there is time for another one.
    pub(super) fn patience(&self) -> Duration {
        self.length / 3
    }
}

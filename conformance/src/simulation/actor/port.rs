//! What every machine needs of its driver: requests in flight, and a time to wake up at.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use durable_streams_core::RequestId;
use http::Request;

use super::Surroundings;
use crate::simulation::check::Pace;
use crate::simulation::clock::{MILLISECOND, Time};
use crate::simulation::context::{Context, Event};

/// The driver's side of one machine.
#[derive(Debug)]
pub(in crate::simulation) struct Port {
    pub(in crate::simulation) who: usize,
    /// Requests in flight, and their exchanges.
    flights: Vec<(RequestId, usize)>,
    /// The exchanges of the last requests: of the current one, and of those that may be ahead of it.
    last: VecDeque<usize>,
    /// How many may be ahead.
    pub(in crate::simulation) ahead: usize,
    /// When the machine is to be woken, and when that is looked at next.
    wake: Option<Time>,
    planned: Option<Time>,
    pub(in crate::simulation) pace: Pace,
}

impl Port {
    pub(in crate::simulation) fn new(who: usize) -> Self {
        Self {
            who,
            flights: Vec::new(),
            last: VecDeque::new(),
            ahead: 0,
            wake: None,
            planned: None,
            pace: Pace::default(),
        }
    }

    /// Of a machine that may have so many requests ahead of the current one.
    pub(in crate::simulation) fn with_ahead(mut self, ahead: usize) -> Self {
        self.ahead = ahead;
        self.pace.ahead = ahead;
        self
    }

    pub(in crate::simulation) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Sends a request.
    pub(in crate::simulation) fn send(
        &mut self,
        around: &mut Surroundings<'_>,
        id: RequestId,
        request: Request<Bytes>,
    ) {
        self.pace.sent(around.ctx, self.who);
        let exchange = around.hop.send(around.ctx, self.who, id, request);
        self.flights.push((id, exchange));
        self.last.push_back(exchange);
        while self.last.len() > 1 + self.ahead {
            self.last.pop_front();
        }
    }

    /// Since when it may be known what the machine is told now.
    pub(in crate::simulation) fn since(&self, around: &Surroundings<'_>) -> Time {
        let since = |&exchange: &usize| around.hop.exchanges[exchange].since;
        self.last.iter().map(since).min().unwrap_or_default()
    }

    /// Drops a request.
    pub(in crate::simulation) fn abort(&mut self, around: &mut Surroundings<'_>, id: RequestId) {
        if let Some(exchange) = self.ended(id) {
            around.hop.abort(around.ctx, exchange);
        }
    }

    /// Drops all of them: their owner is gone.
    pub(in crate::simulation) fn abort_all(&mut self, around: &mut Surroundings<'_>) {
        self.wake = None;
        for (_, exchange) in std::mem::take(&mut self.flights) {
            around.hop.abort(around.ctx, exchange);
        }
    }

    /// A request is in flight no more.
    pub(in crate::simulation) fn ended(&mut self, id: RequestId) -> Option<usize> {
        let index = self.flights.iter().position(|flight| flight.0 == id)?;
        Some(self.flights.swap_remove(index).1)
    }

    /// The machine waits, until this time at most. Drivers are late at times.
    pub(in crate::simulation) fn wait(&mut self, ctx: &mut Context, until: Option<Instant>) {
        let Some(until) = until else {
            self.wake = None;
            return;
        };
        let until = ctx.clock.time(until).max(ctx.now());
        let late = if ctx.tape.chance(10) {
            ctx.tape.below(5 * MILLISECOND)
        } else {
            0
        };
        let until = until + late;
        self.wake = Some(until);
        self.plan(ctx, until);
    }

    fn plan(&mut self, ctx: &mut Context, at: Time) {
        if self.planned.is_none_or(|planned| at < planned) {
            self.planned = Some(at);
            ctx.queue.push(at, Event::Wake(self.who));
        }
    }

    /// Whether this is the time it waits for. A deadline that moved is looked at again when it has come.
    pub(in crate::simulation) fn wakes(&mut self, ctx: &mut Context) -> bool {
        let now = ctx.now();
        if self.planned.is_some_and(|planned| planned <= now) {
            self.planned = None;
        }
        match self.wake {
            Some(wake) if wake <= now => {
                self.wake = None;
                true
            }
            Some(wake) => {
                self.plan(ctx, wake);
                false
            }
            None => false,
        }
    }
}

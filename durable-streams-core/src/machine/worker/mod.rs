//! A worker of a pull-wake subscription: it claims wakes, hands out what is to be done, and acknowledges what was (§7).
//!
//! ```text
//!   describe ──► claim ── granted ──► work: read, hand out, acknowledge, renew the lease ──► done, or give back ──┐
//!                  ▲  └── refused ──► wait for a wake, or for the interval ──┐                                    │
//!                  └─────────────────────────────────────────────────────────┴──── fenced, or out of time ◄───────┤
//!                  └──────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - **A wake has one holder**, with all streams of the subscription. Workers of one subscription take turns; the streams of a wake are
//!   worked on beside each other by the one that has it.
//! - **At least once.** A stream goes on from what was acknowledged, and only what was processed is acknowledged, in its order. What was
//!   processed and not acknowledged comes again, to somebody.
//! - **The lease** is counted from before it was asked for, by the worker's own clock, and is over for the worker before it can be for the
//!   server. From then on, and from a fence on, nothing of that wake is handed out or acknowledged, whatever is still under way.
//! - **No wake is missed.** It asks for work when it begins, when it has begun to listen, when it hears of a wake that it does not know, when
//!   the server says that there is more, and at intervals.
//! - **A stream is read until the tail that the claim named.** What an answer brings beyond it counts as well. Then it is the turn of other
//!   streams, or of other workers: a stream that grows all the time keeps nobody else waiting.
//! - **What failed rests**, and other streams go on. When only such are left, the wake is given back, and asked for again a second later at
//!   most: there may be work elsewhere by then.

mod config;
mod control;
mod event;
mod lease;
mod round;
mod routes;
mod streams;
mod wakes;

pub use config::WorkerConfig;
pub use event::{Fate, LeaseLoss, Ticket, Unreadable, Work, WorkerEvent, WorkerNotice};

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use self::control::Control;
use self::lease::Lease;
use self::round::Round;
use self::routes::{Part, Routes};
use self::wakes::{Heard, Wakes};
use super::reader::ReaderEvent;
use super::{Input, Machine, Output, later};
use crate::wire::error::{Error, ErrorKind};
use crate::wire::retry::{Backoff, RetryPolicy};

/// Streams that rest for longer are given back; and after so long it is looked whether there is work in others.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// The machine that works for a subscription. See the [module](self), and [`machine`](super) for how to drive it.
///
/// What it hands out is answered for by [`processed`](Self::processed) or [`failed`](Self::failed), at any time and in any order; after
/// either it is to be polled.
#[derive(Debug)]
pub struct Worker {
    config: WorkerConfig,
    state: State,
    /// How long leases are.
    lease: Option<Duration>,
    control: Option<Control>,
    wakes: Wakes,
    held: Option<Held>,
    /// Streams whose work failed last, and when they are to be tried again.
    failing: BTreeMap<String, Failing>,
    /// When to ask for work, and before when not to.
    claim_at: Option<Instant>,
    gate: Option<Instant>,
    /// The newest wake that is known about, and what was heard since work was asked for last.
    known: Option<u64>,
    heard: Heard,
    stopping: bool,
    backoff: Backoff,
    contention: Backoff,
    rng: fastrand::Rng,
    routes: Routes,
    outbox: VecDeque<Output<WorkerEvent>>,
    last_ticket: u64,
    last_stream: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It does not know yet what the subscription is. It asks then.
    Describing(Option<Instant>),
    Working,
    Over,
}

/// A wake, while it is held.
#[derive(Debug)]
struct Held {
    lease: Lease,
    round: Round,
    /// A report was not confirmed: the next one is not before this.
    report_at: Option<Instant>,
    /// It was said that the wake is over. Whether the server knows or not, nothing more is done under it.
    ending: bool,
    backoff: Backoff,
}

#[derive(Debug)]
struct Failing {
    backoff: Backoff,
    until: Instant,
}

/// What came of asking a machine inside for its next output.
enum Step<E> {
    Event(E),
    Wait(Option<Instant>),
    Done,
}

/// Gathers the earliest of several times.
#[derive(Default)]
struct Earliest(Option<Instant>);

impl Earliest {
    fn at(&mut self, at: Option<Instant>) {
        self.0 = self.0.into_iter().chain(at).min();
    }
}

impl Worker {
    /// A worker that has sent nothing yet.
    pub fn new(config: WorkerConfig) -> Self {
        let mut rng = fastrand::Rng::with_seed(config.seed);
        let contention = RetryPolicy::endless()
            .initial(LOOK_AROUND)
            .max(config.poll_interval);
        Self {
            state: State::Describing(None),
            lease: None,
            control: None,
            wakes: Wakes::off(Backoff::new(RetryPolicy::endless(), rng.u64(..))),
            held: None,
            failing: BTreeMap::new(),
            claim_at: None,
            gate: None,
            known: None,
            heard: Heard::Nothing,
            stopping: false,
            backoff: Backoff::new(config.retry.clone(), rng.u64(..)),
            contention: Backoff::new(contention, rng.u64(..)),
            rng,
            routes: Routes::default(),
            outbox: VecDeque::new(),
            last_ticket: 0,
            last_stream: 0,
            config,
        }
    }

    /// The generation of the wake that it works on. `None` from when it says that it is done, or gives it back.
    pub fn generation(&self) -> Option<u64> {
        self.working().map(|lease| lease.wake.generation)
    }

    /// Until when it may work on it by its own clock, if the lease is not renewed before.
    pub fn lease_until(&self) -> Option<Instant> {
        self.working().map(Lease::until)
    }

    fn working(&self) -> Option<&Lease> {
        let held = self.held.as_ref().filter(|held| !held.ending);
        held.map(|held| &held.lease)
    }

    /// Asks it to come to its end: nothing more is handed out. What is out is waited for and acknowledged, the rest is given back.
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        self.wakes.end();
        self.close(Part::Wakes);
        if matches!(self.state, State::Describing(_)) {
            self.control = None;
            self.close(Part::Control);
        }
        self.give_up_reading();
    }

    /// Whether it has come to its end.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    fn event(&mut self, event: WorkerEvent) {
        self.outbox.push_back(Output::Event(event));
    }

    fn notice(&mut self, notice: WorkerNotice) {
        self.event(WorkerEvent::Notice(notice));
    }

    /// A part is gone: what it has in flight is dropped.
    fn close(&mut self, part: Part) {
        let gone = self.routes.close(part);
        self.outbox.extend(gone.into_iter().map(Output::Abort));
    }

    /// Asks for work at this time, or as soon as it may.
    fn claim_by(&mut self, at: Instant) {
        let at = at.max(self.gate.unwrap_or(at));
        self.claim_at = Some(self.claim_at.map_or(at, |known| known.min(at)));
    }

    /// Word of work. While it works or asks, it is kept in mind.
    fn heard(&mut self, heard: Heard, now: Instant) {
        self.heard = self.heard.and(heard);
        if self.held.is_none() && self.control.is_none() && self.is_news() {
            self.claim_by(now);
        }
    }

    /// Whether what was heard is more than what is known.
    fn is_news(&mut self) -> bool {
        match std::mem::take(&mut self.heard) {
            Heard::Nothing => false,
            Heard::Wake(generation) => self.known != Some(generation),
            Heard::Something => true,
        }
    }

    /// The wake is not held any more, and asking for another one makes sense by this time.
    fn claim_after(&mut self, at: Instant, now: Instant) {
        self.claim_at = None;
        let at = if self.is_news() { now } else { at };
        self.claim_by(at);
    }

    /// How long to leave others alone.
    fn contend(&mut self, now: Instant) -> Instant {
        let longest = self.config.poll_interval;
        later(now, self.contention.fail(now, None).unwrap_or(longest))
    }

    /// The lease is over, whatever is under way.
    fn lose(&mut self, reason: LeaseLoss, now: Instant) {
        let Some(held) = self.held.take() else { return };
        // Every request about the subscription was about this wake.
        self.control = None;
        self.close(Part::Control);
        for active in &held.round.active {
            self.close(Part::Stream(active.number));
        }
        self.withdraw();
        self.event(WorkerEvent::LeaseLost {
            generation: held.lease.wake.generation,
            reason,
        });
        let at = self.contend(now);
        self.claim_after(at, now);
    }

    /// What was not yet handed out will not be.
    fn withdraw(&mut self) {
        self.outbox.retain(|output| {
            !matches!(
                output,
                Output::Event(WorkerEvent::Work(_) | WorkerEvent::Unreadable(_))
            )
        });
    }

    fn fail(&mut self, error: Error) {
        self.withdraw();
        self.finish();
        self.event(WorkerEvent::Failed(error));
    }

    fn finish(&mut self) {
        let open = self.routes.close_all();
        self.outbox.extend(open.into_iter().map(Output::Abort));
        self.control = None;
        self.wakes.reader = None;
        self.held = None;
        self.state = State::Over;
    }

    /// Does what can be done now; when there is nothing, says until when that is so.
    fn advance(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        let mut earliest = Earliest::default();
        if self.advance_control(now, &mut earliest)
            || self.advance_wakes(now, &mut earliest)
            || self.advance_streams(now, &mut earliest)
            || self.ask(now, &mut earliest)
        {
            return Ok(());
        }
        earliest.at(self.held.as_ref().map(|held| held.lease.until()));
        Err(earliest.0)
    }

    fn advance_wakes(&mut self, now: Instant, earliest: &mut Earliest) -> bool {
        self.wakes.open(now);
        let Some(reader) = &mut self.wakes.reader else {
            earliest.at(self.wakes.at);
            return false;
        };
        let error = match step(reader, Part::Wakes, &mut self.routes, &mut self.outbox, now) {
            Step::Wait(at) => {
                earliest.at(at);
                return false;
            }
            Step::Event(ReaderEvent::Batch(batch)) => {
                let heard = self.wakes.hear(&batch, self.config.subscription.id());
                self.heard(heard, now);
                return true;
            }
            Step::Event(ReaderEvent::Notice(notice)) => {
                let stream = None;
                self.notice(WorkerNotice::Reader { stream, notice });
                return true;
            }
            Step::Event(ReaderEvent::Failed(error)) => error,
            Step::Done => Error::new(ErrorKind::StreamClosed, "the stream of the wakes"),
        };
        self.close(Part::Wakes);
        if let Some(delay) = self.wakes.lost(now) {
            self.notice(WorkerNotice::Deaf { error, delay });
        }
        true
    }
}

impl Machine for Worker {
    type Event = WorkerEvent;

    fn poll_output(&mut self, now: Instant) -> Output<WorkerEvent> {
        loop {
            // Before anything else is said.
            if self
                .held
                .as_ref()
                .is_some_and(|held| held.lease.is_over(now))
            {
                self.lose(LeaseLoss::Expired, now);
            }
            if let Some(output) = self.outbox.pop_front() {
                return output;
            }
            if self.state == State::Over {
                return Output::Done;
            }
            match self.advance(now) {
                // There may be something for the owner to do before.
                Err(until) if self.outbox.is_empty() => return Output::Wait(until),
                Ok(()) | Err(_) => {}
            }
        }
    }

    fn handle_input(&mut self, input: Input, now: Instant) {
        let Some(outer) = input.request() else {
            if let Some(control) = &mut self.control {
                control.call.handle_input(Input::Timeout, now);
            }
            if let Some(reader) = &mut self.wakes.reader {
                reader.handle_input(Input::Timeout, now);
            }
            self.streams_timeout(now);
            return;
        };
        let Some((part, inner)) = self.routes.find(outer) else {
            return;
        };
        let input = match input {
            Input::Head(_, head) => Input::Head(inner, head),
            Input::Chunk(_, chunk) => Input::Chunk(inner, chunk),
            Input::End(_) => Input::End(inner),
            Input::Failed(_, failure) => Input::Failed(inner, failure),
            Input::Timeout => return,
        };
        if matches!(input, Input::End(_) | Input::Failed(..)) {
            self.routes.end(outer);
        }
        match part {
            Part::Control => {
                if let Some(control) = &mut self.control {
                    control.call.handle_input(input, now);
                }
            }
            Part::Wakes => {
                if let Some(reader) = &mut self.wakes.reader {
                    reader.handle_input(input, now);
                }
            }
            Part::Stream(number) => self.stream_input(number, input, now),
        }
    }

    fn wants(&self, request: super::RequestId) -> bool {
        match self.routes.find(request) {
            Some((Part::Stream(number), inner)) => self.stream_wants(number, inner),
            _ => true,
        }
    }
}

/// Asks a machine inside what to do next, and passes on what is for the owner to do.
fn step<M: Machine>(
    machine: &mut M,
    part: Part,
    routes: &mut Routes,
    outbox: &mut VecDeque<Output<WorkerEvent>>,
    now: Instant,
) -> Step<M::Event> {
    loop {
        match machine.poll_output(now) {
            Output::Send(inner, request) => {
                outbox.push_back(Output::Send(routes.open(part, inner), request));
            }
            Output::Abort(inner) => {
                outbox.extend(routes.abort(part, inner).map(Output::Abort));
            }
            Output::Event(event) => return Step::Event(event),
            Output::Wait(until) => return Step::Wait(until),
            Output::Done => return Step::Done,
        }
    }
}

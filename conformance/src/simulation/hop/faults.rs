//! What can go wrong between client and server, how often, and until when.

use crate::simulation::clock::{MICROSECOND, MILLISECOND, SECOND, Time};
use crate::simulation::tape::Tape;

use super::own::Status;

/// How often each fault happens, in a thousand requests.
#[derive(Debug, Clone, Default)]
pub(in crate::simulation) struct Faults {
    /// No connection is made.
    pub(in crate::simulation) connect: u64,
    pub(in crate::simulation) lose_request: u64,
    pub(in crate::simulation) lose_answer: u64,
    pub(in crate::simulation) duplicate: u64,
    /// Whether the answer to the second time may be the one that comes back. To a writer that claims epochs a 204 to a first attempt
    /// means that somebody else was there before: where it claims, nobody in between may repeat requests and hide it.
    pub(in crate::simulation) second_answers: bool,
    /// The request arrives when its sender has given it up.
    pub(in crate::simulation) zombie: u64,
    pub(in crate::simulation) hang: u64,
    pub(in crate::simulation) status: u64,
    pub(in crate::simulation) redirect: u64,
    /// Somebody in between answers 200, with a page of his own.
    pub(in crate::simulation) portal: u64,
    pub(in crate::simulation) cut: u64,
    pub(in crate::simulation) rechunk: u64,
    pub(in crate::simulation) reset: u64,
    pub(in crate::simulation) stale: u64,
    pub(in crate::simulation) reorder: u64,
    /// Nothing gets through from here to there.
    pub(in crate::simulation) outage: Option<(Time, Time)>,
    /// How long a way takes.
    pub(in crate::simulation) latency: Time,
    /// From here on nothing goes wrong.
    pub(in crate::simulation) heal: Time,
}

/// What becomes of one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) there: Time,
    pub(super) back: Time,
    pub(super) arrival: Arrival,
    /// It arrives once more, so much later.
    pub(super) again: Option<Time>,
    pub(super) answer: Fate,
    pub(super) cut: Option<(u64, Cut)>,
    /// Pieces of at most so many bytes, with these gaps.
    pub(super) chunk: Option<(usize, Time)>,
    pub(super) reset: Option<Time>,
    pub(super) stale: bool,
}

/// Whether a request arrives.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    #[default]
    Arrives,
    NoConnection,
    Lost,
    Answered(Status),
}

/// What the client sees of the answer.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    #[default]
    Comes,
    /// That of the second time comes.
    ComesAgain,
    Lost,
    Hangs,
    Replaced(Status),
}

/// How a body ends before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Fails,
    Ends,
    Stalls,
}

impl Faults {
    /// The faults of one run: often few kinds of them, sometimes many, sometimes none.
    pub(in crate::simulation) fn draw(tape: &mut Tape) -> Self {
        let kinds = tape.pick(&[0, 100, 250, 250, 600]);
        let mut rate = || {
            if tape.chance(kinds) {
                tape.pick(&[20, 60, 150, 400])
            } else {
                0
            }
        };
        let mut faults = Self {
            connect: rate(),
            lose_request: rate(),
            lose_answer: rate(),
            duplicate: rate(),
            second_answers: true,
            zombie: rate(),
            hang: rate() / 2,
            status: rate(),
            redirect: rate() / 2,
            portal: rate() / 2,
            cut: rate(),
            rechunk: rate(),
            reset: rate(),
            stale: rate(),
            reorder: rate(),
            outage: None,
            latency: 0,
            heal: 0,
        };
        faults.latency = tape.pick(&[200 * MICROSECOND, MILLISECOND, 10 * MILLISECOND]);
        faults.heal = tape.between(1, 12) * SECOND / 2;
        if tape.chance(kinds / 2) {
            let from = tape.below(2 * SECOND);
            faults.outage = Some((from, from + tape.below(3 * SECOND)));
        }
        faults
    }

    /// What becomes of a request that is sent now. `write` when it changes something.
    pub(super) fn plan(&self, tape: &mut Tape, now: Time, write: bool) -> Plan {
        let mut plan = Plan {
            there: self.latency,
            back: self.latency,
            ..Plan::default()
        };
        if now >= self.heal {
            return plan;
        }
        if tape.chance(self.reorder) {
            plan.there += tape.below(self.latency * 8);
            plan.back += tape.below(self.latency * 4);
        }
        if self
            .outage
            .is_some_and(|(from, to)| (from..to).contains(&now))
        {
            plan.arrival = match tape.below(3) {
                0 => Arrival::NoConnection,
                1 => Arrival::Lost,
                _ => Arrival::Answered(Status::draw_unapplied(tape)),
            };
            return plan;
        }
        if tape.chance(self.connect) {
            plan.arrival = Arrival::NoConnection;
        } else if tape.chance(self.lose_request) {
            plan.arrival = Arrival::Lost;
        } else if tape.chance(self.status) {
            if tape.chance(500) {
                plan.arrival = Arrival::Answered(Status::draw_unapplied(tape));
            } else {
                plan.answer = Fate::Replaced(Status::draw_applied(tape));
            }
        } else if tape.chance(self.redirect) {
            plan.arrival = Arrival::Answered(Status::draw_redirect(tape));
        } else if tape.chance(self.portal) {
            if tape.chance(500) {
                plan.arrival = Arrival::Answered(Status::Portal);
            } else {
                plan.answer = Fate::Replaced(Status::Portal);
            }
        } else if tape.chance(self.lose_answer) {
            plan.answer = Fate::Lost;
        } else if tape.chance(self.hang) {
            plan.answer = Fate::Hangs;
        }
        if tape.chance(self.zombie) {
            plan.there += tape.below(4 * SECOND);
        }
        if write && tape.chance(self.duplicate) {
            plan.again = Some(tape.pick(&[MILLISECOND, 30 * MILLISECOND, SECOND, 4 * SECOND]));
            let replaces = self.second_answers && plan.arrival == Arrival::Arrives;
            if replaces && plan.answer == Fate::Comes && tape.chance(300) {
                plan.answer = Fate::ComesAgain;
            }
        }
        if tape.chance(self.cut) {
            let bits = tape.below(10);
            let at = tape.below(1 << bits);
            let how = tape.pick(&[Cut::Fails, Cut::Fails, Cut::Ends, Cut::Stalls]);
            plan.cut = Some((at, how));
        }
        if tape.chance(self.rechunk) {
            let size = tape.pick(&[1, 3, 17, 80]);
            plan.chunk = Some((size, tape.pick(&[0, 10 * MICROSECOND, 5 * MILLISECOND])));
        }
        if tape.chance(self.reset) {
            let limit = tape.pick(&[20 * MILLISECOND, SECOND, 3 * SECOND]);
            plan.reset = Some(tape.below(limit));
        }
        plan.stale = tape.chance(self.stale);
        plan
    }
}

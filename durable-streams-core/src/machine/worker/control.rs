//! What is asked of the subscription, one request at a time: what it is, for work, and reports on work.

use std::time::{Duration, Instant};

use super::event::{LeaseLoss, WorkerEvent, WorkerNotice};
use super::lease::Lease;
use super::round::Round;
use super::routes::Part;
use super::wakes::Heard;
use super::{Earliest, Held, LOOK_AROUND, State, Step, Worker, step};
use crate::machine::call::{Call, CallConfig, CallEnd};
use crate::machine::later;
use crate::operation::Operation;
use crate::operation::subscription::{
    Ack, Acked, Claim, ClaimOutcome, Claimed, ReadSubscription, Release, SubscriptionInfo,
    SubscriptionKind,
};
use crate::wire::error::{Error, ErrorKind};
use crate::wire::position::Offset;
use crate::wire::retry::{Backoff, RetryPolicy};

/// A request about the subscription that is under way.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) call: Call,
    sent: Instant,
    asked: Asked,
}

#[derive(Debug)]
enum Asked {
    What(ReadSubscription),
    Work(Claim),
    Report {
        ack: Ack,
        acks: Vec<(String, Offset)>,
        done: bool,
    },
    Release(Release),
}

impl Worker {
    pub(super) fn advance_control(&mut self, now: Instant, earliest: &mut Earliest) -> bool {
        let Some(control) = &mut self.control else {
            return false;
        };
        let part = Part::Control;
        let call = &mut control.call;
        let end = match step(call, part, &mut self.routes, &mut self.outbox, now) {
            Step::Wait(at) => {
                earliest.at(at);
                return false;
            }
            Step::Event(end) => end,
            // It says how it ended before.
            Step::Done => return false,
        };
        self.close(Part::Control);
        if let Some(Control { sent, asked, .. }) = self.control.take() {
            self.answered(asked, end, sent, now);
        }
        true
    }

    fn answered(&mut self, asked: Asked, end: CallEnd, sent: Instant, now: Instant) {
        match asked {
            Asked::What(what) => match end.outcome(&what) {
                Ok(info) => self.described(info, now),
                Err(error) => {
                    if let Some(at) = self.again(error, now) {
                        self.state = State::Describing(Some(at));
                    }
                }
            },
            Asked::Work(claim) => match end.outcome(&claim) {
                Ok(ClaimOutcome::Claimed(claimed)) => self.granted(claimed, sent, now),
                Ok(ClaimOutcome::NothingPending) => {
                    self.backoff.reset();
                    let at = later(now, self.config.poll_interval);
                    self.claim_after(at, now);
                }
                Ok(ClaimOutcome::AlreadyClaimed(other)) => {
                    self.backoff.reset();
                    self.known = other.generation.or(self.known);
                    self.notice(WorkerNotice::Busy {
                        holder: other.current_holder,
                    });
                    let at = self.contend(now);
                    self.claim_after(at, now);
                }
                Err(error) => {
                    if let Some(at) = self.again(error, now) {
                        self.claim_at = None;
                        self.claim_by(at);
                    }
                }
            },
            Asked::Report { ack, acks, done } => match end.outcome(&ack) {
                Ok(acked) => self.confirmed(acks, done.then_some(acked), sent, now),
                Err(error) => self.unconfirmed(error, &acks, now),
            },
            Asked::Release(release) => match end.outcome(&release) {
                Err(error) if error.kind() != ErrorKind::Fenced => {
                    self.unconfirmed(error, &[], now);
                }
                _ => self.released(false, now),
            },
        }
    }

    /// When to try again after a failure, unless it is for good.
    fn again(&mut self, error: Error, now: Instant) -> Option<Instant> {
        let delay = if is_final(&error) {
            None
        } else {
            self.backoff.fail(now, error.retry_after())
        };
        match delay {
            Some(delay) => {
                self.notice(WorkerNotice::Retrying { error, delay });
                Some(later(now, delay))
            }
            None => {
                self.fail(error);
                None
            }
        }
    }

    fn described(&mut self, info: SubscriptionInfo, now: Instant) {
        self.backoff.reset();
        let SubscriptionKind::PullWake { wake_stream } = info.kind else {
            return self.fail(Error::invalid(
                "there is nothing to claim of a subscription by webhook",
            ));
        };
        let url = match self.config.root.join(&wake_stream) {
            Ok(url) => url,
            Err(error) => return self.fail(error),
        };
        self.lease = info.lease;
        self.state = State::Working;
        let seed = self.rng.u64(..);
        let config = self.config.reader(url, seed);
        self.wakes.listen(config, self.config.live, now);
        self.claim_by(now);
    }

    fn granted(&mut self, claimed: Claimed, sent: Instant, now: Instant) {
        self.backoff.reset();
        self.known = Some(claimed.wake.generation);
        self.gate = None;
        self.claim_at = None;
        let length = claimed.lease.or(self.lease);
        // The shortest that there is, where the server does not say.
        let length = length.unwrap_or(Duration::from_secs(1));
        self.lease = Some(length);
        let lease = Lease::new(claimed.wake, length, sent);
        if lease.is_over(now) {
            // The answer took too long. What it gave may be somebody else's by now.
            let at = self.contend(now);
            return self.claim_after(at, now);
        }
        self.contention.reset();
        let tasks = self.tasks(claimed.streams);
        let generation = lease.wake.generation;
        let pending = tasks.len();
        let retry = RetryPolicy::endless().initial(length / 20).max(length / 6);
        self.held = Some(Held {
            lease,
            round: Round::new(tasks),
            report_at: None,
            ending: false,
            backoff: Backoff::new(retry, self.rng.u64(..)),
        });
        self.event(WorkerEvent::Claimed {
            generation,
            pending,
        });
    }

    fn confirmed(
        &mut self,
        acks: Vec<(String, Offset)>,
        done: Option<Acked>,
        sent: Instant,
        now: Instant,
    ) {
        let Some(held) = &mut self.held else { return };
        held.lease.renewed(sent);
        held.report_at = None;
        held.backoff.reset();
        held.round.confirmed(&acks);
        let generation = held.lease.wake.generation;
        if !acks.is_empty() {
            self.event(WorkerEvent::Acked { generation, acks });
        }
        if let Some(acked) = done {
            if acked.next_wake {
                self.heard = Heard::Something;
            }
            self.released(true, now);
        }
    }

    /// A report was not taken, or it is not known whether it was.
    fn unconfirmed(&mut self, error: Error, acks: &[(String, Offset)], now: Instant) {
        let Some(held) = &mut self.held else { return };
        match error.kind() {
            // A token of an earlier life of the subscription is no good either.
            ErrorKind::Fenced | ErrorKind::Unauthorized => self.lose(LeaseLoss::Fenced, now),
            ErrorKind::AckRejected => match acks {
                [(stream, _)] => {
                    let stream = stream.clone();
                    if let Some(number) = held.round.rejected(&stream) {
                        self.close(Part::Stream(number));
                    }
                    self.delay(&stream, now);
                    self.notice(WorkerNotice::AckRejected { stream, error });
                }
                _ => held.round.singly = true,
            },
            _ if is_final(&error) => self.fail(error),
            _ => {
                let delay = held.backoff.fail(now, None).unwrap_or_default();
                held.report_at = Some(later(now, delay));
                self.notice(WorkerNotice::Retrying { error, delay });
            }
        }
    }

    /// The wake is not held any more, as it was meant.
    fn released(&mut self, done: bool, now: Instant) {
        let Some(held) = self.held.take() else { return };
        for active in &held.round.active {
            self.close(Part::Stream(active.number));
        }
        self.event(WorkerEvent::Released {
            generation: held.lease.wake.generation,
            done,
        });
        if done {
            let at = later(now, self.config.poll_interval);
            return self.claim_after(at, now);
        }
        // What was given back is announced at once. It is not for those who just gave it back.
        let around = later(now, LOOK_AROUND);
        let due = held.round.next_due().unwrap_or(around);
        self.gate = Some(due.clamp(now, around));
        self.claim_after(now, now);
    }

    /// Asks what is to be asked now. Says whether anything was.
    pub(super) fn ask(&mut self, now: Instant, earliest: &mut Earliest) -> bool {
        if self.control.is_some() || self.state == State::Over {
            return false;
        }
        if self.held.is_some() {
            return self.report(now, earliest);
        }
        if self.stopping {
            self.finish();
            return true;
        }
        let at = match self.state {
            State::Describing(at) => at,
            _ => self.claim_at,
        };
        if at.is_some_and(|at| at > now) {
            earliest.at(at);
            return false;
        }
        let limit = self.config.request_timeout;
        if let State::Describing(_) = self.state {
            let what = ReadSubscription::new(&self.config.subscription);
            return self.begin(&what.clone(), Asked::What(what), limit, now);
        }
        self.heard = Heard::Nothing;
        self.claim_at = None;
        let claim = Claim::new(&self.config.subscription, &self.config.name);
        // An answer that takes longer is worth nothing.
        let limit = limit.min(self.lease.unwrap_or(limit));
        self.begin(&claim.clone(), Asked::Work(claim), limit, now)
    }

    /// Reports on the wake that is held, when there is something to say.
    fn report(&mut self, now: Instant, earliest: &mut Earliest) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        if held.report_at.is_some_and(|at| at > now) {
            earliest.at(held.report_at);
            return false;
        }
        let round = &held.round;
        let over = if held.ending {
            true
        } else if self.stopping {
            !round.has_out() && round.active.is_empty()
        } else {
            round.rests(later(now, LOOK_AROUND))
        };
        let acks = round.next_acks();
        let all = acks.len() == round.acks.len();
        let done = over && all && round.is_finished();
        let limit = self.config.request_timeout.min(held.lease.patience());
        let wake = &held.lease.wake;
        held.ending |= over && (done || acks.is_empty());
        if over && !done && acks.is_empty() {
            let release = Release::new(&self.config.subscription, wake);
            return self.begin(&release.clone(), Asked::Release(release), limit, now);
        }
        if !done && acks.is_empty() && held.lease.renew_at() > now {
            earliest.at(Some(held.lease.renew_at()));
            return false;
        }
        let mut ack = Ack::new(&self.config.subscription, wake).done(done);
        for (stream, offset) in &acks {
            ack = ack.stream(stream, offset.clone());
        }
        let asked = Asked::Report {
            ack: ack.clone(),
            acks,
            done,
        };
        self.begin(&ack, asked, limit, now)
    }

    /// One attempt: whether there is another one, and what it says, depends on how things stand by then.
    fn begin<O: Operation>(
        &mut self,
        operation: &O,
        asked: Asked,
        timeout: Duration,
        now: Instant,
    ) -> bool {
        let config = CallConfig {
            retry: RetryPolicy::never(),
            timeout,
            seed: 0,
        };
        match Call::of(operation, config) {
            Ok(call) => {
                let sent = now;
                self.control = Some(Control { call, sent, asked });
            }
            Err(error) => self.fail(error),
        }
        true
    }
}

/// Whether asking again cannot help.
fn is_final(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidInput
            | ErrorKind::SubscriptionNotFound
            | ErrorKind::BadRequest
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotSupported
            | ErrorKind::Gone
    )
}

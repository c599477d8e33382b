//! A worker and its owner, who takes his time over what he is given, and crashes or stands still at times.

use std::time::Instant;

use bytes::Bytes;
use durable_streams_core::{
    Batch, Input, Machine, Output, Ticket, Work, Worker, WorkerConfig, WorkerEvent,
};
use http::{Method, Request};

use super::{Port, Surroundings};
use crate::simulation::broken::{Broken, WorkerSabotage};
use crate::simulation::check::{self, HandedOut};
use crate::simulation::clock::{MILLISECOND, Time};
use crate::simulation::context::Event;

/// Everything about a worker.
#[derive(Debug)]
pub(in crate::simulation) struct WorkerPlan {
    pub(in crate::simulation) name: String,
    pub(in crate::simulation) config: WorkerConfig,
    pub(in crate::simulation) concurrency: usize,
    /// How fast its clock runs, in thousandths of what is right.
    pub(in crate::simulation) speed: u64,
    /// How long it is over a batch at most, and how many in a thousand of them fail.
    pub(in crate::simulation) takes: Time,
    pub(in crate::simulation) fails: u64,
    /// What happens to it, and when; in order.
    pub(in crate::simulation) fate: Vec<(Time, Blow)>,
}

/// What may happen to a worker.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) enum Blow {
    /// Its process ends, and another one begins so much later.
    Crash(Time),
    /// It does nothing for so long.
    Stall(Time),
    /// It is asked to stop. When it has, another one begins.
    Leave,
}

/// The worker.
#[derive(Debug)]
pub(in crate::simulation) struct WorkerActor {
    pub(in crate::simulation) port: Port,
    plan: WorkerPlan,
    machine: Option<Worker>,
    /// What it was given and is not done with.
    at_hand: Vec<Job>,
    /// The wakes that it was told are lost.
    lost: Vec<u64>,
    stalled: Time,
    /// Whether it is to come to its end when everything is done, and whether it was asked to.
    closing: bool,
    asked: bool,
    /// When it is looked next whether everything is done.
    looks_at: Time,
    done: bool,
    sabotage: Option<WorkerSabotage>,
}

#[derive(Debug)]
struct Job {
    ticket: Ticket,
    what: HandedOut,
    due: Time,
    fails: bool,
}

/// How often it is looked whether everything is done.
const LOOK: Time = 100 * MILLISECOND;

impl WorkerActor {
    pub(in crate::simulation) fn new(who: usize, plan: WorkerPlan, broken: Option<Broken>) -> Self {
        // What is asked of the subscription, the wakes, and the streams.
        let ahead = plan.concurrency + 1;
        Self {
            port: Port::new(who).with_ahead(ahead),
            plan,
            machine: None,
            at_hand: Vec::new(),
            lost: Vec::new(),
            stalled: 0,
            closing: false,
            asked: false,
            looks_at: 0,
            done: false,
            sabotage: broken.map(WorkerSabotage::new),
        }
    }

    pub(in crate::simulation) fn is_finished(&self) -> bool {
        self.done
    }

    /// Until when nothing gets through to it.
    pub(in crate::simulation) fn stalled_until(&self) -> Time {
        self.stalled
    }

    /// Nothing new is going to come: it ends when everything is done.
    pub(in crate::simulation) fn close(&mut self) {
        self.closing = true;
    }

    /// The wake that it believes to hold.
    pub(in crate::simulation) fn believes(&self, around: &Surroundings<'_>) -> Option<u64> {
        let machine = self.machine.as_ref()?;
        let until = machine.lease_until()?;
        machine.generation().filter(|_| until > self.local(around))
    }

    fn local(&self, around: &Surroundings<'_>) -> Instant {
        let clock = &around.ctx.clock;
        clock.at(clock.now / 1000 * self.plan.speed + clock.now % 1000)
    }

    /// When its clock shows this.
    fn global(&self, around: &Surroundings<'_>, local: Instant) -> Instant {
        let clock = &around.ctx.clock;
        clock.at(clock.time(local) / self.plan.speed * 1000 + 1000)
    }

    /// The owner does what is due.
    pub(in crate::simulation) fn act(&mut self, around: &mut Surroundings<'_>) {
        if self.done {
            return;
        }
        let now = around.ctx.now();
        if self.machine.is_none() {
            self.begin(around);
        }
        self.finish_jobs(around);
        if let Some((_, blow)) = self.plan.fate.first().copied().filter(|(at, _)| *at <= now) {
            self.plan.fate.remove(0);
            let who = self.port.who;
            around.ctx.note("blow", who, 0, || format!("{blow:?}"));
            match blow {
                Blow::Crash(pause) => {
                    self.crash(around);
                    return around.ctx.after(pause.max(1), Event::Act(who));
                }
                Blow::Stall(length) => {
                    self.stalled = now + length;
                    around.ctx.after(length, Event::Act(who));
                    return;
                }
                Blow::Leave => self.stop(),
            }
        }
        if self.closing {
            if check::everything_done(around.hop, around.truth) && self.plan.fate.is_empty() {
                self.stop();
            } else if self.looks_at <= now {
                self.looks_at = now + LOOK;
                around.ctx.after(LOOK, Event::Act(self.port.who));
            }
        }
        self.drive(around);
    }

    fn begin(&mut self, around: &mut Surroundings<'_>) {
        let who = self.port.who;
        around
            .ctx
            .note("begin", who, 0, || format!("{:?}", self.plan));
        self.machine = Some(Worker::new(self.plan.config.clone()));
        self.asked = false;
        // It is looked after whatever its fate has in store.
        for (at, _) in &self.plan.fate {
            around
                .ctx
                .queue
                .push((*at).max(around.ctx.now()), Event::Act(who));
        }
    }

    fn crash(&mut self, around: &mut Surroundings<'_>) {
        self.machine = None;
        self.at_hand.clear();
        self.port.abort_all(around);
    }

    fn stop(&mut self) {
        self.asked = true;
        if let Some(machine) = &mut self.machine {
            machine.stop();
        }
    }

    /// Ends the jobs whose time has come.
    fn finish_jobs(&mut self, around: &mut Surroundings<'_>) {
        let now = around.ctx.now();
        while let Some(index) = self.at_hand.iter().position(|job| job.due <= now) {
            let job = self.at_hand.swap_remove(index);
            if self.lost.contains(&job.what.generation) {
                around.ctx.violate(self.port.who, || {
                    format!(
                        "it goes on with wake {} after it was lost",
                        job.what.generation
                    )
                });
            }
            let local = self.local(around);
            let Some(machine) = &mut self.machine else {
                return;
            };
            if job.fails {
                machine.failed(job.ticket, local);
            } else {
                around.truth.handled(&job.what);
                machine.processed(job.ticket);
            }
            let fails = u64::from(job.fails);
            around.ctx.note("handled", self.port.who, fails, || {
                format!("{:?}", job.what)
            });
        }
    }

    pub(in crate::simulation) fn input(&mut self, around: &mut Surroundings<'_>, input: Input) {
        let local = self.local(around);
        let input = match &mut self.sabotage {
            Some(sabotage) => sabotage.input(input),
            None => Some(input),
        };
        if let Some((machine, input)) = self.machine.as_mut().zip(input) {
            if matches!(&input, Input::Head(_, head) if head.status.is_redirection()) {
                self.port.pace.redirected();
            }
            machine.handle_input(input, local);
        }
    }

    pub(in crate::simulation) fn drive(&mut self, around: &mut Surroundings<'_>) {
        loop {
            let local = self.local(around);
            let Some(machine) = &mut self.machine else {
                return;
            };
            match machine.poll_output(local) {
                Output::Send(id, request) => {
                    let request = match &mut self.sabotage {
                        Some(sabotage) => sabotage.sending(id, request),
                        None => request,
                    };
                    self.check_request(around, &request);
                    self.port.send(around, id, request);
                }
                Output::Abort(id) => self.port.abort(around, id),
                Output::Event(event) => self.event(around, event),
                Output::Wait(until) => {
                    let until = until.map(|until| self.global(around, until));
                    return self.port.wait(around.ctx, until);
                }
                Output::Done => return self.over(around),
            }
        }
    }

    fn check_request(&self, around: &mut Surroundings<'_>, request: &Request<Bytes>) {
        let who = self.port.who;
        if self.done || self.port.in_flight() > self.port.ahead {
            around
                .ctx
                .violate(who, || "it sends when it should not".into());
        }
        let about = (request.method() == Method::POST)
            .then(|| check::generation_of(request.body()))
            .flatten();
        if let Some(generation) = about.filter(|generation| self.lost.contains(generation)) {
            around.ctx.violate(who, || {
                format!("it speaks for wake {generation} after it was lost")
            });
        }
    }

    fn over(&mut self, around: &mut Surroundings<'_>) {
        let who = self.port.who;
        if !self.asked {
            around
                .ctx
                .violate(who, || "it ended, and nobody asked it to".into());
        }
        if !self.at_hand.is_empty() {
            around
                .ctx
                .violate(who, || "it ended, and something is at hand".into());
        }
        self.machine = None;
        if self.closing && self.plan.fate.is_empty() {
            self.done = true;
        } else {
            around.ctx.after(MILLISECOND, Event::Act(who));
        }
    }

    fn event(&mut self, around: &mut Surroundings<'_>, event: WorkerEvent) {
        let who = self.port.who;
        match event {
            WorkerEvent::Work(work) => self.given(around, work),
            WorkerEvent::Unreadable(what) => {
                // Somebody in between answered with a page for people. It is tried again.
                around
                    .ctx
                    .note("unreadable", who, 0, || format!("{what:?}"));
                let local = self.local(around);
                if let Some(machine) = &mut self.machine {
                    machine.failed(what.ticket, local);
                }
            }
            WorkerEvent::LeaseLost { generation, reason } => {
                around
                    .ctx
                    .note("lost", who, generation, || format!("{reason:?}"));
                self.lost.push(generation);
                let deaf = self.sabotage.as_ref();
                if !deaf.is_some_and(WorkerSabotage::keeps_on) {
                    self.at_hand.clear();
                }
            }
            WorkerEvent::Claimed { generation, .. } => {
                self.port.pace.progress();
                around.ctx.note("claimed", who, generation, String::new);
            }
            WorkerEvent::Acked { generation, acks } => {
                self.port.pace.progress();
                around
                    .ctx
                    .note("acked", who, generation, || format!("{acks:?}"));
                check::acked(around, who, &acks);
            }
            WorkerEvent::Failed(error) => {
                around
                    .ctx
                    .violate(who, || format!("it failed without a cause: {error}"));
            }
            other => around.ctx.note("says", who, 0, || format!("{other:?}")),
        }
    }

    fn given(&mut self, around: &mut Surroundings<'_>, work: Work) {
        let who = self.port.who;
        self.port.pace.progress();
        if self.asked {
            around
                .ctx
                .violate(who, || "it hands out when it was asked to stop".into());
        }
        let Some(what) = HandedOut::of(around, who, &work) else {
            return;
        };
        around
            .ctx
            .note("work", who, what.to, || format!("{what:?}"));
        trace(around, &work.batch);
        what.check(around, who, &self.plan.name, &work.batch);
        let twice = self
            .at_hand
            .iter()
            .any(|job| job.what.stream == what.stream);
        if twice || self.at_hand.len() >= self.plan.concurrency {
            around
                .ctx
                .violate(who, || "it hands out more than it may at a time".into());
        }
        // Once all is well he hurries, and makes no mistakes: streams can be long, and batches short.
        let (mut takes, mut fails) = (self.plan.takes, self.plan.fails);
        if around.ctx.now() >= around.hop.faults.heal {
            (takes, fails) = (takes.min(MILLISECOND), 0);
        }
        let takes = around.ctx.tape.below(takes);
        let fails = around.ctx.tape.chance(fails);
        if self.sabotage.as_ref().is_some_and(WorkerSabotage::hurries) {
            if let Some(machine) = &mut self.machine {
                machine.processed(work.ticket);
            }
        }
        self.at_hand.push(Job {
            ticket: work.ticket,
            what,
            due: around.ctx.now() + takes,
            fails,
        });
        around.ctx.after(takes, Event::Act(who));
    }

    /// Everything has come to rest.
    pub(in crate::simulation) fn finish(&self, around: &mut Surroundings<'_>) {
        if !self.done {
            around
                .ctx
                .violate(self.port.who, || "it has not ended".into());
        }
    }
}

fn trace(around: &mut Surroundings<'_>, batch: &Batch) {
    around.ctx.trace.bytes(&batch.bytes());
}

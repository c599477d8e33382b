//! A reader and its user, who stops at times and goes on from any checkpoint.

use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{
    Batch, Checkpoint, Input, Live, Machine, Notice, Output, Reader, ReaderConfig, ReaderEvent,
    Start,
};

use super::{Port, Surroundings};
use crate::simulation::broken::{Broken, ReaderSabotage};
use crate::simulation::check::{Delivered, ReaderCheck};
use crate::simulation::clock::{MILLISECOND, SECOND, Time};
use crate::simulation::context::Event;

/// Everything about a reader.
#[derive(Debug)]
pub(in crate::simulation) struct ReaderPlan {
    pub(in crate::simulation) stream: usize,
    pub(in crate::simulation) config: ReaderConfig,
    /// How many answers it asks for ahead at most.
    pub(in crate::simulation) ahead: usize,
    pub(in crate::simulation) live: Live,
    pub(in crate::simulation) start: Start,
    /// It stops so many times, each time after so many batches at most.
    pub(in crate::simulation) stops: u64,
    pub(in crate::simulation) patience: u64,
}

/// The reader.
#[derive(Debug)]
pub(in crate::simulation) struct ReaderActor {
    pub(in crate::simulation) port: Port,
    pub(in crate::simulation) stream: usize,
    config: ReaderConfig,
    live: Live,
    start: Start,
    stops: u64,
    patience: u64,
    /// Batches until it stops.
    left: Option<u64>,
    machine: Option<Reader>,
    check: ReaderCheck,
    done: bool,
    failures: u32,
    sabotage: Option<ReaderSabotage>,
    /// How far the machine's clock is ahead, when it is broken.
    ahead: Duration,
}

/// A reader that failed for a cause that may pass is started anew so many times.
const MAX_FAILURES: u32 = 50;
/// What was answered before everything was well may arrive so much later.
const SETTLING: Time = 20 * SECOND;
/// More checkpoints of one stream are not kept.
const MAX_CHECKPOINTS: usize = 48;

impl ReaderActor {
    pub(in crate::simulation) fn new(who: usize, plan: ReaderPlan, broken: Option<Broken>) -> Self {
        Self {
            port: Port::new(who).with_ahead(plan.ahead),
            stream: plan.stream,
            check: ReaderCheck::new(who, plan.stream, None),
            config: plan.config,
            live: plan.live,
            start: plan.start,
            stops: plan.stops,
            patience: plan.patience,
            left: None,
            machine: None,
            done: false,
            failures: 0,
            sabotage: broken.map(ReaderSabotage::new),
            ahead: Duration::ZERO,
        }
    }

    pub(in crate::simulation) fn is_finished(&self) -> bool {
        self.done
    }

    /// The user starts reading, at first or again.
    pub(in crate::simulation) fn act(&mut self, around: &mut Surroundings<'_>) {
        if self.machine.is_some() || self.done {
            return;
        }
        let position = match &self.start {
            Start::Beginning => Some(0),
            Start::Now => None,
            Start::At(checkpoint) => around.truth.place(checkpoint),
        };
        let who = self.port.who;
        around
            .ctx
            .note("begin", who, position.unwrap_or(u64::MAX), || {
                format!(
                    "reader of #{} {:?} {:?}",
                    self.stream, self.live, self.start
                )
            });
        self.check = ReaderCheck::new(who, self.stream, position);
        self.left = (self.stops > 0).then(|| around.ctx.tape.between(1, self.patience));
        let start = match &self.sabotage {
            Some(sabotage) => sabotage.start(self.start.clone()),
            None => self.start.clone(),
        };
        self.machine = Some(Reader::new(self.config.clone().from(start)));
        self.drive(around);
    }

    pub(in crate::simulation) fn input(&mut self, around: &mut Surroundings<'_>, input: Input) {
        if let Some(machine) = &mut self.machine {
            if matches!(&input, Input::Head(_, head) if head.status.is_redirection()) {
                self.port.pace.redirected();
            }
            let input = match &mut self.sabotage {
                Some(sabotage) => sabotage.input(input),
                None => input,
            };
            machine.handle_input(input, around.ctx.clock.instant() + self.ahead);
            if let Some(start) = self.sabotage.as_mut().and_then(ReaderSabotage::starts_anew) {
                self.machine = Some(Reader::new(self.config.clone().from(start)));
            }
        }
    }

    pub(in crate::simulation) fn drive(&mut self, around: &mut Surroundings<'_>) {
        loop {
            let Some(machine) = &mut self.machine else {
                return;
            };
            match machine.poll_output(around.ctx.clock.instant() + self.ahead) {
                Output::Send(id, request) => {
                    if self.done || self.port.in_flight() > self.port.ahead {
                        around
                            .ctx
                            .violate(self.port.who, || "it sends when it should not".into());
                    }
                    self.port.send(around, id, request);
                }
                Output::Abort(id) => self.port.abort(around, id),
                Output::Event(event) => self.event(around, event),
                Output::Wait(until) => {
                    if self.hurries(around, until) {
                        continue;
                    }
                    let until = until.map(|until| until - self.ahead);
                    self.port.wait(around.ctx, until);
                    return;
                }
                Output::Done => {
                    if !std::mem::replace(&mut self.done, true) {
                        let live = self.live != Live::Off;
                        self.check.done(around.ctx, live, false);
                    }
                    return;
                }
            }
        }
    }

    /// Whether a broken reader does not wait. Then its clock runs ahead.
    fn hurries(&mut self, around: &Surroundings<'_>, until: Option<Instant>) -> bool {
        let now = around.ctx.clock.instant() + self.ahead;
        let hurries = self.sabotage.as_ref().is_some_and(ReaderSabotage::hurries);
        match until.filter(|&until| hurries && until > now && self.port.in_flight() == 0) {
            Some(until) => {
                self.ahead += until - now;
                true
            }
            None => false,
        }
    }

    fn event(&mut self, around: &mut Surroundings<'_>, event: ReaderEvent) {
        let who = self.port.who;
        match event {
            ReaderEvent::Batch(batch) => {
                let batch = delivered(&batch);
                match &mut self.sabotage {
                    None => self.batch(around, batch),
                    Some(sabotage) => {
                        for batch in sabotage.batch(batch) {
                            self.batch(around, batch);
                        }
                    }
                }
            }
            ReaderEvent::Notice(notice) => {
                let kind = match &notice {
                    Notice::Retrying { .. } => 1,
                    _ => 2,
                };
                around
                    .ctx
                    .note("notice", who, kind, || format!("{notice:?}"));
                let lie = self.sabotage.as_mut().and_then(ReaderSabotage::retrying);
                if let Some(lie) = lie {
                    self.batch(around, lie);
                }
            }
            ReaderEvent::Failed(error) => {
                around.ctx.note("failed", who, 0, || error.to_string());
                let healed = around.ctx.now() > around.hop.faults.heal + SETTLING;
                self.check.failed(around.ctx, around.truth, &error, healed);
                let deleted = around.truth.streams[self.stream].deleted;
                self.failures += 1;
                if deleted || self.failures > MAX_FAILURES {
                    self.done = true;
                } else {
                    let start = self.last_start();
                    self.stop(around, start);
                }
            }
            _ => {}
        }
    }

    fn batch(&mut self, around: &mut Surroundings<'_>, batch: Delivered) {
        let who = self.port.who;
        around
            .ctx
            .note("batch", who, batch.messages.len() as u64, || {
                format!(
                    "{:?} {:?} -> {}{}{}",
                    batch.bytes,
                    batch.messages,
                    batch.checkpoint,
                    if batch.up_to_date { " up to date" } else { "" },
                    if batch.closed { " closed" } else { "" }
                )
            });
        around.ctx.trace.bytes(&batch.bytes);
        let since = self.port.since(around);
        if self
            .check
            .delivered(around.ctx, around.truth, since, &batch)
        {
            self.port.pace.progress();
        }
        let checkpoints = &mut around.truth.streams[self.stream].checkpoints;
        if checkpoints.len() < MAX_CHECKPOINTS {
            checkpoints.push(batch.checkpoint.clone());
        }
        self.start = batch.checkpoint.into();
        if let Some(left) = &mut self.left {
            *left -= 1;
            if *left == 0 && !batch.closed {
                self.stops -= 1;
                let start = self.any_start(around);
                self.stop(around, start);
            }
        }
    }

    /// The machine is dropped, and later another one starts there.
    fn stop(&mut self, around: &mut Surroundings<'_>, start: Start) {
        let machine = self.machine.take();
        let said = machine.as_ref().and_then(Reader::checkpoint);
        let said = said.as_ref().and_then(|said| around.truth.place(said));
        // What the machine has ready to tell may be ahead of what it told.
        if said.is_some_and(|said| Some(said) < self.check.position()) {
            around.ctx.violate(self.port.who, || {
                "its checkpoint lags behind what it delivered".into()
            });
        }
        self.port.abort_all(around);
        self.start = start;
        let pause = around.ctx.tape.pick(&[0, MILLISECOND, 300 * MILLISECOND]);
        around.ctx.after(pause.max(1), Event::Act(self.port.who));
    }

    fn last_start(&self) -> Start {
        self.start.clone()
    }

    /// Any checkpoint that was ever given out, mostly the last one.
    fn any_start(&self, around: &mut Surroundings<'_>) -> Start {
        let checkpoints = &around.truth.streams[self.stream].checkpoints;
        if checkpoints.is_empty() || around.ctx.tape.chance(500) {
            return self.last_start();
        }
        let checkpoint = &checkpoints[around.ctx.tape.index(checkpoints.len())];
        // As it is saved and read again.
        let saved = checkpoint.to_string();
        match saved.parse::<Checkpoint>() {
            Ok(read) if read == *checkpoint => read.into(),
            _ => {
                around.ctx.violate(self.port.who, || {
                    format!("checkpoint {saved} is not what it was")
                });
                self.last_start()
            }
        }
    }

    /// Everything has come to rest.
    pub(in crate::simulation) fn finish(&self, around: &mut Surroundings<'_>) {
        let stream = &around.truth.streams[self.stream];
        if !self.done {
            around
                .ctx
                .violate(self.port.who, || "it has not ended".into());
        } else if self.live != Live::Off && !self.check.closed && !stream.deleted {
            around
                .ctx
                .violate(self.port.who, || "it never came to the end".into());
        }
    }
}

fn delivered(batch: &Batch) -> Delivered {
    Delivered {
        messages: batch.messages().bytes().collect(),
        bytes: if batch.is_json() {
            Bytes::new()
        } else {
            batch.bytes()
        },
        checkpoint: batch.checkpoint().clone(),
        up_to_date: batch.is_up_to_date(),
        closed: batch.is_closed(),
    }
}

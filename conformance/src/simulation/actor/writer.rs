//! A writer and its user, who follows a script.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::wire::header;
use durable_streams_core::{
    Input, Machine, Output, RefusedReason, RequestId, StreamUrl, Writer, WriterConfig, WriterEvent,
};

use http::Request;

use super::{Port, Surroundings};
use crate::simulation::broken::{Broken, WriterSabotage};
use crate::simulation::check::{Lawful, Limits, Requests, WriterCheck};
use crate::simulation::clock::{MILLISECOND, Time};
use crate::simulation::context::Event;
use crate::simulation::hop::Stamp;
use crate::simulation::message::Format;

/// What the user does next.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) enum Step {
    Pause(Time),
    /// So many messages, with so much padding.
    Append(u64, usize),
    Flush,
    Restart,
    Close,
    /// Close the stream, with a last message or without.
    CloseStream(bool),
    /// The process is gone.
    Crash,
}

/// When a writer begins.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) enum Start {
    At(Time),
    /// When this other writer has crashed or ended.
    After(usize),
    /// When the server has accepted two requests of this other writer, or nothing more can come of it.
    Over(usize),
}

/// The epoch that a writer begins with.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) enum Epochs {
    From(u64),
    /// So many above that of the writer that it follows.
    Above(u64),
}

/// Everything about a writer.
#[derive(Debug)]
pub(in crate::simulation) struct WriterPlan {
    pub(in crate::simulation) stream: usize,
    pub(in crate::simulation) config: WriterConfig,
    pub(in crate::simulation) limits: Limits,
    pub(in crate::simulation) lawful: Lawful,
    pub(in crate::simulation) resends: bool,
    pub(in crate::simulation) start: Start,
    pub(in crate::simulation) epochs: Epochs,
    pub(in crate::simulation) script: Vec<Step>,
}

/// The writer.
#[derive(Debug)]
pub(in crate::simulation) struct WriterActor {
    pub(in crate::simulation) port: Port,
    pub(in crate::simulation) start: Start,
    pub(in crate::simulation) epochs: Epochs,
    pub(in crate::simulation) stream: usize,
    config: WriterConfig,
    limits: Limits,
    machine: Option<Writer>,
    script: VecDeque<Step>,
    blocked: bool,
    requests: Requests,
    check: WriterCheck,
    crashed: bool,
    done: bool,
    sabotage: Option<WriterSabotage>,
    /// How far the machine's clock is ahead, when it is broken.
    ahead: Duration,
}

impl WriterActor {
    pub(in crate::simulation) fn new(
        who: usize,
        format: Format,
        plan: WriterPlan,
        broken: Option<Broken>,
    ) -> Self {
        Self {
            port: Port::new(who),
            start: plan.start,
            epochs: plan.epochs,
            stream: plan.stream,
            config: plan.config,
            limits: plan.limits,
            machine: None,
            script: plan.script.into(),
            blocked: false,
            requests: Requests::new(who, format, plan.limits, 0),
            check: WriterCheck::new(who, plan.limits, plan.lawful, plan.resends),
            crashed: false,
            done: false,
            sabotage: broken.map(WriterSabotage::new),
            ahead: Duration::ZERO,
        }
    }

    pub(in crate::simulation) fn is_finished(&self) -> bool {
        self.crashed || self.done
    }

    /// The epoch it is in, once it has begun.
    pub(in crate::simulation) fn epoch(&self) -> Option<u64> {
        self.machine.as_ref().map(Writer::epoch)
    }

    pub(in crate::simulation) fn has_begun(&self) -> bool {
        self.machine.is_some()
    }

    /// The writer begins, in this epoch.
    pub(in crate::simulation) fn begin(&mut self, around: &mut Surroundings<'_>, epoch: u64) {
        around.ctx.note("begin", self.port.who, epoch, || {
            format!("writer {:?}", self.limits)
        });
        if let Ok(mut config) = self.config.clone().epoch(epoch) {
            if let Some(sabotage) = &self.sabotage {
                config = sabotage.config(config, self.limits);
            }
            self.machine = Some(Writer::new(config));
        }
        self.act(around);
    }

    /// The user goes on with the script.
    pub(in crate::simulation) fn act(&mut self, around: &mut Surroundings<'_>) {
        self.blocked = false;
        while let Some(step) = self.script.front().copied() {
            if self.is_finished() {
                break;
            }
            let Some(machine) = &mut self.machine else {
                return;
            };
            let now = around.ctx.clock.instant() + self.ahead;
            let who = self.port.who;
            if !matches!(step, Step::Append(..)) {
                around.ctx.note("step", who, 0, || format!("{step:?}"));
            }
            match step {
                Step::Pause(time) => {
                    self.script.pop_front();
                    around.ctx.after(time, Event::Act(who));
                    break;
                }
                Step::Append(0, _) => {
                    self.script.pop_front();
                    continue;
                }
                Step::Append(left, padding) => {
                    if !self.append(around, padding) {
                        break;
                    }
                    if let Some(Step::Append(count, _)) = self.script.front_mut() {
                        *count = left - 1;
                    }
                    // Sometimes the machine is driven between two appends, sometimes not.
                    if around.ctx.tape.chance(300) {
                        continue;
                    }
                }
                Step::Flush => {
                    self.script.pop_front();
                    let flush = machine.flush();
                    self.check.flushing(flush);
                    if let Some(event) = self.sabotage.as_ref().and_then(|it| it.flushing(flush)) {
                        self.event(around, &event);
                    }
                }
                Step::Restart => {
                    self.script.pop_front();
                    // Refused by a writer that has failed, which it tells by itself.
                    machine.restart().ok();
                }
                Step::Close => {
                    self.script.pop_front();
                    machine.close();
                }
                Step::CloseStream(last) => {
                    if last {
                        let padding = 5;
                        let ticket = self.check.next_ticket();
                        let format = around.truth.streams[self.stream].format;
                        let message = around
                            .truth
                            .message(around.ctx, format, who, ticket, padding);
                        let bytes = around.truth.messages[message].bytes.clone();
                        match machine.close_stream(Some(bytes), now) {
                            Ok(()) => self.check.taken(around.ctx, around.truth, message, None),
                            Err(refused) => {
                                around.truth.forget_last_message();
                                if matches!(refused.reason, RefusedReason::Full) {
                                    self.blocked = true;
                                    break;
                                }
                                machine.close();
                            }
                        }
                    } else if machine.close_stream(None, now).is_err() {
                        machine.close();
                    }
                    self.script.pop_front();
                }
                Step::Crash => {
                    self.crashed = true;
                    self.port.abort_all(around);
                    return;
                }
            }
            self.drive(around);
        }
        self.drive(around);
    }

    /// Says whether there was room.
    fn append(&mut self, around: &mut Surroundings<'_>, padding: usize) -> bool {
        let Some(machine) = &mut self.machine else {
            return false;
        };
        let ticket = self.check.next_ticket();
        let format = around.truth.streams[self.stream].format;
        let message = around
            .truth
            .message(around.ctx, format, self.port.who, ticket, padding);
        let bytes = around.truth.messages[message].bytes.clone();
        match machine.append(bytes, around.ctx.clock.instant() + self.ahead) {
            Ok(ticket) => {
                self.check
                    .taken(around.ctx, around.truth, message, Some(ticket));
                true
            }
            Err(refused) => {
                around.truth.forget_last_message();
                match refused.reason {
                    RefusedReason::Full => {
                        self.blocked = true;
                        self.drive(around);
                        // What the machine said may have made room already.
                        !self.blocked && !self.is_finished() && self.append(around, padding)
                    }
                    _ => true,
                }
            }
        }
    }

    pub(in crate::simulation) fn input(&mut self, around: &mut Surroundings<'_>, input: Input) {
        if let Some(machine) = self.machine.as_mut().filter(|_| !self.crashed) {
            let input = match &self.sabotage {
                Some(sabotage) => sabotage.input(input),
                None => input,
            };
            machine.handle_input(input, around.ctx.clock.instant() + self.ahead);
        }
    }

    pub(in crate::simulation) fn drive(&mut self, around: &mut Surroundings<'_>) {
        if self.crashed {
            return;
        }
        let was_blocked = self.blocked;
        loop {
            let Some(machine) = &mut self.machine else {
                return;
            };
            match machine.poll_output(around.ctx.clock.instant() + self.ahead) {
                Output::Send(id, request) => match &mut self.sabotage {
                    None => self.send(around, id, request),
                    Some(sabotage) => {
                        for (id, request) in sabotage.sending(id, request) {
                            self.send(around, id, request);
                        }
                    }
                },
                Output::Abort(id) => self.port.abort(around, id),
                Output::Event(event) => match &mut self.sabotage {
                    None => self.event(around, &event),
                    Some(sabotage) => {
                        for event in sabotage.event(event) {
                            self.event(around, &event);
                        }
                    }
                },
                Output::Wait(until) => {
                    if self.meddles(around, until) {
                        continue;
                    }
                    let until = until.map(|until| until - self.ahead);
                    self.port.wait(around.ctx, until);
                    break;
                }
                Output::Done => {
                    if !std::mem::replace(&mut self.done, true) {
                        let unsent = machine.take_unsent();
                        self.check.taken_back(around.ctx, around.truth, &unsent);
                    }
                    break;
                }
            }
        }
        if was_blocked && !self.blocked {
            around.ctx.after(0, Event::Act(self.port.who));
        }
    }

    fn send(&mut self, around: &mut Surroundings<'_>, id: RequestId, request: Request<Bytes>) {
        let who = self.port.who;
        if self.done {
            around.ctx.violate(who, || "it sends after its end".into());
        }
        match Stamp::of(&request) {
            Some(stamp) => {
                let close = request.headers().contains_key(header::STREAM_CLOSED);
                let in_flight = self.port.in_flight();
                self.requests.sent(
                    around.ctx,
                    around.truth,
                    stamp,
                    request.body(),
                    close,
                    in_flight,
                );
            }
            None => around
                .ctx
                .violate(who, || "a request without a number".into()),
        }
        self.port.send(around, id, request);
    }

    /// What a broken writer does when it should wait. Says whether the machine is to be asked again.
    fn meddles(&mut self, around: &mut Surroundings<'_>, until: Option<Instant>) -> bool {
        let Some(mut sabotage) = self.sabotage.take() else {
            return false;
        };
        for (id, request) in sabotage.release() {
            self.send(around, id, request);
        }
        let made_up = sabotage.made_up();
        let mut again = !made_up.is_empty();
        let now = around.ctx.clock.instant() + self.ahead;
        if let Some(machine) = &mut self.machine {
            for input in made_up {
                machine.handle_input(input, now);
            }
        }
        if let Some(until) = until {
            if sabotage.hurries() && self.port.in_flight() == 0 && until > now {
                self.ahead += until - now;
                again = true;
            }
        }
        self.sabotage = Some(sabotage);
        again
    }

    fn event(&mut self, around: &mut Surroundings<'_>, event: &WriterEvent) {
        around
            .ctx
            .note("event", self.port.who, 0, || format!("{event:?}"));
        if !matches!(event, WriterEvent::Retrying { .. }) {
            self.port.pace.progress();
            self.blocked = false;
        }
        self.check.event(around.ctx, around.truth, event);
    }

    /// Everything has come to rest.
    pub(in crate::simulation) fn finish(&self, around: &mut Surroundings<'_>) {
        if self.has_begun() {
            self.check.finish(around.ctx, around.truth, self.crashed);
        }
    }

    /// A pause between two looks at a writer that this one waits for.
    pub(in crate::simulation) fn patience() -> Time {
        20 * MILLISECOND
    }
}

/// A URL on the simulated server.
pub(in crate::simulation) fn url(path: &str) -> Option<StreamUrl> {
    StreamUrl::parse(&format!("http://simulated{path}")).ok()
}

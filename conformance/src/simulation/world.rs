//! One run: what happens, in the order of virtual time, until everything has come to rest.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_core::{CallConfig, Input, Live, ReaderConfig, RetryPolicy, Start as From};

use super::actor::{
    self, Actor, CallActor, Epochs, ReaderActor, ReaderPlan, Start, Surroundings, Task,
    WorkerActor, WorkerPlan, WriterActor, WriterPlan,
};
use super::broken::Broken;
use super::check::{check_leases, check_logs};
use super::clock::{SECOND, Time};
use super::context::{Context, Event, Piece};
use super::hop::Hop;
use super::scenario;
use super::truth::Truth;
use crate::reference::ExchangeId;

/// After everything is well, and the last of what was planned has begun, everything is to end within this time.
const PATIENCE: Time = 150 * SECOND;
/// More happens in no run that gets on.
const MAX_EVENTS: u64 = 100_000;

/// What comes after what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Writers write, and others do what they do.
    Writing,
    /// The streams are closed, so that readers come to an end.
    Closing,
    /// Some read again, from checkpoints that were given out.
    Verifying,
    Over,
}

/// A run.
#[derive(Debug)]
pub(super) struct World {
    pub(super) ctx: Context,
    pub(super) hop: Hop,
    pub(super) truth: Truth,
    pub(super) actors: Vec<Actor>,
    stage: Stage,
    /// When the last of what was planned begins.
    last_act: Time,
    pub(super) events: u64,
    broken: Option<Broken>,
}

impl World {
    pub(super) fn new(ctx: Context, hop: Hop, broken: Option<Broken>) -> Self {
        Self {
            ctx,
            truth: Truth::new(hop.model.config().offsets),
            hop,
            actors: Vec::new(),
            stage: Stage::Writing,
            last_act: 0,
            events: 0,
            broken,
        }
    }

    /// A stream that is there from the beginning.
    pub(super) fn stream(&mut self, path: &str, format: super::message::Format) -> usize {
        let request = http::Request::put(path).header("content-type", format.content_type());
        self.prepare(request.body(Bytes::new()));
        self.truth.create(path.to_owned(), format, 0, None)
    }

    /// Something that is there from the beginning.
    pub(super) fn prepare(&mut self, request: http::Result<http::Request<Bytes>>) {
        if let Ok(request) = request {
            let id = ExchangeId(u64::MAX);
            self.hop.model.step(id, request, self.ctx.clock.calendar());
            self.hop.model.cancel(id);
        }
    }

    pub(super) fn worker(&mut self, plan: WorkerPlan, at: Time) -> usize {
        let last = plan.fate.last().map_or(0, |(at, _)| *at);
        let worker = WorkerActor::new(self.actors.len(), plan, self.broken);
        self.last_act = self.last_act.max(last);
        self.add(Actor::Worker(Box::new(worker)), at)
    }

    pub(super) fn writer(&mut self, plan: WriterPlan) -> usize {
        let who = self.actors.len();
        let at = match plan.start {
            Start::At(at) => at,
            _ => 1,
        };
        let format = self.truth.streams[plan.stream].format;
        let writer = WriterActor::new(who, format, plan, self.broken);
        self.add(Actor::Writer(Box::new(writer)), at)
    }

    pub(super) fn reader(&mut self, plan: ReaderPlan, at: Time) -> usize {
        let reader = ReaderActor::new(self.actors.len(), plan, self.broken);
        self.add(Actor::Reader(Box::new(reader)), at)
    }

    pub(super) fn call(&mut self, task: Task, certain: bool, at: Time) -> usize {
        let seed = self.ctx.tape.below(1 << 32);
        let mut config = CallConfig {
            seed,
            timeout: Duration::from_secs(2),
            ..CallConfig::default()
        };
        if certain {
            config.retry = RetryPolicy::endless().max(Duration::from_secs(2));
        }
        let call = CallActor::new(self.actors.len(), task, config, certain);
        self.add(Actor::Call(Box::new(call)), at)
    }

    fn add(&mut self, actor: Actor, at: Time) -> usize {
        let who = self.actors.len();
        self.actors.push(actor);
        let at = at.max(self.ctx.now());
        self.last_act = self.last_act.max(at);
        self.ctx.queue.push(at, Event::Act(who));
        who
    }

    /// Lets everything happen.
    pub(super) fn run(&mut self) {
        while self.stage != Stage::Over && !self.ctx.violated() {
            let Some((at, event)) = self.ctx.queue.pop() else {
                if !self.next_stage() {
                    self.ctx
                        .violate(0, || "nothing happens any more, and it is not over".into());
                }
                continue;
            };
            self.ctx.clock.now = at;
            self.events += 1;
            let deadline = self.last_act.max(self.hop.faults.heal) + PATIENCE;
            if at > deadline || self.events > MAX_EVENTS {
                let stuck = self.actors.iter().position(|actor| !actor.is_finished());
                self.ctx.violate(stuck.unwrap_or_default(), || {
                    "it does not come to its end".into()
                });
                return;
            }
            let Some(event) = self.unless_stalled(event) else {
                continue;
            };
            if let Some(who) = self.happen(event) {
                if matches!(self.actors[who], Actor::Worker(_)) {
                    self.check_leases();
                }
                if self.actors[who].is_finished() {
                    self.forked(who);
                    self.next_stage();
                }
            }
        }
        if !self.ctx.violated() {
            self.finish();
        }
    }

    /// Puts off what is for somebody who stands still.
    fn unless_stalled(&mut self, event: Event) -> Option<Event> {
        let who = match &event {
            Event::Wake(who) | Event::Act(who) => *who,
            Event::Deliver { exchange, .. } => self.hop.exchanges[*exchange].actor,
            _ => return Some(event),
        };
        let until = self.actors[who].stalled_until();
        if until <= self.ctx.now() {
            return Some(event);
        }
        self.ctx.queue.push(until, event);
        None
    }

    fn check_leases(&mut self) {
        let mut around = Surroundings {
            ctx: &mut self.ctx,
            hop: &mut self.hop,
            truth: &mut self.truth,
        };
        check_leases(&mut around, &self.actors);
    }

    /// Says whom it happened to.
    fn happen(&mut self, event: Event) -> Option<usize> {
        let mut around = Surroundings {
            ctx: &mut self.ctx,
            hop: &mut self.hop,
            truth: &mut self.truth,
        };
        let now = around.ctx.now();
        match event {
            Event::Arrive { exchange, copy } => {
                around.hop.arrive(around.ctx, around.truth, exchange, copy);
                None
            }
            Event::Tick => {
                around.hop.tick(around.ctx, around.truth);
                None
            }
            Event::Reset(exchange) => {
                around.hop.reset(around.ctx, exchange);
                None
            }
            Event::Wake(who) => {
                let actor = &mut self.actors[who];
                if !actor.port().wakes(around.ctx) {
                    return None;
                }
                actor.input(&mut around, Input::Timeout);
                actor.drive(&mut around);
                Some(who)
            }
            Event::Deliver { exchange, piece } => {
                let flight = &mut around.hop.exchanges[exchange];
                if !flight.open {
                    return None;
                }
                let (who, id) = (flight.actor, flight.id);
                let actor = &mut self.actors[who];
                let over = matches!(piece, Piece::End | Piece::Failed(_));
                if over {
                    flight.open = false;
                    actor.port().ended(id);
                }
                around.ctx.note("got", who, exchange as u64, || {
                    format!("[{exchange}] {}", describe(&piece))
                });
                actor.input(&mut around, actor::input(id, piece));
                // What is there already may be handed in before the machine is asked again.
                let more = around.ctx.queue.peek().is_some_and(|(at, next)| {
                    at == now && matches!(next, Event::Deliver { exchange: next, .. } if *next == exchange)
                });
                if more && !over && around.ctx.tape.chance(300) {
                    return None;
                }
                actor.drive(&mut around);
                Some(who)
            }
            Event::Act(who) => {
                self.act(who);
                Some(who)
            }
        }
    }

    /// Somebody reads a new fork, and may write to it.
    fn forked(&mut self, who: usize) {
        let Actor::Call(call) = &mut self.actors[who] else {
            return;
        };
        let Task::Fork { path, .. } = &call.task else {
            return;
        };
        if !std::mem::take(&mut call.worked) {
            return;
        }
        if let Some(fork) = self.truth.find(path) {
            scenario::follow_fork(self, fork);
        }
    }

    fn act(&mut self, who: usize) {
        let begin = match &self.actors[who] {
            Actor::Writer(writer) if !writer.has_begun() => self.may_begin(writer),
            _ => Some(0),
        };
        let Some(epoch) = begin else {
            let later = WriterActor::patience();
            self.last_act = self.last_act.max(self.ctx.now() + later);
            return self.ctx.after(later, Event::Act(who));
        };
        let mut around = Surroundings {
            ctx: &mut self.ctx,
            hop: &mut self.hop,
            truth: &mut self.truth,
        };
        match &mut self.actors[who] {
            Actor::Writer(writer) if !writer.has_begun() => writer.begin(&mut around, epoch),
            Actor::Writer(writer) => writer.act(&mut around),
            Actor::Reader(reader) => reader.act(&mut around),
            Actor::Call(call) => call.act(&mut around),
            Actor::Worker(worker) => worker.act(&mut around),
        }
    }

    /// The epoch that a writer begins with, when it may.
    fn may_begin(&self, writer: &WriterActor) -> Option<u64> {
        let (other, accepted) = match writer.start {
            Start::At(_) => (None, 0),
            Start::After(other) => (Some(other), u32::MAX),
            Start::Over(other) => (Some(other), 2),
        };
        let epoch = match other.map(|other| &self.actors[other]) {
            Some(Actor::Writer(other)) => {
                let enough = self.hop.accepted(other.port.who) >= accepted;
                let over = enough || (other.has_begun() && other.is_finished());
                if !over {
                    return None;
                }
                // Below two accepted requests somebody else's answer cannot be told from one's own: see the scenario.
                let known = enough || accepted == u32::MAX;
                other.epoch().map(|epoch| (epoch, known))
            }
            _ => None,
        };
        Some(match (writer.epochs, epoch) {
            (Epochs::From(_), Some((theirs, false))) => theirs + 1,
            (Epochs::From(epoch), _) => epoch,
            (Epochs::Above(more), theirs) => theirs.map_or(0, |(epoch, _)| epoch) + more,
        })
    }

    /// Goes on when everything of a stage is done. Says whether it did.
    fn next_stage(&mut self) -> bool {
        let all = |who: fn(&Actor) -> bool| {
            self.actors
                .iter()
                .all(|actor| !who(actor) || actor.is_finished())
        };
        match self.stage {
            Stage::Writing
                if all(|actor| !matches!(actor, Actor::Reader(_) | Actor::Worker(_))) =>
            {
                self.stage = Stage::Closing;
                let at = self.ctx.now().max(self.hop.faults.heal);
                for (who, actor) in self.actors.iter_mut().enumerate() {
                    if let Actor::Worker(worker) = actor {
                        worker.close();
                        self.ctx.queue.push(at, Event::Act(who));
                    }
                }
                for stream in 0..self.truth.streams.len() {
                    self.call(Task::Close(stream), true, at);
                }
                true
            }
            Stage::Closing if all(|_| true) => {
                self.stage = Stage::Verifying;
                for stream in 0..self.truth.streams.len() {
                    self.verify(stream);
                }
                true
            }
            Stage::Verifying if all(|_| true) => {
                self.stage = Stage::Over;
                true
            }
            _ => false,
        }
    }

    /// Somebody reads on from a checkpoint that was given out.
    fn verify(&mut self, stream: usize) {
        let known = &self.truth.streams[stream];
        if known.deleted {
            return;
        }
        let start = if known.checkpoints.is_empty() {
            From::Beginning
        } else {
            let index = self.ctx.tape.index(known.checkpoints.len());
            known.checkpoints[index].clone().into()
        };
        if let Some(url) = super::actor::url(&known.path) {
            let plan = ReaderPlan {
                stream,
                config: ReaderConfig::new(url).prefetch(0),
                ahead: 0,
                live: Live::Off,
                start,
                stops: 0,
                patience: 0,
            };
            let at = self.ctx.now();
            self.reader(plan, at);
        }
    }

    fn finish(&mut self) {
        check_logs(&mut self.ctx, &mut self.hop, &self.truth);
        let mut around = Surroundings {
            ctx: &mut self.ctx,
            hop: &mut self.hop,
            truth: &mut self.truth,
        };
        for actor in &self.actors {
            match actor {
                Actor::Writer(writer) => writer.finish(&mut around),
                Actor::Reader(reader) => reader.finish(&mut around),
                Actor::Call(_) => {}
                Actor::Worker(worker) => worker.finish(&mut around),
            }
        }
    }
}

fn describe(piece: &Piece) -> String {
    match piece {
        Piece::Head(head) => {
            let mut text = head.status.as_u16().to_string();
            for (name, value) in &head.headers {
                let name = name.as_str();
                if name.starts_with("stream-")
                    || name.starts_with("producer-")
                    || name == "retry-after"
                {
                    text.push_str(&format!(" {name}: {value:?}"));
                }
            }
            text
        }
        other => format!("{other:?}"),
    }
}

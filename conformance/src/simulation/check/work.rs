//! Work: who may do it, that it is done, and that what is acknowledged is not done again.

use bytes::Bytes;
use durable_streams_core::{Batch, Offset, Work};

use crate::simulation::actor::{Actor, Surroundings};
use crate::simulation::context::Context;
use crate::simulation::hop::Hop;
use crate::simulation::message::Format;
use crate::simulation::truth::Truth;
use crate::simulation::workers::SUBSCRIPTION;

/// A piece of a stream that a worker was given.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) struct HandedOut {
    pub(in crate::simulation) stream: usize,
    pub(in crate::simulation) generation: u64,
    pub(in crate::simulation) from: u64,
    pub(in crate::simulation) to: u64,
}

impl HandedOut {
    pub(in crate::simulation) fn of(
        around: &mut Surroundings<'_>,
        who: usize,
        work: &Work,
    ) -> Option<Self> {
        let stream = around.truth.find(&format!("/{}", work.stream));
        let to = around.truth.place(work.batch.checkpoint());
        let Some((stream, to)) = stream.zip(to) else {
            around
                .ctx
                .violate(who, || format!("work from nowhere: {work:?}"));
            return None;
        };
        let units = match around.truth.streams[stream].format {
            Format::Json => work.batch.messages().len(),
            _ => work.batch.bytes().len(),
        };
        Some(Self {
            stream,
            generation: work.generation,
            from: to.saturating_sub(units as u64),
            to,
        })
    }

    /// It is given out by who has the lease, and is what comes next.
    pub(in crate::simulation) fn check(
        &self,
        around: &mut Surroundings<'_>,
        who: usize,
        name: &str,
        batch: &Batch,
    ) {
        let Self {
            stream,
            generation,
            from,
            to,
        } = *self;
        let stream = &around.truth.streams[stream];
        let range = index(from)..index(to);
        let same = match stream.format {
            Format::Json => {
                let items = stream.items.get(range);
                items.is_some_and(|items| batch.messages().bytes().eq(items.iter().cloned()))
            }
            _ => stream.bytes.get(range) == Some(&batch.bytes()[..]),
        };
        if from == to || !same {
            around.ctx.violate(who, || {
                format!("what it hands out from {from} to {to} is not what is stored there")
            });
        }
        if from > stream.handled {
            let handled = stream.handled;
            around.ctx.violate(who, || {
                format!("it goes on at {from}, and work has come to {handled}")
            });
        }
        let Some(standing) = around.hop.model.standing("", SUBSCRIPTION) else {
            return around
                .ctx
                .violate(who, || "it works for no subscription".into());
        };
        let acked = standing.acked(&stream.path[1..]);
        if from < acked {
            around.ctx.violate(who, || {
                format!("it hands out again from {from} on, and {acked} is acknowledged")
            });
        }
        let holds = standing.holder.as_deref() == Some(name) && standing.generation == generation;
        if !holds {
            around.ctx.violate(who, || {
                format!("it hands out under wake {generation}, and the lease is {standing:?}")
            });
        }
    }
}

/// What is acknowledged was handled.
pub(in crate::simulation) fn check_acks(ctx: &mut Context, hop: &Hop, truth: &Truth, who: usize) {
    let Some(standing) = hop.model.standing("", SUBSCRIPTION) else {
        return;
    };
    for (path, acked) in &standing.acked {
        let stream = truth.find(&format!("/{path}"));
        let handled = stream.map_or(0, |stream| truth.streams[stream].handled);
        if *acked > handled {
            ctx.violate(who, || {
                format!("{acked} of {path} is acknowledged, and {handled} is handled")
            });
        }
    }
}

/// A worker was told that this is acknowledged.
pub(in crate::simulation) fn acked(
    around: &mut Surroundings<'_>,
    who: usize,
    acks: &[(String, Offset)],
) {
    let standing = around.hop.model.standing("", SUBSCRIPTION);
    for (path, offset) in acks {
        let known = standing.as_ref().map(|standing| standing.acked(path));
        if around.truth.position(offset) > known {
            around.ctx.violate(who, || {
                format!("it is told that {path} is acknowledged up to {offset}, which it is not")
            });
        }
    }
}

/// Whether everything that is stored was worked on and acknowledged.
pub(in crate::simulation) fn everything_done(hop: &Hop, truth: &Truth) -> bool {
    let standing = hop.model.standing("", SUBSCRIPTION);
    standing.is_some_and(|standing| {
        let mut streams = truth.streams.iter();
        streams.all(|stream| standing.acked(&stream.path[1..]) == stream.tail())
    })
}

/// No two workers believe that they hold the lease.
pub(in crate::simulation) fn check_leases(around: &mut Surroundings<'_>, actors: &[Actor]) {
    let mut holder: Option<(usize, u64)> = None;
    for actor in actors {
        let Actor::Worker(worker) = actor else {
            continue;
        };
        let Some(generation) = worker.believes(around) else {
            continue;
        };
        let who = worker.port.who;
        if let Some((other, theirs)) = holder.replace((who, generation)) {
            around.ctx.violate(who, || {
                format!("it holds wake {generation}, and #{other} holds wake {theirs}")
            });
        }
    }
}

/// The wake that a report is about.
pub(in crate::simulation) fn generation_of(body: &Bytes) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get("generation")?.as_u64()
}

fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

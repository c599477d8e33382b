//! What a writer sends: numbers that rise without a gap, one body for each number, nothing beyond its limits.

use bytes::Bytes;

use crate::simulation::context::Context;
use crate::simulation::hop::Stamp;
use crate::simulation::message::{self, Format};
use crate::simulation::truth::Truth;

/// What a writer is configured to keep within.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) struct Limits {
    pub(in crate::simulation) batch_bytes: usize,
    pub(in crate::simulation) batch_messages: usize,
    pub(in crate::simulation) in_flight: usize,
    pub(in crate::simulation) buffer_bytes: usize,
    pub(in crate::simulation) buffer_messages: usize,
}

/// What one writer has sent.
#[derive(Debug)]
pub(in crate::simulation) struct Requests {
    who: usize,
    format: Format,
    limits: Limits,
    epoch: u64,
    /// The bodies of this epoch, by sequence number.
    bodies: Vec<(Bytes, bool)>,
}

impl Requests {
    pub(in crate::simulation) fn new(
        who: usize,
        format: Format,
        limits: Limits,
        epoch: u64,
    ) -> Self {
        Self {
            who,
            format,
            limits,
            epoch,
            bodies: Vec::new(),
        }
    }

    /// A request is sent, with this many in flight before it.
    pub(in crate::simulation) fn sent(
        &mut self,
        ctx: &mut Context,
        truth: &Truth,
        stamp: Stamp,
        body: &Bytes,
        close: bool,
        in_flight: usize,
    ) {
        if in_flight >= self.limits.in_flight {
            ctx.violate(self.who, || {
                format!("{} requests in flight already", in_flight)
            });
        }
        if stamp.epoch > self.epoch {
            self.epoch = stamp.epoch;
            self.bodies.clear();
        }
        if stamp.epoch < self.epoch {
            let epoch = self.epoch;
            return ctx.violate(self.who, || {
                format!("epoch {} is sent after epoch {epoch}", stamp.epoch)
            });
        }
        let next = self.bodies.len() as u64;
        if stamp.seq > next {
            return ctx.violate(self.who, || {
                format!("number {} is sent before number {next}", stamp.seq)
            });
        }
        let index = usize::try_from(stamp.seq).unwrap_or(usize::MAX);
        match self.bodies.get(index) {
            Some((first, first_close)) => {
                if first != body || *first_close != close {
                    ctx.violate(self.who, || {
                        format!("number {} carries another body than before", stamp.seq)
                    });
                }
            }
            None => {
                self.bodies.push((body.clone(), close));
                self.first(ctx, truth, body, close);
            }
        }
    }

    fn first(&self, ctx: &mut Context, truth: &Truth, body: &Bytes, close: bool) {
        if body.is_empty() {
            if !close {
                ctx.violate(self.who, || "an empty append".into());
            }
            return;
        }
        let parsed = message::parse(self.format, body, |id| {
            truth.messages.get(id).map(|message| &message.bytes)
        });
        let ids = match parsed {
            Ok(ids) => ids,
            Err(why) => return ctx.violate(self.who, || format!("a garbled body: {why}")),
        };
        if ids.len() > self.limits.batch_messages {
            ctx.violate(self.who, || format!("{} messages in a batch", ids.len()));
        }
        if body.len() > self.limits.batch_bytes && ids.len() > 1 {
            ctx.violate(self.who, || format!("{} bytes in a batch", body.len()));
        }
        if ids.iter().any(|&id| truth.messages[id].writer != self.who) {
            ctx.violate(self.who, || "it sends what it was not given".into());
        }
    }
}

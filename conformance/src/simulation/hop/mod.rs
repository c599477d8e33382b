//! The way between machines and the server: it loses, repeats, delays, cuts, and answers by itself.

mod cache;
mod exchange;
mod faults;
mod own;

use bytes::Bytes;
use durable_streams_core::wire::header;
use durable_streams_core::{FailureKind, RequestId};
use http::response::Parts;
use http::{Method, Request, StatusCode};

use self::cache::{Cache, Cached};
pub(super) use self::exchange::{Exchange, Stamp};
pub(super) use self::faults::Faults;
use self::faults::{Arrival, Cut, Fate};
use super::check::check_acks;
use super::clock::Time;
use super::context::{Context, Event, Piece};
use super::message::Format;
use super::truth::Truth;
use crate::reference::{ExchangeId, Model, Output};

/// A body is cut up into at most so many pieces; what is left comes as it is. Otherwise a long answer, byte by byte, has no end.
const MAX_PIECES: usize = 2_000;

/// The network, and the server at its end.
#[derive(Debug)]
pub(super) struct Hop {
    pub(super) model: Model,
    pub(super) faults: Faults,
    pub(super) exchanges: Vec<Exchange>,
    cache: Cache,
    /// When the server is next to be told of the time.
    tick: Option<Time>,
    /// How many requests of each actor the server accepted.
    accepted: Vec<u32>,
}

impl Hop {
    pub(super) fn new(model: Model, faults: Faults) -> Self {
        Self {
            model,
            faults,
            exchanges: Vec::with_capacity(64),
            cache: Cache::default(),
            tick: None,
            accepted: Vec::new(),
        }
    }

    /// How many numbered requests of an actor the server accepted.
    pub(super) fn accepted(&self, actor: usize) -> u32 {
        self.accepted.get(actor).copied().unwrap_or_default()
    }

    /// A machine sends a request. Gives the number of the exchange.
    pub(super) fn send(
        &mut self,
        ctx: &mut Context,
        actor: usize,
        id: RequestId,
        request: Request<Bytes>,
    ) -> usize {
        let index = self.exchanges.len();
        let write = request.method() != Method::GET;
        let now = ctx.now();
        let plan = self.faults.plan(&mut ctx.tape, now, write);
        let exchange = Exchange::new(actor, id, request, plan, ctx.now());
        let stamp = exchange.stamp.map_or(0, |s| s.epoch << 32 | s.seq);
        ctx.note("send", actor, stamp, || {
            let stamp = exchange
                .stamp
                .map_or_else(String::new, |s| format!(" {}/{}", s.epoch, s.seq));
            format!(
                "[{index}] {} {}{stamp}{} {:?}  {:?}",
                exchange.method,
                exchange.target,
                if exchange.closes { " close" } else { "" },
                exchange.body,
                exchange.plan
            )
        });
        ctx.trace.bytes(exchange.target.as_bytes());
        ctx.trace.bytes(&exchange.body);
        let (there, arrival) = (exchange.plan.there, exchange.plan.arrival);
        let (again, reset, stale) = (
            exchange.plan.again,
            exchange.plan.reset,
            exchange.plan.stale && exchange.cacheable,
        );
        let page = stale
            .then(|| self.cache.find(&mut ctx.tape, &exchange.target))
            .flatten();
        self.exchanges.push(exchange);
        if let Some(page) = page {
            self.serve_cached(ctx, index, page);
        } else {
            match arrival {
                Arrival::Arrives => ctx.after(
                    there,
                    Event::Arrive {
                        exchange: index,
                        copy: false,
                    },
                ),
                Arrival::NoConnection => {
                    self.deliver(ctx, index, Piece::Failed(FailureKind::Connect))
                }
                Arrival::Lost => self.deliver(ctx, index, Piece::Failed(FailureKind::Interrupted)),
                Arrival::Answered(status) => self.answer(ctx, index, status),
            }
        }
        if let Some(later) = again.filter(|_| arrival == Arrival::Arrives) {
            ctx.after(
                there + later,
                Event::Arrive {
                    exchange: index,
                    copy: true,
                },
            );
        }
        if let Some(later) = reset {
            ctx.after(later, Event::Reset(index));
        }
        index
    }

    /// The client does not want to hear of it any more. What is on its way may arrive all the same.
    pub(super) fn abort(&mut self, ctx: &mut Context, index: usize) {
        let exchange = &mut self.exchanges[index];
        exchange.open = false;
        exchange.dropped = exchange.request.is_some() && ctx.tape.chance(500);
        ctx.note("abort", exchange.actor, index as u64, || {
            format!("[{index}]")
        });
        self.release(index);
        self.plan_tick(ctx);
    }

    /// The server need not go on with it.
    fn release(&mut self, index: usize) {
        let exchange = &mut self.exchanges[index];
        exchange.mute = true;
        if std::mem::take(&mut exchange.served) {
            self.model.cancel(ExchangeId(index as u64 * 2));
        }
    }

    /// The connection breaks.
    pub(super) fn reset(&mut self, ctx: &mut Context, index: usize) {
        if self.exchanges[index].open && !self.exchanges[index].mute && ctx.now() < self.faults.heal
        {
            self.release(index);
            self.deliver(ctx, index, Piece::Failed(FailureKind::Interrupted));
            self.plan_tick(ctx);
        }
    }

    /// A request reaches the server.
    pub(super) fn arrive(
        &mut self,
        ctx: &mut Context,
        truth: &mut Truth,
        index: usize,
        copy: bool,
    ) {
        let exchange = &mut self.exchanges[index];
        let request = if copy || exchange.plan.again.is_none() {
            exchange.request.take()
        } else {
            exchange.request.clone()
        };
        let Some(request) = request.filter(|_| copy || !exchange.dropped) else {
            return;
        };
        ctx.note("arrive", exchange.actor, index as u64, || {
            format!("[{index}]{}", if copy { " again" } else { "" })
        });
        exchange.served |= !copy;
        let id = ExchangeId(index as u64 * 2 + u64::from(copy));
        self.model.step(id, *request, ctx.clock.calendar());
        self.pump(ctx, truth);
        if copy {
            self.model.cancel(id);
        } else if !self.exchanges[index].open {
            self.release(index);
        }
        self.plan_tick(ctx);
    }

    /// The server is told of the time.
    pub(super) fn tick(&mut self, ctx: &mut Context, truth: &mut Truth) {
        if self.tick.is_some_and(|tick| tick <= ctx.now()) {
            self.tick = None;
            self.model.tick(ctx.clock.calendar());
            self.pump(ctx, truth);
            self.plan_tick(ctx);
        }
    }

    fn plan_tick(&mut self, ctx: &mut Context) {
        let next = self
            .model
            .next_deadline()
            .map(|moment| ctx.clock.of_calendar(moment).max(ctx.now()));
        if let Some(next) = next {
            if self.tick.is_none_or(|tick| next < tick) {
                self.tick = Some(next);
                ctx.queue.push(next, Event::Tick);
            }
        }
    }

    /// Takes what the server has to say.
    fn pump(&mut self, ctx: &mut Context, truth: &mut Truth) {
        while let Some((ExchangeId(id), output)) = self.model.poll_output() {
            let Ok(index) = usize::try_from(id / 2) else {
                continue;
            };
            let copy = id % 2 == 1;
            if let Output::Head(head) = &output {
                self.witness(ctx, truth, index, head);
            }
            if matches!(output, Output::End) && !copy {
                self.exchanges[index].served = false;
            }
            if copy == (self.exchanges[index].plan.answer == Fate::ComesAgain) {
                self.pass(ctx, index, output);
            }
        }
    }

    /// What the server answers to writes is what is true from now on.
    fn witness(&mut self, ctx: &mut Context, truth: &mut Truth, index: usize, head: &Parts) {
        let exchange = &self.exchanges[index];
        if exchange.method == Method::GET {
            return;
        }
        ctx.note(
            "server",
            exchange.actor,
            u64::from(head.status.as_u16()),
            || {
                let offset = head.headers.get(header::STREAM_NEXT_OFFSET);
                format!("[{index}] {} {offset:?}", head.status)
            },
        );
        check_acks(ctx, self, truth, exchange.actor);
        if !head.status.is_success() {
            let masks = exchange.plan.answer == Fate::ComesAgain && !exchange.body.is_empty();
            if let Some(stream) = truth.find(exchange.path()).filter(|_| masks) {
                truth.mask(stream, &exchange.body);
            }
            return;
        }
        if exchange.method == Method::PUT {
            if head.status == StatusCode::CREATED {
                self.witness_fork(ctx, truth, index, head);
            }
            return;
        }
        let Some(stream) = truth.find(exchange.path()) else {
            return;
        };
        if exchange.method == Method::DELETE {
            truth.streams[stream].deleted = true;
            return;
        }
        if head.status == StatusCode::OK {
            let epoch = exchange.stamp.map_or(0, |stamp| stamp.epoch);
            truth.store(ctx, stream, epoch, &exchange.body);
            if self.accepted.len() <= exchange.actor {
                self.accepted.resize(exchange.actor + 1, 0);
            }
            self.accepted[exchange.actor] += 1;
        }
        truth.streams[stream].closed |= header::flag(&head.headers, &header::STREAM_CLOSED);
    }

    fn witness_fork(&self, ctx: &mut Context, truth: &mut Truth, index: usize, head: &Parts) {
        let exchange = &self.exchanges[index];
        let source = exchange.source.as_ref().and_then(|path| truth.find(path));
        let until = header::next_offset(&head.headers)
            .ok()
            .flatten()
            .and_then(|offset| truth.position(&offset));
        let inherited = source.zip(until);
        let format = inherited.map_or(Format::Binary, |(source, _)| truth.streams[source].format);
        truth.create(exchange.path().to_owned(), format, ctx.now(), inherited);
    }

    /// The hop answers by itself.
    fn answer(&mut self, ctx: &mut Context, index: usize, status: own::Status) {
        let (head, body) = status.answer(&self.exchanges[index].target);
        self.deliver(ctx, index, Piece::Head(Box::new(head)));
        if !body.is_empty() {
            self.deliver(ctx, index, Piece::Chunk(body));
        }
        self.deliver(ctx, index, Piece::End);
    }

    fn serve_cached(&mut self, ctx: &mut Context, index: usize, page: Cached) {
        let exchange = &mut self.exchanges[index];
        exchange.since = page.born;
        exchange.cacheable = false;
        exchange.plan.answer = Fate::Comes;
        ctx.note("cached", exchange.actor, index as u64, || {
            format!("[{index}]")
        });
        self.pass(ctx, index, Output::Head(page.head));
        for chunk in page.body {
            self.pass(ctx, index, Output::Chunk(chunk));
        }
        self.pass(ctx, index, Output::End);
    }

    /// A piece of the server's answer goes back, as far as it gets.
    fn pass(&mut self, ctx: &mut Context, index: usize, output: Output) {
        self.keep(ctx, index, &output);
        let exchange = &mut self.exchanges[index];
        if exchange.mute {
            return;
        }
        if let (Output::Head(head), Some((_, how @ Cut::Ends))) = (&output, &mut exchange.plan.cut)
        {
            if is_framed(head) && exchange.method == Method::GET {
                *how = Cut::Fails;
            }
        }
        match output {
            Output::Head(head) => match exchange.plan.answer {
                Fate::Comes | Fate::ComesAgain => {
                    self.deliver(ctx, index, Piece::Head(Box::new(head)));
                    self.pass_bytes(ctx, index, Bytes::new());
                }
                Fate::Lost => {
                    self.deliver(ctx, index, Piece::Failed(FailureKind::Interrupted));
                    self.release(index);
                }
                Fate::Hangs => self.release(index),
                Fate::Replaced(status) => {
                    self.answer(ctx, index, status);
                    self.release(index);
                }
            },
            Output::Chunk(chunk) => self.pass_bytes(ctx, index, chunk),
            Output::End => self.deliver(ctx, index, Piece::End),
        }
    }

    /// Keeps an answer that anyone may share.
    fn keep(&mut self, ctx: &mut Context, index: usize, output: &Output) {
        let exchange = &mut self.exchanges[index];
        if !exchange.cacheable || self.faults.stale == 0 {
            return;
        }
        match output {
            Output::Head(head) if head.status == StatusCode::OK => {
                let page = Cached::new(exchange.target.clone(), ctx.clock.now, head.clone());
                exchange.keeping = Some(Box::new(page));
            }
            Output::Head(_) => {}
            Output::Chunk(chunk) => {
                if let Some(page) = &mut exchange.keeping {
                    page.body.push(chunk.clone());
                }
            }
            Output::End => {
                if let Some(page) = exchange.keeping.take() {
                    self.cache.keep(&mut ctx.tape, *page);
                }
            }
        }
    }

    fn pass_bytes(&mut self, ctx: &mut Context, index: usize, mut chunk: Bytes) {
        let exchange = &mut self.exchanges[index];
        let end = exchange.passed + chunk.len() as u64;
        let cut = exchange.plan.cut.filter(|&(at, _)| at <= end);
        if let Some((at, _)) = cut {
            chunk.truncate(usize::try_from(at - exchange.passed).unwrap_or(usize::MAX));
        }
        exchange.passed += chunk.len() as u64;
        if let Some((size, gap)) = exchange.plan.chunk {
            while !chunk.is_empty() && self.exchanges[index].pieces < MAX_PIECES {
                let piece = chunk.split_to(size.min(chunk.len()));
                self.exchanges[index].pieces += 1;
                self.exchanges[index].due += gap;
                self.deliver(ctx, index, Piece::Chunk(piece));
            }
        }
        if !chunk.is_empty() {
            self.deliver(ctx, index, Piece::Chunk(chunk));
        }
        if let Some((_, how)) = cut {
            match how {
                Cut::Fails => self.deliver(ctx, index, Piece::Failed(FailureKind::Interrupted)),
                Cut::Ends => self.deliver(ctx, index, Piece::End),
                Cut::Stalls => {}
            }
            self.release(index);
        }
    }

    /// Puts a piece on its way to the client, behind those that are.
    fn deliver(&mut self, ctx: &mut Context, index: usize, piece: Piece) {
        let exchange = &mut self.exchanges[index];
        if !exchange.open {
            return;
        }
        exchange.due = exchange.due.max(ctx.clock.now + exchange.plan.back);
        ctx.queue.push(
            exchange.due,
            Event::Deliver {
                exchange: index,
                piece,
            },
        );
    }
}

/// A body whose length is not told comes in chunks, so that a transport notices when the last is missing. Events just end.
fn is_framed(head: &Parts) -> bool {
    let content_type = head.headers.get(http::header::CONTENT_TYPE);
    head.status == StatusCode::OK
        && !head.headers.contains_key(http::header::CONTENT_LENGTH)
        && !content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

//! Those who take part: the machines, each with its user.

mod call;
mod port;
mod reader;
mod worker;
mod writer;

pub(super) use call::{CallActor, Task};
pub(super) use port::Port;
pub(super) use reader::{ReaderActor, ReaderPlan};
pub(super) use worker::{Blow, WorkerActor, WorkerPlan};
pub(super) use writer::{Epochs, Start, Step, WriterActor, WriterPlan, url};

use durable_streams_core::{Input, RequestId};

use super::clock::Time;
use super::context::{Context, Piece};
use super::hop::Hop;
use super::truth::Truth;

/// What an actor works with.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) ctx: &'a mut Context,
    pub(super) hop: &'a mut Hop,
    pub(super) truth: &'a mut Truth,
}

/// One of those who take part.
#[derive(Debug)]
pub(super) enum Actor {
    Writer(Box<WriterActor>),
    Reader(Box<ReaderActor>),
    Call(Box<CallActor>),
    Worker(Box<WorkerActor>),
}

impl Actor {
    pub(super) fn port(&mut self) -> &mut Port {
        match self {
            Self::Writer(writer) => &mut writer.port,
            Self::Reader(reader) => &mut reader.port,
            Self::Call(call) => &mut call.port,
            Self::Worker(worker) => &mut worker.port,
        }
    }

    /// Tells the machine what happened.
    pub(super) fn input(&mut self, around: &mut Surroundings<'_>, input: Input) {
        match self {
            Self::Writer(writer) => writer.input(around, input),
            Self::Reader(reader) => reader.input(around, input),
            Self::Call(call) => call.input(around, input),
            Self::Worker(worker) => worker.input(around, input),
        }
    }

    /// Does what the machine says.
    pub(super) fn drive(&mut self, around: &mut Surroundings<'_>) {
        match self {
            Self::Writer(writer) => writer.drive(around),
            Self::Reader(reader) => reader.drive(around),
            Self::Call(call) => call.drive(around),
            Self::Worker(worker) => worker.drive(around),
        }
    }

    /// Until when nothing gets through to it, if it stands still.
    pub(super) fn stalled_until(&self) -> Time {
        match self {
            Self::Worker(worker) => worker.stalled_until(),
            _ => 0,
        }
    }

    /// Whether nothing more is to come of it.
    pub(super) fn is_finished(&self) -> bool {
        match self {
            Self::Writer(writer) => writer.is_finished(),
            Self::Reader(reader) => reader.is_finished(),
            Self::Call(call) => call.is_finished(),
            Self::Worker(worker) => worker.is_finished(),
        }
    }
}

/// A piece of an answer, as a machine is told of it.
pub(super) fn input(id: RequestId, piece: Piece) -> Input {
    match piece {
        Piece::Head(head) => Input::Head(id, *head),
        Piece::Chunk(chunk) => Input::Chunk(id, chunk),
        Piece::End => Input::End(id),
        Piece::Failed(kind) => Input::Failed(id, kind.into()),
    }
}

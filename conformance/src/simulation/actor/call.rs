//! Single operations: somebody closes, deletes or forks a stream.

use durable_streams_core::operation::{Close, Create, Delete, Fork, Operation};
use durable_streams_core::{
    Call, CallConfig, CallEnd, Checkpoint, Error, ErrorKind, Input, Machine, Output,
};

use super::writer::url;
use super::{Port, Surroundings};

/// What is to be done.
#[derive(Debug, Clone)]
pub(in crate::simulation) enum Task {
    Close(usize),
    Delete(usize),
    /// Fork a stream under a new path: at its tail, or at a checkpoint of it.
    Fork {
        source: usize,
        path: String,
        at: Option<Checkpoint>,
    },
}

/// Who does it.
#[derive(Debug)]
pub(in crate::simulation) struct CallActor {
    pub(in crate::simulation) port: Port,
    pub(in crate::simulation) task: Task,
    config: CallConfig,
    machine: Option<Call>,
    done: bool,
    /// Whether it worked.
    pub(in crate::simulation) worked: bool,
    /// Whether it has to.
    certain: bool,
}

impl CallActor {
    pub(in crate::simulation) fn new(
        who: usize,
        task: Task,
        config: CallConfig,
        certain: bool,
    ) -> Self {
        Self {
            port: Port::new(who),
            task,
            config,
            machine: None,
            done: false,
            worked: false,
            certain,
        }
    }

    pub(in crate::simulation) fn is_finished(&self) -> bool {
        self.done
    }

    pub(in crate::simulation) fn act(&mut self, around: &mut Surroundings<'_>) {
        if self.machine.is_some() || self.done {
            return;
        }
        around
            .ctx
            .note("begin", self.port.who, 0, || format!("{:?}", self.task));
        if let (Task::Fork { source, at, .. }, None) = (&mut self.task, &self.machine) {
            let checkpoints = &around.truth.streams[*source].checkpoints;
            if !checkpoints.is_empty() && around.ctx.tape.chance(600) {
                *at = Some(checkpoints[around.ctx.tape.index(checkpoints.len())].clone());
            }
        }
        let request = match &self.task {
            Task::Close(_) => {
                close(&self.path(around)).map(|close| (close.request(), close.resend()))
            }
            Task::Delete(_) => {
                delete(&self.path(around)).map(|delete| (delete.request(), delete.resend()))
            }
            Task::Fork { .. } => self
                .fork(around)
                .map(|create| (create.request(), create.resend())),
        };
        match request {
            Some((Ok(request), resend)) => {
                self.machine = Some(Call::new(request, resend, self.config.clone()));
                self.drive(around);
            }
            _ => around
                .ctx
                .violate(self.port.who, || "a call that cannot be sent".into()),
        }
    }

    fn path(&self, around: &Surroundings<'_>) -> String {
        match &self.task {
            Task::Close(stream) | Task::Delete(stream) => {
                around.truth.streams[*stream].path.clone()
            }
            Task::Fork { path, .. } => path.clone(),
        }
    }

    fn fork(&self, around: &Surroundings<'_>) -> Option<Create> {
        let Task::Fork { source, path, at } = &self.task else {
            return None;
        };
        let mut fork = Fork::of(&url(&around.truth.streams[*source].path)?);
        if let Some(checkpoint) = at {
            if let Some(offset) = checkpoint.offset() {
                fork = fork.at(offset.clone()).plus(checkpoint.delivered());
            }
        }
        Some(Create::new(url(path)?).fork(fork))
    }

    pub(in crate::simulation) fn input(&mut self, around: &mut Surroundings<'_>, input: Input) {
        if let Some(machine) = &mut self.machine {
            machine.handle_input(input, around.ctx.clock.instant());
        }
    }

    pub(in crate::simulation) fn drive(&mut self, around: &mut Surroundings<'_>) {
        loop {
            let Some(machine) = &mut self.machine else {
                return;
            };
            match machine.poll_output(around.ctx.clock.instant()) {
                Output::Send(id, request) => {
                    if self.done || self.port.in_flight() > 0 {
                        around
                            .ctx
                            .violate(self.port.who, || "it sends when it should not".into());
                    }
                    self.port.send(around, id, request);
                }
                Output::Abort(id) => self.port.abort(around, id),
                Output::Event(end) => self.ended(around, end),
                Output::Wait(until) => return self.port.wait(around.ctx, until),
                Output::Done => {
                    self.done = true;
                    return;
                }
            }
        }
    }

    fn ended(&mut self, around: &mut Surroundings<'_>, end: CallEnd) {
        let path = self.path(around);
        let outcome = match &self.task {
            Task::Close(_) => close(&path).map(|close| end.outcome(&close).map(|_| ())),
            Task::Delete(_) => delete(&path).map(|delete| end.outcome(&delete)),
            Task::Fork { .. } => self
                .fork(around)
                .map(|create| end.outcome(&create).map(|_| ())),
        };
        let Some(outcome) = outcome else { return };
        around
            .ctx
            .note("ended", self.port.who, u64::from(outcome.is_ok()), || {
                format!("{outcome:?}")
            });
        self.worked = outcome.is_ok();
        match &outcome {
            Ok(()) if !self.is_true(around) => around.ctx.violate(self.port.who, || {
                "it says that it worked, and it did not".into()
            }),
            Err(error) if self.certain && !self.is_lawful(around, error) => {
                around.ctx.violate(self.port.who, || {
                    format!("it failed without a cause: {error}")
                })
            }
            _ => {}
        }
    }

    fn is_true(&self, around: &Surroundings<'_>) -> bool {
        match &self.task {
            Task::Close(stream) => around.truth.streams[*stream].closed,
            Task::Delete(stream) => around.truth.streams[*stream].deleted,
            Task::Fork { path, .. } => around.truth.find(path).is_some(),
        }
    }

    fn is_lawful(&self, around: &Surroundings<'_>, error: &Error) -> bool {
        match &self.task {
            Task::Close(stream) => {
                around.truth.streams[*stream].deleted
                    && matches!(error.kind(), ErrorKind::StreamNotFound | ErrorKind::Gone)
            }
            _ => true,
        }
    }
}

fn close(path: &str) -> Option<Close> {
    url(path).map(Close::new)
}

fn delete(path: &str) -> Option<Delete> {
    url(path).map(Delete::new)
}

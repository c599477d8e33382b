//! Reading the streams of a wake, and handing out what is in them.

use std::time::{Duration, Instant};

use super::event::{Fate, Ticket, Unreadable, Work, WorkerEvent, WorkerNotice};
use super::round::{Active, Ready, Task};
use super::routes::Part;
use super::{Earliest, Failing, Step, Worker, step};
use crate::machine::reader::{Reader, ReaderEvent};
use crate::machine::{Input, Machine, RequestId, later};
use crate::operation::subscription::WakeStream;
use crate::wire::position::Checkpoint;
use crate::wire::retry::Backoff;

impl Worker {
    /// What was handed out by this ticket was processed: it is going to be acknowledged. Says whether it is; it is not when it was
    /// withdrawn meanwhile.
    pub fn processed(&mut self, ticket: Ticket) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let Some(index) = held.round.by_ticket(ticket) else {
            return false;
        };
        let active = &mut held.round.active[index];
        self.failing.remove(&active.task.stream);
        if let Some((stream, offset)) = active.processed() {
            held.round.acks.insert(stream, offset);
        }
        true
    }

    /// What was handed out by this ticket was not processed. It comes again later, as the policy for
    /// [work](super::WorkerConfig::work_retry) says: maybe cut differently, and to whoever has the wake by then. What follows it in its
    /// stream waits for it.
    pub fn failed(&mut self, ticket: Ticket, now: Instant) -> Fate {
        let Some(held) = &mut self.held else {
            return Fate::Withdrawn;
        };
        let Some(index) = held.round.by_ticket(ticket) else {
            return Fate::Withdrawn;
        };
        let active = held.round.active.swap_remove(index);
        self.close(Part::Stream(active.number));
        match self.rest(active.task, now) {
            Some(delay) => Fate::Again(delay),
            None => Fate::GivenUp,
        }
    }

    /// Puts a stream back, until it is to be tried again.
    fn rest(&mut self, mut task: Task, now: Instant) -> Option<Duration> {
        let (delay, until) = self.delay(&task.stream, now);
        task.at = Some(until);
        let held = self.held.as_mut()?;
        held.round.waiting.push_back(task);
        delay
    }

    /// Something about a stream failed once more: how long it is left alone, and until when.
    pub(super) fn delay(&mut self, stream: &str, now: Instant) -> (Option<Duration>, Instant) {
        let seed = self.rng.u64(..);
        let policy = &self.config.work_retry;
        let failing = self.failing.entry(stream.to_owned());
        let failing = failing.or_insert_with(|| Failing {
            backoff: Backoff::new(policy.clone(), seed),
            until: now,
        });
        let delay = failing.backoff.fail(now, None);
        failing.until = later(now, delay.unwrap_or(Duration::MAX));
        (delay, failing.until)
    }

    /// The streams of a wake that was claimed, as far as there is work in them.
    pub(super) fn tasks(&mut self, streams: Vec<WakeStream>) -> Vec<Task> {
        let streams = streams.into_iter().filter(|stream| stream.has_pending);
        let tasks: Vec<Task> = streams
            .map(|stream| Task {
                at: self.failing.get(&stream.path).map(|failing| failing.until),
                stream: stream.path,
                place: stream
                    .acked
                    .clone()
                    .map_or_else(Checkpoint::default, Into::into),
                acked: stream.acked,
                tail: stream.tail,
            })
            .collect();
        // Those that are gone are forgotten.
        self.failing
            .retain(|path, _| tasks.iter().any(|task| task.stream == *path));
        tasks
    }

    pub(super) fn advance_streams(&mut self, now: Instant, earliest: &mut Earliest) -> bool {
        if self.hand_out() || self.clear(now) || self.open_next(now) {
            return true;
        }
        let Some(held) = &mut self.held else {
            return false;
        };
        for index in 0..held.round.active.len() {
            let active = &mut held.round.active[index];
            if !active.reads() {
                continue;
            }
            let Some(reader) = &mut active.reader else {
                continue;
            };
            let part = Part::Stream(active.number);
            match step(reader, part, &mut self.routes, &mut self.outbox, now) {
                Step::Wait(at) => earliest.at(at),
                Step::Event(event) => {
                    self.read(index, event);
                    return true;
                }
                Step::Done => {
                    active.reader = None;
                    // A cache may be behind.
                    active.short = active.task.tail.is_some();
                    return true;
                }
            }
        }
        if !self.stopping {
            earliest.at(held.round.next_due().filter(|at| *at > now));
        }
        false
    }

    /// The reader of a stream said something.
    fn read(&mut self, index: usize, event: ReaderEvent) {
        let Some(held) = &mut self.held else { return };
        let active = &mut held.round.active[index];
        let number = active.number;
        match event {
            ReaderEvent::Batch(batch) => {
                let enough = active.task.is_tail(batch.checkpoint());
                active.read(batch);
                if enough {
                    active.reader = None;
                    self.close(Part::Stream(number));
                }
            }
            ReaderEvent::Failed(error) => {
                active.ready = Some(Ready::Error(error));
                active.reader = None;
                self.close(Part::Stream(number));
            }
            ReaderEvent::Notice(notice) => {
                let stream = Some(active.task.stream.clone());
                self.notice(WorkerNotice::Reader { stream, notice });
            }
        }
    }

    /// Hands out the first thing that is ready. Says whether there was one.
    fn hand_out(&mut self) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let ticket = Ticket(self.last_ticket + 1);
        for active in &mut held.round.active {
            let Some(ready) = active.hand_out(ticket) else {
                continue;
            };
            self.last_ticket += 1;
            let stream = active.task.stream.clone();
            match ready {
                // There is nothing to be said of it.
                Ready::Batch(batch) if batch.is_empty() => {
                    if let Some((stream, offset)) = active.processed() {
                        held.round.acks.insert(stream, offset);
                    }
                }
                Ready::Batch(batch) => {
                    let generation = held.lease.wake.generation;
                    self.event(WorkerEvent::Work(Work {
                        ticket,
                        stream,
                        generation,
                        batch,
                    }));
                }
                Ready::Error(error) => self.event(WorkerEvent::Unreadable(Unreadable {
                    ticket,
                    stream,
                    error,
                })),
            }
            return true;
        }
        false
    }

    /// Takes away a stream that is over. Says whether there was one.
    fn clear(&mut self, now: Instant) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let Some(index) = held.round.active.iter().position(Active::is_over) else {
            return false;
        };
        let active = held.round.active.swap_remove(index);
        let ended = active.task.is_tail(&active.task.place) || !active.short;
        if !ended && !active.rejected {
            self.rest(active.task, now);
        }
        true
    }

    /// Begins to work on the next stream. Says whether there was one, and room for it.
    fn open_next(&mut self, now: Instant) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let full = held.round.active.len() >= self.config.concurrency;
        if self.stopping || held.ending || full {
            return false;
        }
        let Some(task) = held.round.take_due(now) else {
            return false;
        };
        self.last_stream += 1;
        let mut active = Active::new(self.last_stream, task);
        match self.config.root.join(&active.task.stream) {
            Ok(url) => {
                let config = self.config.reader(url, self.rng.u64(..));
                active.reader = Some(Reader::new(config.from(&active.task.place)));
            }
            Err(error) => active.ready = Some(Ready::Error(error)),
        }
        held.round.active.push(active);
        true
    }

    /// Nothing more is read. What is out stays so, and is no end of its stream.
    pub(super) fn give_up_reading(&mut self) {
        let Some(held) = &mut self.held else { return };
        let mut numbers = Vec::new();
        for active in &mut held.round.active {
            active.short |= active.reader.take().is_some() | active.ready.take().is_some();
            numbers.push(active.number);
        }
        for number in numbers {
            self.close(Part::Stream(number));
        }
        self.withdraw_unheard();
    }

    /// What is to be handed out, and was not taken yet, is not.
    fn withdraw_unheard(&mut self) {
        let mut tickets = Vec::new();
        self.outbox.retain(|output| {
            let ticket = match output {
                crate::machine::Output::Event(WorkerEvent::Work(work)) => work.ticket,
                crate::machine::Output::Event(WorkerEvent::Unreadable(unreadable)) => {
                    unreadable.ticket
                }
                _ => return true,
            };
            tickets.push(ticket);
            false
        });
        let Some(held) = &mut self.held else { return };
        for ticket in tickets {
            if let Some(index) = held.round.by_ticket(ticket) {
                let active = &mut held.round.active[index];
                active.out = None;
                active.short = true;
            }
        }
    }

    pub(super) fn stream_input(&mut self, number: u64, input: Input, now: Instant) {
        let round = self.held.as_mut().map(|held| &mut held.round);
        let active = round.and_then(|round| round.by_number(number));
        if let Some(reader) = active.and_then(|active| active.reader.as_mut()) {
            reader.handle_input(input, now);
        }
    }

    /// Time that passes while a batch waits for its turn is not the server's fault.
    pub(super) fn streams_timeout(&mut self, now: Instant) {
        let Some(held) = &mut self.held else { return };
        for active in held.round.active.iter_mut().filter(|active| active.reads()) {
            if let Some(reader) = &mut active.reader {
                reader.handle_input(Input::Timeout, now);
            }
        }
    }

    pub(super) fn stream_wants(&self, number: u64, inner: RequestId) -> bool {
        let round = self.held.as_ref().map(|held| &held.round);
        let mut active = round.into_iter().flat_map(|round| &round.active);
        let active = active.find(|active| active.number == number);
        active.is_some_and(|active| {
            let reader = active.reader.as_ref().filter(|_| active.reads());
            reader.is_some_and(|reader| reader.wants(inner))
        })
    }
}

//! Exchanges: what is on its way back to each peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use http::response::Parts;

use super::answer::Answer;

/// Names one request and its answer. The caller chooses the ids; an id may be used again once its
/// [`Output::End`] was taken or the exchange was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u64);

/// A piece of an answer, in the order it goes out: one head, any number of chunks, one end.
#[derive(Debug)]
pub enum Output {
    /// Status and headers.
    Head(Parts),
    /// A piece of the body, never empty.
    Chunk(Bytes),
    /// The answer is complete, and the exchange is over.
    End,
}

/// The open exchanges and what each still has to send.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queues: BTreeMap<ExchangeId, VecDeque<Output>>,
    /// Exchanges that may have something to send. Ordered, so that the order of outputs is a function of the inputs.
    ready: BTreeSet<ExchangeId>,
}

impl Outbox {
    /// Begins an exchange that has nothing to send yet.
    pub(super) fn open(&mut self, id: ExchangeId) {
        self.queues.insert(id, VecDeque::new());
    }

    /// Forgets an exchange and everything it had to send.
    pub(super) fn forget(&mut self, id: ExchangeId) {
        self.queues.remove(&id);
        self.ready.remove(&id);
    }

    /// Queues a whole answer.
    pub(super) fn answer(&mut self, id: ExchangeId, answer: Answer) {
        self.push(id, Output::Head(answer.head));
        for chunk in answer.body {
            if !chunk.is_empty() {
                self.push(id, Output::Chunk(chunk));
            }
        }
        self.push(id, Output::End);
    }

    /// Queues one piece of an answer.
    pub(super) fn push(&mut self, id: ExchangeId, output: Output) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.push_back(output);
            self.ready.insert(id);
        }
    }

    /// Says that an exchange should be asked for output.
    pub(super) fn mark_ready(&mut self, id: ExchangeId) {
        if self.queues.contains_key(&id) {
            self.ready.insert(id);
        }
    }

    /// The next exchange that should be asked for output, left marked.
    pub(super) fn next_ready(&self) -> Option<ExchangeId> {
        self.ready.first().copied()
    }

    /// Takes the mark off an exchange.
    pub(super) fn clear_ready(&mut self, id: ExchangeId) {
        self.ready.remove(&id);
    }

    /// The next queued piece of one answer. Taking the end closes the exchange.
    pub(super) fn pop(&mut self, id: ExchangeId) -> Option<Output> {
        let output = self.queues.get_mut(&id)?.pop_front()?;
        if matches!(output, Output::End) {
            self.forget(id);
        }
        Some(output)
    }

    /// How many exchanges are open.
    pub(super) fn len(&self) -> usize {
        self.queues.len()
    }
}

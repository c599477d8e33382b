//! Idempotent producers (§5.2.1).

mod closing;
mod concurrent;
mod epochs;
mod headers;
mod numbers;
mod refused;

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Stream};

const WRITE: &[Capability] = &[Capability::Write];

/// The cases, subject by subject.
pub(super) const CASES: &[&[Case]] = &[
    headers::CASES,
    numbers::CASES,
    epochs::CASES,
    refused::CASES,
    concurrent::CASES,
    closing::CASES,
];

/// An append of the producer `p` to a stream of text. What it brings names its place.
fn append(stream: &Stream, epoch: u64, seq: u64) -> Ask {
    let append = stream.append("text/plain", text(epoch, seq));
    append.producer("p", epoch, seq)
}

fn text(epoch: u64, seq: u64) -> String {
    format!("<{epoch} {seq}>")
}

impl Answer {
    /// New content of a producer was stored.
    pub(super) fn accepted(&self, epoch: u64, seq: u64) -> Verdict<&Self> {
        self.status(&[200])?.echoes(epoch, seq)
    }

    /// It was carried out before, and is not again.
    pub(super) fn duplicate(&self, epoch: u64, highest: u64) -> Verdict<&Self> {
        self.status(&[204])?.echoes(epoch, highest)
    }

    fn echoes(&self, epoch: u64, highest: u64) -> Verdict<&Self> {
        self.has("Producer-Epoch", &epoch.to_string())?
            .has("Producer-Seq", &highest.to_string())
    }

    /// An earlier request of the producer is missing.
    pub(super) fn gap(&self, expected: u64, received: u64) -> Verdict<&Self> {
        self.conflict()?
            .has("Producer-Expected-Seq", &expected.to_string())?
            .has("Producer-Received-Seq", &received.to_string())
    }

    /// Another one with a higher epoch has taken the place of the producer.
    pub(super) fn fenced(&self, current: u64) -> Verdict<&Self> {
        self.refused(403)?
            .has("Producer-Epoch", &current.to_string())
    }
}

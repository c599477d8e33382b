//! Forks: streams that begin with the content of another one (§4.2).

mod again;
mod content;
mod deleting;
mod expiry;
mod refusals;
mod state;

use crate::server_suite::case::{Capability, Case};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Stream, Target};

const FORK: &[Capability] = &[Capability::Write, Capability::Fork];

/// The cases, subject by subject.
pub(super) const CASES: &[&[Case]] = &[
    content::CASES,
    refusals::CASES,
    again::CASES,
    state::CASES,
    expiry::CASES,
    deleting::CASES,
];

/// The case that all others here build on.
const BASE: &str = "forks.content.begins-with-that-of-the-source";

impl Stream {
    /// A PUT that makes it a fork of a stream of this type, from its tail on unless more is said. That a fork inherits the type is
    /// for few cases to find out, so others name it.
    pub(super) fn fork_of(&self, source: &Stream, content_type: &str) -> Ask {
        self.put().of(source).content_type(content_type)
    }
}

impl Ask {
    /// It forks this stream.
    fn of(self, source: &Stream) -> Self {
        self.header("Stream-Forked-From", &source.path())
    }

    /// It forks from this offset on.
    pub(super) fn from(self, offset: &str) -> Self {
        self.header("Stream-Fork-Offset", offset)
    }

    /// It forks so many messages or bytes behind the offset.
    pub(super) fn behind(self, count: impl ToString) -> Self {
        self.header("Stream-Fork-Sub-Offset", &count.to_string())
    }
}

impl Target {
    /// A fork of a stream of text at its tail, made in preparation.
    pub(super) async fn forked(&self, source: &Stream) -> Verdict<Stream> {
        let fork = self.unmade();
        fork.fork_of(source, "text/plain").prepare().await?;
        Ok(fork)
    }
}

/// A source of text and the offsets before, between and behind its three appends: `one `, `two `, `three`.
async fn source(t: &Target) -> Verdict<(Stream, [String; 4])> {
    let stream = t.stream("text/plain").await?;
    let mut offsets = [
        stream.tail().await?,
        String::new(),
        String::new(),
        String::new(),
    ];
    for (number, body) in ["one ", "two ", "three"].into_iter().enumerate() {
        let append = stream.append("text/plain", body).prepare().await?;
        append.next_offset()?.clone_into(&mut offsets[number + 1]);
    }
    Ok((stream, offsets))
}

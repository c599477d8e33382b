//! All streams: names, life and death, and reading through forks.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::answer::Refusal;
use super::choice::OffsetFormat;
use super::defect::{Flaw, Flaws};
use super::log::{Budget, Limits};
use super::offset::Offset;
use super::page::Page;
use super::producer::Producers;
use super::stream::{Stream, StreamId};
use super::timers::Timers;

/// How long after a use a stream ends at the earliest whose end is put off, though it must not be.
const MOMENTS_SLIDE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Store {
    /// How places are written.
    pub(super) offsets: OffsetFormat,
    paths: BTreeMap<String, StreamId>,
    streams: BTreeMap<StreamId, Stream>,
    expiries: Timers<StreamId>,
    last_id: u64,
    flaws: Flaws,
    /// What producers of deleted streams have left, by path: nothing, if all is well.
    left: BTreeMap<String, Producers>,
}

impl Store {
    pub(super) fn new(offsets: OffsetFormat, flaws: Flaws) -> Self {
        Self {
            offsets,
            paths: BTreeMap::new(),
            streams: BTreeMap::new(),
            expiries: Timers::default(),
            last_id: 0,
            flaws,
            left: BTreeMap::new(),
        }
    }

    pub(super) fn flaws(&self) -> Flaws {
        self.flaws
    }

    /// The stream under a path, be it soft-deleted.
    pub(super) fn at(&self, path: &str) -> Option<(StreamId, &Stream)> {
        let id = *self.paths.get(path)?;
        Some((id, self.streams.get(&id)?))
    }

    /// The stream under a path, for a request that needs one: 404 when there is none, 410 when it was deleted
    /// and has forks (§5.4).
    pub(super) fn find(&self, path: &str) -> Result<StreamId, Refusal> {
        match self.at(path) {
            None => Err(Refusal::not_found()),
            Some((_, stream)) if stream.soft_deleted => Err(Refusal::gone()),
            Some((id, _)) => Ok(id),
        }
    }

    /// All streams that can be read and written, by their paths.
    pub(super) fn all(&self) -> impl Iterator<Item = &Stream> {
        let ids = self.paths.values();
        ids.filter_map(|id| self.get(*id).ok())
    }

    /// A stream that can be read and written.
    pub(super) fn get(&self, id: StreamId) -> Result<&Stream, Refusal> {
        match self.streams.get(&id) {
            None => Err(Refusal::not_found()),
            Some(stream) if stream.soft_deleted => Err(Refusal::gone()),
            Some(stream) => Ok(stream),
        }
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, id: StreamId) -> Result<&mut Stream, Refusal> {
        match self.streams.get_mut(&id) {
            None => Err(Refusal::not_found()),
            Some(stream) if stream.soft_deleted => Err(Refusal::gone()),
            Some(stream) => Ok(stream),
        }
    }

    /// Adds a stream under its path, which must be free. A fork takes a reference to its source.
    pub(super) fn insert(&mut self, mut stream: Stream, nonce: u64, now: SystemTime) -> StreamId {
        self.last_id += 1;
        let id = StreamId(self.last_id);
        stream.identity = u128::from(id.0) << 64 | u128::from(nonce);
        if let Some(source) = stream
            .fork
            .as_ref()
            .and_then(|fork| self.streams.get_mut(&fork.source))
        {
            source.forks += 1;
            if self.flaws.has(Flaw::ForkTakesTheProducers) {
                source.producers.clear();
            }
        }
        if let Some(producers) = self.left.remove(&stream.path) {
            stream.producers = producers;
        }
        self.paths.insert(stream.path.clone(), id);
        self.streams.insert(id, stream);
        self.touch(id, now);
        id
    }

    /// Deletes a stream, or ends it because its time has come. While it has forks it stays, out of reach, for
    /// them to read (§4.2).
    pub(super) fn delete(&mut self, id: StreamId) {
        self.expiries.set(id, None);
        let mut next = Some(id);
        while let Some(id) = next.take() {
            let Some(stream) = self.streams.get_mut(&id) else {
                return;
            };
            if stream.forks > 0 && !self.flaws.has(Flaw::DeletedIsGoneForForks) {
                stream.soft_deleted = true;
                return;
            }
            let Some(stream) = self.streams.remove(&id) else {
                return;
            };
            self.paths.remove(&stream.path);
            if self.flaws.has(Flaw::ProducersOutliveTheStream) {
                self.left.insert(stream.path, stream.producers);
            }
            // The last fork of a deleted stream takes that stream with it, and so on up the line.
            let Some(fork) = stream.fork else { return };
            if let Some(source) = self.streams.get_mut(&fork.source) {
                source.forks -= 1;
                let goes = source.soft_deleted
                    && source.forks == 0
                    && !self.flaws.has(Flaw::SoftDeletedStays)
                    && !(stream.soft_deleted && self.flaws.has(Flaw::OnlyTheLastGoes));
                if goes || self.flaws.has(Flaw::DeletedForkTakesItsSource) {
                    next = Some(fork.source);
                }
            }
        }
    }

    /// Notes that a stream was read or written: its TTL starts anew (§5.1). With a live reader attached it does
    /// not run at all.
    pub(super) fn touch(&mut self, id: StreamId, now: SystemTime) {
        let Some(stream) = self.streams.get(&id).filter(|stream| !stream.soft_deleted) else {
            return;
        };
        let in_use =
            stream.readers > 0 && stream.expiry.slides() && !self.flaws.has(Flaw::ReadersDoNotHold);
        let deadline = if in_use || self.flaws.has(Flaw::NothingExpires) {
            None
        } else {
            stream.expiry.deadline(now)
        };
        let deadline = match deadline {
            Some(end) if self.flaws.has(Flaw::MomentsSlide) => Some(end.max(now + MOMENTS_SLIDE)),
            end => end,
        };
        self.expiries.set(id, deadline);
    }

    fn touch_live(&mut self, id: StreamId, now: SystemTime) {
        if !self.flaws.has(Flaw::LivePollIsNoUse) && !self.flaws.has(Flaw::EventsAreNoUse) {
            self.touch(id, now);
        }
    }

    /// A live reader begins.
    pub(super) fn attach(&mut self, id: StreamId, now: SystemTime) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.readers += 1;
            self.touch_live(id, now);
        }
    }

    /// A live reader is done.
    pub(super) fn detach(&mut self, id: StreamId, now: SystemTime) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.readers -= 1;
            self.touch_live(id, now);
        }
    }

    /// The server was restarted. Everything is as it was, if all is well.
    #[cfg(feature = "embedded")]
    pub(super) fn restarted(&mut self) {
        for stream in self.streams.values_mut() {
            if self.flaws.has(Flaw::RestartLosesContent) {
                stream.log.pop();
            }
            if self.flaws.has(Flaw::RestartOpens) {
                stream.closed = None;
            }
            if self.flaws.has(Flaw::RestartForgetsProducers) {
                stream.producers.clear();
            }
        }
    }

    /// What a stream is a fork of; itself if it is none.
    pub(super) fn source_of(&self, id: StreamId) -> StreamId {
        let fork = self
            .streams
            .get(&id)
            .and_then(|stream| stream.fork.as_ref());
        fork.map_or(id, |fork| fork.source)
    }

    /// The forks of a stream.
    pub(super) fn forks_of(&self, id: StreamId) -> Vec<StreamId> {
        let all = self.streams.keys().copied();
        all.filter(|&other| other != id && self.source_of(other) == id)
            .collect()
    }

    /// The streams whose paths begin with this one.
    pub(super) fn named_like(&self, path: &str) -> Vec<StreamId> {
        let longer = self
            .paths
            .iter()
            .filter(|(other, _)| other.starts_with(path));
        longer.map(|(_, id)| *id).collect()
    }

    /// The stream that ends next by itself, and when.
    pub(super) fn next_expiry(&self) -> Option<(SystemTime, StreamId)> {
        self.expiries.first()
    }

    /// The content of a stream from a position on, up to a limit. What a fork inherits is read from
    /// where it was written: its source, or the source of that (§4.2).
    pub(super) fn page(
        &self,
        id: StreamId,
        start: Offset,
        limits: Limits,
    ) -> Result<Page, Refusal> {
        let stream = self.get(id)?;
        if start < self.earliest(stream) {
            return Err(Refusal::dropped());
        }
        let tail = stream.tail();
        let json = stream.content_type.is_json();
        let mut pieces = Vec::new();
        let mut budget = Budget::new(limits);
        let mut position = start.0;
        for (owner, until) in self.lineage(stream, start.0) {
            let reached = owner
                .log
                .collect(position, until, json, &mut budget, &mut pieces);
            position = reached;
            if reached < until {
                break;
            }
        }
        let mut end = Offset(position);
        if end < tail && self.flaws.has(Flaw::PagesLeaveGaps) {
            end.0 += 1;
        }
        if end < tail && self.flaws.has(Flaw::PagesOverlap) {
            end.0 -= 1;
        }
        let up_to_date = end == tail || self.flaws.has(Flaw::PartsAreUpToDate);
        let mut page = Page {
            start,
            end,
            pieces,
            up_to_date,
            closed: (up_to_date || self.flaws.has(Flaw::PartsAreClosed)) && stream.closed.is_some(),
        };
        if stream.content_type.is_text() && !up_to_date {
            page.end_on_character();
        }
        Ok(page)
    }

    /// The first position of a stream that can still be read, be it in what it inherits.
    pub(super) fn earliest(&self, stream: &Stream) -> Offset {
        let mut earliest = stream.log.first();
        let mut youngest = stream;
        let mut ancestors = match self.flaws {
            flaws if flaws.has(Flaw::InheritedIsNotRead) => 0,
            flaws if flaws.has(Flaw::OnlyTheSourceIsRead) => 1,
            _ => usize::MAX,
        };
        // Older streams count as long as nothing is missing in between.
        while youngest.log.first() == youngest.log.start() && ancestors > 0 {
            ancestors -= 1;
            let source = youngest
                .fork
                .as_ref()
                .and_then(|fork| self.streams.get(&fork.source));
            let Some(source) = source else { break };
            earliest = earliest.min(source.log.first());
            youngest = source;
        }
        Offset(earliest)
    }

    /// The streams that hold the content of `stream` from `position` on, oldest first, each with the position
    /// where its part ends.
    fn lineage<'a>(&'a self, stream: &'a Stream, position: u64) -> Vec<(&'a Stream, u64)> {
        let mut until = stream.tail().0;
        let mut line = vec![(stream, until)];
        let mut youngest = stream;
        while position < youngest.log.start() {
            let source = youngest
                .fork
                .as_ref()
                .and_then(|fork| self.streams.get(&fork.source));
            // There always is one: a log that does not start at zero is a fork's, and forks keep their sources.
            let Some(source) = source else { break };
            // A fork may leave its source within what that has inherited itself.
            until = until.min(youngest.log.start());
            line.push((source, until));
            youngest = source;
        }
        line.reverse();
        line
    }
}

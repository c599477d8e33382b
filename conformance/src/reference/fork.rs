//! Forks (§4.2): a stream that begins as a prefix of another.

use http::HeaderMap;

use super::answer::Refusal;
use super::choice::OffsetFormat;
use super::content_type::ContentType;
use super::defect::{Flaw, Flaws};
use super::expiry::Expiry;
use super::names::{STREAM_FORK_OFFSET, STREAM_FORK_SUB_OFFSET, STREAM_FORKED_FROM};
use super::offset::Offset;
use super::request::{decimal, single, stream_path};
use super::store::Store;
use super::stream::Fork;

/// What the creator of a fork asks for.
#[derive(Debug)]
pub(super) struct WantedFork {
    source_path: String,
    offset: Option<Offset>,
    sub_offset: u64,
}

impl WantedFork {
    pub(super) fn of(headers: &HeaderMap, offsets: OffsetFormat) -> Result<Option<Self>, Refusal> {
        let source = single(headers, STREAM_FORKED_FROM)?;
        let offset = single(headers, STREAM_FORK_OFFSET)?;
        let sub_offset = single(headers, STREAM_FORK_SUB_OFFSET)?;
        let Some(source) = source else {
            return match (offset, sub_offset) {
                (None, None) => Ok(None),
                _ => Err(Refusal::bad_request("fork offsets need Stream-Forked-From")),
            };
        };
        // Only what a server issued is a fork offset: the sentinels of reads are not.
        let offset = offset
            .map(|token| {
                Offset::parse(token, offsets)
                    .ok_or(Refusal::bad_request("malformed Stream-Fork-Offset"))
            })
            .transpose()?;
        let sub_offset = match sub_offset {
            None => 0,
            Some(count) => {
                decimal(count).ok_or(Refusal::bad_request("malformed Stream-Fork-Sub-Offset"))?
            }
        };
        Ok(Some(Self {
            source_path: stream_path(source)?,
            offset,
            sub_offset,
        }))
    }

    /// Counts a fork of the source that is not there yet.
    pub(super) fn count(&self, store: &mut Store) {
        let source = store.at(&self.source_path).map(|(id, _)| id);
        if let Some(Ok(source)) = source.map(|id| store.get_mut(id)) {
            source.forks += 1;
        }
    }

    /// Finds the source and the point where the fork leaves it.
    pub(super) fn resolve(
        &self,
        store: &Store,
        content_type: Option<&ContentType>,
    ) -> Result<Origin, Refusal> {
        let (source, stream) = store.at(&self.source_path).ok_or(Refusal::not_found())?;
        if stream.soft_deleted {
            return Err(Refusal::conflict("the source was deleted"));
        }
        if content_type.is_some_and(|wanted| !wanted.same(&stream.content_type)) {
            return Err(Refusal::conflict("the source has a different content type"));
        }
        let flaws = store.flaws();
        if stream.closed.is_some() && flaws.has(Flaw::ClosedIsNotForked) {
            return Err(Refusal::conflict("the source is closed"));
        }
        let tail = stream.tail();
        let offset = match self.offset {
            None if flaws.has(Flaw::ForksBeginEmpty) => Offset(0),
            None => tail,
            Some(offset) if flaws.has(Flaw::ForkOffsetIsCapped) => offset.min(tail),
            Some(offset) => offset,
        };
        if offset > tail {
            return Err(Refusal::bad_request(
                "Stream-Fork-Offset is past the tail of the source",
            ));
        }
        // Places are counted in messages or bytes, as sub-offsets are.
        let start = offset
            .0
            .checked_add(self.sub_offset)
            .map(|start| match start {
                _ if flaws.has(Flaw::SubOffsetIsCapped) => start.min(tail.0),
                _ if flaws.has(Flaw::ForkOffsetIsIncluded) => tail.0.min(start + 1),
                _ => start,
            })
            .filter(|&start| start <= tail.0)
            .ok_or(Refusal::bad_request(
                "Stream-Fork-Sub-Offset is past the end of the source",
            ))?;
        Ok(Origin {
            fork: Fork {
                source,
                source_path: self.source_path.clone(),
                offset,
                sub_offset: self.sub_offset,
            },
            start,
            content_type: stream.content_type.clone(),
            expiry: stream.expiry.clone(),
        })
    }
}

/// Where a fork begins, and what it inherits.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) fork: Fork,
    /// The position of its own first entry.
    pub(super) start: u64,
    pub(super) content_type: ContentType,
    pub(super) expiry: Expiry,
}

/// Is an existing stream the fork that is asked for? An offset that is left out stands for the tail at the time
/// of creation, wherever that was: the same request must find the same fork although its source has grown.
pub(super) fn matches(wanted: Option<&WantedFork>, existing: Option<&Fork>, flaws: Flaws) -> bool {
    match (wanted, existing) {
        (None, None) => true,
        (Some(wanted), Some(existing)) => {
            let same_source = wanted.source_path == existing.source_path;
            (same_source || flaws.has(Flaw::ForkSourceIsNotCompared))
                && wanted.offset.is_none_or(|offset| offset == existing.offset)
                && wanted.sub_offset == existing.sub_offset
        }
        _ => false,
    }
}

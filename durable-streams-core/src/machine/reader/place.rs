//! Where a reader is: the one place where positions change.

use crate::wire::error::Error;
use crate::wire::position::{Checkpoint, Offset, Start};

/// The position of a reader: the offset the next request asks for, how much past it was delivered already, and the cursor.
#[derive(Debug)]
pub(super) struct Place {
    base: Base,
    delivered: u64,
    cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Base {
    Beginning,
    Now,
    At(Offset),
}

impl Place {
    pub(super) fn new(start: &Start) -> Self {
        let (base, delivered, cursor) = match start {
            Start::Beginning => (Base::Beginning, 0, None),
            Start::Now => (Base::Now, 0, None),
            Start::At(checkpoint) => (
                checkpoint
                    .offset()
                    .map_or(Base::Beginning, |offset| Base::At(offset.clone())),
                checkpoint.delivered(),
                checkpoint.cursor().map(str::to_owned),
            ),
        };
        Self {
            base,
            delivered,
            cursor,
        }
    }

    /// What the next request asks for.
    pub(super) fn start(&self) -> Start {
        match &self.base {
            Base::Beginning => Start::Beginning,
            Base::Now => Start::Now,
            Base::At(offset) => offset.into(),
        }
    }

    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// How many units of the answer at the current offset were delivered already.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// `None` while it is not known yet where `now` is.
    pub(super) fn checkpoint(&self) -> Option<Checkpoint> {
        let offset = match &self.base {
            Base::Beginning => None,
            Base::Now => return None,
            Base::At(offset) => Some(offset.clone()),
        };
        Some(Checkpoint::new(
            offset,
            self.delivered,
            self.cursor.as_deref(),
        ))
    }

    /// Whether an answer from here may lead to `next`, given whether it has contents.
    pub(super) fn check(&self, next: &Offset, has_contents: bool) -> Result<(), Error> {
        match &self.base {
            Base::At(base) if next < base => Err(Error::protocol(format!(
                "the offset moved backwards, from {base} to {next}"
            ))),
            Base::At(base) if next == base && has_contents => Err(Error::protocol(format!(
                "there are contents, and the offset stayed at {base}"
            ))),
            Base::Now if has_contents => {
                Err(Error::protocol("there are contents after the tail of now"))
            }
            _ => Ok(()),
        }
    }

    /// Whether `next` may be where this is: it is, or it is not known where this is.
    pub(super) fn may_stay_at(&self, next: &Offset) -> bool {
        match &self.base {
            Base::At(base) => base == next,
            Base::Beginning | Base::Now => true,
        }
    }

    /// The offset, once there is one.
    pub(super) fn offset(&self) -> Option<&Offset> {
        match &self.base {
            Base::At(offset) => Some(offset),
            Base::Beginning | Base::Now => None,
        }
    }

    /// Whether `next` is certainly behind this.
    pub(super) fn leads_on_to(&self, next: &Offset) -> bool {
        match &self.base {
            Base::At(base) => base < next,
            Base::Beginning => true,
            Base::Now => false,
        }
    }

    /// This many more units of the current answer were delivered.
    pub(super) fn deliver(&mut self, units: u64) {
        self.delivered += units;
    }

    /// The answer from here to `next` is complete; it had this many units. Says whether the offset moved.
    ///
    /// What was delivered of a longer answer, before this shorter one, is still to be skipped in the next one.
    pub(super) fn advance(&mut self, next: Offset, units: u64, cursor: Option<String>) -> bool {
        self.delivered = self.delivered.saturating_sub(units);
        if cursor.is_some() {
            self.cursor = cursor;
        }
        let next = Base::At(next);
        let moved = self.base != next;
        self.base = next;
        moved
    }
}

//! The content of a stream, without what it inherits.

use bytes::Bytes;

/// Bodies shorter than this are copied: a slice would keep alive the whole buffer it was received in.
const SHORT: usize = 4 * 1024;

/// Entries at rising positions. In a JSON stream an entry is a message and counts one; in any other stream it
/// is what one request brought and counts its bytes.
#[derive(Debug)]
pub(super) struct Log {
    start: u64,
    /// Where the oldest entry begins that is still there: `start`, unless older ones were dropped.
    first: u64,
    entries: Vec<Entry>,
    /// The bytes of all entries.
    size: usize,
}

#[derive(Debug)]
struct Entry {
    /// The position after the entry.
    end: u64,
    bytes: Bytes,
}

impl Log {
    /// An empty log whose first entry will be at `start`: zero, or the point of a fork.
    pub(super) fn new(start: u64) -> Self {
        Self {
            start,
            first: start,
            entries: Vec::new(),
            size: 0,
        }
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The first position that can be read.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn end(&self) -> u64 {
        self.entries.last().map_or(self.first, |entry| entry.end)
    }

    /// Takes the youngest entry away.
    #[cfg(feature = "embedded")]
    pub(super) fn pop(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.size -= entry.bytes.len();
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Drops the oldest entries until the rest is no longer than `limit` bytes.
    pub(super) fn trim(&mut self, limit: usize) {
        let mut count = 0;
        while self.size > limit {
            let Some(entry) = self.entries.get(count) else {
                break;
            };
            self.size -= entry.bytes.len();
            self.first = entry.end;
            count += 1;
        }
        self.entries.drain(..count);
    }

    pub(super) fn push(&mut self, content: Content) {
        match content {
            Content::Bytes(bytes) if bytes.is_empty() => {}
            Content::Bytes(bytes) => {
                let end = self.end() + bytes.len() as u64;
                self.size += bytes.len();
                self.entries.push(Entry { end, bytes });
            }
            Content::Messages(messages) => {
                let start = self.end();
                self.size += messages.iter().map(Bytes::len).sum::<usize>();
                let ends = start + 1..;
                let entries = ends.zip(messages).map(|(end, bytes)| Entry { end, bytes });
                self.entries.extend(entries);
            }
        }
    }

    /// Collects content from `position` on, which must not be before [`first`](Self::first), but nothing at or
    /// past `until`. Returns the position it got to.
    pub(super) fn collect(
        &self,
        position: u64,
        until: u64,
        json: bool,
        budget: &mut Budget,
        pieces: &mut Vec<Bytes>,
    ) -> u64 {
        let first = self.entries.partition_point(|entry| entry.end <= position);
        let mut position = position;
        for entry in &self.entries[first..] {
            if position >= until {
                break;
            }
            let piece = if json {
                entry.bytes.clone()
            } else {
                // The part of the entry from the position on, within the range.
                let entry_start = entry.end - entry.bytes.len() as u64;
                let from = (position - entry_start) as usize;
                let to = (until.min(entry.end) - entry_start) as usize;
                entry.bytes.slice(from..to)
            };
            let taken = budget.take(piece.len(), json);
            if taken == 0 {
                break;
            }
            position += if json { 1 } else { taken as u64 };
            pieces.push(piece.slice(..taken));
            if taken < piece.len() {
                break;
            }
        }
        position
    }
}

/// What an append brings.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    Messages(Vec<Bytes>),
}

/// Makes the bytes of a body fit to be kept.
pub(super) fn keep(body: &Bytes) -> Bytes {
    if body.len() < SHORT {
        Bytes::copy_from_slice(body)
    } else {
        body.clone()
    }
}

/// How much one answer carries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) bytes: Option<usize>,
    /// Of how many entries.
    pub(super) pieces: Option<usize>,
}

/// How much an answer may still hold.
#[derive(Debug)]
pub(super) struct Budget {
    left: Option<usize>,
    pieces: Option<usize>,
    untouched: bool,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        let some = |limit: usize| limit.max(1);
        Self {
            left: limits.bytes.map(some),
            pieces: limits.pieces.map(some),
            untouched: true,
        }
    }

    /// Takes up to `length` bytes, or all or nothing when the piece must stay whole. The first piece is always
    /// taken, however long: a reader has to get on.
    fn take(&mut self, length: usize, whole: bool) -> usize {
        match &mut self.pieces {
            Some(0) => return 0,
            Some(pieces) => *pieces -= 1,
            None => {}
        }
        let Some(left) = &mut self.left else {
            return length;
        };
        let taken = match (whole, length <= *left) {
            (_, true) => length,
            (true, false) if self.untouched => length,
            (true, false) => 0,
            (false, false) => *left,
        };
        *left = left.saturating_sub(taken);
        self.untouched = false;
        taken
    }
}

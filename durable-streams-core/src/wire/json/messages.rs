//! Messages as slices of the bodies they came in.

use std::fmt;
use std::ops::{Index, Range};

use bytes::Bytes;

/// Messages of a JSON stream, in order, each exactly as it was written.
///
/// They lie in the chunks of the body that brought them, which this keeps alive: nothing is copied and counted for a message,
/// and it takes 16 bytes beside its own.
///
/// ```
/// # use bytes::Bytes;
/// # use durable_streams_core::wire::json::JsonFramer;
/// # let mut framer = JsonFramer::new(1024);
/// # framer.push(Bytes::from_static(br#"[{"n":1},"two"]"#));
/// # let mut batch = Default::default();
/// # framer.next_messages(usize::MAX, &mut batch)?;
/// # let messages = &batch;
/// for message in messages {
///     assert!(serde_json::from_slice::<serde_json::Value>(message)?.is_object());
/// #   break;
/// }
/// assert_eq!(messages.len(), 2);
/// assert_eq!(&messages[1], b"\"two\"");
/// // To keep some of them: they share the memory of the body.
/// let kept: Vec<Bytes> = messages.bytes().skip(1).collect();
/// # assert_eq!(kept, ["\"two\""]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Messages {
    /// None of them without a message.
    chunks: Vec<Chunk>,
    spans: Vec<Span>,
}

#[derive(Clone)]
struct Chunk {
    bytes: Bytes,
    /// How many messages there are up to its last.
    until: usize,
}

/// Where in its chunk a message is.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl Messages {
    /// What a stream that is not JSON has.
    pub(crate) const NONE: &Self = {
        static NONE: Messages = Messages {
            chunks: Vec::new(),
            spans: Vec::new(),
        };
        &NONE
    };

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many bytes they have in all.
    #[must_use]
    pub fn size(&self) -> usize {
        self.spans.iter().map(|span| span.range().len()).sum()
    }

    /// Each of them.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            chunks: &self.chunks,
            spans: &self.spans,
            seen: 0,
        }
    }

    /// Each of them as `Bytes`, which share the memory of the body.
    pub fn bytes(&self) -> impl Iterator<Item = Bytes> {
        let mut iter = self.iter();
        std::iter::from_fn(move || iter.advance().map(|(chunk, span)| chunk.slice(span)))
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, messages: usize) {
        self.spans.reserve_exact(messages);
    }

    /// Drops the first of them.
    pub(crate) fn skip(&mut self, messages: usize) {
        let messages = messages.min(self.len());
        self.spans.drain(..messages);
        self.chunks.retain_mut(|chunk| {
            let kept = chunk.until > messages;
            chunk.until = chunk.until.saturating_sub(messages);
            kept
        });
    }

    /// Adds a message that has its memory to itself.
    pub(super) fn push(&mut self, message: Bytes) {
        self.mark(0, message.len());
        self.keep(&message);
    }

    /// Adds a message of the chunk that will be [kept](Self::keep) next.
    #[inline]
    pub(super) fn mark(&mut self, start: usize, end: usize) {
        self.spans.push(Span { start, end });
    }

    /// Keeps the chunk that the messages marked since the last are in.
    pub(super) fn keep(&mut self, chunk: &Bytes) {
        let until = self.spans.len();
        match self.chunks.last_mut() {
            Some(last) if last.until == until => {}
            Some(last) if last.bytes.as_ptr_range() == chunk.as_ptr_range() => last.until = until,
            None if until == 0 => {}
            _ => self.chunks.push(Chunk {
                bytes: chunk.clone(),
                until,
            }),
        }
    }
}

/// The messages of [`Messages`], one by one.
#[derive(Clone)]
pub struct Iter<'a> {
    chunks: &'a [Chunk],
    spans: &'a [Span],
    /// How many came before `spans`.
    seen: usize,
}

impl<'a> Iter<'a> {
    #[inline]
    fn advance(&mut self) -> Option<(&'a Bytes, Range<usize>)> {
        let (span, spans) = self.spans.split_first()?;
        let mut chunk = self.chunks.first()?;
        while chunk.until <= self.seen {
            self.chunks = &self.chunks[1..];
            chunk = self.chunks.first()?;
        }
        self.spans = spans;
        self.seen += 1;
        Some((&chunk.bytes, span.range()))
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.advance().map(|(chunk, span)| &chunk[span])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.spans.len(), Some(self.spans.len()))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("left", &self.spans.len())
            .finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a Messages {
    type Item = &'a [u8];
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// # Panics
///
/// When there are not so many.
impl Index<usize> for Messages {
    type Output = [u8];

    fn index(&self, index: usize) -> &[u8] {
        let span = self.spans[index];
        let chunk = self.chunks.partition_point(|chunk| chunk.until <= index);
        &self.chunks[chunk].bytes[span.range()]
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bytes()).finish()
    }
}

impl PartialEq for Messages {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Messages {}

impl<T: AsRef<[u8]>, const N: usize> PartialEq<[T; N]> for Messages {
    fn eq(&self, other: &[T; N]) -> bool {
        self.iter().eq(other.iter().map(AsRef::as_ref))
    }
}

impl<T: AsRef<[u8]>, const N: usize> PartialEq<[T; N]> for &Messages {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of a chunk, of one of their own, and of another chunk.
    fn some() -> Messages {
        let mut messages = Messages::default();
        let chunk = Bytes::from_static(b"[1,22");
        messages.mark(1, 2);
        messages.keep(&chunk);
        messages.mark(3, 5);
        messages.keep(&chunk);
        messages.keep(&Bytes::from_static(b"nothing of it"));
        messages.push(Bytes::from_static(b"333"));
        messages.mark(1, 2);
        messages.mark(3, 4);
        messages.keep(&Bytes::from_static(b",4,5"));
        messages
    }

    const ALL: [&str; 5] = ["1", "22", "333", "4", "5"];

    #[test]
    fn every_way_to_them_gives_the_same() {
        let messages = some();
        assert_eq!(messages, ALL);
        assert_eq!(messages.chunks.len(), 3);
        assert!(messages.bytes().eq(ALL));
        assert!((0..5).all(|at| &messages[at] == ALL[at].as_bytes()));
        assert_eq!((messages.iter().len(), messages.size()), (5, 8));
        assert_eq!(messages, messages.clone());
        assert_ne!(messages, ["1", "22", "333", "4"]);
    }

    #[test]
    fn what_is_skipped_is_not_kept_alive() {
        for skipped in 0..=6 {
            let mut messages = some();
            messages.skip(skipped);
            let left = &ALL[skipped.min(5)..];
            assert!(messages.bytes().eq(left.iter().copied()), "{skipped}");
            assert!((0..left.len()).all(|at| &messages[at] == left[at].as_bytes()));
            assert_eq!(messages.chunks.len(), [3, 3, 2, 1, 1, 0, 0][skipped]);
            messages.push(Bytes::from_static(b"6"));
            assert_eq!(messages.bytes().last().unwrap(), "6");
        }
    }
}

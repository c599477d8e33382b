//! JSON mode as bytes (§9.1): the framing of one top-level array into its messages, and the writing of messages.
//!
//! Nothing here parses values or writes them anew: a message is the exact bytes of one element, on the way in and out.

use std::{collections::VecDeque, error::Error, fmt, mem};

use bytes::Bytes;

pub use self::messages::{Iter, Messages};
pub use self::write::{join_messages, validate, wrap_message};

use self::scan::{Nested, Scan, is_scalar, string_end};

mod messages;
mod scan;
mod write;

/// Why bytes are not what JSON mode asks for. Positions count bytes from the start of the body or message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// A byte that cannot stand here: what opens the body is not an array, a comma is missing or too many, a bracket closes another
    /// kind, or something follows the end.
    UnexpectedByte {
        /// The byte.
        byte: u8,
        /// Where it is.
        position: u64,
    },
    /// No JSON value (RFC 8259 §3).
    InvalidValue {
        /// Where the scalar begins, when framing; where the fault is, give or take a byte, when validating.
        position: u64,
    },
    /// A message is larger than the framer may hold.
    MessageTooLarge {
        /// The limit given to [`JsonFramer::new`].
        limit: usize,
        /// Where the message begins.
        position: u64,
    },
    /// The bytes end before the array or value is complete, or there were none.
    UnexpectedEnd {
        /// Where they end.
        position: u64,
    },
}

impl JsonError {
    /// The byte position that the error speaks of.
    #[must_use]
    pub fn position(&self) -> u64 {
        match self {
            Self::UnexpectedByte { position, .. }
            | Self::InvalidValue { position }
            | Self::MessageTooLarge { position, .. }
            | Self::UnexpectedEnd { position } => *position,
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedByte { byte, position } => {
                write!(
                    f,
                    "unexpected `{}` in JSON at byte {position}",
                    byte.escape_ascii()
                )
            }
            Self::InvalidValue { position } => write!(f, "invalid JSON value at byte {position}"),
            Self::MessageTooLarge { limit, position } => {
                write!(
                    f,
                    "the JSON message at byte {position} is larger than {limit} bytes"
                )
            }
            Self::UnexpectedEnd { position } => {
                write!(f, "the JSON ends too early, after {position} bytes")
            }
        }
    }
}

impl Error for JsonError {}

/// An incremental splitter of one top-level JSON array into its elements, the messages (§9.1).
///
/// Give it every chunk of the body with [`push`](Self::push), take messages with [`next_messages`](Self::next_messages) until
/// it has none, and at the end of the body ask [`finish`](Self::finish) whether it was all there.
///
/// It finds where each element begins and ends, and refuses whatever makes that uncertain. Strings, and the grammar inside an
/// element, are left to the parser that reads the message.
///
/// ```
/// use bytes::Bytes;
/// use durable_streams_core::wire::json::{JsonFramer, Messages};
///
/// let mut framer = JsonFramer::new(1024);
/// let mut messages = Messages::default();
/// framer.push(Bytes::from_static(b"[ {\"n\": 1.0}, [2, 3"));
/// framer.next_messages(usize::MAX, &mut messages)?;
/// assert_eq!(messages, ["{\"n\": 1.0}"]);
/// framer.push(Bytes::from_static(b"]]"));
/// framer.next_messages(usize::MAX, &mut messages)?;
/// assert_eq!(messages, ["{\"n\": 1.0}", "[2, 3]"]);
/// framer.finish()?;
/// # Ok::<(), durable_streams_core::wire::json::JsonError>(())
/// ```
pub struct JsonFramer {
    limit: usize,
    failed: Option<JsonError>,
    /// Chunks not looked at yet, none of them empty.
    queue: VecDeque<Bytes>,
    chunk: Bytes,
    /// Where the unread part of `chunk` begins.
    pos: usize,
    /// How many bytes came before `chunk`.
    base: u64,
    state: State,
    /// Where in `chunk` the message being read begins, or goes on.
    start: usize,
    /// The message being read, as far as earlier chunks held it.
    cut: Vec<u8>,
    nested: Nested,
    /// The chunk ended in a string, between a backslash and what it escapes.
    escaped: bool,
    #[cfg(test)]
    work: usize,
}

/// What the next byte is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing yet: the array must open.
    Start,
    /// After the opening bracket: an element or the end.
    First,
    /// After a comma: an element.
    Next,
    /// After an element: a comma or the end.
    After,
    /// After the closing bracket: white space only.
    Done,
    /// A number, `true`, `false` or `null`.
    Scalar,
    String,
    /// An array or object.
    Nested,
}

impl JsonFramer {
    /// A framer that holds at most `max_message_bytes` of an unfinished message, and gives none that is larger.
    #[must_use]
    pub fn new(max_message_bytes: usize) -> Self {
        Self {
            limit: max_message_bytes,
            failed: None,
            queue: VecDeque::new(),
            chunk: Bytes::new(),
            pos: 0,
            base: 0,
            state: State::Start,
            start: 0,
            cut: Vec::new(),
            nested: Nested::default(),
            escaped: false,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Adds the next chunk of the body, of any size.
    ///
    /// Chunks wait unread, and outside the limit, until [`next_messages`](Self::next_messages) comes to them.
    pub fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() || self.failed.is_some() {
            return;
        }
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            self.queue.push_back(chunk);
        }
    }

    /// Adds the next complete messages to `messages`, until what was added has `max_bytes` or the last of it passes that. Says
    /// whether it was that which ended it: if not, more bytes are needed or the array is closed.
    ///
    /// A message is the element exactly as it was written, without the white space around it. It shares memory with the chunk
    /// if it lies in one.
    ///
    /// # Errors
    ///
    /// Whatever keeps the body from being one array (RFC 8259 §5) whose elements can be told apart, or a message over the limit.
    /// Messages before the fault were added; from then on the framer gives the same error.
    pub fn next_messages(
        &mut self,
        max_bytes: usize,
        messages: &mut Messages,
    ) -> Result<bool, JsonError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance(max_bytes, messages);
        if let Err(error) = &result {
            self.fail(error.clone());
        }
        result
    }

    fn fail(&mut self, error: JsonError) {
        *self = Self {
            failed: Some(error),
            ..Self::new(self.limit)
        };
    }

    /// Whether the closing bracket was read. Only white space may follow it; anything else is an error.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::Done
    }

    /// To be called at the end of the body, when [`next_messages`](Self::next_messages) has no more.
    ///
    /// # Errors
    ///
    /// [`JsonError::UnexpectedEnd`] when the array is not closed, which includes a body of no bytes; the error of
    /// [`next_messages`](Self::next_messages) when it failed. A message that was not taken yet is the end come too early, too.
    pub fn finish(&mut self) -> Result<(), JsonError> {
        let untaken = self.next_messages(1, &mut Messages::default())?;
        if untaken || !self.is_complete() {
            let error = JsonError::UnexpectedEnd {
                position: self.base + self.pos as u64,
            };
            self.fail(error.clone());
            return Err(error);
        }
        Ok(())
    }

    fn advance(&mut self, max_bytes: usize, messages: &mut Messages) -> Result<bool, JsonError> {
        let mut room = max_bytes;
        while room > 0 {
            if !self.has_input()? {
                return Ok(false);
            }
            #[cfg(test)]
            let from = self.pos;
            room = self.step(room, messages)?;
            #[cfg(test)]
            {
                self.work += 1 + self.pos - from;
            }
        }
        Ok(true)
    }

    /// Reads on, up to the end of the chunk at most, and adds the messages that end there. Says how much room is left.
    fn step(&mut self, room: usize, messages: &mut Messages) -> Result<usize, JsonError> {
        match self.state {
            State::Scalar => {
                let mut rest = self.chunk[self.pos..].iter();
                let end = rest
                    .position(|byte| matches!(byte, b',' | b']' | b' ' | b'\t' | b'\n' | b'\r'));
                self.pos = end.map_or(self.chunk.len(), |end| self.pos + end);
                match end {
                    Some(_) => self.message(room, messages),
                    None => Ok(room),
                }
            }
            State::String => {
                let from = self.pos + usize::from(self.escaped);
                let end = string_end(&self.chunk, from);
                self.escaped = end == Err(true);
                self.pos = end.unwrap_or(self.chunk.len());
                match end {
                    Ok(_) => self.message(room, messages),
                    Err(_) => Ok(room),
                }
            }
            State::Nested => self.nested(room, messages),
            _ => self.between().map(|()| room),
        }
    }

    /// Reads an array or object on, and others that follow it.
    fn nested(&mut self, mut room: usize, messages: &mut Messages) -> Result<usize, JsonError> {
        let (limit, is_cut) = (self.limit, !self.cut.is_empty());
        let found = |start: usize, end: usize| {
            let length = end - start;
            // What asks for a closer look is the last of this round.
            if is_cut || length > limit || length >= room {
                return false;
            }
            room -= length;
            messages.mark(start, end);
            true
        };
        let (start, scan) = self.nested.scan(&self.chunk, self.start, self.pos, found);
        messages.keep(&self.chunk);
        self.start = start;
        match scan {
            Scan::End(end) => {
                self.pos = end;
                self.message(room, messages)
            }
            Scan::More => {
                self.pos = self.chunk.len();
                Ok(room)
            }
            Scan::Unexpected(at) => {
                self.pos = at;
                self.check_size()?;
                Err(self.unexpected(self.chunk[at]))
            }
        }
    }

    /// Makes `chunk` hold unread bytes, if there are any. The part of a message that a chunk ends with is set aside first.
    fn has_input(&mut self) -> Result<bool, JsonError> {
        if self.pos < self.chunk.len() {
            return Ok(true);
        }
        if matches!(self.state, State::Scalar | State::String | State::Nested) {
            self.check_size()?;
            #[cfg(test)]
            {
                self.work += self.chunk.len() - self.start;
            }
            self.cut.extend_from_slice(&self.chunk[self.start..]);
            self.start = 0;
        }
        self.base += self.chunk.len() as u64;
        self.chunk = self.queue.pop_front().unwrap_or_default();
        self.nested.leave_block();
        self.pos = 0;
        Ok(!self.chunk.is_empty())
    }

    /// Reads to the next element, or to the end of the chunk.
    fn between(&mut self) -> Result<(), JsonError> {
        while let Some(&byte) = self.chunk.get(self.pos) {
            self.start = self.pos;
            self.state = match (self.state, byte) {
                (state, b' ' | b'\t' | b'\n' | b'\r') => state,
                (State::Start, b'[') => State::First,
                (State::First | State::After, b']') => State::Done,
                (State::After, b',') => State::Next,
                (State::First | State::Next, b'"') => State::String,
                (State::First | State::Next, b'[' | b'{') => State::Nested,
                (State::First | State::Next, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                    State::Scalar
                }
                _ => return Err(self.unexpected(byte)),
            };
            match self.state {
                // The bracket is left to be read with those inside.
                State::Nested => break,
                State::String | State::Scalar => {
                    self.pos += 1;
                    break;
                }
                _ => self.pos += 1,
            }
        }
        Ok(())
    }

    /// Adds the message that ends at `pos`. Says how much room is left.
    fn message(&mut self, room: usize, messages: &mut Messages) -> Result<usize, JsonError> {
        self.check_size()?;
        let position = self.message_position();
        let last = &self.chunk[self.start..self.pos];
        let is_cut = !self.cut.is_empty();
        if is_cut {
            self.cut.extend_from_slice(last);
        }
        let message = if is_cut { &self.cut[..] } else { last };
        if self.state == State::Scalar && !is_scalar(message) {
            return Err(JsonError::InvalidValue { position });
        }
        let room = room.saturating_sub(message.len());
        if is_cut {
            messages.push(Bytes::from(mem::take(&mut self.cut)));
        } else {
            messages.mark(self.start, self.pos);
            messages.keep(&self.chunk);
        }
        self.state = State::After;
        Ok(room)
    }

    /// Refuses a message that is too large as far as it was read.
    fn check_size(&self) -> Result<(), JsonError> {
        if self.pos - self.start > self.limit.saturating_sub(self.cut.len()) {
            return Err(JsonError::MessageTooLarge {
                limit: self.limit,
                position: self.message_position(),
            });
        }
        Ok(())
    }

    fn message_position(&self) -> u64 {
        self.base + self.start as u64 - self.cut.len() as u64
    }

    fn unexpected(&self, byte: u8) -> JsonError {
        JsonError::UnexpectedByte {
            byte,
            position: self.base + self.pos as u64,
        }
    }
}

/// Adds the messages of a whole body.
pub(crate) fn messages_of(
    body: Bytes,
    max_message_bytes: usize,
    messages: &mut Messages,
) -> Result<(), JsonError> {
    let mut framer = JsonFramer::new(max_message_bytes);
    framer.push(body);
    framer.next_messages(usize::MAX, messages)?;
    framer.finish()
}

/// Shows how far the framer is, not the messages that it holds.
impl fmt::Debug for JsonFramer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonFramer")
            .field("limit", &self.limit)
            .field("failed", &self.failed)
            .field("state", &self.state)
            .field("position", &(self.base + self.pos as u64))
            .field("held", &self.cut.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much is read and copied for `body`, and how many messages it has.
    fn work(body: &[u8], chunk: usize) -> (usize, usize) {
        let mut framer = JsonFramer::new(usize::MAX);
        let mut messages = 0;
        for chunk in body.chunks(chunk) {
            framer.push(Bytes::copy_from_slice(chunk));
            let mut some = Messages::default();
            framer
                .next_messages(usize::MAX, &mut some)
                .expect("an array");
            messages += some.len();
        }
        framer.finish().expect("a whole one");
        (framer.work, messages)
    }

    #[test]
    fn b68_linear_whatever_the_chunks() {
        let long = "x\\n".repeat(1 << 14);
        for body in [
            format!("[{{\"a\":\"{long}\"}}]"),
            format!("[\"{long}\"]"),
            format!("[{}]", "1".repeat(1 << 16)),
            format!("[{}0{}]", "[".repeat(1 << 15), "]".repeat(1 << 15)),
            format!("[{}]", " ".repeat(1 << 16)),
            format!("[{}0]", "0,".repeat(1 << 15)),
        ] {
            for chunk in [1, 2, 1000, body.len()] {
                let (work, messages) = work(body.as_bytes(), chunk);
                // Each byte is passed once and copied once; a step more begins each message and each chunk. What a
                // step looks at beyond what it passes is less than one block of the scanner.
                let most = 2 * body.len() + 3 * messages + 3 * body.len().div_ceil(chunk);
                assert!(
                    work <= most,
                    "{work} for {} bytes in chunks of {chunk}",
                    body.len()
                );
            }
        }
    }
}

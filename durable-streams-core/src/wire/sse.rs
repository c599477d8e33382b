//! Server-sent events, as bytes (§5.8; the `text/event-stream` format of the WHATWG HTML standard).
//!
//! [`SseParser`] is incremental: it takes the chunks of a body as the network cut them and gives the events they hold. It never
//! decodes text, so a character cut by a chunk border cannot be damaged, and it reads every byte once
//! (of a short chunk, twice at most).

use std::{collections::VecDeque, error::Error, fmt, mem};

use base64_simd::STANDARD;
use bytes::Bytes;
use memchr::{memchr2, memchr2_iter};

/// A cut line up to this size is copied out of the buffer, which serves the next one; a longer one takes the buffer with it.
const COPY_BELOW: usize = 2048;

/// A chunk up to this size that only continues a line joins what is there of it right away.
const SHORT: usize = 512;

/// The line that most events begin with: it need not be searched for its end.
const DATA_LINE: &[u8] = b"event: data\n";

/// The byte order mark that may open a stream, in UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event of a `text/event-stream` body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseEvent {
    event: Kind,
    /// The payload, byte for byte: the values of the event's `data` lines joined by `\n`.
    ///
    /// Not checked to be UTF-8. It shares memory with the chunk it came in where it can.
    pub data: Bytes,
}

impl SseEvent {
    /// The event's type: the value of its last `event` line, or `message` when that is empty or missing.
    ///
    /// The protocol knows `data` and `control` (§5.8); others are to be ignored.
    #[must_use]
    pub fn event(&self) -> &[u8] {
        match &self.event {
            Kind::Message => b"message",
            Kind::Data => b"data",
            Kind::Control => b"control",
            Kind::Other(name) => name,
        }
    }
}

/// The type of an event. Those that the protocol uses need no share in the chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Message,
    Data,
    Control,
    Other(Bytes),
}

impl Kind {
    /// How much of the limit it takes.
    fn len(&self) -> usize {
        match self {
            Self::Message => 0,
            Self::Data => b"data".len(),
            Self::Control => b"control".len(),
            Self::Other(name) => name.len(),
        }
    }
}

/// Why an event stream cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SseError {
    /// An event, or a single line of any kind, is larger than the parser may hold.
    EventTooLarge {
        /// The limit given to [`SseParser::new`].
        limit: usize,
    },
}

impl fmt::Display for SseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventTooLarge { limit } => {
                write!(f, "a server-sent event is larger than {limit} bytes")
            }
        }
    }
}

impl Error for SseError {}

/// An incremental parser of one `text/event-stream` body (§5.8).
///
/// Give it every chunk with [`push`](Self::push), then take events with [`next_event`](Self::next_event) until it has none.
/// An event that no blank line finishes is never given, so the end of the body needs no call.
///
/// Lines end in CR, LF or CRLF. Comments, unknown fields, `id`, `retry` and a leading byte order mark are skipped.
///
/// ```
/// use bytes::Bytes;
/// use durable_streams_core::wire::sse::SseParser;
///
/// let mut parser = SseParser::new(1024);
/// parser.push(Bytes::from_static(b"event: data\ndata: [1,"));
/// assert_eq!(parser.next_event()?, None);
/// parser.push(Bytes::from_static(b"2]\n\n"));
/// let event = parser.next_event()?.expect("a blank line finished it");
/// assert_eq!((event.event(), &event.data[..]), (&b"data"[..], &b"[1,2]"[..]));
/// # Ok::<(), durable_streams_core::wire::sse::SseError>(())
/// ```
pub struct SseParser {
    limit: usize,
    failed: bool,
    /// How much more of the event fits into the limit.
    room: usize,
    /// Chunks not looked at yet, none of them empty.
    queue: VecDeque<Bytes>,
    /// The chunk being read; empty when there is none.
    chunk: Bytes,
    /// Where the unread part of `chunk` begins.
    pos: usize,
    /// The line being read, as far as earlier chunks held it.
    cut: Vec<u8>,
    /// The last line ended in CR: an LF that comes next belongs to it.
    after_cr: bool,
    first_line: bool,
    event: Kind,
    data: Data,
    #[cfg(test)]
    work: usize,
}

/// The data of the event being read.
enum Data {
    /// No data line yet, which is not the same as an empty one.
    None,
    /// One line, where possible still a piece of the chunk it came in.
    One(Bytes),
    /// Several lines, joined.
    Many(Vec<u8>),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(line) => line.len(),
            Self::Many(lines) => lines.len(),
        }
    }
}

/// What a line means. The numbers say where in the line the value begins.
enum Line {
    Data(usize),
    Event(usize),
    Ignored,
}

impl Line {
    fn parse(line: &[u8]) -> Self {
        if let Some(at) = value_of(line, b"data") {
            Self::Data(at)
        } else if let Some(at) = value_of(line, b"event") {
            Self::Event(at)
        } else {
            Self::Ignored
        }
    }
}

/// Where the line ends that `bytes` begin with.
#[inline]
fn line_end(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    if bytes.len() < 16 {
        // The call would cost more than the search.
        bytes.iter().position(is_end)
    } else if is_end(&bytes[0]) {
        Some(0)
    } else {
        memchr2(b'\r', b'\n', bytes)
    }
}

/// Where the value begins if `line` is the field `name`. A field without a colon has an empty value.
fn value_of(line: &[u8], name: &[u8]) -> Option<usize> {
    match line.strip_prefix(name)? {
        [] => Some(name.len()),
        [b':', b' ', ..] => Some(name.len() + 2),
        [b':', ..] => Some(name.len() + 1),
        _ => None,
    }
}

impl SseParser {
    /// A parser that holds at most `max_event_bytes` of an unfinished event: its type, its data so far and the line being read.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            limit: max_event_bytes,
            failed: false,
            room: max_event_bytes,
            queue: VecDeque::new(),
            chunk: Bytes::new(),
            pos: 0,
            cut: Vec::new(),
            after_cr: false,
            first_line: true,
            event: Kind::Message,
            data: Data::None,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Adds the next chunk of the body, of any size.
    ///
    /// Chunks wait unread, and outside the limit, until [`next_event`](Self::next_event) comes to them.
    pub fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() || self.failed {
            return;
        }
        if !self.chunk.is_empty() {
            self.queue.push_back(chunk);
        } else if chunk.len() <= SHORT && !self.after_cr && self.continues_a_line(&chunk) {
            self.set_aside(&chunk);
        } else {
            self.chunk = chunk;
        }
    }

    fn continues_a_line(&mut self, part: &[u8]) -> bool {
        #[cfg(test)]
        {
            self.work += part.len();
        }
        part.len() <= self.room && line_end(part).is_none()
    }

    /// Keeps a part of a line until the rest is there, so that it is neither searched again nor keeps its chunk alive.
    fn set_aside(&mut self, part: &[u8]) {
        self.cut.extend_from_slice(part);
        self.room -= part.len();
        #[cfg(test)]
        {
            self.work += part.len();
        }
    }

    /// The next finished event, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`SseError::EventTooLarge`] when an event or a line, even a comment, passes the limit. The parser gives the same error
    /// from then on.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<SseEvent>, SseError> {
        if !self.chunk.is_empty() {
            return self.read_on();
        }
        if self.failed {
            return Err(SseError::EventTooLarge { limit: self.limit });
        }
        Ok(None)
    }

    fn read_on(&mut self) -> Result<Option<SseEvent>, SseError> {
        while !self.chunk.is_empty() {
            if mem::take(&mut self.after_cr) && self.chunk[self.pos] == b'\n' {
                self.advance(1);
                continue;
            }
            let rest = &self.chunk[self.pos..];
            if rest.starts_with(DATA_LINE) && self.cut.is_empty() && DATA_LINE.len() <= self.room {
                self.event = Kind::Data;
                self.begin_line();
                self.advance(DATA_LINE.len());
                continue;
            }
            let line_end = line_end(rest);
            let length = line_end.unwrap_or(rest.len());
            #[cfg(test)]
            {
                self.work += 1 + length;
            }
            if length > self.room {
                *self = Self {
                    failed: true,
                    ..Self::new(self.limit)
                };
                return self.next_event();
            }
            if line_end.is_none() {
                let chunk = mem::take(&mut self.chunk);
                self.set_aside(&chunk[self.pos..]);
                self.advance(length);
                continue;
            }
            self.after_cr = rest[length] == b'\r';
            if length > 0 || !self.cut.is_empty() {
                self.line(self.pos, self.pos + length);
                self.advance(length + 1);
                continue;
            }
            self.first_line = false;
            self.advance(1);
            if let Some(event) = self.dispatch() {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Goes on behind what was read. A chunk that was read is not kept alive.
    fn advance(&mut self, length: usize) {
        self.pos += length;
        if self.pos >= self.chunk.len() {
            self.chunk = self.queue.pop_front().unwrap_or_default();
            self.pos = 0;
        }
    }

    /// Takes in a line, not an empty one, that ends in `chunk[start..end]`.
    fn line(&mut self, start: usize, end: usize) {
        #[cfg(test)]
        {
            // At most the whole line is joined to others.
            self.work += self.cut.len() + end - start;
        }
        let is_cut = !self.cut.is_empty();
        if is_cut {
            self.cut.extend_from_slice(&self.chunk[start..end]);
        }
        let line = if is_cut {
            &self.cut[..]
        } else {
            &self.chunk[start..end]
        };
        let bom = if self.first_line && line.starts_with(BOM) {
            BOM.len()
        } else {
            0
        };
        match Line::parse(&line[bom..]) {
            Line::Ignored => {}
            Line::Event(at) => {
                let at = bom + at;
                self.event = match &line[at..] {
                    b"" | b"message" => Kind::Message,
                    b"data" => Kind::Data,
                    b"control" => Kind::Control,
                    other if is_cut => Kind::Other(Bytes::copy_from_slice(other)),
                    _ => Kind::Other(self.chunk.slice(start + at..end)),
                };
            }
            Line::Data(at) => {
                let at = bom + at;
                match &mut self.data {
                    Data::None if self.cut.len() > COPY_BELOW => {
                        self.data = Data::One(Bytes::from(mem::take(&mut self.cut)).slice(at..))
                    }
                    Data::None if is_cut => {
                        self.data = Data::One(Bytes::copy_from_slice(&line[at..]))
                    }
                    Data::None => self.data = Data::One(self.chunk.slice(start + at..end)),
                    Data::One(first) => self.data = Data::Many([first, &line[at..]].join(&b'\n')),
                    Data::Many(lines) => {
                        lines.push(b'\n');
                        lines.extend_from_slice(&line[at..]);
                    }
                }
            }
        }
        self.cut.clear();
        self.begin_line();
    }

    fn begin_line(&mut self) {
        self.first_line = false;
        self.room = self
            .limit
            .saturating_sub(self.event.len() + self.data.len());
    }

    /// The event that a blank line finishes, if it has data; either way the next one starts from nothing.
    fn dispatch(&mut self) -> Option<SseEvent> {
        self.room = self.limit;
        let event = mem::take(&mut self.event);
        let data = match mem::replace(&mut self.data, Data::None) {
            Data::None => return None,
            Data::One(line) => line,
            Data::Many(lines) => Bytes::from(lines),
        };
        Some(SseEvent { event, data })
    }
}

/// Shows how far the parser is, not the payloads that it holds.
impl fmt::Debug for SseParser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseParser")
            .field("limit", &self.limit)
            .field("failed", &self.failed)
            .field(
                "unread",
                &(self.chunk.len() - self.pos + self.queue.iter().map(Bytes::len).sum::<usize>()),
            )
            .field(
                "held",
                &(self.event.len() + self.data.len() + self.cut.len()),
            )
            .finish_non_exhaustive()
    }
}

/// A `data` event that was announced as base64 and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base64Error(());

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a server-sent event does not hold valid base64")
    }
}

impl Error for Base64Error {}

/// Decodes the data of an event under `stream-sse-data-encoding: base64` (§5.8).
///
/// CR and LF are removed first. What remains must be the standard alphabet with padding, a multiple of four characters; nothing
/// at all decodes to nothing.
///
/// # Errors
///
/// [`Base64Error`] for any other input.
pub fn decode_base64(data: &[u8]) -> Result<Bytes, Base64Error> {
    let mut line_ends = memchr2_iter(b'\r', b'\n', data).peekable();
    let decoded = if line_ends.peek().is_none() {
        STANDARD.decode_to_vec(data)
    } else {
        let mut joined = Vec::with_capacity(data.len());
        let mut start = 0;
        for end in line_ends {
            joined.extend_from_slice(&data[start..end]);
            start = end + 1;
        }
        joined.extend_from_slice(&data[start..]);
        STANDARD.decode_to_vec(joined)
    };
    decoded.map(Bytes::from).map_err(|_| Base64Error(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b7_linear_whatever_the_chunks() {
        let long = "x".repeat(1 << 20);
        for body in [
            format!("data: {long}\n\n"),
            format!(": {long}\n\n"),
            format!("{}\n", "data: x\r\n".repeat(1 << 17)),
            "data: x\r\r".repeat(1 << 17),
            "\n".repeat(1 << 20),
        ] {
            for chunk in [1, 2, 1000, body.len()] {
                let mut parser = SseParser::new(usize::MAX);
                for chunk in body.as_bytes().chunks(chunk) {
                    parser.push(Bytes::copy_from_slice(chunk));
                    while parser.next_event().expect("no limit").is_some() {}
                }
                // Each byte is searched once and copied twice at most; a step more begins each line and each chunk.
                let most = 4 * body.len() + body.len().div_ceil(chunk);
                assert!(
                    parser.work <= most,
                    "{} for {} bytes in chunks of {chunk}",
                    parser.work,
                    body.len()
                );
            }
        }
    }
}

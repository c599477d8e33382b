//! Server-sent events, as bytes (§5.8; the `text/event-stream` format of the WHATWG HTML standard).
//!
//! [`SseParser`] is incremental: it takes the chunks of a body as the network cut them and gives the events they hold. It never
//! decodes text, so a character cut by a chunk border cannot be damaged, and it reads every byte once.

use std::{collections::VecDeque, error::Error, fmt, mem};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use memchr::{memchr2, memchr2_iter};

/// The byte order mark that may open a stream, in UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event of a `text/event-stream` body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseEvent {
    event: Bytes,
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
        &self.event
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
    failed: Option<SseError>,
    /// Chunks not looked at yet, none of them empty.
    queue: VecDeque<Bytes>,
    chunk: Bytes,
    /// Where the unread part of `chunk` begins.
    pos: usize,
    /// The line being read, as far as earlier chunks held it.
    cut: Vec<u8>,
    /// The last line ended in CR: an LF that comes next belongs to it.
    after_cr: bool,
    first_line: bool,
    event: Bytes,
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
    Blank,
    Data(usize),
    Event(usize),
    Ignored,
}

impl Line {
    fn parse(line: &[u8]) -> Self {
        if line.is_empty() {
            Self::Blank
        } else if let Some(at) = value_of(line, b"data") {
            Self::Data(at)
        } else if let Some(at) = value_of(line, b"event") {
            Self::Event(at)
        } else {
            Self::Ignored
        }
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
            failed: None,
            queue: VecDeque::new(),
            chunk: Bytes::new(),
            pos: 0,
            cut: Vec::new(),
            after_cr: false,
            first_line: true,
            event: Bytes::new(),
            data: Data::None,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Adds the next chunk of the body, of any size.
    ///
    /// Chunks wait unread, and outside the limit, until [`next_event`](Self::next_event) comes to them.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() && self.failed.is_none() {
            self.queue.push_back(chunk);
        }
    }

    /// The next finished event, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`SseError::EventTooLarge`] when an event or a line, even a comment, passes the limit. The parser gives the same error
    /// from then on.
    pub fn next_event(&mut self) -> Result<Option<SseEvent>, SseError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        while self.has_input() {
            if mem::take(&mut self.after_cr) && self.chunk[self.pos] == b'\n' {
                self.pos += 1;
                continue;
            }
            let rest = &self.chunk[self.pos..];
            let line_end = memchr2(b'\r', b'\n', rest);
            let length = line_end.unwrap_or(rest.len());
            #[cfg(test)]
            {
                // Searched, and set aside where the line is cut.
                self.work += 1 + length + if line_end.is_none() { length } else { 0 };
            }
            let held = self.event.len() + self.data.len() + self.cut.len();
            if length > self.limit.saturating_sub(held) {
                return Err(self.fail(SseError::EventTooLarge { limit: self.limit }));
            }
            let Some(length) = line_end else {
                // Set aside, so that it is neither searched again nor keeps the chunk alive.
                self.cut.extend_from_slice(rest);
                self.pos = self.chunk.len();
                continue;
            };
            self.after_cr = rest[length] == b'\r';
            let start = self.pos;
            self.pos += length + 1;
            if let Some(event) = self.line(start, start + length) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Makes `chunk` hold unread bytes, if there are any.
    fn has_input(&mut self) -> bool {
        if self.pos == self.chunk.len() {
            self.chunk = self.queue.pop_front().unwrap_or_default();
            self.pos = 0;
        }
        !self.chunk.is_empty()
    }

    fn fail(&mut self, error: SseError) -> SseError {
        *self = Self {
            failed: Some(error.clone()),
            ..Self::new(self.limit)
        };
        error
    }

    /// Takes in a line that ends in `chunk[start..end]`, and gives the event if it was the blank line that finishes one.
    fn line(&mut self, start: usize, end: usize) -> Option<SseEvent> {
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
        let bom = if mem::take(&mut self.first_line) && line.starts_with(BOM) {
            BOM.len()
        } else {
            0
        };
        let event = match Line::parse(&line[bom..]) {
            Line::Blank => self.dispatch(),
            Line::Ignored => None,
            Line::Event(at) => {
                let at = bom + at;
                self.event = match &line[at..] {
                    // The types that the protocol uses need no share in the chunk.
                    b"data" => Bytes::from_static(b"data"),
                    b"control" => Bytes::from_static(b"control"),
                    other if is_cut => Bytes::copy_from_slice(other),
                    _ => self.chunk.slice(start + at..end),
                };
                None
            }
            Line::Data(at) => {
                let at = bom + at;
                match &mut self.data {
                    Data::None if is_cut => {
                        self.data = Data::One(Bytes::from(mem::take(&mut self.cut)).slice(at..))
                    }
                    Data::None => self.data = Data::One(self.chunk.slice(start + at..end)),
                    Data::One(first) => self.data = Data::Many([first, &line[at..]].join(&b'\n')),
                    Data::Many(lines) => {
                        lines.push(b'\n');
                        lines.extend_from_slice(&line[at..]);
                    }
                }
                None
            }
        };
        self.cut.clear();
        event
    }

    /// The event that a blank line finishes, if it has data; either way the next one starts from nothing.
    fn dispatch(&mut self) -> Option<SseEvent> {
        let event = mem::take(&mut self.event);
        let data = match mem::replace(&mut self.data, Data::None) {
            Data::None => return None,
            Data::One(line) => line,
            Data::Many(lines) => Bytes::from(lines),
        };
        let event = if event.is_empty() {
            Bytes::from_static(b"message")
        } else {
            event
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
pub struct Base64Error(base64::DecodeError);

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a server-sent event does not hold valid base64")
    }
}

impl Error for Base64Error {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

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
        STANDARD.decode(data)
    } else {
        let mut joined = Vec::with_capacity(data.len());
        let mut start = 0;
        for end in line_ends {
            joined.extend_from_slice(&data[start..end]);
            start = end + 1;
        }
        joined.extend_from_slice(&data[start..]);
        STANDARD.decode(joined)
    };
    decoded.map(Bytes::from).map_err(Base64Error)
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

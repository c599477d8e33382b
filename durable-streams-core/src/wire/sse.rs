//! Server-sent events, as bytes (§5.8; the `text/event-stream` format of the WHATWG HTML standard).
//!
//! [`SseParser`] is incremental: it takes the chunks of a body as the network cut them and gives the events they hold. It never
//! decodes text, so a character cut by a chunk border cannot be damaged, and it reads every byte once
//! (of a short chunk, twice at most).

use std::{collections::VecDeque, error::Error, fmt, mem};

use bytes::{Buf as _, Bytes, BytesMut};

pub use self::base64::{Base64Error, decode_base64};

use self::line::{Line, line_end, short_line_end, value_of};

mod base64;
mod line;

/// The buffer that the first cut line asks for. The values of several lines are given out of one buffer, which costs less than an
/// allocation for each.
const CUT_BUFFER: usize = 1024;

/// A cut line above this size takes the buffer with it: it shall not be held by the small ones that come next.
const LONG_LINE: usize = 2048;

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
    /// Not checked to be UTF-8. It shares memory with the chunk it came in where it can, and with its neighbours in a buffer of a few
    /// KiB when the chunks cut it.
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

/// The type of an event. Those that the protocol uses take no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Message,
    Data,
    Control,
    Other(Box<[u8]>),
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
    /// How long a line may be until the event passes the limit.
    room: usize,
    /// Chunks not looked at yet, none of them empty.
    queue: VecDeque<Bytes>,
    /// The chunk being read: some of it is unread.
    chunk: Option<Bytes>,
    /// Where the unread part of `chunk` begins.
    pos: usize,
    /// The line being read, when more than one chunk holds it.
    cut: BytesMut,
    /// Where in `chunk` the line ends that `cut` begins, when [`push`](Self::push) found it.
    end_of_cut: Option<usize>,
    /// The last line ended in CR: an LF that comes next belongs to it.
    after_cr: bool,
    first_line: bool,
    event: Type,
    /// The name that belongs to [`Type::Other`]: one buffer for all, so that a line costs no allocation.
    name: Vec<u8>,
    data: Data,
    #[cfg(test)]
    work: usize,
}

/// The type of the event being read: as small as can be, because it is written with each event.
#[derive(Debug, Clone, Copy)]
enum Type {
    Message,
    Data,
    Control,
    Other,
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

    fn take(&mut self) -> Bytes {
        match mem::replace(self, Self::None) {
            Self::None => Bytes::new(),
            Self::One(line) => line,
            Self::Many(lines) => Bytes::from(lines),
        }
    }
}

/// What reading came to. Of an event, only where its data is.
enum Found {
    /// Everything is read, and no event is finished.
    Nothing,
    TooLarge,
    /// An event whose data is this piece of the chunk. Two line ends come behind it.
    Slice {
        start: usize,
        end: usize,
    },
    /// An event whose data is the line that was cut, from `at` on. Two line ends come at `end` of the chunk.
    Cut {
        at: usize,
        end: usize,
    },
    /// An event whose data lines were taken in already.
    Lines,
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
            chunk: None,
            pos: 0,
            cut: BytesMut::new(),
            end_of_cut: None,
            after_cr: false,
            first_line: true,
            event: Type::Message,
            name: Vec::new(),
            data: Data::None,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Adds the next chunk of the body, of any size.
    ///
    /// Chunks wait unread, and outside the limit, until [`next_event`](Self::next_event) comes to them.
    #[inline]
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_none()
            && !self.cut.is_empty()
            && (1..=SHORT).contains(&chunk.len())
            && chunk.len() <= self.room - self.cut.len()
        {
            #[cfg(test)]
            {
                self.work += 2 * chunk.len();
            }
            let end = short_line_end(&chunk);
            if end.is_none() {
                self.cut.extend_from_slice(&chunk);
                return;
            }
            self.end_of_cut = end;
        }
        self.keep(chunk);
    }

    fn keep(&mut self, chunk: Bytes) {
        if chunk.is_empty() || self.failed {
            return;
        }
        if self.chunk.is_none() {
            self.chunk = Some(chunk);
        } else {
            self.queue.push_back(chunk);
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
        if self.chunk.is_none() {
            return if self.failed { self.error() } else { Ok(None) };
        }
        // An event is put together here, once: each place that it is moved to on its way out costs more than the search for its end.
        let data = match (self.read_on(), &self.chunk) {
            (Found::Slice { start, end }, Some(chunk)) => {
                let data = chunk.slice(start..end);
                self.advance(end + 2 - self.pos);
                data
            }
            (Found::Cut { at, end }, _) => {
                let data = self.cut_value(at);
                self.advance(end + 2 - self.pos);
                data
            }
            (Found::Lines, _) => self.data.take(),
            (Found::TooLarge, _) => return self.error(),
            _ => return Ok(None),
        };
        Ok(Some(self.finish(data)))
    }

    /// Reads up to the end of an event, or all that there is.
    fn read_on(&mut self) -> Found {
        while let Some(chunk) = &self.chunk {
            let rest = &chunk[self.pos..];
            if mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                self.advance(1);
                continue;
            }
            let is_cut = !self.cut.is_empty();
            if !is_cut && rest.starts_with(DATA_LINE) && DATA_LINE.len() <= self.room {
                self.event = Type::Data;
                self.begin_line();
                self.advance(DATA_LINE.len());
                continue;
            }
            let line_end = match self.end_of_cut.take() {
                None => line_end(chunk, self.pos),
                known => known,
            };
            let length = line_end.unwrap_or(chunk.len()) - self.pos;
            #[cfg(test)]
            {
                self.work += 1 + length;
            }
            if length > self.room - self.cut.len() {
                self.fail();
                return Found::TooLarge;
            }
            if line_end.is_none() || is_cut {
                if self.cut.capacity() == 0 {
                    self.cut.reserve(CUT_BUFFER);
                }
                self.cut.extend_from_slice(&rest[..length]);
                #[cfg(test)]
                {
                    self.work += length;
                }
            }
            let Some(end) = line_end else {
                self.advance(length);
                continue;
            };
            // Most events have one data line and then a blank one.
            if rest[length..].starts_with(b"\n\n") && matches!(self.data, Data::None) {
                if is_cut {
                    if let Some(at) = value_of(&self.cut, b"data") {
                        return Found::Cut { at, end };
                    }
                } else if let Some(at) = value_of(&rest[..length], b"data") {
                    return Found::Slice {
                        start: self.pos + at,
                        end,
                    };
                }
            }
            self.after_cr = rest[length] == b'\r';
            if length > 0 || is_cut {
                self.line(self.pos, end);
                self.advance(length + 1);
                continue;
            }
            self.advance(1);
            if !matches!(self.data, Data::None) {
                return Found::Lines;
            }
            self.event = Type::Message;
            self.begin_line();
        }
        Found::Nothing
    }

    #[cold]
    fn error(&self) -> Result<Option<SseEvent>, SseError> {
        Err(SseError::EventTooLarge { limit: self.limit })
    }

    #[cold]
    fn fail(&mut self) {
        *self = Self {
            limit: self.limit,
            failed: true,
            ..Self::new(0)
        };
    }

    /// Goes on behind what was read. A chunk that was read is not kept alive.
    #[inline]
    fn advance(&mut self, length: usize) {
        self.pos += length;
        let read = |chunk: &Bytes| self.pos >= chunk.len();
        if self.chunk.as_ref().is_some_and(read) {
            // An empty queue need not be asked, as short chunks notice.
            self.chunk = if self.queue.is_empty() {
                None
            } else {
                self.queue.pop_front()
            };
            self.pos = 0;
        }
    }

    /// Takes in a line, not an empty one, that ends in `chunk[start..end]`: all of it is in `cut` if earlier chunks hold some.
    fn line(&mut self, start: usize, end: usize) {
        let Some(chunk) = &self.chunk else { return };
        let is_cut = !self.cut.is_empty();
        let line = if is_cut {
            &self.cut[..]
        } else {
            &chunk[start..end]
        };
        #[cfg(test)]
        {
            // At most the whole line is joined to others.
            self.work += line.len();
        }
        let bom = if self.first_line && line.starts_with(BOM) {
            BOM.len()
        } else {
            0
        };
        match Line::parse(&line[bom..]) {
            Line::Ignored => {}
            Line::Event(at) => {
                self.event = match &line[bom + at..] {
                    b"" | b"message" => Type::Message,
                    b"data" => Type::Data,
                    b"control" => Type::Control,
                    other => {
                        self.name.clear();
                        self.name.extend_from_slice(other);
                        Type::Other
                    }
                };
            }
            Line::Data(at) => {
                let at = bom + at;
                match &mut self.data {
                    Data::None if is_cut => self.data = Data::One(self.cut_value(at)),
                    Data::None => self.data = Data::One(chunk.slice(start + at..end)),
                    Data::One(first) => self.data = Data::Many([first, &line[at..]].join(&b'\n')),
                    Data::Many(lines) => {
                        lines.push(b'\n');
                        lines.extend_from_slice(&line[at..]);
                    }
                }
            }
        }
        self.clear_cut();
        self.begin_line();
    }

    #[inline]
    fn clear_cut(&mut self) {
        if self.cut.len() > LONG_LINE {
            drop(self.take_cut());
        }
        self.cut.clear();
    }

    #[cold]
    fn take_cut(&mut self) -> Bytes {
        mem::take(&mut self.cut).freeze()
    }

    /// The value of a line that was cut, which begins at `cut[at]`.
    fn cut_value(&mut self, at: usize) -> Bytes {
        if self.cut.len() > LONG_LINE {
            return self.take_cut().slice(at..);
        }
        let mut value = self.cut.split();
        value.advance(at);
        value.freeze()
    }

    #[inline]
    fn begin_line(&mut self) {
        self.first_line = false;
        self.room = self.limit - self.event_len() - self.data.len();
    }

    /// How much of the limit the event's type takes.
    #[inline]
    fn event_len(&self) -> usize {
        match self.event {
            Type::Message => 0,
            Type::Data => b"data".len(),
            Type::Control => b"control".len(),
            Type::Other => self.name.len(),
        }
    }

    /// The event that a blank line finished; the next one starts from nothing.
    #[inline]
    fn finish(&mut self, data: Bytes) -> SseEvent {
        let event = match mem::replace(&mut self.event, Type::Message) {
            Type::Message => Kind::Message,
            Type::Data => Kind::Data,
            Type::Control => Kind::Control,
            Type::Other => Kind::Other(self.name[..].into()),
        };
        self.first_line = false;
        self.room = self.limit;
        SseEvent { event, data }
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
                &(self
                    .chunk
                    .iter()
                    .chain(&self.queue)
                    .map(Bytes::len)
                    .sum::<usize>()
                    - self.pos),
            )
            .field(
                "held",
                &(self.event_len() + self.data.len() + self.cut.len()),
            )
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b2_nothing_between_cr_and_lf_changes_nothing() {
        let mut parser = SseParser::new(100);
        for chunk in ["event: a\r", "", "\ndata: x\r", "", "\n\n"] {
            parser.push(Bytes::from_static(chunk.as_bytes()));
            if let Some(event) = parser.next_event().expect("small") {
                assert_eq!((event.event(), &event.data[..]), (&b"a"[..], &b"x"[..]));
                return;
            }
        }
        panic!("a blank line finished it");
    }

    #[test]
    fn a_long_line_leaves_no_buffer_to_the_short_ones() {
        for long in ["data: ", ": ", "event: data\ndata: x\ndata: "] {
            let mut parser = SseParser::new(usize::MAX);
            parser.push(Bytes::from([long, &"x".repeat(1 << 20)].concat()));
            assert!(parser.next_event().expect("no limit").is_none());
            for part in ["y", "\n", "\n", "event: da", "ta\n"] {
                parser.push(Bytes::from(part));
                parser.next_event().expect("no limit");
            }
            assert!(parser.cut.capacity() <= CUT_BUFFER, "after {long}");
        }
    }

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

//! Messages on their way: gathered into the body of a request, and kept until they are stored.

use std::ops::Range;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use http::response;

use crate::machine::RequestId;
use crate::wire::position::Offset;

/// What goes to the server in one request, and stays byte for byte what it was when it was first sent (B39).
pub(super) struct Batch {
    /// The ticket of its first message; the others follow without a gap.
    pub(super) first: u64,
    body: Body,
    /// Where each message ends in the body.
    ends: Vec<usize>,
    json: bool,
    pub(super) close: bool,
    /// When its first message came.
    pub(super) since: Instant,
    /// It is to be sent without waiting for more.
    pub(super) due: bool,
    /// What was sent of it.
    pub(super) seq: Option<u64>,
    /// A request with it, under the current epoch, may have been applied, and its answer did not say.
    pub(super) unknown: bool,
    /// The same, under an epoch before.
    unknown_before: bool,
    /// It was turned down for a gap, and a copy of the request, made on the way, may be taken later. So it may be stored; but
    /// a 204 to it is likelier for somebody else's data than for its own.
    pub(super) doubtful: bool,
    /// Somebody else's data is stored under its number.
    pub(super) foreign: bool,
    pub(super) state: State,
}

enum Body {
    Open(BytesMut),
    Sealed(Bytes),
}

/// The memory of a batch that is stored, for another one.
#[derive(Default)]
pub(super) struct Room {
    body: BytesMut,
    ends: Vec<usize>,
}

/// What a batch of the window is doing.
pub(super) enum State {
    /// It is to be sent, again or for the first time.
    Waiting,
    InFlight(Flight),
    /// The server has it, and this was the tail behind it, where it said so; batches before it are still under way.
    Stored(Option<Offset>),
}

/// One attempt.
pub(super) struct Flight {
    pub(super) id: RequestId,
    pub(super) deadline: Instant,
    /// Nothing before it was unacknowledged when it was sent: a gap can then not be explained (B61).
    pub(super) as_front: bool,
    pub(super) head: Option<Box<response::Parts>>,
    pub(super) body: BytesMut,
}

impl Batch {
    /// An empty batch that begins with this ticket.
    pub(super) fn new(first: u64, json: bool, now: Instant) -> Self {
        Self::in_room(Room::default(), first, json, now)
    }

    pub(super) fn in_room(room: Room, first: u64, json: bool, now: Instant) -> Self {
        Self {
            first,
            body: Body::Open(room.body),
            ends: room.ends,
            json,
            close: false,
            since: now,
            due: false,
            seq: None,
            unknown: false,
            unknown_before: false,
            doubtful: false,
            foreign: false,
            state: State::Waiting,
        }
    }

    /// Room for as much as this batch has, which a single large message may have made larger than what is joined here.
    pub(super) fn as_much_room(&self, max_bytes: usize) -> Room {
        match &self.body {
            Body::Sealed(body) => Room {
                body: BytesMut::with_capacity(body.len().min(max_bytes)),
                ends: Vec::with_capacity(self.ends.len()),
            },
            Body::Open(_) => Room::default(),
        }
    }

    /// Its memory, unless somebody still has a part of it, or it is more than a batch should have.
    pub(super) fn into_room(self, max_bytes: usize) -> Option<Room> {
        let Body::Sealed(body) = self.body else {
            return None;
        };
        // That of a single message may be the caller's, and a piece of something much larger.
        if self.ends.len() < 2 {
            return None;
        }
        let mut body = body.try_into_mut().ok()?;
        body.clear();
        let mut ends = self.ends;
        ends.clear();
        // It doubles as it grows.
        (body.capacity() <= max_bytes.saturating_mul(2)).then_some(Room { body, ends })
    }

    /// A batch of one large message, taken as it is where the body has nothing else.
    pub(super) fn single(first: u64, json: bool, message: Bytes, now: Instant) -> Self {
        let mut batch = Self::new(first, json, now);
        if json {
            batch.push(&message);
        } else {
            batch.ends.push(message.len());
            batch.body = Body::Sealed(message);
        }
        batch.seal();
        batch
    }

    /// The end of the stream, without a message.
    pub(super) fn closing(first: u64, json: bool, now: Instant) -> Self {
        let mut batch = Self::new(first, json, now);
        batch.seal();
        batch.close = true;
        batch
    }

    /// Whether one more message of this length fits.
    #[inline]
    pub(super) fn has_room(&self, length: usize, max_bytes: usize, max_messages: usize) -> bool {
        match &self.body {
            Body::Open(_) if self.ends.is_empty() => true,
            // A comma before it and the bracket at the end.
            Body::Open(body) => {
                self.ends.len() < max_messages
                    && body.len() + length + if self.json { 2 } else { 0 } <= max_bytes
            }
            Body::Sealed(_) => false,
        }
    }

    /// Adds a message. A sealed batch takes none: callers ask [`has_room`](Self::has_room) first.
    #[inline]
    pub(super) fn push(&mut self, message: &[u8]) {
        if let Body::Open(body) = &mut self.body {
            if self.json {
                body.put_u8(if self.ends.is_empty() { b'[' } else { b',' });
            }
            body.put_slice(message);
            self.ends.push(body.len());
        }
    }

    /// Nothing more goes in.
    pub(super) fn seal(&mut self) {
        if let Body::Open(body) = &mut self.body {
            if self.json && !self.ends.is_empty() {
                body.put_u8(b']');
            }
            self.body = Body::Sealed(std::mem::take(body).freeze());
        }
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self.body, Body::Sealed(_))
    }

    /// The body of its request; sealed by asking for it.
    pub(super) fn body(&mut self) -> Bytes {
        self.seal();
        match &self.body {
            Body::Sealed(body) => body.clone(),
            Body::Open(_) => Bytes::new(),
        }
    }

    pub(super) fn messages(&self) -> usize {
        self.ends.len()
    }

    /// The tickets of its messages.
    pub(super) fn tickets(&self) -> Range<u64> {
        self.first..self.first + self.ends.len() as u64
    }

    /// The bytes of its messages alone, as they count against the buffer.
    pub(super) fn payload_bytes(&self) -> usize {
        let between = if self.json { self.ends.len() } else { 0 };
        self.ends.last().map_or(0, |end| end - between)
    }

    fn spans(&self) -> impl Iterator<Item = Range<usize>> {
        let lead = usize::from(self.json);
        let starts = std::iter::once(lead).chain(self.ends.iter().map(move |end| end + lead));
        starts.zip(&self.ends).map(|(start, &end)| start..end)
    }

    /// Its messages, as they were given.
    pub(super) fn into_messages(mut self) -> impl Iterator<Item = (u64, Bytes)> {
        let body = self.body();
        let spans: Vec<Range<usize>> = self.spans().collect();
        (self.first..).zip(spans.into_iter().map(move |span| body.slice(span)))
    }

    /// The same messages in two batches, for a server that takes no body this large.
    pub(super) fn split(self) -> [Self; 2] {
        let (first, json, since) = (self.first, self.json, self.since);
        let unknown_before = self.unknown_before || self.doubtful;
        let half = self.messages() / 2;
        let mut halves = [
            Self::new(first, json, since),
            Self::new(first + half as u64, json, since),
        ];
        for (index, (_, message)) in self.into_messages().enumerate() {
            halves[usize::from(index >= half)].push(&message);
        }
        for batch in &mut halves {
            batch.seal();
            batch.due = true;
            batch.unknown_before = unknown_before;
        }
        halves
    }

    /// As if it had never been sent: for a new epoch, with a new number.
    pub(super) fn unsend(&mut self) {
        self.seq = None;
        self.unknown_before |= self.unknown;
        self.unknown = false;
        self.foreign = false;
        self.due = true;
        self.state = State::Waiting;
    }

    /// Whether it may be stored, although nothing acknowledged it.
    pub(super) fn may_have_been_applied(&self) -> bool {
        self.unknown || self.unknown_before || self.doubtful
    }

    pub(super) fn flight(&self) -> Option<&Flight> {
        match &self.state {
            State::InFlight(flight) => Some(flight),
            _ => None,
        }
    }
}

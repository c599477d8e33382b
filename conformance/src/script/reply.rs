//! What the server does with a request: a value that a test builds.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::steer::{Gate, Live, Pushed};

/// A body made on the fly: fills a piece, given its offset in the body.
pub(super) type Generate = Arc<dyn Fn(u64, &mut [u8]) + Send + Sync>;

/// One step of writing a body.
pub(super) enum Step {
    Data(Bytes),
    Wait(Gate),
    Live(Pushed),
    Generate(u64, Generate),
}

impl Step {
    fn length(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Generate(length, _) => *length,
            Self::Wait(_) | Self::Live(_) => 0,
        }
    }
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `Content-Length`: this, or the sum of the steps.
    Length(Option<u64>),
    Chunked,
    /// By the end of the connection.
    Close,
    /// The steps are written as they are.
    Raw,
}

/// What happens to the connection afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    KeepAlive,
    /// An orderly end (FIN).
    Close,
    /// A reset (RST), over HTTP/2 of the stream.
    Reset,
    /// A reset (RST).
    ResetConnection,
    /// The stream is refused. Over HTTP/1.1: as `Close`.
    Refuse,
    /// The stream is reset without an error. Over HTTP/1.1: as `Close`.
    NoError,
    /// All streams are. Over HTTP/1.1: as `Close`.
    GoAway,
}

/// What the server does with one request.
///
/// A reply is an answer with a head and a body, unless it is made by [`raw`](Self::raw), [`close`](Self::close),
/// [`reset`](Self::reset), [`refuse_stream`](Self::refuse_stream), [`go_away`](Self::go_away) or [`hang`](Self::hang).
/// The head has the headers that were asked for, in order and as they were written, and after them only what frames the
/// body: `Content-Length`, or `Transfer-Encoding`, unless one of the two is among the headers already. The connection is
/// kept unless something else is said.
///
/// Over HTTP/2 a body that is cut, and an answer that is not given, are a reset of their stream; the connection stays, unless
/// the reply is [`reset_connection`](Self::reset_connection). Bytes that are [no HTTP/2](Self::raw) and informational answers are
/// not sent: the former reset their stream.
pub struct Reply {
    pub(super) start: Option<Gate>,
    pub(super) informational: Vec<u16>,
    /// `None`: no head is written.
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    pub(super) steps: Vec<Step>,
    pub(super) cut: Option<(u64, Finish)>,
    pub(super) byte_by_byte: bool,
    pub(super) announce_close: bool,
    pub(super) finish: Finish,
}

impl Reply {
    fn with(status: Option<u16>, framing: Framing, finish: Finish) -> Self {
        Self {
            start: None,
            informational: Vec::new(),
            status,
            headers: Vec::new(),
            framing,
            steps: Vec::new(),
            cut: None,
            byte_by_byte: false,
            announce_close: false,
            finish,
        }
    }

    /// Whether what it answers has no body, whatever the reply says (RFC 9110 §6.4.1).
    pub(super) fn is_bodiless(&self, to_head: bool) -> bool {
        self.status.is_some() && (to_head || matches!(self.status, Some(204 | 304 | 100..=199)))
    }

    /// The `Content-Length` that frames the body, if that does.
    pub(super) fn declared_length(&self) -> Option<u64> {
        match self.framing {
            // These have no body, so a length would only confuse.
            Framing::Length(None) if matches!(self.status, Some(204 | 304 | 100..=199)) => None,
            Framing::Length(None) => Some(self.steps.iter().map(Step::length).sum()),
            Framing::Length(length) => length,
            Framing::Chunked | Framing::Close | Framing::Raw => None,
        }
    }

    /// An answer with this status and without a body.
    pub fn new(status: u16) -> Self {
        Self::with(Some(status), Framing::Length(None), Finish::KeepAlive)
    }

    /// An answer whose body the test pushes while it streams, chunked.
    pub fn live(status: u16) -> (Self, Live) {
        let (live, pushed) = Live::channel();
        let mut reply = Self::new(status).chunked();
        reply.steps.push(Step::Live(pushed));
        (reply, live)
    }

    /// An answer that is a stream of server-sent events; see [`event`](Self::event).
    pub fn sse() -> Self {
        Self::new(200)
            .header("Content-Type", "text/event-stream")
            .chunked()
    }

    /// A stream of server-sent events whose events the test pushes.
    pub fn live_sse() -> (Self, Live) {
        let (reply, live) = Self::live(200);
        (reply.header("Content-Type", "text/event-stream"), live)
    }

    /// These bytes instead of an answer. The connection is kept; see [`then_close`](Self::then_close).
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::with(None, Framing::Raw, Finish::KeepAlive).body(bytes)
    }

    /// No answer: the connection is closed in an orderly way.
    pub fn close() -> Self {
        Self::with(None, Framing::Raw, Finish::Close)
    }

    /// No answer: the connection is reset; over HTTP/2 the stream is.
    pub fn reset() -> Self {
        Self::with(None, Framing::Raw, Finish::Reset)
    }

    /// No answer: the connection is reset, and all exchanges of HTTP/2 that are under way on it end.
    ///
    /// Clients may find out a moment late that it is gone, and send the next request to nowhere.
    pub fn reset_connection() -> Self {
        Self::with(None, Framing::Raw, Finish::ResetConnection)
    }

    /// No answer: the stream is reset with `REFUSED_STREAM`, which says that nothing was done for the request (RFC 9113
    /// §8.7). Over HTTP/1.1 the connection is closed.
    pub fn refuse_stream() -> Self {
        Self::with(None, Framing::Raw, Finish::Refuse)
    }

    /// No answer: a `GOAWAY` says that the server looked at no stream of this connection, which is the same for all of
    /// them (RFC 9113 §6.8). The client is to close the connection. Over HTTP/1.1 the server does.
    pub fn go_away() -> Self {
        Self::with(None, Framing::Raw, Finish::GoAway)
    }

    /// No answer, ever; the connection stays open until the peer gives up or the server is dropped.
    ///
    /// An answer that comes when the test wants it is one with [`after`](Self::after).
    pub fn hang() -> Self {
        Self::close().after(&Gate::new())
    }

    /// Adds a header, as it is written here.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a piece to the body. Pieces are written one by one; each is a chunk when the body is chunked.
    #[must_use]
    pub fn body(mut self, piece: impl Into<Bytes>) -> Self {
        self.steps.push(Step::Data(piece.into()));
        self
    }

    /// Adds pieces to the body.
    #[must_use]
    pub fn pieces<P: Into<Bytes>>(self, pieces: impl IntoIterator<Item = P>) -> Self {
        pieces.into_iter().fold(self, Self::body)
    }

    /// Adds an event of a stream of server-sent events to the body.
    #[must_use]
    pub fn event(self, event: &str, data: &str) -> Self {
        self.body(sse_event(event, data))
    }

    /// Adds a part to the body that is made while it is written, and held in memory a piece at a time.
    ///
    /// `fill` is given the offset of a piece in this part, and fills the piece. The next one is made when the peer
    /// took this one off the socket.
    #[must_use]
    pub fn generate(
        mut self,
        length: u64,
        fill: impl Fn(u64, &mut [u8]) + Send + Sync + 'static,
    ) -> Self {
        self.steps.push(Step::Generate(length, Arc::new(fill)));
        self
    }

    /// Waits at a gate before the next piece of the body.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Waits at a gate before anything is written.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.start = Some(gate.clone());
        self
    }

    /// Frames the body by this `Content-Length`, true or not.
    #[must_use]
    pub fn content_length(mut self, length: u64) -> Self {
        self.framing = Framing::Length(Some(length));
        self
    }

    /// Frames the body in chunks, one for each piece.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// Frames the body by the end of the connection.
    #[must_use]
    pub fn until_close(mut self) -> Self {
        self.framing = Framing::Close;
        self.finish = Finish::Close;
        self
    }

    /// Writes an informational answer (1xx) first.
    #[must_use]
    pub fn informational(mut self, status: u16) -> Self {
        self.informational.push(status);
        self
    }

    /// Writes every byte on its own, the head and the framing too.
    #[must_use]
    pub fn byte_by_byte(mut self) -> Self {
        self.byte_by_byte = true;
        self
    }

    /// Closes the connection in an orderly way after this many bytes of the body, or when it has no more. A chunked
    /// body is not ended; the chunk that is cut was announced in full.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.cut = Some((bytes, Finish::Close));
        self
    }

    /// The same as [`cut_after`](Self::cut_after), by a reset. The last bytes before it may be lost.
    #[must_use]
    pub fn reset_after(mut self, bytes: u64) -> Self {
        self.cut = Some((bytes, Finish::Reset));
        self
    }

    /// The same as [`cut_after`](Self::cut_after), and over HTTP/2 the reset of the stream says `NO_ERROR`, which is meant for what
    /// is behind a complete answer (RFC 9113 §8.1).
    #[must_use]
    pub fn cut_without_error_after(mut self, bytes: u64) -> Self {
        self.cut = Some((bytes, Finish::NoError));
        self
    }

    /// Says `Connection: close`, and closes the connection afterwards.
    #[must_use]
    pub fn connection_close(mut self) -> Self {
        self.announce_close = true;
        self.finish = Finish::Close;
        self
    }

    /// Closes the connection afterwards without having said so.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.finish = Finish::Close;
        self
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("framing", &self.framing)
            .field("steps", &self.steps.len())
            .field("cut", &self.cut)
            .field("finish", &self.finish)
            .finish_non_exhaustive()
    }
}

/// The text of a server-sent event: each line of the data is a `data` line of its own.
///
/// ```
/// use durable_streams_conformance::script::sse_event;
///
/// assert_eq!(sse_event("data", "a\nb"), "event: data\ndata: a\ndata: b\n\n");
/// ```
pub fn sse_event(event: &str, data: &str) -> String {
    let mut text = format!("event: {event}\n");
    for line in data.split('\n') {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

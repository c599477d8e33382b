//! GET: one read, live or not (§5.6–5.8).

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header as http_header};

use super::{Operation, Resend, answer, value};
use crate::wire::content_type::Format;
use crate::wire::error::{Error, OperationKind};
use crate::wire::header::{self, HeaderError};
use crate::wire::json::{self, Messages};
use crate::wire::position::{self, Offset, Start};
use crate::wire::url::StreamUrl;

/// How a live request waits for what is appended later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiveMode {
    /// The answer comes when there is something, or after a while without (§5.7).
    LongPoll,
    /// The answer is an event stream that goes on (§5.8).
    Sse,
}

impl LiveMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::LongPoll => "long-poll",
            Self::Sse => "sse",
        }
    }
}

/// One request for what comes after a position.
///
/// For a whole session of reading, with retries and checkpoints, there is the reader machine.
#[derive(Debug, Clone)]
pub struct Read {
    url: StreamUrl,
    start: Start,
    live: Option<LiveMode>,
    cursor: Option<String>,
    if_none_match: Option<String>,
}

/// The answer to one read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadOutcome {
    /// What there is.
    Page(Page),
    /// 304: nothing changed since the entity tag that was sent.
    NotModified,
}

/// One answer with contents, or with none because there are none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page {
    /// The body, as it came.
    pub body: Bytes,
    /// The stream's content type.
    pub content_type: Option<String>,
    /// Where the next read begins.
    pub next_offset: Offset,
    /// Whether this reached the tail.
    pub up_to_date: bool,
    /// Whether the stream is closed and this reached its end.
    pub closed: bool,
    /// To be echoed on the next live request.
    pub cursor: Option<String>,
    /// The entity tag of this answer.
    pub etag: Option<String>,
}

impl Page {
    /// The messages of a JSON stream, each exactly as the server has it.
    ///
    /// # Errors
    /// [`Protocol`](crate::ErrorKind::Protocol) when the body is not one JSON array.
    pub fn messages(&self) -> Result<Messages, Error> {
        let mut messages = Messages::default();
        if !self.body.is_empty() {
            // The whole body is here already: a limit per message protects nothing.
            json::messages_of(self.body.clone(), usize::MAX, &mut messages)
                .map_err(Error::protocol)?;
        }
        Ok(messages)
    }
}

impl Read {
    /// A read of what comes after `start`. Of a checkpoint in the middle of an answer only the offset counts here.
    pub fn new(url: StreamUrl, start: impl Into<Start>) -> Self {
        Self {
            url,
            start: start.into(),
            live: None,
            cursor: None,
            if_none_match: None,
        }
    }

    /// Wait for what is appended later, where there is nothing yet.
    #[must_use]
    pub fn live(mut self, mode: LiveMode) -> Self {
        self.live = Some(mode);
        self
    }

    /// The cursor of the last live answer (§10.1).
    #[must_use]
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// Answer 304 when the entity tag is still this one.
    #[must_use]
    pub fn if_none_match(mut self, etag: impl Into<String>) -> Self {
        self.if_none_match = Some(etag.into());
        self
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        let offset = match &self.start {
            Start::Beginning => position::BEGINNING,
            Start::Now => position::NOW,
            Start::At(checkpoint) => checkpoint
                .offset()
                .map_or(position::BEGINNING, Offset::as_str),
        };
        let mut params = Vec::with_capacity(3);
        if let (Some(_), Some(cursor)) = (self.live, self.cursor.as_deref()) {
            params.push(("cursor", cursor));
        }
        if let Some(mode) = self.live {
            params.push(("live", mode.as_str()));
        }
        params.push(("offset", offset));
        let mut request = super::request(Method::GET, self.url.uri(&params)?, Bytes::new());
        let headers = request.headers_mut();
        if self.live == Some(LiveMode::Sse) {
            headers.insert(
                http_header::ACCEPT,
                http::HeaderValue::from_static("text/event-stream"),
            );
        }
        if let Some(etag) = &self.if_none_match {
            headers.insert(
                http_header::IF_NONE_MATCH,
                value(&http_header::IF_NONE_MATCH, etag)?,
            );
        }
        Ok(request)
    }
}

impl Operation for Read {
    type Outcome = ReadOutcome;
    const KIND: OperationKind = OperationKind::Read;
    const READS_BODY: bool = true;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.encode()
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<ReadOutcome, Error> {
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            StatusCode::NOT_MODIFIED => return Ok(ReadOutcome::NotModified),
            _ => return Err(answer::failure(Self::KIND, &self.url, response)),
        }
        let malformed = |why: HeaderError| answer::broken(Self::KIND, &self.url, response, why);
        let head = ReadHead::decode(response.headers()).map_err(malformed)?;
        let etag = header::single(response.headers(), &http_header::ETAG)
            .ok()
            .flatten();
        Ok(ReadOutcome::Page(Page {
            body: response.body().clone(),
            next_offset: answer::promised_offset(Self::KIND, &self.url, response)?,
            up_to_date: head.up_to_date,
            closed: head.closed,
            cursor: head.cursor,
            etag: etag.map(str::to_owned),
            content_type: head.content_type,
        }))
    }
}

/// The headers of a read's answer, before its body is there.
#[derive(Debug)]
pub(crate) struct ReadHead {
    pub(crate) content_type: Option<String>,
    pub(crate) next_offset: Option<Offset>,
    pub(crate) up_to_date: bool,
    pub(crate) closed: bool,
    pub(crate) cursor: Option<String>,
    pub(crate) content_length: Option<u64>,
}

impl ReadHead {
    pub(crate) fn decode(headers: &HeaderMap) -> Result<Self, HeaderError> {
        let closed = header::flag(headers, &header::STREAM_CLOSED);
        Ok(Self {
            content_type: header::single(headers, &http_header::CONTENT_TYPE)?.map(str::to_owned),
            next_offset: header::next_offset(headers)?,
            // A closed stream has no more to give: the end of it is its tail.
            up_to_date: closed || header::flag(headers, &header::STREAM_UP_TO_DATE),
            closed,
            cursor: header::cursor(headers)?.map(str::to_owned),
            content_length: header::integer(headers, &http_header::CONTENT_LENGTH)?,
        })
    }

    pub(crate) fn format(&self) -> Option<Format> {
        self.content_type.as_deref().map(Format::of)
    }
}

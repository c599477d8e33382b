//! An event stream as the protocol uses it: data events, each group released by its control event (§5.8, B10).

use std::mem::take;
use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;

use super::batch::{Data, concat};
use super::page::json_error;
use crate::wire::content_type::Format;
use crate::wire::error::{Error, ErrorKind, Failure};
use crate::wire::header;
use crate::wire::json::{self, Messages};
use crate::wire::position::Offset;
use crate::wire::sse::{SseError, SseEvent, SseParser, decode_base64};

/// An open event stream.
#[derive(Debug)]
pub(super) struct Events {
    parser: SseParser,
    base64: bool,
    /// Data whose control event has not come yet.
    pending: Pending,
    pending_bytes: usize,
    max_bytes: usize,
    pub(super) opened: Instant,
    /// Whether anything new was delivered from it.
    pub(super) progress: bool,
    /// How the connection ended.
    pub(super) ended: Option<Result<(), Failure>>,
}

#[derive(Debug)]
enum Pending {
    Bytes(Vec<Bytes>),
    Messages(Messages),
}

/// One group: what came since the last control event, and what the control event says.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) data: Data,
    pub(super) next_offset: Offset,
    pub(super) cursor: Option<String>,
    pub(super) up_to_date: bool,
    pub(super) closed: bool,
}

/// The `control` event. What it has beyond this is an extension, and ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Control {
    stream_next_offset: String,
    stream_cursor: Option<String>,
    #[serde(default)]
    up_to_date: bool,
    #[serde(default)]
    stream_closed: bool,
}

impl Events {
    /// Opens one on the head of its answer.
    pub(super) fn open(
        headers: &http::HeaderMap,
        format: Format,
        max_bytes: usize,
        now: Instant,
    ) -> Result<Self, Error> {
        let encoding =
            header::single(headers, &header::STREAM_SSE_DATA_ENCODING).map_err(Error::protocol)?;
        let base64 = match encoding {
            None => false,
            Some(name) if name.eq_ignore_ascii_case("base64") => true,
            Some(_) => {
                return Err(Error::protocol(
                    "the data encoding of the event stream is unknown",
                ));
            }
        };
        Ok(Self {
            parser: SseParser::new(max_bytes),
            base64,
            pending: match format {
                Format::Json => Pending::Messages(Messages::default()),
                Format::Text | Format::Binary => Pending::Bytes(Vec::new()),
            },
            pending_bytes: 0,
            max_bytes,
            opened: now,
            progress: false,
            ended: None,
        })
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        self.parser.push(chunk);
    }

    /// The next group that is complete.
    pub(super) fn group(&mut self) -> Result<Option<Group>, Error> {
        while let Some(event) = self.parser.next_event().map_err(sse_error)? {
            match event.event() {
                b"data" => self.data(event.data)?,
                b"control" => return self.control(&event).map(Some),
                // Other types are extensions.
                _ => {}
            }
        }
        Ok(None)
    }

    fn data(&mut self, data: Bytes) -> Result<(), Error> {
        let data = if self.base64 {
            decode_base64(&data).map_err(Error::protocol)?
        } else {
            data
        };
        self.pending_bytes += data.len();
        if self.pending_bytes > self.max_bytes {
            let limit = self.max_bytes;
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("over {limit} bytes without a control event"),
            ));
        }
        match &mut self.pending {
            Pending::Bytes(pieces) => {
                pieces.push(data);
                Ok(())
            }
            // Each event is a document of its own, and its messages join those before it.
            Pending::Messages(messages) => {
                json::messages_of(data, self.max_bytes, messages).map_err(json_error)
            }
        }
    }

    fn control(&mut self, event: &SseEvent) -> Result<Group, Error> {
        let malformed = |why: &dyn std::fmt::Display| {
            Error::protocol(format!("a malformed control event: {why}"))
        };
        // A struct could also be read from an array; the protocol says object.
        if !event.data.trim_ascii_start().starts_with(b"{") {
            return Err(malformed(&"not a JSON object"));
        }
        let control: Control =
            serde_json::from_slice(&event.data).map_err(|error| malformed(&error))?;
        let next_offset =
            Offset::new(control.stream_next_offset).map_err(|error| malformed(&error))?;
        self.pending_bytes = 0;
        Ok(Group {
            data: match &mut self.pending {
                Pending::Bytes(pieces) => Data::Bytes(concat(take(pieces))),
                Pending::Messages(messages) => Data::Messages(take(messages)),
            },
            next_offset,
            cursor: control.stream_cursor.filter(|cursor| !cursor.is_empty()),
            // Closed means that there is nothing more, which is as up to date as can be.
            up_to_date: control.up_to_date || control.stream_closed,
            closed: control.stream_closed,
        })
    }
}

fn sse_error(error: SseError) -> Error {
    match error {
        SseError::EventTooLarge { .. } => Error::new(ErrorKind::LimitExceeded, error.to_string()),
    }
}

//! What a reader delivers.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::wire::error::Error;
use crate::wire::json::{self, Messages};
use crate::wire::position::Checkpoint;

/// What a reader tells its user.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReaderEvent {
    /// The next piece of the stream.
    Batch(Batch),
    /// Something that changes nothing about what is delivered, worth a line in a log.
    Notice(Notice),
    /// The reader gave up; it will deliver nothing more.
    Failed(Error),
}

/// What happened behind the scenes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A request failed and is tried again after this delay.
    Retrying {
        /// Why it failed.
        error: Error,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// Server-sent events do not work here; the session goes on by long-poll.
    FellBack {
        /// Why.
        reason: &'static str,
    },
}

/// A piece of a stream, in order and exactly once, with the [checkpoint](Self::checkpoint) right after it.
///
/// It may be empty: then it says that the position moved, the tail was reached, or the stream is closed.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) data: Data,
    pub(super) checkpoint: Checkpoint,
    pub(super) up_to_date: bool,
    pub(super) closed: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Data {
    Bytes(Bytes),
    Messages(Messages),
}

impl Data {
    /// How much this is in the units of positions: messages or bytes.
    pub(super) fn units(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Messages(messages) => messages.len() as u64,
        }
    }

    /// Drops the first of them.
    pub(super) fn skip(self, units: u64) -> Self {
        // More than a usize of units cannot be here.
        let units = usize::try_from(units).unwrap_or(usize::MAX);
        match self {
            Self::Bytes(mut bytes) => Self::Bytes(bytes.split_off(units.min(bytes.len()))),
            Self::Messages(mut messages) => {
                messages.skip(units);
                Self::Messages(messages)
            }
        }
    }
}

impl Batch {
    /// Where the stream goes on after this batch: save it, and a new reader begins exactly there.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether this batch reached the tail, as it was then.
    pub fn is_up_to_date(&self) -> bool {
        self.up_to_date
    }

    /// Whether the stream is closed and this is its last batch.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether it holds no message and no byte.
    pub fn is_empty(&self) -> bool {
        self.data.units() == 0
    }

    /// How many bytes it holds: those of its messages, without what was between them.
    pub fn size(&self) -> usize {
        match &self.data {
            Data::Bytes(bytes) => bytes.len(),
            Data::Messages(messages) => messages.size(),
        }
    }

    /// Whether the stream is a JSON stream, and this batch is made of messages.
    pub fn is_json(&self) -> bool {
        matches!(self.data, Data::Messages(_))
    }

    /// The messages of a JSON stream, each exactly as the server has it: slices of what arrived, of which
    /// [`bytes`](Messages::bytes) makes some to keep. A stream that is not JSON has none.
    pub fn messages(&self) -> &Messages {
        match &self.data {
            Data::Messages(messages) => messages,
            Data::Bytes(_) => Messages::NONE,
        }
    }

    /// The messages of a JSON stream, read as `T` one by one.
    ///
    /// # Errors
    /// An item is [`InvalidInput`](crate::ErrorKind::InvalidInput) when that message is no `T`, or, once, when the batch
    /// has bytes of a stream that is not JSON.
    pub fn json<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, Error>> {
        let not_json = (!self.is_json() && !self.is_empty()).then(|| {
            Err(Error::invalid(
                "the stream is not application/json: read its bytes",
            ))
        });
        let parsed = self.messages().iter().map(|message| {
            serde_json::from_slice(message).map_err(|error| {
                Error::invalid(format!("the message is not what was asked for: {error}"))
            })
        });
        parsed.chain(not_json)
    }

    /// The contents as one body: the bytes, without a copy; of a JSON stream an array of the messages.
    pub fn bytes(&self) -> Bytes {
        match &self.data {
            Data::Bytes(bytes) => bytes.clone(),
            Data::Messages(messages) => {
                json::join_messages(messages).unwrap_or_else(|| Bytes::from_static(b"[]"))
            }
        }
    }

    /// The bytes of a stream that is not JSON, as text. On `text/*` streams no batch ends within a character, unless the
    /// answer of the server did.
    ///
    /// # Errors
    /// When they are not UTF-8.
    pub fn text(&self) -> Result<&str, std::str::Utf8Error> {
        match &self.data {
            Data::Bytes(bytes) => std::str::from_utf8(bytes),
            Data::Messages(_) => Ok(""),
        }
    }
}

/// Joins pieces; a single one is not copied.
pub(super) fn concat(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.swap_remove(0);
    }
    let mut joined = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in &pieces {
        joined.extend_from_slice(piece);
    }
    joined.freeze()
}

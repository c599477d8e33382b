//! The body of one answer of catch-up or long-poll, delivered in pieces as it arrives (B68).

use std::collections::VecDeque;

use bytes::Bytes;

use super::batch::{Data, concat};
use crate::operation::ReadHead;
use crate::wire::content_type::Format;
use crate::wire::error::{Error, ErrorKind, Failure};
use crate::wire::json::{JsonError, JsonFramer, Messages};
use crate::wire::position::Offset;

/// An answer whose head is there and whose body is arriving.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) head: ReadHead,
    pub(super) next_offset: Offset,
    body: Body,
    /// How many messages the piece before had: the next will likely have as many.
    messages: usize,
    /// Whether there may be nothing in it: the offset does not say otherwise.
    may_be_empty: bool,
    /// Bytes of the body so far.
    received: u64,
    /// Units of the body that were passed on or skipped.
    pub(super) seen: u64,
    /// Whether anything new was delivered from it.
    pub(super) progress: bool,
    /// How the body ended.
    pub(super) ended: Option<Result<(), Failure>>,
}

#[derive(Debug)]
enum Body {
    Bytes { queue: VecDeque<Bytes>, text: bool },
    Json(JsonFramer),
}

/// What is there of a page.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) data: Data,
    /// Whether nothing more of what was received is left.
    pub(super) drained: bool,
}

impl Page {
    pub(super) fn new(
        head: ReadHead,
        may_be_empty: bool,
        next_offset: Offset,
        format: Format,
        max_message: usize,
    ) -> Self {
        let body = match format {
            Format::Json => Body::Json(JsonFramer::new(max_message)),
            Format::Text => Body::Bytes {
                queue: VecDeque::new(),
                text: true,
            },
            Format::Binary => Body::Bytes {
                queue: VecDeque::new(),
                text: false,
            },
        };
        Self {
            head,
            next_offset,
            body,
            messages: 0,
            may_be_empty,
            received: 0,
            seen: 0,
            progress: false,
            ended: None,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        self.received += chunk.len() as u64;
        match &mut self.body {
            Body::Bytes { queue, .. } if !chunk.is_empty() => queue.push_back(chunk),
            Body::Bytes { .. } => {}
            Body::Json(framer) => framer.push(chunk),
        }
    }

    /// What was received and not yet passed on, at most about `max` bytes; `None` when that is nothing.
    pub(super) fn piece(&mut self, max: usize) -> Result<Option<Piece>, Error> {
        let last = matches!(self.ended, Some(Ok(()))) && self.has_its_length();
        match &mut self.body {
            Body::Bytes { queue, text } => Ok(bytes_piece(queue, *text, last, max)),
            Body::Json(framer) => json_piece(framer, max, &mut self.messages),
        }
    }

    /// Whether a body that ended well is whole. To be asked when all of it was passed on.
    pub(super) fn is_whole(&self) -> bool {
        let complete = match &self.body {
            Body::Bytes { .. } => true,
            // Some servers answer at the tail without the empty array. Only a length of zero says that it is none: a body
            // without a length may have been cut before its first byte.
            Body::Json(_) if self.head.content_length == Some(0) && self.head.up_to_date => {
                self.may_be_empty
            }
            Body::Json(framer) => framer.is_complete(),
        };
        complete && self.has_its_length()
    }

    fn has_its_length(&self) -> bool {
        self.head
            .content_length
            .is_none_or(|length| length == self.received)
    }
}

/// Chunks below this are joined to one piece; a larger one is passed on as it is, without a copy.
const JOIN_BELOW: usize = 16 * 1024;

/// `last`: the body is whole, so that nothing comes after what is in the queue.
fn bytes_piece(queue: &mut VecDeque<Bytes>, text: bool, last: bool, max: usize) -> Option<Piece> {
    let mut pieces = Vec::new();
    let mut length = 0;
    while length < max.min(JOIN_BELOW) {
        let Some(mut chunk) = queue.pop_front() else {
            break;
        };
        let room = max - length;
        if chunk.len() > room {
            let between = if text {
                whole_characters(&chunk[..room])
            } else {
                room
            };
            // A limit below the length of one character cuts it.
            queue.push_front(chunk.split_off(if between == 0 { room } else { between }));
        }
        length += chunk.len();
        pieces.push(chunk);
    }
    if pieces.is_empty() {
        return None;
    }
    let mut data = concat(pieces);
    if text && !(last && queue.is_empty()) {
        let end = match whole_characters(&data) {
            // More is there, and still no whole character within the limit.
            0 if !queue.is_empty() => data.len(),
            end => end,
        };
        let rest = data.split_off(end);
        if !rest.is_empty() {
            join_front(queue, rest);
        }
    }
    let drained = queue.is_empty();
    (!data.is_empty()).then_some(Piece {
        data: Data::Bytes(data),
        drained,
    })
}

/// Puts the beginning of a character back in front of what follows it.
fn join_front(queue: &mut VecDeque<Bytes>, rest: Bytes) {
    match queue.pop_front() {
        Some(next) => queue.push_front(concat(vec![rest, next])),
        None => queue.push_front(rest),
    }
}

/// How much of this ends with a whole character: all of it, or all but a character of which the end is missing.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    for (back, &byte) in tail.iter().rev().enumerate() {
        let needed = match byte {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if needed > back + 1 {
            bytes.len() - back - 1
        } else {
            bytes.len()
        };
    }
    bytes.len()
}

fn json_piece(
    framer: &mut JsonFramer,
    max: usize,
    expected: &mut usize,
) -> Result<Option<Piece>, Error> {
    let mut messages = Messages::default();
    messages.reserve(*expected);
    let more = match framer.next_messages(max, &mut messages) {
        Ok(more) => more,
        Err(error) if messages.is_empty() => return Err(json_error(error)),
        // What comes before the fault is delivered first; the framer says it again.
        Err(_) => true,
    };
    *expected = messages.len();
    Ok((!messages.is_empty()).then_some(Piece {
        data: Data::Messages(messages),
        drained: !more,
    }))
}

pub(super) fn json_error(error: JsonError) -> Error {
    match error {
        JsonError::MessageTooLarge { .. } => {
            Error::new(ErrorKind::LimitExceeded, error.to_string())
        }
        _ => Error::protocol(format!("the body is not one JSON array: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        let text = "aä€😀";
        let bytes = text.as_bytes();
        for end in 0..=bytes.len() {
            let whole = whole_characters(&bytes[..end]);
            assert!(std::str::from_utf8(&bytes[..whole]).is_ok(), "{end}");
            assert!(end - whole < 4);
        }
        // What is no UTF-8 is passed on as it is.
        for bad in [&b"\xff"[..], b"\x80\x80\x80\x80", b"a\xc0"] {
            assert_eq!(whole_characters(bad), bad.len());
        }
    }

    #[test]
    fn a_text_page_fed_byte_by_byte_gives_whole_characters() {
        let mut queue = VecDeque::new();
        let mut got = String::new();
        for byte in "aä€😀!".bytes() {
            queue.push_back(Bytes::copy_from_slice(&[byte]));
            if let Some(piece) = bytes_piece(&mut queue, true, false, 1024) {
                let Data::Bytes(bytes) = piece.data else {
                    panic!("bytes")
                };
                got.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        }
        assert_eq!(got, "aä€😀!");
    }
}

//! A piece of a stream, as one answer carries it.

use bytes::{Bytes, BytesMut};

use super::json::{self, Spacing};
use super::offset::Offset;

/// A range of a stream.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// Messages, each whole, when the stream is JSON; any pieces of the bytes otherwise.
    pub(super) pieces: Vec<Bytes>,
    /// The page reaches the tail (§5.6).
    pub(super) up_to_date: bool,
    /// The page reaches the end of a closed stream (§5.6).
    pub(super) closed: bool,
}

impl Page {
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The page as the body of an answer; messages are in an array, which is written like this.
    pub(super) fn body(&self, json: Option<Spacing>) -> Vec<Bytes> {
        match json {
            Some(spacing) => join(json::array(&self.pieces, spacing)),
            None => join(self.pieces.iter().cloned()),
        }
    }

    /// Gives up a character that is cut in two at the end of a page of text: what follows carries on from
    /// before it. A carriage return goes too: with the line feed that may follow it is one line end in events,
    /// and two if they were parted. A page that has nothing else keeps it.
    pub(super) fn end_on_character(&mut self) {
        let cut = if self
            .pieces
            .last()
            .is_some_and(|piece| piece.ends_with(b"\r"))
        {
            1
        } else {
            self.cut_character()
        };
        if cut > 0 && self.end.0 - self.start.0 > cut as u64 {
            self.shorten(cut);
        }
    }

    /// Gives up a cut character at the end even when nothing is left then.
    pub(super) fn hold_back_character(&mut self) {
        let cut = self.cut_character();
        if cut > 0 {
            self.shorten(cut);
        }
    }

    fn shorten(&mut self, mut bytes: usize) {
        self.end.0 -= bytes as u64;
        self.up_to_date = false;
        self.closed = false;
        while let Some(last) = self.pieces.last_mut().filter(|_| bytes > 0) {
            let keep = last.len().saturating_sub(bytes);
            bytes -= last.len() - keep;
            last.truncate(keep);
            if keep == 0 {
                self.pieces.pop();
            }
        }
    }

    /// How many bytes at the end begin a UTF-8 character without ending it.
    fn cut_character(&self) -> usize {
        let backwards = self
            .pieces
            .iter()
            .rev()
            .flat_map(|piece| piece.iter().rev());
        for (back, &byte) in backwards.take(3).enumerate() {
            let length = match byte {
                0x80..=0xBF => continue,
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 1,
            };
            let have = back + 1;
            return if have < length { have } else { 0 };
        }
        0
    }
}

/// Pieces at least this long are sent as they are; shorter ones are joined.
const LONG: usize = 16 * 1024;
const JOINED: usize = 64 * 1024;

/// Joins short pieces, so that a body of a million messages is not a million chunks.
fn join(pieces: impl Iterator<Item = Bytes>) -> Vec<Bytes> {
    let mut out = Vec::new();
    let mut buffer = BytesMut::new();
    for piece in pieces {
        let full = piece.len() >= LONG || buffer.len() + piece.len() > JOINED;
        if full && !buffer.is_empty() {
            out.push(buffer.split().freeze());
        }
        if piece.len() >= LONG {
            out.push(piece);
        } else {
            buffer.extend_from_slice(&piece);
        }
    }
    if !buffer.is_empty() {
        out.push(buffer.freeze());
    }
    out
}

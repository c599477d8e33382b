//! What is really stored: a log of its own for each stream, kept from what the server acknowledged at the moment it did.

use bytes::Bytes;
use durable_streams_core::{Checkpoint, Offset};

use super::check::HandedOut;
use super::clock::Time;
use super::context::Context;
use super::message::{self, Format};
use crate::reference::OffsetFormat;

/// A message that some writer was given.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) writer: usize,
    pub(super) ticket: u64,
    pub(super) bytes: Bytes,
    /// How often it is stored.
    pub(super) stored: u32,
    /// The epoch it was stored in last, and the position behind it.
    epoch: u64,
    pub(super) end: u64,
    /// It may be stored although a refusal came back: an intermediary sent a request again, and handed on the second answer.
    pub(super) masked: bool,
}

/// A stream as it really is.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) path: String,
    pub(super) format: Format,
    /// The messages, in order, and the epochs they came in; of a fork those of its own.
    pub(super) messages: Vec<(usize, u64)>,
    /// On a JSON stream every message with what is inherited, on others all bytes.
    pub(super) items: Vec<Bytes>,
    pub(super) bytes: Vec<u8>,
    /// When the tail got where.
    tails: Vec<(Time, u64)>,
    pub(super) closed: bool,
    pub(super) deleted: bool,
    /// How far workers have handled it, without a gap.
    pub(super) handled: u64,
    /// Checkpoints that readers were given.
    pub(super) checkpoints: Vec<Checkpoint>,
}

impl Stream {
    /// Where the tail is, in messages or bytes.
    pub(super) fn tail(&self) -> u64 {
        match self.format {
            Format::Json => self.items.len() as u64,
            _ => self.bytes.len() as u64,
        }
    }

    /// Whether the tail was at `position` at any time since.
    pub(super) fn was_tail(&self, position: u64, since: Time) -> bool {
        let mut until = Time::MAX;
        for &(at, tail) in self.tails.iter().rev() {
            if until < since {
                return false;
            }
            if tail == position {
                return true;
            }
            until = at;
        }
        false
    }
}

/// Everything that is true.
#[derive(Debug)]
pub(super) struct Truth {
    /// How the server writes positions.
    offsets: OffsetFormat,
    pub(super) streams: Vec<Stream>,
    pub(super) messages: Vec<Message>,
}

impl Truth {
    pub(super) fn new(offsets: OffsetFormat) -> Self {
        Self {
            offsets,
            streams: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// The position that an offset of the server stands for.
    pub(super) fn position(&self, offset: &Offset) -> Option<u64> {
        self.offsets.place(offset.as_str())
    }

    /// The position that a checkpoint stands for.
    pub(super) fn place(&self, checkpoint: &Checkpoint) -> Option<u64> {
        let offset = checkpoint.offset();
        let base = offset.map_or(Some(0), |offset| self.position(offset))?;
        Some(base + checkpoint.delivered())
    }

    /// A worker has handled this.
    pub(super) fn handled(&mut self, what: &HandedOut) {
        let stream = &mut self.streams[what.stream];
        if what.from <= stream.handled {
            stream.handled = stream.handled.max(what.to);
        }
    }

    /// A stream begins: empty, or with what it takes over.
    pub(super) fn create(
        &mut self,
        path: String,
        format: Format,
        now: Time,
        inherited: Option<(usize, u64)>,
    ) -> usize {
        let (items, bytes) = match inherited {
            None => (Vec::new(), Vec::new()),
            Some((source, until)) => {
                let source = &self.streams[source];
                let until = usize::try_from(until).unwrap_or(usize::MAX);
                (
                    source.items[..until.min(source.items.len())].to_vec(),
                    source.bytes[..until.min(source.bytes.len())].to_vec(),
                )
            }
        };
        let mut stream = Stream {
            path,
            format,
            messages: Vec::new(),
            items,
            bytes,
            tails: Vec::new(),
            closed: false,
            deleted: false,
            handled: 0,
            checkpoints: Vec::new(),
        };
        stream.tails.push((now, stream.tail()));
        self.streams.push(stream);
        self.streams.len() - 1
    }

    /// The stream under this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.streams.iter().position(|stream| stream.path == path)
    }

    /// A new message of a writer.
    pub(super) fn message(
        &mut self,
        ctx: &mut Context,
        format: Format,
        writer: usize,
        ticket: u64,
        padding: usize,
    ) -> usize {
        let id = self.messages.len();
        let variant = ctx.tape.below(4);
        self.messages.push(Message {
            writer,
            ticket,
            bytes: message::compose(format, id, padding, variant),
            stored: 0,
            epoch: 0,
            end: 0,
            masked: false,
        });
        id
    }

    /// An intermediary hid that what is in this body was stored. Its writer then has to take everything behind it for not stored.
    pub(super) fn mask(&mut self, stream: usize, body: &Bytes) {
        let format = self.streams[stream].format;
        let find = |id: usize| self.messages.get(id).map(|message| &message.bytes);
        let ids = message::parse(format, body, find).unwrap_or_default();
        let Some(first) = ids.first().map(|&id| &self.messages[id]) else {
            return;
        };
        let (writer, ticket) = (first.writer, first.ticket);
        for message in &mut self.messages {
            message.masked |= message.writer == writer && message.ticket >= ticket;
        }
    }

    /// Takes back a message that no writer took.
    pub(super) fn forget_last_message(&mut self) {
        self.messages.pop();
    }

    /// The server stored a body.
    pub(super) fn store(&mut self, ctx: &mut Context, stream: usize, epoch: u64, body: &Bytes) {
        if body.is_empty() {
            return;
        }
        let format = self.streams[stream].format;
        let ids = match message::parse(format, body, |id| {
            self.messages.get(id).map(|message| &message.bytes)
        }) {
            Ok(ids) => ids,
            Err(why) => return ctx.violate(stream, || format!("a garbled body was stored: {why}")),
        };
        let stream = &mut self.streams[stream];
        for &id in &ids {
            let message = &mut self.messages[id];
            if message.stored > 0 && message.epoch == epoch {
                ctx.violate(message.writer, || {
                    format!(
                        "message {id} (ticket {}) is stored twice in epoch {epoch}",
                        message.ticket
                    )
                });
            }
            message.stored += 1;
            message.epoch = epoch;
            match format {
                Format::Json => stream.items.push(message.bytes.clone()),
                _ => stream.bytes.extend_from_slice(&message.bytes),
            }
            message.end = stream.tail();
        }
        stream
            .messages
            .extend(ids.into_iter().map(|id| (id, epoch)));
        let tail = stream.tail();
        stream.tails.push((ctx.now(), tail));
    }
}

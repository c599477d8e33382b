//! `read`: a reader, polled until the command has what it asks for.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use durable_streams_client::{Batch, Checkpoint, Live, Offset, Reader, Start};
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::command::Read;
use super::failure::{Code, Failed};
use super::outcome::{self, Chunk, Outcome};
use super::session::Session;

const DEFAULT_LIMIT: Duration = Duration::from_secs(5);
const DEFAULT_CHUNKS: usize = 100;

pub(crate) async fn read(session: &mut Session, read: Read) -> Result<Outcome, Failed> {
    let start = start(read.offset.as_deref())?;
    let sent = session.dynamic.next(&read.address.headers);
    let stream = sent.with(session.stream(&read.address));
    let live = Live::from(read.live);
    let mut reader = stream.read().from(start).live(live).start();
    let mut reading = Reading {
        chunks: Vec::new(),
        most: match live {
            Live::Off => usize::MAX,
            _ => read.max_chunks.unwrap_or(DEFAULT_CHUNKS),
        },
        until_tail: read.wait_for_up_to_date,
        ..Reading::default()
    };
    let limit = read.timeout_ms.map_or(DEFAULT_LIMIT, Duration::from_millis);
    let ended = timeout(limit, reading.run(&mut reader)).await;
    let status = reader.status().map(|status| status.as_u16());
    match ended {
        Ok(result) => result.map_err(|failed| failed.found_in(status))?,
        // To wait in vain at the tail is no failure; to wait in vain for an answer is.
        Err(_) if reading.place.is_none() => {
            let why = format!("no whole answer within {limit:?}");
            return Err(Failed::new(Code::Timeout, why));
        }
        Err(_) => reading.up_to_date = reading.reached_tail,
    }
    let place = reading.place.unwrap_or_default();
    Ok(Outcome::Read(outcome::Read {
        status,
        chunks: reading.chunks,
        offset: place.offset().cloned(),
        up_to_date: reading.up_to_date,
        stream_closed: reading.closed,
        cursor: place.cursor().map(str::to_owned),
        sent,
    }))
}

pub(crate) fn start(offset: Option<&str>) -> Result<Start, Failed> {
    Ok(match offset {
        None | Some("-1") => Start::Beginning,
        Some("now") => Start::Now,
        Some(text) => Offset::new(text)
            .map_err(|error| Failed::new(Code::InvalidOffset, format!("{text:?}: {error}")))?
            .into(),
    })
}

/// What was read so far. Whole answers only: what has come of one that is not whole has no offset of its own to go on from.
#[derive(Default)]
struct Reading {
    chunks: Vec<Chunk>,
    /// Enough chunks for a live read.
    most: usize,
    /// Whether a live read is over when it comes to the tail.
    until_tail: bool,
    part: Part,
    /// Behind the last whole answer.
    place: Option<Checkpoint>,
    /// Whether the last answer was at the tail, and whether any was.
    up_to_date: bool,
    reached_tail: bool,
    closed: bool,
}

/// What has come of an answer.
#[derive(Default)]
struct Part {
    messages: Vec<Box<RawValue>>,
    bytes: BytesMut,
}

impl Reading {
    /// Reads until there is enough, or the reader ends.
    async fn run(&mut self, reader: &mut Reader) -> Result<(), Failed> {
        while let Some(batch) = reader.next().await? {
            self.part.add(&batch)?;
            if batch.checkpoint().delivered() > 0 {
                continue;
            }
            let place = batch.checkpoint();
            let offset = place.offset().cloned();
            self.chunks
                .extend(std::mem::take(&mut self.part).chunk(offset)?);
            self.place = Some(place.clone());
            self.up_to_date = batch.is_up_to_date();
            self.reached_tail |= self.up_to_date;
            self.closed = batch.is_closed();
            let enough = self.chunks.len() >= self.most
                || (self.until_tail && self.up_to_date)
                || self.closed;
            if enough {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Part {
    /// A message that is no JSON ends the read: the client passes messages on without a look into them.
    fn add(&mut self, batch: &Batch) -> Result<(), Failed> {
        if !batch.is_json() {
            self.bytes.extend_from_slice(&batch.bytes());
            return Ok(());
        }
        for message in batch.json() {
            let unreadable = |error: durable_streams_client::Error| {
                Failed::new(Code::ParseError, error.to_string())
            };
            self.messages.push(message.map_err(unreadable)?);
        }
        Ok(())
    }

    /// The chunk it makes, if there is anything in it.
    fn chunk(self, offset: Option<Offset>) -> Result<Option<Chunk>, Failed> {
        let (data, binary) = if !self.messages.is_empty() {
            let text = serde_json::to_string(&self.messages);
            let broken =
                |error: serde_json::Error| Failed::new(Code::InternalError, error.to_string());
            (text.map_err(broken)?, false)
        } else if self.bytes.is_empty() {
            return Ok(None);
        } else {
            match String::from_utf8(self.bytes.into()) {
                Ok(text) => (text, false),
                Err(error) => (BASE64_STANDARD.encode(error.as_bytes()), true),
            }
        };
        Ok(Some(Chunk {
            data,
            binary,
            offset,
        }))
    }
}

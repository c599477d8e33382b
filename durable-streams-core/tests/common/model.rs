//! A stream as a list of units, messages or bytes, and the answers a server gives of it.

use bytes::Bytes;

use super::{Driver, Reader, Sent};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Text,
    Binary,
}

impl Media {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::Binary => "application/octet-stream",
        }
    }
}

/// The offset of a unit is its index, in six digits.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) media: Media,
    pub(crate) units: Vec<Bytes>,
}

impl Log {
    pub(crate) fn json(messages: &[&str]) -> Self {
        let units = messages
            .iter()
            .map(|message| Bytes::copy_from_slice(message.as_bytes()))
            .collect();
        Self {
            media: Media::Json,
            units,
        }
    }

    pub(crate) fn bytes(media: Media, bytes: &[u8]) -> Self {
        let units = bytes
            .iter()
            .map(|&byte| Bytes::copy_from_slice(&[byte]))
            .collect();
        Self { media, units }
    }

    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    pub(crate) fn offset(index: usize) -> String {
        format!("{index:06}")
    }

    /// The index that a request asks for.
    pub(crate) fn asked(sent: &Sent, now: usize) -> usize {
        match sent.param("offset").expect("every read has an offset") {
            "-1" => 0,
            "now" => now,
            offset => offset.parse().unwrap(),
        }
    }

    /// The body of an answer with these units.
    pub(crate) fn body(&self, from: usize, to: usize) -> Vec<u8> {
        let units = &self.units[from..to];
        match self.media {
            Media::Json => [b"[", &units.join(&b',')[..], b"]"].concat(),
            Media::Text | Media::Binary => units.concat(),
        }
    }
}

impl Driver<Reader> {
    /// Everything delivered, unit by unit.
    pub(crate) fn units(&self, media: Media) -> Vec<Bytes> {
        self.batches()
            .inspect(|batch| assert!(batch.is_empty() || batch.is_json() == (media == Media::Json)))
            .flat_map(|batch| match media {
                Media::Json => batch.messages().bytes().collect(),
                _ => Log::bytes(media, &batch.bytes()).units,
            })
            .collect()
    }

    /// Answers every request with a page of at most `size` units, until the reader is at the tail, and done.
    pub(crate) fn serve(&mut self, log: &Log, size: usize) {
        while !self.is_done() {
            if self.live().is_none() {
                self.next_request();
            }
            let from = Log::asked(self.last(), log.len());
            let to = (from + size).min(log.len());
            let flags = [super::UP_TO_DATE];
            let flags = if to == log.len() { &flags[..] } else { &[] };
            self.page(
                log.media.as_str(),
                &Log::offset(to),
                flags,
                &log.body(from, to),
            );
        }
    }
}

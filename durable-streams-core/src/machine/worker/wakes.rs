//! Hearing of wakes: the reader of the stream that they are appended to (§7.2).

use std::time::{Duration, Instant};

use crate::machine::later;
use crate::machine::reader::{Batch, Live, Reader, ReaderConfig};
use crate::operation::subscription::WakeEvent;
use crate::wire::position::Start;
use crate::wire::retry::Backoff;

/// What listens for wakes.
#[derive(Debug)]
pub(super) struct Wakes {
    /// How the stream is read, unless wakes are not listened for.
    config: Option<ReaderConfig>,
    pub(super) reader: Option<Reader>,
    /// When to listen again.
    pub(super) at: Option<Instant>,
    /// It has not begun to listen: what happened before may have gone unheard.
    fresh: bool,
    backoff: Backoff,
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Heard {
    #[default]
    Nothing,
    /// There may be work.
    Something,
    /// There is a wake of this generation, and none that is newer.
    Wake(u64),
}

impl Heard {
    /// Both, one after the other.
    pub(super) fn and(self, later: Self) -> Self {
        match (self, later) {
            (Self::Something, _) | (_, Self::Nothing) => self,
            _ => later,
        }
    }
}

impl Wakes {
    /// Listens nowhere.
    pub(super) fn off(backoff: Backoff) -> Self {
        Self {
            config: None,
            reader: None,
            at: None,
            fresh: false,
            backoff,
        }
    }

    /// Begins to listen by a reader like this.
    pub(super) fn listen(&mut self, config: ReaderConfig, live: Live, now: Instant) {
        if live != Live::Off {
            self.config = Some(config.from(Start::Now).live(live));
            self.at = Some(now);
        }
    }

    /// Listens no more.
    pub(super) fn end(&mut self) {
        self.config = None;
        self.reader = None;
        self.at = None;
    }

    /// Opens the reader when its time has come.
    pub(super) fn open(&mut self, now: Instant) {
        if self.at.is_some_and(|at| at <= now) {
            self.at = None;
            self.fresh = true;
            self.reader = self.config.clone().map(Reader::new);
        }
    }

    /// The reader gave up, or came to an end: how long until the next one.
    pub(super) fn lost(&mut self, now: Instant) -> Option<Duration> {
        self.reader = None;
        let delay = self.backoff.fail(now, None)?;
        self.at = Some(later(now, delay));
        Some(delay)
    }

    /// What a batch says to those who work for this subscription.
    pub(super) fn hear(&mut self, batch: &Batch, subscription: &str) -> Heard {
        self.backoff.reset();
        let mut heard = if std::mem::take(&mut self.fresh) {
            Heard::Something
        } else {
            Heard::Nothing
        };
        // What is no JSON says nothing, and may mean something all the same.
        if !batch.is_json() && !batch.is_empty() {
            return Heard::Something;
        }
        for message in batch.messages() {
            // The stream may be one for several subscriptions.
            match WakeEvent::parse(message) {
                Some(event) if event.subscription_id == subscription => {
                    heard = heard.and(Heard::Wake(event.generation));
                }
                _ => {}
            }
        }
        heard
    }
}

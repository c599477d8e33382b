//! Readers with a fault built in.

use bytes::Bytes;
use durable_streams_core::{Checkpoint, Input, Start};
use http::header::CONTENT_LENGTH;

use super::Broken;
use crate::simulation::check::Delivered;

/// What sits between a reader and its driver.
#[derive(Debug)]
pub(in crate::simulation) struct ReaderSabotage {
    broken: Broken,
    last: Option<Delivered>,
    /// Something failed, and nothing was delivered since.
    failed: bool,
}

impl ReaderSabotage {
    pub(in crate::simulation) fn new(broken: Broken) -> Self {
        Self {
            broken,
            last: None,
            failed: false,
        }
    }

    pub(in crate::simulation) fn hurries(&self) -> bool {
        self.broken == Broken::ReaderWithoutBackoff
    }

    /// Where the machine starts when it is to start there.
    pub(in crate::simulation) fn start(&self, start: Start) -> Start {
        match start {
            Start::At(checkpoint) if self.broken == Broken::SkipIgnored => whole_pages(&checkpoint),
            start => start,
        }
    }

    /// What the machine is told of what happens.
    pub(in crate::simulation) fn input(&mut self, input: Input) -> Input {
        match input {
            Input::Head(id, mut head) if self.broken == Broken::CutIsWhole => {
                head.headers.remove(CONTENT_LENGTH);
                Input::Head(id, head)
            }
            Input::Failed(id, _) if self.broken == Broken::CutIsWhole => Input::End(id),
            Input::Failed(..) => {
                self.failed = true;
                input
            }
            input => input,
        }
    }

    /// Where the machine starts anew after what just happened.
    pub(in crate::simulation) fn starts_anew(&mut self) -> Option<Start> {
        let last = self.last.as_ref().map(|batch| &batch.checkpoint);
        let cut = last.filter(|checkpoint| checkpoint.delivered() > 0);
        if self.broken == Broken::CutPageTwice && self.failed {
            self.failed = false;
            return cut.map(whole_pages);
        }
        None
    }

    /// What the user is told for a batch.
    pub(in crate::simulation) fn batch(&mut self, mut batch: Delivered) -> Vec<Delivered> {
        let last = self.last.replace(batch.clone());
        let failed = std::mem::take(&mut self.failed);
        match self.broken {
            Broken::CheckpointBefore => {
                batch.checkpoint = last.map_or_else(Checkpoint::beginning, |last| last.checkpoint);
            }
            Broken::CheckpointAfter => {
                let base = batch
                    .checkpoint
                    .offset()
                    .map_or("-1", |offset| offset.as_str());
                let next = format!("{base},{}", batch.checkpoint.delivered() + 1);
                batch.checkpoint = next.parse().unwrap_or(batch.checkpoint);
            }
            Broken::KeptOverReconnect if failed => {
                return last.into_iter().chain([batch]).collect();
            }
            Broken::LostAfterError if failed => return Vec::new(),
            _ => {}
        }
        vec![batch]
    }

    /// What the user is told when the machine tries again.
    pub(in crate::simulation) fn retrying(&mut self) -> Option<Delivered> {
        let closed = self.broken == Broken::EndOnError;
        let up_to_date = self.broken == Broken::UpToDateOnError;
        let last = self.last.as_ref().filter(|_| closed || up_to_date)?;
        Some(Delivered {
            messages: Vec::new(),
            bytes: Bytes::new(),
            checkpoint: last.checkpoint.clone(),
            up_to_date,
            closed,
        })
    }
}

/// The same, but for what was delivered of the page.
fn whole_pages(checkpoint: &Checkpoint) -> Start {
    checkpoint
        .offset()
        .map_or(Start::Beginning, |offset| offset.into())
}

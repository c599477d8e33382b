//! What came of all cases. Its JSON is what every other report is made of.

mod html;
mod junit;
mod text;

use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::outcome::{Outcome, Run};

/// What came of all cases.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The root of the server's streams.
    pub root: String,
    /// Every selected case, in the order of the suite.
    pub runs: Vec<Run>,
}

/// How many cases came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The server does it.
    pub pass: usize,
    /// It must, and does not.
    pub fail: usize,
    /// It should, and does not.
    pub warn: usize,
    /// It could not be asked.
    pub skip: usize,
    /// It was not wanted.
    pub disabled: usize,
    /// What it needs did not work.
    pub blocked: usize,
    /// The suite or the network is at fault.
    pub error: usize,
}

impl Report {
    pub(super) fn new(root: String, runs: Vec<Run>) -> Self {
        Self { root, runs }
    }

    /// How many cases came to what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for run in &self.runs {
            *match run.outcome {
                Outcome::Pass => &mut counts.pass,
                Outcome::Fail(_) => &mut counts.fail,
                Outcome::Warn(_) => &mut counts.warn,
                Outcome::Skip(_) => &mut counts.skip,
                Outcome::Disabled(_) => &mut counts.disabled,
                Outcome::Blocked(_) => &mut counts.blocked,
                Outcome::Error(_) => &mut counts.error,
            } += 1;
        }
        counts
    }

    /// As JSON.
    ///
    /// # Errors
    /// None that could happen: everything in it has a form in JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// From its JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }
}

impl Run {
    /// The exchange that shows why it did not pass: the one that a failure names, or the last one.
    pub fn shown_exchange(&self) -> Option<&Exchange> {
        let number = match &self.outcome {
            Outcome::Fail(failure) | Outcome::Warn(failure) => failure.exchange,
            _ => None,
        };
        number.map_or(self.exchanges.last(), |number| self.exchanges.get(number))
    }
}

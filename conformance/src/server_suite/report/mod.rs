//! What came of all cases. Its JSON is what every other report is made of.

mod html;
mod junit;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// A case that came to something else in another run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The id of the case.
    pub case: String,
    /// What it came to before: the name of an outcome, or nothing.
    pub before: Option<&'static str>,
    /// What it came to after.
    pub after: Option<&'static str>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |outcome: Option<&'static str>| outcome.unwrap_or("not run");
        let (before, after) = (name(self.before), name(self.after));
        write!(f, "{}: {before} → {after}", self.case)
    }
}

impl Report {
    /// The cases that came to something else in a later run, by their ids.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let outcomes = |report: &Self| -> BTreeMap<String, &'static str> {
            let outcome = |run: &Run| (run.case.clone(), run.outcome.name());
            report.runs.iter().map(outcome).collect()
        };
        let (before, after) = (outcomes(self), outcomes(later));
        let ids: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let difference = |id: &String| Difference {
            case: id.clone(),
            before: before.get(id).copied(),
            after: after.get(id).copied(),
        };
        let all = ids.into_iter().map(difference);
        all.filter(|one| one.before != one.after).collect()
    }
}

//! Cases that are known to fail, each with its reason.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use durable_streams_conformance::server_suite::{Outcome, Report};

use super::file;

/// The ids of cases, and why each fails.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    known: BTreeMap<String, String>,
}

/// What a run has that a baseline has not, and the other way round.
#[derive(Debug, Default)]
pub(super) struct Surprises {
    /// Fails, and is not known to.
    pub(super) failing: Vec<String>,
    /// Is known to fail, ran, and does not.
    pub(super) stale: Vec<String>,
}

impl Baseline {
    pub(super) fn read(file: &Path) -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", file.display()).into())
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for line in text.lines() {
            let (id, why) = line.split_once('#').unwrap_or((line, ""));
            let (id, why) = (id.trim(), why.trim());
            if id.is_empty() {
                continue;
            }
            if why.is_empty() {
                return Err(format!("{id} has no reason: `{id} # why`"));
            }
            if known.insert(id.to_owned(), why.to_owned()).is_some() {
                return Err(format!("{id} is there twice"));
            }
        }
        Ok(Self { known })
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    pub(super) fn surprises(&self, report: &Report, strict: bool) -> Surprises {
        let mut surprises = Surprises::default();
        for run in &report.runs {
            let fails = fails(&run.outcome, strict);
            let passes = matches!(run.outcome, Outcome::Pass);
            match self.has(&run.case) {
                false if fails => surprises.failing.push(run.case.clone()),
                true if passes => surprises.stale.push(run.case.clone()),
                _ => {}
            }
        }
        surprises
    }

    /// What fails now, with the reasons that are known.
    pub(super) fn renewed(&self, report: &Report, strict: bool) -> Self {
        let failing = report.runs.iter().filter(|run| fails(&run.outcome, strict));
        let known = failing.map(|run| {
            let known = self.known.get(&run.case).cloned();
            let why = known.or_else(|| run.why().map(|why| why.replace('\n', ", ")));
            (run.case.clone(), why.unwrap_or_default())
        });
        Self {
            known: known.collect(),
        }
    }

    pub(super) fn write(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let mut text = String::new();
        for (id, why) in &self.known {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{id} # {why}");
        }
        file::write(file, text)
    }
}

fn fails(outcome: &Outcome, strict: bool) -> bool {
    match outcome {
        Outcome::Fail(_) | Outcome::Blocked(_) => true,
        Outcome::Warn(_) => strict,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_reason_and_is_there_once() {
        let baseline = Baseline::parse("# all of it\n\na.b # since ever\n c.d-e#too\n").unwrap();
        assert!(baseline.has("a.b") && baseline.has("c.d-e") && !baseline.has("a"));
        for bad in ["a.b", "a.b #", "a # 1\na # 2"] {
            assert!(Baseline::parse(bad).is_err(), "{bad}");
        }
    }
}

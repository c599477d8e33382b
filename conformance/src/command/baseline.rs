//! Cases that are known to fail, each with its reason.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use durable_streams_conformance::server_suite::{Outcome, Report, cases};

use super::file;

/// The ids of cases, and why each fails.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    known: BTreeMap<String, Known>,
}

/// What is known of a case that fails.
#[derive(Debug, Clone, Default)]
struct Known {
    why: String,
    /// It fails at times: the server decides a race now so, now so. Then it is no surprise when it does not.
    at_times: bool,
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
    /// What all of the files say. A case that does not exist is a mistake: it would be expected to fail for ever.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, Box<dyn Error>> {
        let mut baseline = Self::default();
        for file in files {
            let text = fs::read_to_string(file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            baseline
                .add(&text)
                .map_err(|error| format!("{}: {error}", file.display()))?;
        }
        let cases = cases();
        let mut ids = baseline.known.keys();
        match ids.find(|id| cases.iter().all(|case| case.id() != id.as_str())) {
            Some(id) => Err(format!("there is no case {id}").into()),
            None => Ok(baseline),
        }
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        for line in text.lines() {
            let mark = line.find(['#', '?']).unwrap_or(line.len());
            let (id, rest) = line.split_at(mark);
            let at_times = rest.starts_with('?');
            let (id, why) = (id.trim(), rest.get(1..).unwrap_or_default().trim());
            if id.is_empty() {
                continue;
            }
            if why.is_empty() {
                return Err(format!("{id} has no reason: `{id} # why`"));
            }
            let why = why.to_owned();
            let known = Known { why, at_times };
            if self.known.insert(id.to_owned(), known).is_some() {
                return Err(format!("{id} is there twice"));
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    pub(super) fn surprises(&self, report: &Report, strict: bool) -> Surprises {
        let mut surprises = Surprises::default();
        for run in &report.runs {
            let fails = fails(&run.outcome, strict);
            let passes = matches!(run.outcome, Outcome::Pass);
            match self.known.get(&run.case) {
                None if fails => surprises.failing.push(run.case.clone()),
                Some(known) if passes && !known.at_times => surprises.stale.push(run.case.clone()),
                _ => {}
            }
        }
        surprises
    }

    /// What fails now or at times, with the reasons that are known.
    pub(super) fn renewed(&self, report: &Report, strict: bool) -> Self {
        let known = report.runs.iter().filter_map(|run| {
            let known = self.known.get(&run.case);
            let at_times = known.filter(|known| known.at_times);
            let known = if fails(&run.outcome, strict) {
                let why = || run.why().unwrap_or_default().replace('\n', ", ");
                known.cloned().unwrap_or_else(|| Known {
                    why: why(),
                    at_times: false,
                })
            } else {
                at_times?.clone()
            };
            Some((run.case.clone(), known))
        });
        Self {
            known: known.collect(),
        }
    }

    pub(super) fn write(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let mut text = String::new();
        for (id, Known { why, at_times }) in &self.known {
            let mark = if *at_times { '?' } else { '#' };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{id} {mark} {why}");
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
        let mut baseline = Baseline::default();
        baseline.add("# all of it\n\na.b # since ever\n").unwrap();
        baseline.add(" c.d-e#too\nf ? at times # really\n").unwrap();
        assert!(baseline.known["f"].at_times && !baseline.known["a.b"].at_times);
        assert_eq!(baseline.known["f"].why, "at times # really");
        assert!(baseline.has("a.b") && baseline.has("c.d-e") && !baseline.has("a"));
        for bad in ["e", "e #", "a.b # again", "e # 1\ne # 2"] {
            assert!(baseline.add(bad).is_err(), "{bad}");
            baseline.known.remove("e");
        }
    }
}

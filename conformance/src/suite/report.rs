//! What came of the cases, and how it is told.

use std::fmt::{self, Write as _};
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use serde::ser::Serializer;

use super::subject::Protocol;

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "lowercase")]
pub enum Outcome {
    /// The subject does it right.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// It was not asked, and why.
    Skipped(String),
}

/// A case, run for a subject over a protocol.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Run {
    /// The name of the subject.
    pub subject: String,
    /// What it spoke.
    #[serde(serialize_with = "displayed")]
    pub protocol: Protocol,
    /// The id of the case.
    pub case: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
}

fn displayed<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// What came of all cases.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    runs: Vec<Run>,
}

impl Report {
    pub(crate) fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    pub(crate) fn sort(&mut self) {
        self.runs.sort_by(|a, b| {
            (&a.subject, a.protocol, &a.case).cmp(&(&b.subject, b.protocol, &b.case))
        });
    }

    /// Adds what came of other cases.
    pub fn merge(&mut self, other: Self) {
        self.runs.extend(other.runs);
    }

    /// Every case that was run or skipped.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Those that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Run> {
        let failed = |run: &&Run| matches!(run.outcome, Outcome::Failed(_));
        self.runs.iter().filter(failed)
    }

    /// How many passed, failed and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.runs
            .iter()
            .fold((0, 0, 0), |(passed, failed, skipped), run| {
                match run.outcome {
                    Outcome::Passed => (passed + 1, failed, skipped),
                    Outcome::Failed(_) => (passed, failed + 1, skipped),
                    Outcome::Skipped(_) => (passed, failed, skipped + 1),
                }
            })
    }

    /// For tests that run a suite: something ran, and nothing failed.
    ///
    /// # Panics
    /// When a case failed, with all that failed; and when none ran.
    #[track_caller]
    pub fn assert_passed(&self) {
        let (passed, failed, _) = self.counts();
        let text: Vec<_> = self.failures().map(ToString::to_string).collect();
        assert!(failed == 0, "{failed} failed\n\n{}", text.join("\n\n"));
        assert!(passed > 0, "no case was run");
    }

    /// As JSON, one object for each run.
    ///
    /// # Errors
    /// None that could happen: everything in it has a form in JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// As JUnit's XML, one suite for each subject and protocol.
    ///
    /// # Errors
    /// When a text of it has no form in XML.
    pub fn to_junit(&self) -> Result<String, quick_junit::SerializeError> {
        let mut report = quick_junit::Report::new("durable-streams");
        for ((subject, protocol), group) in self.groups() {
            let mut suite = TestSuite::new(format!("{subject}.{protocol}"));
            suite.add_test_cases(group.runs.iter().map(Run::to_junit));
            report.add_test_suite(suite);
        }
        report.to_string()
    }

    /// The runs of each subject and protocol.
    fn groups(&self) -> Vec<((&str, Protocol), Self)> {
        let mut groups: Vec<((&str, Protocol), Self)> = Vec::new();
        for run in &self.runs {
            let key = (run.subject.as_str(), run.protocol);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.add(run.clone()),
                None => groups.push((
                    key,
                    Self {
                        runs: vec![run.clone()],
                    },
                )),
            }
        }
        groups
    }

    /// As Markdown: the counts of each subject and protocol, and what failed or was skipped.
    pub fn to_markdown(&self) -> String {
        let mut text =
            "| subject | protocol | passed | failed | skipped |\n|---|---|---|---|---|\n"
                .to_owned();
        for ((subject, protocol), group) in self.groups() {
            let (passed, failed, skipped) = group.counts();
            // Writing to a string does not fail, here and below.
            let _ = writeln!(
                text,
                "| {subject} | {protocol} | {passed} | {failed} | {skipped} |"
            );
        }
        for run in &self.runs {
            let (Outcome::Failed(why) | Outcome::Skipped(why)) = &run.outcome else {
                continue;
            };
            let is = if matches!(run.outcome, Outcome::Failed(_)) {
                "failed"
            } else {
                "skipped"
            };
            let why = why.replace('\n', "\n  ");
            let _ = write!(
                text,
                "\n- **{}** {is} for {} over {}: {why}",
                run.case, run.subject, run.protocol
            );
        }
        text.push('\n');
        text
    }
}

impl Run {
    fn to_junit(&self) -> TestCase {
        let mut status = TestCaseStatus::success();
        match &self.outcome {
            Outcome::Passed => {}
            Outcome::Failed(why) => {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(why.lines().next().unwrap_or_default());
                status.set_description(why.as_str());
            }
            Outcome::Skipped(why) => {
                status = TestCaseStatus::skipped();
                status.set_message(why.as_str());
            }
        }
        let mut case = TestCase::new(self.case.as_str(), status);
        case.set_time(self.time);
        case
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is, why) = match &self.outcome {
            Outcome::Passed => ("passed ", None),
            Outcome::Failed(why) => ("FAILED ", Some(why)),
            Outcome::Skipped(why) => ("skipped", Some(why)),
        };
        write!(f, "{is} {} {} {}", self.subject, self.protocol, self.case)?;
        for line in why.iter().flat_map(|why| why.lines()) {
            write!(f, "\n        {line}")?;
        }
        Ok(())
    }
}

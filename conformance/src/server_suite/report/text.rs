//! Reports for programs that read lines, and for pages that show Markdown.

use std::fmt::Write as _;

use super::{Counts, Report};
use crate::server_suite::outcome::{Outcome, Run};

// Writing to a string does not fail, in all of this file.

impl Report {
    /// As TAP, version 14: one line for each case.
    pub fn to_tap(&self) -> String {
        let mut text = format!("TAP version 14\n1..{}\n", self.runs.len());
        for (number, run) in (1..).zip(&self.runs) {
            let (ok, directive) = match &run.outcome {
                Outcome::Pass => ("ok", String::new()),
                // A warning is no failure: TAP has a word for what is not done yet.
                Outcome::Warn(failure) => ("not ok", format!(" # TODO {}", line(&failure.actual))),
                Outcome::Fail(_) | Outcome::Blocked(_) | Outcome::Error(_) => {
                    ("not ok", String::new())
                }
                Outcome::Skip(why) | Outcome::Disabled(why) => {
                    ("ok", format!(" # SKIP {}", line(&why.why)))
                }
            };
            let _ = writeln!(text, "{ok} {number} - {}{directive}", run.case);
            if let Some(why) = run.why() {
                let _ = writeln!(text, "  ---");
                for line in why.lines() {
                    let _ = writeln!(text, "  # {line}");
                }
                let _ = writeln!(text, "  ...");
            }
        }
        text
    }

    /// As Markdown: the verdict, the counts, and what did not pass, with the command that shows it.
    pub fn to_markdown(&self) -> String {
        let Counts {
            pass,
            fail,
            warn,
            skip,
            disabled,
            blocked,
            error,
        } = self.counts();
        let mut text = format!(
            "# {}\n\n{}\n\n| pass | fail | warn | skip | disabled | blocked | error |\n|---|---|---|---|---|---|---|\n\
             | {pass} | {fail} | {warn} | {skip} | {disabled} | {blocked} | {error} |\n",
            self.root,
            self.verdict()
        );
        for run in &self.runs {
            if matches!(run.outcome, Outcome::Pass | Outcome::Disabled(_)) {
                continue;
            }
            let _ = write!(
                text,
                "\n## {}: {}\n\n{}.\n\n",
                run.outcome.name(),
                run.case,
                run.title
            );
            if let Some(why) = run.why() {
                let _ = writeln!(text, "{why}\n");
            }
            if !run.covers.is_empty() {
                let _ = writeln!(text, "Requirements: {}.\n", run.covers.join(", "));
            }
            if let Some(exchange) = run.shown_exchange() {
                let _ = writeln!(text, "```sh\n{}\n```", exchange.to_curl());
            }
        }
        text
    }

    /// What stands at the end of a run, in one line.
    pub fn verdict(&self) -> String {
        let counts = self.counts();
        let what = if counts.error > 0 {
            "Not known: the suite or the network failed"
        } else if counts.fail > 0 {
            "Not conformant"
        } else if counts.pass == 0 {
            "Not known: nothing passed"
        } else if counts.blocked > 0 {
            "Not known: cases were blocked"
        } else if counts.warn > 0 {
            "Conformant, with warnings"
        } else {
            "Conformant"
        };
        format!(
            "{what}: {} of {} cases pass",
            counts.pass,
            self.runs.len() - counts.disabled - counts.skip
        )
    }
}

impl Run {
    /// Why it did not pass, in words.
    pub fn why(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Pass => None,
            Outcome::Fail(failure) | Outcome::Warn(failure) => Some(format!(
                "expected {}\n     got {}",
                failure.expected, failure.actual
            )),
            Outcome::Skip(why)
            | Outcome::Disabled(why)
            | Outcome::Blocked(why)
            | Outcome::Error(why) => Some(why.why.clone()),
        }
    }
}

/// The first line, without what has a meaning in TAP.
fn line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('#', " ")
}

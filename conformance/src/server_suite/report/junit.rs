//! The report as JUnit's XML, and as a badge.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::Report;
use crate::server_suite::outcome::{Outcome, Run};

impl Report {
    /// As JUnit's XML.
    ///
    /// # Errors
    /// When a text of it has no form in XML.
    pub fn to_junit(&self) -> Result<String, quick_junit::SerializeError> {
        let mut suite = TestSuite::new(self.root.as_str());
        suite.add_test_cases(self.runs.iter().map(to_junit));
        let mut report = quick_junit::Report::new("durable-streams-server");
        report.add_test_suite(suite);
        report.to_string()
    }

    /// As what shields.io makes a badge of: the JSON of an endpoint.
    pub fn to_badge(&self) -> String {
        let counts = self.counts();
        let (message, color) = if counts.error > 0 || counts.pass == 0 {
            ("unknown".to_owned(), "lightgrey")
        } else if counts.fail > 0 {
            (format!("{} failing", counts.fail), "red")
        } else if counts.blocked > 0 {
            ("unknown".to_owned(), "lightgrey")
        } else if counts.warn > 0 {
            (
                format!("conformant, {} warnings", counts.warn),
                "yellowgreen",
            )
        } else {
            ("conformant".to_owned(), "brightgreen")
        };
        let badge = json!({
            "schemaVersion": 1,
            "label": "durable streams",
            "message": message,
            "color": color,
        });
        badge.to_string()
    }
}

fn to_junit(run: &Run) -> TestCase {
    let why = run.why().unwrap_or_default();
    let failed = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(why.lines().next().unwrap_or_default());
        let exchange = run.shown_exchange().map(|exchange| exchange.to_curl());
        status.set_description(format!("{why}\n{}", exchange.unwrap_or_default()));
        status
    };
    let status = match &run.outcome {
        Outcome::Pass => TestCaseStatus::success(),
        // JUnit knows no warnings, and a warning must not fail a build.
        Outcome::Warn(_) | Outcome::Skip(_) | Outcome::Disabled(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
        Outcome::Fail(_) => failed(NonSuccessKind::Failure),
        Outcome::Blocked(_) | Outcome::Error(_) => failed(NonSuccessKind::Error),
    };
    let mut case = TestCase::new(run.case.as_str(), status);
    case.set_time(run.time);
    case
}

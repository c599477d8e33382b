//! The suites fail when they should: a transport with one fault, under the case that must find it.

mod broken;
mod clients;
mod transports;

use std::process::ExitCode;
use std::time::Duration;

use broken::{Broken, Fault};
use durable_streams_conformance::suite::{Case, Outcome, Protocol, Selection, Subject, run_all};
use durable_streams_conformance::{client_suite, kit};
use libtest_mimic::{Arguments, Failed, Trial};

/// How long a case waits for what a fault keeps from happening. A case that passes waits for nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// A fault, and the case that must find it.
pub(crate) struct Entry {
    what: &'static str,
    case: &'static str,
    fault: Fault,
}

pub(crate) fn entry(what: &'static str, case: &'static str, fault: Fault) -> Entry {
    Entry { what, case, fault }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut cases = kit::cases();
    cases.extend(client_suite::cases());
    let mut trials = Vec::new();
    for entry in transports::all().into_iter().chain(clients::all()) {
        let case = cases.iter().find(|case| case.id() == entry.case);
        let Some(case) = case.cloned() else {
            panic!("no case {}", entry.case);
        };
        let control = case.clone();
        trials.push(Trial::test(
            format!("{}: {}", entry.case, entry.what),
            move || found(&case, entry.fault),
        ));
        trials.push(Trial::test(
            format!("{}: without it", entry.case),
            move || control_passes(&control),
        ));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn found(case: &Case, fault: Fault) -> Result<(), Failed> {
    let broken = subject()
        .wrapped("broken", move |inner| Broken::new(fault, inner))
        .patience(PATIENCE);
    match outcome(case, broken) {
        Outcome::Failed(_) => Ok(()),
        other => Err(format!("the fault was not found: {other:?}").into()),
    }
}

fn control_passes(case: &Case) -> Result<(), Failed> {
    match outcome(case, subject()) {
        Outcome::Passed => Ok(()),
        other => Err(format!("it fails without the fault: {other:?}").into()),
    }
}

fn outcome(case: &Case, subject: Subject) -> Outcome {
    let cases = [case.clone()];
    let protocol = Some(Protocol::Http1);
    let report = run_all(&cases, &[subject], protocol, &Selection::all(), 1, |_| {});
    report.runs()[0].outcome.clone()
}

fn subject() -> Subject {
    durable_streams_conformance::transports::reqwest()
}

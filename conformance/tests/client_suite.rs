//! The client suite over every transport: one test for each case and protocol, named `reqwest::http1::b14.…`.

use std::process::ExitCode;

use durable_streams_conformance::suite::{Case, Outcome, Selection, Subject, run_all};
use durable_streams_conformance::{client_suite, transports};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for subject in transports::all() {
        for case in client_suite::cases() {
            trials.extend(trials_of(&subject, &case));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(subject: &Subject, case: &Case) -> Vec<Trial> {
    let trial = |protocol| {
        let (subject, case) = (subject.clone(), case.clone());
        let name = format!("{}::{protocol}::{}", subject.name(), case.id());
        Trial::ignorable_test(name, move || {
            let all = Selection::all();
            let report = run_all(&[case], &[subject], Some(protocol), &all, 1, |_| {});
            match &report.runs()[0].outcome {
                Outcome::Passed => Ok(Completion::Completed),
                Outcome::Failed(why) => Err(Failed::from(why)),
                Outcome::Skipped(why) => Ok(Completion::ignored_with(why)),
            }
        })
    };
    subject.protocols().into_iter().map(trial).collect()
}

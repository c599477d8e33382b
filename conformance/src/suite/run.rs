//! Runs cases: here, one by one, or on threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::case::{Case, Selection};
use super::context::{Context, set_patience};
use super::panics::caught;
use super::report::{Outcome, Report, Run};
use super::subject::{Protocol, Subject};

/// Runs cases one after another on the executor that polls this, over all that the subject speaks.
///
/// # Cancel safety
/// Dropping the future ends the case under way, with its server.
pub async fn run_here(cases: &[Case], subject: &Subject, selection: &Selection) -> Report {
    let mut report = Report::default();
    for job in jobs(cases, subject, selection) {
        report.add(job.run().await);
    }
    report
}

/// Runs cases on so many threads, each case in a tokio runtime of its own, over all that the subjects speak, or over one
/// protocol of it. `done` is told of each as it ends.
pub fn run_all(
    cases: &[Case],
    subjects: &[Subject],
    protocol: Option<Protocol>,
    selection: &Selection,
    threads: usize,
    done: impl Fn(&Run) + Sync,
) -> Report {
    let jobs: Vec<_> = subjects
        .iter()
        .flat_map(|subject| jobs(cases, subject, selection))
        .filter(|job| protocol.is_none_or(|only| job.protocol == only))
        .collect();
    let next = AtomicUsize::new(0);
    let report = Mutex::new(Report::default());
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let run = job.run_alone();
                    done(&run);
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.add(run);
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.sort();
    report
}

struct Job<'a> {
    case: &'a Case,
    subject: &'a Subject,
    protocol: Protocol,
}

fn jobs<'a>(
    cases: &'a [Case],
    subject: &'a Subject,
    selection: &'a Selection,
) -> impl Iterator<Item = Job<'a>> {
    let protocols = subject.protocols().into_iter();
    protocols.flat_map(move |protocol| {
        let selected = cases.iter().filter(|case| selection.has(case));
        selected.map(move |case| Job {
            case,
            subject,
            protocol,
        })
    })
}

impl Job<'_> {
    async fn run(&self) -> Run {
        let begin = Instant::now();
        let lacking = self.case.needs.lacking(self.subject, self.protocol);
        let lacking = lacking.or_else(|| self.subject.lacks(self.case).map(str::to_owned));
        let outcome = match lacking {
            Some(why) => Outcome::Skipped(why),
            None => {
                let context = Context {
                    subject: self.subject.clone(),
                    protocol: self.protocol,
                };
                match caught((self.case.run)(context)).await {
                    Ok(()) => Outcome::Passed,
                    Err(why) => Outcome::Failed(why),
                }
            }
        };
        Run {
            subject: self.subject.name().to_owned(),
            protocol: self.protocol,
            case: self.case.id().to_owned(),
            outcome,
            time: begin.elapsed(),
        }
    }

    fn run_alone(&self) -> Run {
        set_patience(self.subject.limit());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.run()),
            Err(error) => Run {
                subject: self.subject.name().to_owned(),
                protocol: self.protocol,
                case: self.case.id().to_owned(),
                outcome: Outcome::Failed(format!("no runtime: {error}")),
                time: Default::default(),
            },
        }
    }
}

//! The server suite notices what a server does wrong: each defect of the reference server is found by a case for the requirement
//! that it breaks.

use std::process::ExitCode;
use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::{Config, Defect};
use durable_streams_conformance::server_suite::{Outcome, cases, suite};
use durable_streams_hyper::{HyperTransport, TokioTimer};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// How long a case waits for what a defect keeps from happening. A case that passes waits for nothing.
const PATIENCE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = |defect: Defect| Trial::ignorable_test(defect.id(), move || is_found(defect));
    let trials = Defect::all().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_found(defect: Defect) -> Result<Completion, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // A live read must end by itself soon, so that what is wrong with its end is seen.
        let config = Config::default()
            .with_long_poll_timeout(Duration::from_secs(1))
            .with_local_webhooks(true)
            .with_defect(defect);
        let server = Server::start(config).await?;
        let root = format!("{}/v1/stream", server.url());
        let covering: Vec<_> = cases()
            .into_iter()
            .filter(|case| case.covers().contains(&defect.requirement()))
            .collect();
        let mut seen = Vec::new();
        for case in covering {
            let transport = HyperTransport::new()?;
            let suite = suite(&root, transport, TokioTimer)?.patience(PATIENCE);
            let report = suite.slow(true).exactly(case.id()).run().await;
            for run in report.runs {
                if matches!(run.outcome, Outcome::Fail(_) | Outcome::Warn(_)) {
                    return Ok(Completion::Completed);
                }
                let why = run.why().unwrap_or_default();
                seen.push(format!("{}: {} {why}", run.case, run.outcome.name()));
            }
        }
        let (row, what) = (defect.requirement(), defect.what());
        Err(Failed::from(format!(
            "{row}: {what}; not found by {seen:#?}"
        )))
    })
}

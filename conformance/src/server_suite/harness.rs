//! One line of `cargo test` for each case.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::outcome::Outcome;
use super::suite::{JOBS, Suite};

/// Runs the suite as the tests of a target with `harness = false`: each case is a test, with its id as its name, in a tokio
/// runtime of its own. The arguments of the command line are those of `cargo test`.
///
/// ```no_run
/// use durable_streams_conformance::server_suite::{harness, suite};
/// # use durable_streams_client::{Body, BoxFuture, Timer, Transport, TransportError};
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # #[derive(Debug)] struct MyTransport;
/// # #[async_trait::async_trait] impl Transport for MyTransport {
/// #     async fn send(&self, _: Request<Bytes>) -> Result<Response<Body>, TransportError> { unimplemented!() }
/// # }
/// # #[derive(Debug)] struct MyTimer;
/// # impl Timer for MyTimer { fn sleep(&self, _: std::time::Duration) -> BoxFuture<'static, ()> { unimplemented!() } }
///
/// fn main() -> std::process::ExitCode {
///     let root = start_my_server();
///     harness(move || suite(&root, MyTransport, MyTimer).expect("a URL"))
/// }
/// # fn start_my_server() -> String { unimplemented!() }
/// ```
///
/// What the suite was told to leave out is left out. A warning is no failure; what could not be asked is ignored, with the reason.
pub fn harness(suite: impl Fn() -> Suite + Send + Sync + 'static) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Cases wait for the server more than they work.
    arguments.test_threads.get_or_insert(JOBS);
    let suite = Arc::new(suite);
    let cases = suite().selected().into_iter();
    let trials = cases.map(|case| {
        let (suite, id) = (Arc::clone(&suite), case.id());
        Trial::ignorable_test(id, move || run(suite().exactly(id)))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(suite: Suite) -> Result<Completion, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(suite.run());
    let run = report.runs.first().ok_or("the case did not run")?;
    let why = run.why().unwrap_or_default();
    match &run.outcome {
        Outcome::Pass => Ok(Completion::Completed),
        Outcome::Skip(_) | Outcome::Disabled(_) => Ok(Completion::ignored_with(why)),
        Outcome::Warn(_) => Ok(Completion::ignored_with(format!("warning: {why}"))),
        Outcome::Fail(_) | Outcome::Blocked(_) | Outcome::Error(_) => {
            let shown = run.shown_exchange().map(|exchange| exchange.to_curl());
            let shown = shown.unwrap_or_default();
            Err(format!("{}\n{why}\n{shown}", run.title).into())
        }
    }
}

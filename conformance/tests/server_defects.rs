//! The server suite notices what a server does wrong: each defect of the reference server is found by the case that is named
//! for it, which passes on the same server without the defect.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use durable_streams_client::{BoxFuture, Timer};
use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::{Config, Defect, UNBROKEN};
use durable_streams_conformance::server_suite::ledger::{UNOBSERVABLE, requirements};
use durable_streams_conformance::server_suite::{Capability, Case, Outcome, Run, cases, suite};
use durable_streams_hyper::{HyperTransport, TokioTimer};
use futures_util::future::join;
use libtest_mimic::{Arguments, Failed, Trial};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;

/// How long a case waits for what a defect keeps from happening.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long it may take on a server that is right. Nothing waits for it.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// Defects that show in that nothing happens.
const SILENT: &[&str] = &[
    "fork.deleted-chain-stays",
    "fork.deleted-source-stays",
    "delete.leaves-events",
    "delete.leaves-polls",
    "now.closed-events-no-flag",
    "poll.fork-waits",
    "poll.misses-appends",
    "poll.misses-the-closure",
    "poll.waits-at-the-end",
    "poll.waits-for-more",
    "read.dropped-is-skipped",
    "sse.closed-stays-open",
    "sse.control-comes-first",
    "sse.fork-reads-the-source",
    "sse.misses-appends",
    "sse.misses-the-closure",
    "sse.no-up-to-date",
    "subscriptions.later-is-not-linked",
    "webhook.done-acknowledges-nothing",
    "webhook.done-keeps-the-lease",
    "ack.done-is-a-heartbeat",
    "release.wakes-nobody",
];

/// Cases that wait for a server to end a live read by itself, for minutes if it does not.
const ENDS: [&str; 2] = ["long-poll.timeout", "sse.connection"];

/// Some cases let time pass, and some defects show in that nothing happens: those trials wait together, before the others.
const THREADS: usize = 40;

/// Of trials that do not wait, few at once: a case that measures time must not be kept from running by others.
static BUSY: Semaphore = Semaphore::const_new(3);

/// A machine that is too slow says nothing, and is asked again.
const ATTEMPTS: usize = 3;

/// What is kept by servers that drop old content, in bytes.
const KEPT: usize = 64;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let cases = cases();
    let waits = |defect: &Defect| {
        let slow = |case: &Case| case.id() == defect.case() && case.is_slow();
        SILENT.contains(&defect.id()) || cases.iter().any(slow)
    };
    let (waiting, busy): (Vec<_>, Vec<_>) = Defect::all().partition(waits);
    let trial = |defect: Defect, busy| Trial::test(defect.id(), move || is_found(defect, busy));
    let waiting = waiting.into_iter().map(|defect| trial(defect, false));
    let busy = busy.into_iter().map(|defect| trial(defect, true));
    let mut trials: Vec<_> = waiting.chain(busy).collect();
    trials.push(Trial::test("all_requirements", every_requirement));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_found(defect: Defect, busy: bool) -> Result<(), Failed> {
    let case = cases().into_iter().find(|case| case.id() == defect.case());
    let case = case.ok_or_else(|| format!("there is no case {}", defect.case()))?;
    if !case.covers().contains(&defect.requirement()) {
        let row = defect.requirement();
        return Err(format!("{} does not cover {row}", case.id()).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let permit = if busy {
            Some(BUSY.acquire().await?)
        } else {
            None
        };
        let intact = tried(&case, None, LONG_PATIENCE);
        let broken = tried(&case, Some(defect), PATIENCE);
        let (intact, broken) = join(intact, broken).await;
        drop(permit);
        let (intact, broken) = (intact?, broken?);
        if intact.outcome != Outcome::Pass {
            let seen = seen(&intact);
            return Err(format!("{} without the defect: {seen}", case.id()).into());
        }
        if !matches!(broken.outcome, Outcome::Fail(_) | Outcome::Warn(_)) {
            let (id, what, seen) = (case.id(), defect.what(), seen(&broken));
            return Err(format!("{what}; {id} does not find it: {seen}").into());
        }
        Ok(())
    })
}

fn seen(run: &Run) -> String {
    let why = run.why().unwrap_or_default();
    format!("{} {why}", run.outcome.name())
}

async fn tried(case: &Case, defect: Option<Defect>, patience: Duration) -> Result<Run, Failed> {
    let mut config = config(case);
    config.defect = defect;
    let mut attempts = 1;
    loop {
        let run = run(case, config.clone(), patience).await?;
        if !matches!(run.outcome, Outcome::Skip(_)) || attempts == ATTEMPTS {
            return Ok(run);
        }
        attempts += 1;
    }
}

/// As servers are, but for what a case is about: live reads that end soon, old content that is dropped.
fn config(case: &Case) -> Config {
    let config = Config::default().with_local_webhooks(true);
    if case.capabilities().contains(&Capability::Retention) {
        config.with_retention_bytes(KEPT)
    } else if waits_for_the_end(case) {
        let config = config.with_long_poll_timeout(Duration::from_secs(1));
        config.with_sse_lifetime(Duration::from_secs(1))
    } else {
        config
    }
}

fn waits_for_the_end(case: &Case) -> bool {
    ENDS.iter().any(|begin| case.id().starts_with(begin))
}

async fn run(case: &Case, config: Config, patience: Duration) -> Result<Run, Failed> {
    let server = Arc::new(Server::start(config).await?);
    let root = format!("{}/v1/stream", server.url());
    let times = if waits_for_the_end(case) { 40 } else { 1 };
    let suite = suite(&root, transport()?, Hasty(times))?;
    let suite = suite.patience(patience * times);
    let suite = suite.slow(true).exactly(case.id());
    let restart = move || {
        let server = Arc::clone(&server);
        async move { server.restart().await.map_err(|error| error.to_string()) }
    };
    let suite = suite.retention(KEPT).restart(restart);
    let run = suite.run().await.runs.pop();
    run.ok_or_else(|| Failed::from("nothing was run"))
}

/// Without the certificates of the platform, which take their time to be read: nothing here is encrypted.
fn transport() -> Result<HyperTransport, Failed> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(HyperTransport::builder().rustls(config).build()?)
}

/// A timer that is so many times too fast: for cases that wait for minutes until they can say that something never happens.
#[derive(Debug)]
struct Hasty(u32);

impl Timer for Hasty {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        TokioTimer.sleep(duration / self.0)
    }
}

/// Every requirement that a suite can check is broken by a defect, or there is a reason why not.
fn every_requirement() -> Result<(), Failed> {
    let broken: BTreeSet<_> = Defect::all().map(|defect| defect.requirement()).collect();
    let unbroken: BTreeSet<_> = UNBROKEN.iter().map(|(id, _)| *id).collect();
    let unobservable: BTreeSet<_> = UNOBSERVABLE.iter().map(|(id, _)| *id).collect();
    let observable = requirements().map(|one| one.id());
    let observable: BTreeSet<_> = observable.filter(|id| !unobservable.contains(id)).collect();
    let wrong: Vec<_> = observable
        .iter()
        .filter(|id| broken.contains(*id) == unbroken.contains(*id))
        .collect();
    if !wrong.is_empty() {
        return Err(format!("neither a defect nor a reason, or both: {wrong:?}").into());
    }
    let named = broken.union(&unbroken);
    let unknown: Vec<_> = named.filter(|id| !observable.contains(*id)).collect();
    if !unknown.is_empty() {
        return Err(format!("no such requirements: {unknown:?}").into());
    }
    Ok(())
}

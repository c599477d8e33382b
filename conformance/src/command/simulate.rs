//! `simulate`: many runs of the simulation, each from a seed of its own.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use clap::builder::PossibleValuesParser;
use durable_streams_conformance::simulation::{Outcome, Scenario, Simulation};

/// The options of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// How many runs to make.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    runs: u64,

    /// The seed of the first run; the others count up from it. Default: a fresh one, which is printed.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// What the runs are about. Default: every seed decides for itself.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Scenario::ALL.map(Scenario::name)))]
    scenario: Option<String>,

    /// How many runs are made at the same time.
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: u64,

    /// Print what happened in the first run.
    #[arg(long)]
    trace: bool,
}

/// What all runs have in common, and what they came to.
struct Sweep {
    first: u64,
    runs: u64,
    scenario: Option<Scenario>,
    began: Instant,
    next: AtomicU64,
    stop: AtomicBool,
    events: AtomicU64,
    hash: AtomicU64,
    failed: Mutex<Option<(u64, Outcome)>>,
}

impl Simulate {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let scenario = self.scenario.as_deref().and_then(Scenario::named);
        let first = self.seed.unwrap_or_else(fresh_seed);
        if self.trace {
            let outcome = Simulation::new(first).scenario(scenario).trace(true).run();
            for line in &outcome.trace {
                println!("{line}");
            }
        }
        let sweep = Sweep {
            first,
            runs: self.runs,
            scenario,
            began: Instant::now(),
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            events: AtomicU64::new(0),
            hash: AtomicU64::new(0),
            failed: Mutex::new(None),
        };
        std::thread::scope(|scope| {
            for _ in 1..self.jobs {
                scope.spawn(|| sweep.work(false));
            }
            sweep.work(std::io::stderr().is_terminal());
        });
        Ok(sweep.report())
    }
}

impl Sweep {
    /// Makes runs until there are none left, or one failed. Shows how far all have come, when asked to.
    fn work(&self, shows: bool) {
        let mut shown = self.began;
        while !self.stop.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.runs {
                return;
            }
            if shows && shown.elapsed() > Duration::from_millis(200) {
                shown = Instant::now();
                self.show();
            }
            let seed = self.first.wrapping_add(index);
            let outcome = Simulation::new(seed).scenario(self.scenario).run();
            self.events.fetch_add(outcome.events, Ordering::Relaxed);
            // Together with its place, and in any order: the sum is the same for any number of jobs.
            let placed = outcome
                .hash
                .wrapping_mul(index.wrapping_mul(2).wrapping_add(1));
            self.hash.fetch_add(placed, Ordering::Relaxed);
            if outcome.violation.is_some() {
                self.stop.store(true, Ordering::Relaxed);
                if let Ok(mut failed) = self.failed.lock() {
                    if failed.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                        *failed = Some((seed, outcome));
                    }
                }
            }
        }
    }

    fn done(&self) -> u64 {
        self.next.load(Ordering::Relaxed).min(self.runs)
    }

    fn show(&self) {
        let done = self.done();
        eprint!(
            "\r{done} of {} runs, {:.0} a second ",
            self.runs,
            done as f64 / self.began.elapsed().as_secs_f64()
        );
        std::io::stderr().flush().ok();
    }

    fn report(&self) -> ExitCode {
        if std::io::stderr().is_terminal() {
            // The line of progress goes.
            eprint!("\r\x1b[K");
        }
        let took = self.began.elapsed();
        let done = self.done();
        println!(
            "{done} runs from seed {} in {:.1} s: {:.0} runs a second, {} events, hash {:016x}",
            self.first,
            took.as_secs_f64(),
            done as f64 / took.as_secs_f64(),
            self.events.load(Ordering::Relaxed),
            self.hash.load(Ordering::Relaxed),
        );
        let failed = self.failed.lock().ok().and_then(|failed| failed.clone());
        let Some((seed, outcome)) = failed else {
            return ExitCode::SUCCESS;
        };
        println!(
            "VIOLATION in the run of seed {seed} ({}): {}",
            outcome.scenario.name(),
            outcome.violation.as_deref().unwrap_or_default()
        );
        let scenario = self.scenario.map_or_else(String::new, |scenario| {
            format!(" --scenario {}", scenario.name())
        });
        println!(
            "again: durable-streams-conformance simulate --runs 1 --seed {seed}{scenario} --trace"
        );
        ExitCode::FAILURE
    }
}

/// Another seed every time.
fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64 >> 10 & 0xffff_ffff)
}

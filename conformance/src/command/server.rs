//! `server`: the server suite against a server, wherever it is; and what there is to know about its cases.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use durable_streams_conformance::server_suite::{
    Capability, Level, Outcome, Report, Suite, cases, ledger, suite,
};
use durable_streams_conformance::suite;
use http::{HeaderName, HeaderValue};

use super::baseline::Baseline;
use super::file;
use super::progress::bar;
use super::transport::Transport;

/// Not conformant, or an expected failure that does not fail.
const NOT_CONFORMANT: u8 = 1;
/// The command line, or a file that it names, is wrong.
const USAGE: u8 = 2;
/// It cannot be told: the server cannot be reached, or the suite failed.
const UNKNOWN: u8 = 3;
/// Nothing was selected.
const NOTHING: u8 = 4;

/// The options of `server`.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Where streams can be created: `http://127.0.0.1:4437/v1/stream`.
    #[arg(value_name = "ROOT-URL")]
    root: String,

    #[command(flatten)]
    selection: Selection,

    /// Leave out what is weaker.
    #[arg(long, value_enum, default_value = "may")]
    level: Strength,

    /// Count warnings as failures.
    #[arg(long)]
    strict: bool,

    /// Whose HTTP is used.
    #[arg(long, value_enum, default_value = "hyper", value_name = "NAME")]
    transport: Transport,

    /// How many cases run at the same time.
    #[arg(long, default_value_t = 8, value_name = "N")]
    jobs: usize,

    /// Run the cases that wait for time to pass, too.
    #[arg(long)]
    slow: bool,

    /// Send a header with every request, as in 'Authorization: Bearer …'. May be repeated. Reports do not show it.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<Header>,

    /// What the server does not have, and need not, as `explain capabilities` lists it. May be repeated.
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    without: Vec<Capability>,

    /// What the server has: whatever else there is it need not have.
    #[arg(
        long,
        value_name = "CAPABILITY,…",
        value_parser = capability,
        value_delimiter = ',',
        conflicts_with = "without"
    )]
    caps: Option<Vec<Capability>>,

    /// A shell command that restarts the server, for cases about what outlives that. It is run several times, and ends when the old
    /// server has ended and the new one is being started.
    #[arg(long, value_name = "COMMAND")]
    restart: Option<String>,

    /// The server drops the oldest content of a stream that has more than so many bytes. Cases about that need to know.
    #[arg(long, value_name = "BYTES")]
    retention: Option<usize>,

    /// What the server has: cases that would find that it does not, and be skipped, fail. May be repeated.
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    with: Vec<Capability>,

    /// A file with cases that are known to fail, one id in a line, with the reason behind a `#`. One that does not fail is an
    /// error; behind a `?`, it may. May be repeated.
    #[arg(long, value_name = "FILE")]
    expected_failures: Vec<PathBuf>,

    /// Write such a file from this run. Reasons of the files that were given are kept.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Write a report: json, junit, html, md, tap or badge. May be repeated.
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<Target>,
}

/// Which cases.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Cases to run: ids, or beginnings of ids (`append`, `append.closed`). Default: all.
    #[arg(value_name = "SELECT")]
    select: Vec<String>,

    /// Cases to leave out.
    #[arg(long, value_name = "SELECT")]
    not: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Strength {
    Must,
    Should,
    May,
}

#[derive(Debug, Clone)]
struct Header(HeaderName, HeaderValue);

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("a header is NAME: VALUE")?;
        let name = name
            .trim()
            .parse()
            .map_err(|_| "this is no name of a header")?;
        let value = value
            .trim()
            .parse()
            .map_err(|_| "this is no value of a header")?;
        Ok(Self(name, value))
    }
}

fn capability(text: &str) -> Result<Capability, String> {
    let found = Capability::ALL.into_iter().find(|one| one.name() == text);
    found.ok_or_else(|| {
        let names: Vec<_> = Capability::ALL.iter().map(|one| one.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

/// A report to be written.
#[derive(Debug, Clone)]
struct Target {
    render: fn(&Report) -> Result<String, Box<dyn Error>>,
    file: PathBuf,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = file::target(text)?;
        let render: fn(&Report) -> Result<String, Box<dyn Error>> = match format {
            "json" => |report| Ok(report.to_json()?),
            "junit" => |report| Ok(report.to_junit()?),
            "html" => |report| Ok(report.to_html()),
            "md" => |report| Ok(report.to_markdown()),
            "tap" => |report| Ok(report.to_tap()),
            "badge" => |report| Ok(report.to_badge()),
            other => {
                return Err(format!(
                    "{other} is none of json, junit, html, md, tap, badge"
                ));
            }
        };
        Ok(Self { render, file })
    }
}

impl Server {
    /// Whatever is wrong has an exit code of its own, for scripts.
    pub(crate) fn run(self) -> ExitCode {
        let wrong = |error: Box<dyn Error>, code| {
            eprintln!("error: {error}");
            ExitCode::from(code)
        };
        let (known, suite) = match (Baseline::read(&self.expected_failures), self.suite()) {
            (Ok(known), Ok(suite)) => (known, suite),
            (Err(error), _) | (_, Err(error)) => return wrong(error, USAGE),
        };
        let tested = self.test(&suite, &known);
        tested.unwrap_or_else(|error| wrong(error, UNKNOWN))
    }

    fn test(&self, suite: &Suite, known: &Baseline) -> Result<ExitCode, Box<dyn Error>> {
        let count = suite.selected().len();
        if count == 0 {
            eprintln!("no case is selected");
            return Ok(ExitCode::from(NOTHING));
        }
        let bar = bar(count as u64);
        let runtime = tokio::runtime::Runtime::new()?;
        let report = runtime.block_on(suite.run_with(|run| {
            bar.inc(1);
            if matches!(run.outcome, Outcome::Fail(_) | Outcome::Error(_)) && !known.has(&run.case)
            {
                let why = run.why().unwrap_or_default().replace('\n', "\n  ");
                let name = run.outcome.name();
                bar.suspend(|| println!("{name} {}: {}\n  {why}\n", run.case, run.title));
            }
        }));
        bar.finish_and_clear();
        for target in &self.report {
            file::write(&target.file, (target.render)(&report)?)?;
        }
        if let Some(file) = &self.write_baseline {
            if report.counts().error > 0 {
                return Err("the suite or the network failed, so no baseline is written".into());
            }
            known.renewed(&report, self.strict).write(file)?;
        }
        println!("{}", report.verdict());
        Ok(self.judge(&report, known))
    }

    fn suite(&self) -> Result<Suite, Box<dyn Error>> {
        let mut suite = self.transport.suite(&self.root)?;
        suite = suite
            .only(&self.selection.select)
            .not(&self.selection.not)
            .level(match self.level {
                Strength::Must => Level::Must,
                Strength::Should => Level::Should,
                Strength::May => Level::May,
            })
            .slow(self.slow)
            .jobs(self.jobs);
        for Header(name, value) in &self.header {
            suite = suite.header(name.clone(), value.clone());
        }
        let lacking = |one: &Capability| match &self.caps {
            Some(caps) => !caps.contains(one),
            None => self.without.contains(one),
        };
        for capability in Capability::ALL.into_iter().filter(lacking) {
            suite = suite.without(capability);
        }
        for capability in &self.with {
            suite = suite.with(*capability);
        }
        if let Some(bytes) = self.retention {
            suite = suite.retention(bytes);
        }
        if let Some(command) = &self.restart {
            let command = command.clone();
            suite = suite.restart(move || run_in_shell(command.clone()));
        }
        Ok(suite)
    }

    fn judge(&self, report: &Report, known: &Baseline) -> ExitCode {
        let counts = report.counts();
        let surprises = known.surprises(report, self.strict);
        for line in &surprises.stale {
            println!("{line} is expected to fail, and does not");
        }
        if counts.error > 0 || (counts.pass == 0 && counts.fail == 0) {
            return ExitCode::from(UNKNOWN);
        }
        if !surprises.failing.is_empty() || !surprises.stale.is_empty() {
            return ExitCode::from(NOT_CONFORMANT);
        }
        ExitCode::SUCCESS
    }
}

async fn run_in_shell(command: String) -> Result<(), String> {
    let run = move || {
        process::Command::new("sh")
            .args(["-c", &command])
            .stdin(process::Stdio::null())
            .stdout(process::Stdio::null())
            .status()
    };
    // A server that the command starts may keep its output open, so only its end is waited for.
    match tokio::task::spawn_blocking(run).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(status.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The options of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    selection: Selection,
}

impl List {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let Selection { select, not } = &self.selection;
        let selection = suite::Selection::all().only(select).not(not);
        let mut count = 0;
        for case in cases() {
            if selection.has_id(case.id()) {
                count += 1;
                println!("{:<60} {}", case.id(), case.title());
            }
        }
        Ok(ExitCode::from(if count == 0 { NOTHING } else { 0 }))
    }
}

/// The options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The id of a case, or of a requirement; or `capabilities`.
    #[arg(value_name = "ID")]
    id: String,
}

impl Explain {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        if self.id == "capabilities" {
            for capability in Capability::ALL {
                println!("{:<12} {}", capability.name(), capability.words());
            }
            return Ok(ExitCode::SUCCESS);
        }
        let cases = cases();
        if let Some(case) = cases.iter().find(|case| case.id() == self.id) {
            println!("{}: {}.", case.id(), case.title());
            for id in case.covers() {
                if let Some(requirement) = ledger::requirement(id) {
                    println!(
                        "\n{id} (§{}): {}",
                        requirement.section(),
                        requirement.words()
                    );
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        let Some(requirement) = ledger::requirement(&self.id) else {
            return Err(format!("{} is neither a case nor a requirement", self.id).into());
        };
        println!(
            "{} (§{}): {}",
            self.id,
            requirement.section(),
            requirement.words()
        );
        for case in cases
            .iter()
            .filter(|case| case.covers().contains(&requirement.id()))
        {
            println!("\n{}: {}.", case.id(), case.title());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The JSON report of one run.
    before: PathBuf,
    /// The JSON report of another.
    after: PathBuf,
}

impl Compare {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let read = |file: &PathBuf| -> Result<Report, Box<dyn Error>> {
            let text =
                fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Ok(Report::from_json(&text).map_err(|error| format!("{}: {error}", file.display()))?)
        };
        let differences = read(&self.before)?.differences(&read(&self.after)?);
        for difference in &differences {
            println!("{difference}");
        }
        let differs = !differences.is_empty();
        Ok(ExitCode::from(if differs { NOT_CONFORMANT } else { 0 }))
    }
}

impl Transport {
    fn suite(self, root: &str) -> Result<Suite, Box<dyn Error>> {
        Ok(match self {
            Self::Hyper => suite(
                root,
                durable_streams_hyper::HyperTransport::new()?,
                durable_streams_hyper::TokioTimer,
            ),
            Self::Isahc => suite(
                root,
                durable_streams_isahc::IsahcTransport::new()?,
                durable_streams_isahc::FuturesTimer,
            ),
            Self::Reqwest => suite(
                root,
                durable_streams_reqwest::ReqwestTransport::new()?,
                durable_streams_reqwest::TokioTimer,
            ),
        }?)
    }
}

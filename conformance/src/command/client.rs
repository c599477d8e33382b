//! `client`: the transport kit and the client suite, over the project's transports.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use durable_streams_conformance::suite::{
    Case, Outcome, Protocol, Report, Selection, Subject, run_all, table,
};
use durable_streams_conformance::{client_suite, kit, transports};

use super::file;
use super::progress::bar;

/// Nothing was selected.
const NOTHING: u8 = 4;

/// The options of `client`.
#[derive(Debug, Args)]
pub(crate) struct Client {
    /// Cases to run: ids, or beginnings of ids (`transport`, `b14`, `b14.sse-falls-back`). Default: all.
    #[arg(value_name = "SELECT")]
    select: Vec<String>,

    /// Cases to leave out.
    #[arg(long, value_name = "SELECT")]
    not: Vec<String>,

    /// The transport to test.
    #[arg(long, value_enum, default_value = "all", value_name = "NAME")]
    transport: Name,

    /// Only over this protocol. Default: over all that the transport speaks.
    #[arg(long, value_enum, value_name = "NAME")]
    protocol: Option<Http>,

    /// How many cases run at the same time.
    #[arg(long, default_value_t = 4, value_name = "N")]
    jobs: usize,

    /// Write a report: `json=FILE`, `junit=FILE` or `md=FILE`. May be repeated.
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<Target>,

    /// List the cases and run nothing. With `md`, as the table of the documentation.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "ids", value_name = "FORM")]
    list: Option<List>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    All,
    Hyper,
    Isahc,
    Reqwest,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Http {
    Http1,
    Http2,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum List {
    Ids,
    Md,
}

/// A report to be written.
#[derive(Debug, Clone)]
struct Target {
    format: Format,
    file: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Junit,
    Markdown,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = file::target(text)?;
        let format = match format {
            "json" => Format::Json,
            "junit" => Format::Junit,
            "md" => Format::Markdown,
            other => return Err(format!("{other} is none of json, junit and md")),
        };
        Ok(Self { format, file })
    }
}

impl Client {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let mut cases = kit::cases();
        cases.extend(client_suite::cases());
        let selection = Selection::all().only(&self.select).not(&self.not);
        cases.retain(|case| selection.has(case));
        if cases.is_empty() {
            eprintln!("no case is selected");
            return Ok(ExitCode::from(NOTHING));
        }
        match self.list {
            Some(List::Ids) => {
                for case in &cases {
                    println!("{}", case.id());
                }
            }
            Some(List::Md) => print!("{}", table(&cases)),
            None => return self.test(&cases),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn test(&self, cases: &[Case]) -> Result<ExitCode, Box<dyn Error>> {
        let subjects = self.subjects();
        let protocol = self.protocol.map(|protocol| match protocol {
            Http::Http1 => Protocol::Http1,
            Http::Http2 => Protocol::Http2,
        });
        let runs: usize = subjects
            .iter()
            .flat_map(Subject::protocols)
            .filter(|spoken| protocol.is_none_or(|only| only == *spoken))
            .count()
            * cases.len();
        let bar = bar(runs as u64);
        let all = Selection::all();
        let report = run_all(cases, &subjects, protocol, &all, self.jobs, |run| {
            bar.inc(1);
            if matches!(run.outcome, Outcome::Failed(_)) {
                bar.suspend(|| println!("{run}\n"));
            }
        });
        bar.finish_and_clear();
        for target in &self.report {
            target.write(&report)?;
        }
        println!("{}", report.to_markdown().trim_end());
        let failed = report.failures().next().is_some();
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn subjects(&self) -> Vec<Subject> {
        let mut subjects = transports::all();
        if self.transport != Name::All {
            let only = self.transport.to_possible_value();
            let only = only.as_ref().map_or("", |value| value.get_name());
            subjects.retain(|subject| subject.name() == only);
        }
        subjects
    }
}

impl Target {
    fn write(&self, report: &Report) -> Result<(), Box<dyn Error>> {
        let text = match self.format {
            Format::Json => report.to_json()?,
            Format::Junit => report.to_junit()?,
            Format::Markdown => report.to_markdown(),
        };
        file::write(&self.file, text)
    }
}

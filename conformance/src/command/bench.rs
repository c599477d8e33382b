//! `bench`: how fast the client is, beside the HTTP stack alone.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use durable_streams_conformance::bench::{self, Contender, Effort, Report, SCENARIOS, Scenario};
use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;

use super::file;
use super::progress::bar;
use super::transport::Transport;

/// The options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The URL below which streams are created and deleted again.
    #[arg(value_name = "ROOT-URL", required_unless_present = "embedded")]
    root: Option<String>,

    /// Measure against the reference server, on a thread of this process.
    #[arg(long, conflicts_with = "root")]
    embedded: bool,

    /// How long the embedded server waits before it answers a request, as if it were far away.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    delay: Duration,

    /// How long the embedded server waits between the head of an answer and its content, as if the content were kept in a
    /// slower place.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    body_delay: Duration,

    /// The most that one answer of the embedded server carries, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024)]
    page_bytes: usize,

    /// Over this transport.
    #[arg(long, value_enum, default_value = "all", value_name = "NAME")]
    transport: Name,

    /// What to measure. May be repeated. Default: all.
    #[arg(long, value_name = "NAME", value_parser = names())]
    scenario: Vec<String>,

    /// How often each number is taken; the median counts.
    #[arg(long, value_name = "N", default_value_t = Effort::default().rounds)]
    rounds: usize,

    /// How much is read and written in each round, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = Effort::default().bytes / (1024 * 1024))]
    mib: usize,

    /// How many appends are timed in each round.
    #[arg(long, value_name = "N", default_value_t = Effort::default().appends)]
    appends: usize,

    /// How many readers a fan-out has. It needs four open files for each with the embedded server, and two with another.
    #[arg(long, value_name = "N", default_value_t = Effort::default().readers)]
    readers: usize,

    /// How many answers a catch-up asks for ahead.
    #[arg(long, value_name = "N", default_value_t = Effort::default().prefetch)]
    prefetch: usize,

    /// Write a report: `json=FILE`, `md=FILE` or `html=FILE`. May be repeated.
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<Target>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    All,
    Hyper,
    Isahc,
    Reqwest,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(SCENARIOS.map(Scenario::name))
}

#[derive(Debug, Clone)]
struct Target {
    format: Format,
    file: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Markdown,
    Html,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = file::target(text)?;
        let format = match format {
            "json" => Format::Json,
            "md" => Format::Markdown,
            "html" => Format::Html,
            other => return Err(format!("{other} is none of json, md and html")),
        };
        Ok(Self { format, file })
    }
}

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let report = runtime.block_on(self.measure())?;
        println!("{}", report.to_markdown().trim_end());
        for target in &self.report {
            let text = match target.format {
                Format::Json => report.to_json()?,
                Format::Markdown => report.to_markdown(),
                Format::Html => report.to_html(),
            };
            file::write(&target.file, text)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self) -> Result<Report, Box<dyn Error>> {
        let config = Config::default()
            .with_page_bytes(self.page_bytes)
            .with_answer_delay(self.delay)
            .with_body_delay(self.body_delay);
        let embedded = match &self.root {
            Some(_) => None,
            None => Some(Server::start(config).await?),
        };
        let root = match (&self.root, &embedded) {
            (Some(root), _) => root.clone(),
            (None, Some(server)) => format!("{}/v1/stream", server.url()),
            (None, None) => return Err("neither a URL nor the embedded server".into()),
        };
        let effort = Effort {
            rounds: self.rounds.max(1),
            bytes: self.mib.max(1) * 1024 * 1024,
            appends: self.appends.max(1),
            readers: self.readers.max(1),
            prefetch: self.prefetch,
        };
        let scenarios = SCENARIOS.into_iter().filter(|scenario| {
            self.scenario.is_empty() || self.scenario.iter().any(|name| name == scenario.name())
        });
        let scenarios: Vec<Scenario> = scenarios.collect();
        let contenders = self.contenders();
        let parts: u64 = scenarios.iter().map(|scenario| scenario.parts()).sum();
        let bar = bar(parts * contenders.len() as u64);
        let mut rows = Vec::new();
        for &scenario in &scenarios {
            for contender in &contenders {
                let measured = bench::run(scenario, contender, &root, effort, &|| bar.inc(1)).await;
                let measured = measured
                    .map_err(|error| format!("{} {}: {error}", contender.name, scenario.name()))?;
                rows.extend(measured);
            }
        }
        bar.finish_and_clear();
        if let Some(server) = embedded {
            server.shutdown().await;
        }
        let server = self.root.clone();
        let server = server.unwrap_or_else(|| "the embedded server".to_owned());
        Ok(Report { server, rows })
    }

    fn contenders(&self) -> Vec<Contender> {
        let transports = match self.transport {
            Name::All => vec![Transport::Hyper, Transport::Isahc, Transport::Reqwest],
            Name::Hyper => vec![Transport::Hyper],
            Name::Isahc => vec![Transport::Isahc],
            Name::Reqwest => vec![Transport::Reqwest],
        };
        transports.into_iter().map(contender).collect()
    }
}

fn contender(transport: Transport) -> Contender {
    let name = match transport {
        Transport::Hyper => "hyper",
        Transport::Isahc => "isahc",
        Transport::Reqwest => "reqwest",
    };
    Contender {
        name,
        client: Box::new(move |root| Ok(transport.client(root)?)),
        bare: Box::new(move || match transport {
            Transport::Hyper => Ok(bench::bare::hyper()),
            Transport::Isahc => Ok(bench::bare::isahc()?),
            Transport::Reqwest => Ok(bench::bare::reqwest()),
        }),
    }
}

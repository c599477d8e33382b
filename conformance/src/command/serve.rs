//! `serve`: the reference server on a port.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::{AnswerStyle, Config, Defect, OffsetFormat, SseStyle};

/// The options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:4437", value_name = "HOST:PORT")]
    addr: String,

    /// How long a long-poll waits for data.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    long_poll_timeout: Duration,

    /// How long an SSE connection stays open.
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    sse_lifetime: Duration,

    /// The most content one answer carries, in bytes; 0 for no limit.
    #[arg(long, value_name = "N")]
    page_bytes: Option<usize>,

    /// Send webhooks to this machine, by plain HTTP, as tests need it; otherwise they go to nowhere local.
    #[arg(long)]
    local_webhooks: bool,

    /// The most appends (messages, in a JSON stream) one answer carries content of; 0 for no limit.
    #[arg(long, value_name = "N")]
    page_appends: Option<usize>,

    /// How offsets look.
    #[arg(long, value_name = "FORMAT", default_value = "hex", value_parser = one_of(
        OffsetFormat::ALL, OffsetFormat::name, OffsetFormat::what, OffsetFormat::named))]
    offsets: OffsetFormat,

    /// How server-sent events are written; several go together.
    #[arg(long, value_name = "STYLE", value_delimiter = ',', value_parser = one_of(
        SseStyle::ALL, SseStyle::name, SseStyle::what, SseStyle::named))]
    sse: Vec<SseStyle>,

    /// How answers are written; several go together.
    #[arg(long, value_name = "STYLE", value_delimiter = ',', value_parser = one_of(
        AnswerStyle::ALL, AnswerStyle::name, AnswerStyle::what, AnswerStyle::named))]
    answers: Vec<AnswerStyle>,

    /// Do one thing wrong, to see a suite notice it; see --list-defects.
    #[arg(long, value_name = "ID", value_parser = defect)]
    defect: Option<Defect>,

    /// List what can be done wrong, with the requirements that it breaks, and serve nothing.
    #[arg(long)]
    list_defects: bool,

    /// Seeds cursor jitter, entity tags and the key that webhooks are signed with, to have the same ones again.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Serve {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        if self.list_defects {
            let width = Defect::all().map(|defect| defect.id().len()).max();
            for defect in Defect::all() {
                println!(
                    "{:<width$} {:<9} {}",
                    defect.id(),
                    defect.requirement(),
                    defect.what(),
                    width = width.unwrap_or_default()
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.serve())?;
        Ok(ExitCode::SUCCESS)
    }

    async fn serve(self) -> Result<(), Box<dyn Error>> {
        let server = Server::bind(&self.addr, self.config())
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", self.addr))?;
        println!("{}", server.url());
        tokio::signal::ctrl_c().await?;
        server.shutdown().await;
        Ok(())
    }

    fn config(&self) -> Config {
        let mut config = Config::default()
            .with_long_poll_timeout(self.long_poll_timeout)
            .with_sse_lifetime(self.sse_lifetime)
            .with_local_webhooks(self.local_webhooks)
            .with_page_appends(self.page_appends.filter(|&appends| appends > 0))
            .with_offsets(self.offsets)
            .with_sse(self.sse.iter().copied())
            .with_answers(self.answers.iter().copied())
            .with_seed(self.seed.unwrap_or_else(fresh_seed));
        config.defect = self.defect;
        match self.page_bytes {
            None => {}
            Some(0) => config.page_bytes = None,
            Some(bytes) => config.page_bytes = Some(bytes),
        }
        config
    }
}

/// Takes a value by its name; the help says what each is.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
    what: fn(T) -> &'static str,
    named: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    let values = all
        .iter()
        .map(|&one| PossibleValue::new(name(one)).help(what(one)));
    PossibleValuesParser::new(values)
        .try_map(move |name| named(&name).ok_or("there is no such value"))
}

fn defect(id: &str) -> Result<Defect, String> {
    Defect::named(id).ok_or_else(|| "there is no such defect; see --list-defects".to_owned())
}

/// Another seed for every run: a server that forgot its streams must not give out the entity tags of the last one.
fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

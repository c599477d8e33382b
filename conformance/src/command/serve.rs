//! `serve`: the reference server on a port.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::{Config, Defect};

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
            for defect in Defect::all() {
                println!(
                    "{:<36} {:<9} {}",
                    defect.id(),
                    defect.requirement(),
                    defect.what()
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

fn defect(id: &str) -> Result<Defect, String> {
    Defect::named(id).ok_or_else(|| "there is no such defect; see --list-defects".to_owned())
}

/// Another seed for every run: a server that forgot its streams must not give out the entity tags of the last one.
fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

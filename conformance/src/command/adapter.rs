//! `adapter`: the client on standard input and output, as a conformance runner drives it.

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use durable_streams_conformance::adapter;
use tokio::io::{BufReader, stdin, stdout};

use super::transport::Transport;

/// The options of `adapter`.
#[derive(Debug, Args)]
pub(crate) struct Adapter {
    /// The transport that the client goes over.
    #[arg(long, value_name = "NAME")]
    transport: Transport,
}

impl Adapter {
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let name = self.transport.crate_name();
        let connect = |url: &str| self.transport.client(url);
        let lines = BufReader::new(stdin());
        runtime.block_on(adapter::run(name, lines, stdout(), connect))?;
        // What is left over runs for nobody, and nothing may wait for it.
        runtime.shutdown_background();
        Ok(ExitCode::SUCCESS)
    }
}

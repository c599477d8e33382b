//! The sub-commands.

mod adapter;
mod client;
mod serve;
mod simulate;
mod transport;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the client behind lines of JSON, as a conformance runner drives it.
    Adapter(adapter::Adapter),
    /// Test the client and its transports: the requests they really send, and what they make of the answers.
    Client(client::Client),
    /// Run the reference server until it is interrupted.
    Serve(serve::Serve),
    /// Run the client's machines against the reference server, under faults and in virtual time.
    Simulate(simulate::Simulate),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Adapter(adapter) => adapter.run(),
            Self::Client(client) => client.run(),
            Self::Serve(serve) => serve.run(),
            Self::Simulate(simulate) => simulate.run(),
        }
    }
}

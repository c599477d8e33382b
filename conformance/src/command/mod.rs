//! The sub-commands.

mod serve;
mod simulate;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the reference server until it is interrupted.
    Serve(serve::Serve),
    /// Run the client's machines against the reference server, under faults and in virtual time.
    Simulate(simulate::Simulate),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Serve(serve) => serve.run(),
            Self::Simulate(simulate) => simulate.run(),
        }
    }
}

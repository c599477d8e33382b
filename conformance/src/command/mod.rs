//! The sub-commands.

mod serve;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the reference server until it is interrupted.
    Serve(serve::Serve),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Serve(serve) => serve.run(),
        }
    }
}

//! The sub-commands.

mod adapter;
mod baseline;
mod bench;
mod client;
mod file;
mod progress;
mod serve;
mod server;
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
    /// Measure the client, beside the HTTP stack alone.
    Bench(bench::Bench),
    /// Test the client and its transports: the requests they really send, and what they make of the answers.
    Client(client::Client),
    /// Compare two JSON reports of `server`.
    Compare(server::Compare),
    /// Say what a case of the server suite, or a requirement, is about.
    Explain(server::Explain),
    /// List the cases of the server suite.
    List(server::List),
    /// Run the reference server until it is interrupted.
    Serve(serve::Serve),
    /// Test a server: whether it does what the protocol promises.
    Server(server::Server),
    /// Run the client's machines against the reference server, under faults and in virtual time.
    Simulate(simulate::Simulate),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Adapter(adapter) => adapter.run(),
            Self::Bench(bench) => bench.run(),
            Self::Client(client) => client.run(),
            Self::Compare(compare) => compare.run(),
            Self::Explain(explain) => explain.run(),
            Self::List(list) => list.run(),
            Self::Serve(serve) => serve.run(),
            Self::Server(server) => Ok(server.run()),
            Self::Simulate(simulate) => simulate.run(),
        }
    }
}

//! The transports of the project, by name.

use clap::ValueEnum;
use durable_streams_client::{ClientBuilder, Error};

/// Whose HTTP the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// The crate `durable-streams-hyper`.
    Hyper,
    /// The crate `durable-streams-isahc`.
    Isahc,
    /// The crate `durable-streams-reqwest`.
    Reqwest,
}

impl Transport {
    /// Begins a client of the streams under this URL.
    ///
    /// # Errors
    /// As the `client` function of its crate.
    pub(crate) fn client(self, root: &str) -> Result<ClientBuilder, Error> {
        match self {
            Self::Hyper => durable_streams_hyper::client(root),
            Self::Isahc => durable_streams_isahc::client(root),
            Self::Reqwest => durable_streams_reqwest::client(root),
        }
    }

    /// The name of its crate.
    pub(crate) fn crate_name(self) -> &'static str {
        match self {
            Self::Hyper => "durable-streams-hyper",
            Self::Isahc => "durable-streams-isahc",
            Self::Reqwest => "durable-streams-reqwest",
        }
    }
}

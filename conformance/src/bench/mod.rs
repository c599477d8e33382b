//! How fast the client is, beside a bare loop over the same HTTP stack that sends the same requests: the ratio of the two is
//! the client's own cost.
//!
//! The two take turns, round by round, and what counts is the median of the rounds' ratios.

pub mod bare;
mod catch_up;
mod latency;
mod live;
mod measure;
mod memory;
mod report;
mod write;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use durable_streams_client::{Client, ClientBuilder, DurableStream};

pub use bare::Bare;
pub use measure::{Better, Row};
pub use report::Report;

/// Whatever goes wrong.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// How long an append takes.
    Append,
    /// How long the first append of a new client takes.
    ColdConnect,
    /// How fast the exactly-once writer stores messages.
    Writer,
    /// The same by many writers at once.
    ManyWriters,
    /// How fast history is read.
    CatchUp,
    /// How long it takes from an append to its delivery.
    Live,
    /// One writer and many readers: memory for each, and the time until all have a message.
    FanOut,
}

/// All of them.
pub const SCENARIOS: [Scenario; 7] = [
    Scenario::Append,
    Scenario::ColdConnect,
    Scenario::Writer,
    Scenario::ManyWriters,
    Scenario::CatchUp,
    Scenario::Live,
    Scenario::FanOut,
];

impl Scenario {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::ColdConnect => "cold-connect",
            Self::Writer => "writer",
            Self::ManyWriters => "many-writers",
            Self::CatchUp => "catch-up",
            Self::Live => "live",
            Self::FanOut => "fan-out",
        }
    }

    /// How often [`run`] tells of its progress.
    #[must_use]
    pub fn parts(self) -> u64 {
        match self {
            Self::Writer => 7,
            Self::CatchUp => 7,
            Self::Live => 3,
            Self::Append | Self::ColdConnect | Self::ManyWriters | Self::FanOut => 1,
        }
    }
}

/// Makes a client of the streams under a root.
pub type NewClient = dyn Fn(&str) -> Result<ClientBuilder, BoxError>;
/// Makes a bare stack.
pub type NewBare = dyn Fn() -> Result<Arc<dyn Bare>, BoxError>;

/// One transport, and the stack below it.
pub struct Contender {
    /// Its name.
    pub name: &'static str,
    /// Makes a client of a server, with connections of its own.
    pub client: Box<NewClient>,
    /// Makes the bare stack, with connections of its own.
    pub bare: Box<NewBare>,
}

impl std::fmt::Debug for Contender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often each number is taken.
    pub rounds: usize,
    /// How many bytes a catch-up reads, and a writer writes.
    pub bytes: usize,
    /// How many appends are timed in each round.
    pub appends: usize,
    /// How many readers a fan-out has.
    pub readers: usize,
    /// How many answers a catch-up asks for ahead.
    pub prefetch: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            rounds: 5,
            bytes: 64 * 1024 * 1024,
            appends: 1000,
            readers: 1000,
            prefetch: 2,
        }
    }
}

/// Where and how something is measured.
pub(crate) struct Bench<'a> {
    contender: &'a Contender,
    root: String,
    client: Client,
    bare: Arc<dyn Bare>,
    effort: Effort,
    scenario: Scenario,
    rows: Vec<Row>,
}

/// Measures one scenario over one transport, against the streams under `root`. `progress` is called after each part.
///
/// # Errors
/// When the server refuses what has to work, or gives something else than was appended.
///
/// # Cancel safety
/// Dropping the future ends the measurement; streams that it has made stay on the server.
pub async fn run(
    scenario: Scenario,
    contender: &Contender,
    root: &str,
    effort: Effort,
    progress: &dyn Fn(),
) -> Result<Vec<Row>, BoxError> {
    let mut bench = Bench {
        contender,
        client: (contender.client)(root)?.build()?,
        root: root.to_owned(),
        bare: (contender.bare)()?,
        effort,
        scenario,
        rows: Vec::new(),
    };
    match scenario {
        Scenario::Append => latency::appends(&mut bench).await?,
        Scenario::ColdConnect => latency::cold(&mut bench).await?,
        Scenario::Writer => write::writer(&mut bench, progress).await?,
        Scenario::ManyWriters => write::many(&mut bench).await?,
        Scenario::CatchUp => catch_up::run(&mut bench, progress).await?,
        Scenario::Live => live::latency(&mut bench, progress).await?,
        Scenario::FanOut => live::fan_out(&mut bench).await?,
    }
    progress();
    Ok(bench.rows)
}

impl Bench<'_> {
    /// What the rounds gave. There are none of the bare stack where it has nothing like it.
    fn row(&mut self, what: impl Into<String>, better: Better, client: &[f64], bare: &[f64]) {
        let (client, bare, ratio) = measure::medians(client, bare);
        self.rows.push(Row {
            scenario: self.scenario.name(),
            transport: self.contender.name,
            what: what.into(),
            better,
            client,
            bare,
            ratio,
        });
    }

    /// A new stream, and its URL for the bare stack.
    async fn stream(&self, content_type: &str) -> Result<(DurableStream, String), BoxError> {
        self.stream_of(&self.client, content_type).await
    }

    /// The same by another client.
    async fn stream_of(
        &self,
        client: &Client,
        content_type: &str,
    ) -> Result<(DurableStream, String), BoxError> {
        let name = format!("bench-{:016x}", fastrand::u64(..));
        let stream = client.stream(&name).with_content_type(content_type);
        stream.create().content_type(content_type).await?;
        let url = stream.url()?.to_string();
        Ok((stream, url))
    }
}

pub(crate) const BYTES: &str = "application/octet-stream";
pub(crate) const JSON: &str = "application/json";

/// A message of this size, for a stream of this type.
pub(crate) fn message(content_type: &str, size: usize) -> Bytes {
    if content_type == JSON {
        let padding = size.saturating_sub(r#"{"id":1234567,"note":""}"#.len());
        format!(r#"{{"id":1234567,"note":"{}"}}"#, "x".repeat(padding)).into()
    } else {
        vec![b'x'; size].into()
    }
}

/// So many of them as the body of one request.
pub(crate) fn batch(content_type: &str, message: &[u8], count: usize) -> Bytes {
    if content_type == JSON {
        let message = String::from_utf8_lossy(message);
        format!("[{}]", vec![message; count].join(",")).into()
    } else {
        message.repeat(count).into()
    }
}

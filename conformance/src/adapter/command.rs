//! Commands, as the runner writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::benchmark::Work;
use super::failure::{Code, Failed};
use super::validate::Target;

pub(crate) type Headers = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Command {
    Init(Init),
    Create(Create),
    Connect(Address),
    Append(Append),
    Read(Read),
    Head(Address),
    Delete(Address),
    Close(Close),
    IdempotentAppend(Produce),
    IdempotentAppendBatch(ProduceBatch),
    IdempotentClose(ProduceClose),
    IdempotentDetach(Producer),
    SetDynamicHeader(SetDynamic),
    SetDynamicParam(SetDynamic),
    ClearDynamic,
    Validate {
        target: Target,
    },
    Benchmark(Benchmark),
    Shutdown,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Init {
    pub(crate) server_url: String,
    pub(crate) timeout_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    #[serde(flatten)]
    pub(crate) address: Address,
    pub(crate) content_type: Option<String>,
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) expires_at: Option<String>,
    #[serde(default)]
    pub(crate) closed: bool,
    pub(crate) data: Option<String>,
}

/// A stream, and the headers that requests about it carry.
#[derive(Debug, Deserialize)]
pub(crate) struct Address {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: Headers,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Append {
    #[serde(flatten)]
    pub(crate) address: Address,
    pub(crate) data: String,
    /// The data is base64.
    #[serde(default)]
    pub(crate) binary: bool,
    pub(crate) seq: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Read {
    #[serde(flatten)]
    pub(crate) address: Address,
    pub(crate) offset: Option<String>,
    #[serde(default)]
    pub(crate) live: Live,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) max_chunks: Option<usize>,
    #[serde(default)]
    pub(crate) wait_for_up_to_date: bool,
}

/// `false`; `true`, which leaves the choice to the client; or a choice.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(crate) enum Live {
    Flag(bool),
    Mode(LiveMode),
}

impl Default for Live {
    fn default() -> Self {
        Self::Flag(false)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LiveMode {
    LongPoll,
    Sse,
}

impl From<Live> for durable_streams_client::Live {
    fn from(live: Live) -> Self {
        match live {
            Live::Flag(false) => Self::Off,
            Live::Flag(true) => Self::Auto,
            Live::Mode(LiveMode::LongPoll) => Self::LongPoll,
            Live::Mode(LiveMode::Sse) => Self::Sse,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Close {
    #[serde(flatten)]
    pub(crate) address: Address,
    pub(crate) data: Option<String>,
    pub(crate) content_type: Option<String>,
}

/// A producer of a stream; path, id and epoch name it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Producer {
    #[serde(flatten)]
    pub(crate) address: Address,
    pub(crate) producer_id: String,
    #[serde(default)]
    pub(crate) epoch: u64,
    #[serde(default)]
    pub(crate) auto_claim: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Produce {
    #[serde(flatten)]
    pub(crate) producer: Producer,
    pub(crate) data: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProduceBatch {
    #[serde(flatten)]
    pub(crate) producer: Producer,
    pub(crate) items: Vec<String>,
    pub(crate) max_in_flight: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ProduceClose {
    #[serde(flatten)]
    pub(crate) producer: Producer,
    pub(crate) data: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetDynamic {
    pub(crate) name: String,
    pub(crate) value_type: ValueType,
    pub(crate) initial_value: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ValueType {
    Counter,
    Timestamp,
    Token,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Benchmark {
    pub(crate) iteration_id: String,
    pub(crate) operation: Work,
}

impl Command {
    /// How long it may take: less than the runner waits for its result.
    pub(crate) fn limit(&self) -> Duration {
        match self {
            // A read has a limit of its own, after which it is not a failure but done.
            Self::Read(_) => Duration::MAX,
            Self::Benchmark(_) => Duration::from_secs(55),
            _ => Duration::from_secs(25),
        }
    }
}

/// Reads a line as a command, with what it calls its type; or says what is wrong with it, of which type it was.
pub(crate) fn parse(line: &[u8]) -> Result<(String, Command), (String, Failed)> {
    // Nothing says which command it was, and there is no type for that.
    let unreadable = |why: &dyn std::fmt::Display| {
        let why = format!("the line is no command: {why}");
        ("init".to_owned(), Failed::new(Code::ParseError, why))
    };
    let value: Value = serde_json::from_slice(line).map_err(|error| unreadable(&error))?;
    let Some(Value::String(kind)) = value.get("type") else {
        return Err(unreadable(&"it has no type"));
    };
    let kind = kind.clone();
    match Command::deserialize(value) {
        Ok(command) => Ok((kind, command)),
        Err(error) => {
            let failed = Failed::new(Code::InvalidArgument, error.to_string());
            Err((kind, failed))
        }
    }
}

//! Results, as the runner reads them.

use std::collections::BTreeMap;

use durable_streams_client::Offset;
use serde::Serialize;

use super::dynamic::Sent;
use super::failure::Failed;

/// What the client can do, in the runner's words for it: tests of what is missing here are skipped.
const FEATURES: [&str; 9] = [
    "batching",
    "sse",
    "longPoll",
    "auto",
    "streaming",
    "dynamicHeaders",
    "retryOptions",
    "batchItems",
    "strictZeroValidation",
];

/// A command that succeeded. What has no value is left out, never `null`.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Outcome {
    Init {
        client_name: String,
        client_version: &'static str,
        features: BTreeMap<&'static str, bool>,
    },
    Create {
        status: u16,
        offset: Offset,
    },
    Connect {
        status: u16,
        offset: Offset,
    },
    Append {
        status: u16,
        offset: Offset,
        #[serde(flatten)]
        sent: Sent,
    },
    Read(Read),
    Head {
        status: u16,
        offset: Offset,
        #[serde(skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_seconds: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<String>,
        stream_closed: bool,
    },
    Delete {
        status: u16,
    },
    Close {
        final_offset: Offset,
    },
    IdempotentAppend {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<Offset>,
        duplicate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        producer_seq: Option<u64>,
    },
    IdempotentAppendBatch {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        producer_seq: Option<u64>,
    },
    IdempotentClose {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        final_offset: Option<Offset>,
    },
    IdempotentDetach {
        status: u16,
    },
    SetDynamicHeader,
    SetDynamicParam,
    ClearDynamic,
    Validate,
    Benchmark {
        iteration_id: String,
        duration_ns: String,
        metrics: Metrics,
    },
    Shutdown,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Read {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    pub(crate) chunks: Vec<Chunk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<Offset>,
    pub(crate) up_to_date: bool,
    pub(crate) stream_closed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    #[serde(flatten)]
    pub(crate) sent: Sent,
}

/// The contents of one answer, or of the events before one control event.
#[derive(Debug, Serialize)]
pub(crate) struct Chunk {
    pub(crate) data: String,
    /// The data is base64.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) binary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<Offset>,
}

/// What a benchmark really moved.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metrics {
    pub(crate) bytes_transferred: u64,
    pub(crate) messages_processed: u64,
}

impl Outcome {
    /// The introduction.
    pub(crate) fn init(name: &str) -> Self {
        Self::Init {
            client_name: name.to_owned(),
            client_version: env!("CARGO_PKG_VERSION"),
            features: FEATURES.map(|feature| (feature, true)).into(),
        }
    }
}

/// A result as it goes to the runner.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Done {
        success: bool,
        #[serde(flatten)]
        outcome: Outcome,
    },
    #[serde(rename_all = "camelCase")]
    Error {
        r#type: &'static str,
        success: bool,
        command_type: &'a str,
        #[serde(flatten)]
        failed: Failed,
    },
}

/// The line of a result: the outcome of a command, or the type of the one that failed and how.
pub(crate) fn line(result: Result<Outcome, (String, Failed)>) -> serde_json::Result<String> {
    let mut text = match result {
        Ok(outcome) => serde_json::to_string(&Line::Done {
            success: true,
            outcome,
        }),
        Err((command_type, failed)) => serde_json::to_string(&Line::Error {
            r#type: "error",
            success: false,
            command_type: &command_type,
            failed,
        }),
    }?
    // Line ends to some readers of lines. They can only stand in strings, where the escapes mean the same.
    .replace('\u{2028}', "\\u2028")
    .replace('\u{2029}', "\\u2029");
    text.push('\n');
    Ok(text)
}

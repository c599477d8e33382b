//! The event that announces a wake on its stream (§7.2).

use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// A wake of a pull-wake subscription, as it is announced on its stream. It says that there is something to [claim](super::Claim), and no
/// more: what, the claim says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WakeEvent {
    /// The id of the subscription.
    pub subscription_id: String,
    /// A stream with something pending, by its path below the root; there may be others.
    pub stream: Option<String>,
    /// The generation of the wake.
    pub generation: u64,
    /// When it began, by the server's clock.
    pub at: Option<SystemTime>,
}

#[derive(Deserialize)]
struct Row {
    r#type: String,
    subscription_id: String,
    #[serde(default)]
    stream: Option<String>,
    generation: u64,
    #[serde(default)]
    ts: Option<serde_json::Value>,
}

impl WakeEvent {
    /// Reads a message of a stream for wakes. `None` when it is none: other messages may stand in that stream, and more may be said of a
    /// wake than is known here.
    ///
    /// ```
    /// use durable_streams_core::operation::subscription::WakeEvent;
    ///
    /// let message = br#"{"type":"wake","subscription_id":"billing","stream":"orders","generation":3,"ts":1700000000000}"#;
    /// assert_eq!(WakeEvent::parse(message).unwrap().subscription_id, "billing");
    /// assert_eq!(WakeEvent::parse(b"{}"), None);
    /// ```
    pub fn parse(message: &[u8]) -> Option<Self> {
        let row: Row = serde_json::from_slice(message).ok()?;
        if row.r#type != "wake" {
            return None;
        }
        let milliseconds = row.ts.as_ref().and_then(serde_json::Value::as_u64);
        let since = milliseconds.map(Duration::from_millis);
        Some(Self {
            subscription_id: row.subscription_id,
            stream: row
                .stream
                .map(|path| path.trim_start_matches('/').to_owned()),
            generation: row.generation,
            at: since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)),
        })
    }
}

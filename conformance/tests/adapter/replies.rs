//! What scripted servers answer, and the reads that they answer.

use durable_streams_conformance::script::Reply;
use serde_json::{Value, json};

/// A read that its limit does not end.
pub(crate) fn read(live: Value) -> Value {
    json!({"type": "read", "path": "/s", "live": live, "timeoutMs": 3_600_000})
}

/// The same command with these fields.
pub(crate) fn with(mut command: Value, fields: Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    command.as_object_mut().unwrap().extend(fields);
    command
}

/// The answer to a write that was done.
pub(crate) fn done(next: &str) -> Reply {
    Reply::new(204).header("Stream-Next-Offset", next)
}

/// A page of a text stream, at the tail.
pub(crate) fn text(next: &str, body: &'static str) -> Reply {
    Reply::new(200)
        .header("Content-Type", "text/plain")
        .header("Stream-Next-Offset", next)
        .header("Stream-Up-To-Date", "true")
        .body(body)
}

/// A page of a JSON stream, at the tail.
pub(crate) fn page(next: &str, body: &'static str) -> Reply {
    Reply::new(200)
        .header("Content-Type", "application/json")
        .header("Stream-Next-Offset", next)
        .header("Stream-Up-To-Date", "true")
        .body(body)
}

/// An empty stream: what comes after it is live.
pub(crate) fn tail() -> Reply {
    text("0", "")
}

/// The answer to a poll in whose time nothing came.
pub(crate) fn quiet(next: &str) -> Reply {
    Reply::new(204).header("Stream-Next-Offset", next)
}

/// A control event's data, with more fields than the offset.
pub(crate) fn control(next: &str, more: &str) -> String {
    format!("{{\"streamNextOffset\":\"{next}\"{more}}}")
}

//! The lowest floor: what is on the wire, and nothing about when.
//!
//! Header names and their strict parsing, offsets and checkpoints, URLs and queries, content types, errors,
//! retry timing, and the two incremental parsers (SSE and JSON). Nothing here knows about a request in flight.

pub mod content_type;
pub mod control;
pub mod error;
pub mod extras;
pub mod header;
pub mod json;
pub mod position;
pub mod retry;
pub mod sse;
pub mod time;
pub mod url;

//! The writer machine in virtual time: what it really sends, when, and what it says about every message.

mod batching;
mod claims;
mod close;
mod epochs;
mod failures;
mod flush;
mod intake;
mod model;
mod properties;
mod report;
mod support;
mod too_large;
mod window;
#[path = "../common/wire.rs"]
mod wire;

//! The client from other sides: without async, and among tower services.

#[path = "../common/mod.rs"]
mod common;

mod blocking;
mod telemetry;
mod testing;
mod tower;

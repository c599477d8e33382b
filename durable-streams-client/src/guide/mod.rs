//! Guides, from the first stream to running it in production.
//!
//! They are written with this crate's names; a transport crate re-exports all of them, so an application writes
//! `use durable_streams_reqwest::{…}` instead.

#[doc = include_str!("getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("reading.md")]
pub mod reading {}

#[doc = include_str!("writing.md")]
pub mod writing {}

#[doc = include_str!("subscriptions.md")]
pub mod subscriptions {}

#[doc = include_str!("workers.md")]
pub mod workers {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("transports.md")]
pub mod transports {}

#[doc = include_str!("observing.md")]
pub mod observing {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("porting.md")]
pub mod porting {}

//! Consumers: what is handled, what is committed, what failures come to, and who says when.

#[path = "../common/mod.rs"]
mod common;
mod failing;
mod handling;
mod steering;
mod stores;
mod world;

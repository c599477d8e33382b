//! The worker under virtual time, at the level of requests and answers.

#[path = "../common/mod.rs"]
mod common;

mod asking;
mod failing;
mod leases;
mod stopping;
mod support;
mod working;

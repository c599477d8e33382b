//! The server suite: whether a server does what the protocol promises, requirement by requirement.
//!
//! Every case has a stable id (`area.subject.behaviour`), a level, and the requirements of the [`ledger`] that it covers. Each
//! works on fresh streams of its own, so cases run at the same time and in any order.

mod answer;
mod case;
mod cases;
mod contents;
mod events;
mod exchange;
#[cfg(feature = "harness")]
mod harness;
mod http2;
pub mod ledger;
mod outcome;
mod pages;
mod polls;
mod raw;
mod receiver;
mod report;
mod subscriptions;
mod suite;
mod target;
#[cfg(test)]
mod tests;

pub use case::{Capability, Case, Level};
pub use cases::all as cases;
pub use exchange::Exchange;
#[cfg(feature = "harness")]
pub use harness::harness;
pub use outcome::{Failure, Outcome, Run, Why};
pub use report::{Counts, Difference, Report};
pub use suite::{NoSuite, Suite, suite};

//! The server suite: whether a server does what the protocol promises, requirement by requirement.
//!
//! Every case has a stable id (`area.subject.behaviour`), a level, and the requirements of the [`ledger`] that it covers. Each
//! works on fresh streams of its own, so cases run at the same time and in any order.

mod answer;
mod case;
mod cases;
mod events;
mod exchange;
pub mod ledger;
mod outcome;
mod pages;
mod polls;
mod report;
mod suite;
mod target;

pub use case::{Capability, Case, Level};
pub use cases::all as cases;
pub use exchange::Exchange;
pub use outcome::{Failure, Outcome, Run, Why};
pub use report::{Counts, Report};
pub use suite::{NoSuite, Suite, suite};

//! The invariants.

mod log;
mod pace;
mod reader;
mod requests;
mod writer;

pub(super) use log::check_logs;
pub(super) use pace::Pace;
pub(super) use reader::{Delivered, ReaderCheck};
pub(super) use requests::{Limits, Requests};
pub(super) use writer::{Lawful, WriterCheck};

//! The invariants.

mod log;
mod pace;
mod reader;
mod requests;
mod work;
mod writer;

pub(super) use log::check_logs;
pub(super) use pace::Pace;
pub(super) use reader::{Delivered, ReaderCheck};
pub(super) use requests::{Limits, Requests};
pub(super) use work::{HandedOut, acked, check_acks, check_leases, everything_done, generation_of};
pub(super) use writer::{Lawful, WriterCheck};

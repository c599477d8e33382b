//! The exactly-once writer.

mod acknowledgements;
mod batching;
mod claiming;
mod closing;
mod ending;
mod flushing;
mod foreign;
mod gaps;
mod giving_up;
mod memory;
mod numbers;
mod receipts;
mod restarting;
mod retrying;
mod splitting;
mod support;

use crate::suite::Case;

pub(super) fn all() -> Vec<Case> {
    let modules = [
        numbers::all,
        retrying::all,
        giving_up::all,
        gaps::all,
        acknowledgements::all,
        foreign::all,
        claiming::all,
        flushing::all,
        closing::all,
        ending::all,
        restarting::all,
        memory::all,
        batching::all,
        receipts::all,
        splitting::all,
    ];
    modules.into_iter().flat_map(|cases| cases()).collect()
}

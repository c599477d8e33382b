//! The cases, area by area.

mod append;
mod closed;
mod closing;
mod create;
mod expiry;
mod json;
mod json_values;
mod now;
mod producers;
mod sequence;
mod sse;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    let single = [
        create::CASES,
        append::CASES,
        sequence::CASES,
        closing::CASES,
        closed::CASES,
        json::CASES,
        json_values::CASES,
        expiry::CASES,
        now::CASES,
        sse::CASES,
    ];
    let areas = single.iter().chain(producers::CASES);
    areas.copied().flatten().cloned().collect()
}

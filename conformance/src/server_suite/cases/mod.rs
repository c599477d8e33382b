//! The cases, area by area.

mod append;
mod closed;
mod closing;
mod create;
mod expiry;
mod now;
mod sequence;
mod sse;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    [
        create::CASES,
        append::CASES,
        sequence::CASES,
        closing::CASES,
        closed::CASES,
        expiry::CASES,
        now::CASES,
        sse::CASES,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

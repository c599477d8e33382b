//! The cases, area by area.

mod create;
mod expiry;
mod now;
mod raw;
mod sse;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    [
        create::CASES,
        expiry::CASES,
        now::CASES,
        raw::CASES,
        sse::CASES,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

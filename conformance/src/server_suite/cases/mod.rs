//! The cases, area by area.

mod catch_up;
mod create;
mod expiry;
mod long_poll;
mod now;
mod offsets;
mod sse;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    [
        create::CASES,
        expiry::CASES,
        catch_up::CASES,
        long_poll::CASES,
        sse::CASES,
        offsets::CASES,
        now::CASES,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

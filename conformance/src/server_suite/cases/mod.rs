//! The cases, area by area.

mod caching;
mod catch_up;
mod create;
mod cursors;
mod expiry;
mod long_poll;
mod now;
mod offsets;
mod sse;
mod sse_data;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    [
        create::CASES,
        expiry::CASES,
        catch_up::CASES,
        long_poll::CASES,
        sse::CASES,
        sse_data::CASES,
        caching::CASES,
        cursors::CASES,
        offsets::CASES,
        now::CASES,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

//! The cases, area by area.

mod append;
mod caching;
mod catch_up;
mod closed;
mod closing;
mod create;
mod cursors;
mod delete;
mod expiry;
mod forks;
mod head;
mod http2;
mod json;
mod json_values;
mod long_poll;
mod model;
mod now;
mod offsets;
mod producers;
mod raw;
mod restart;
mod retention;
mod sequence;
mod serving;
mod sse;
mod sse_data;
mod subscriptions;
mod windows;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    let areas: [&[&[Case]]; 7] = [
        &[model::CASES, create::CASES, expiry::CASES, windows::CASES],
        &[
            append::CASES,
            http2::CASES,
            sequence::CASES,
            closing::CASES,
            closed::CASES,
        ],
        producers::CASES,
        &[json::CASES, json_values::CASES, delete::CASES, head::CASES],
        forks::CASES,
        &[
            catch_up::CASES,
            long_poll::CASES,
            sse::CASES,
            sse_data::CASES,
            offsets::CASES,
            now::CASES,
            caching::CASES,
            cursors::CASES,
            serving::CASES,
            raw::CASES,
            retention::CASES,
            restart::CASES,
        ],
        subscriptions::CASES,
    ];
    let areas = areas.into_iter().flatten().copied();
    areas.flatten().cloned().collect()
}

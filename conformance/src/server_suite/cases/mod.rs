//! The cases, area by area.

mod create;
mod delete;
mod expiry;
mod forks;
mod head;
mod model;
mod now;
mod raw;
mod sse;
mod windows;

use super::case::Case;

/// All cases, in the order of their areas.
pub fn all() -> Vec<Case> {
    [
        create::CASES,
        expiry::CASES,
        now::CASES,
        raw::CASES,
        model::CASES,
        forks::content::CASES,
        forks::refusals::CASES,
        forks::again::CASES,
        forks::state::CASES,
        forks::expiry::CASES,
        forks::deleting::CASES,
        create::CASES,
        expiry::CASES,
        windows::CASES,
        delete::CASES,
        head::CASES,
        now::CASES,
        sse::CASES,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

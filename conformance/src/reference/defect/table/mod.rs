//! All defects, by what they are about.

mod append;
mod create;
mod events;
mod forks;
mod json;
mod model;
mod offsets;
mod polls;
mod producers;
mod reading;
mod serving;
mod subscriptions;
mod wakes;

use super::Defect;

/// In the order of the protocol.
pub(super) const ALL: &[&[Defect]] = &[
    model::ROWS,
    forks::ROWS,
    create::ROWS,
    append::ROWS,
    producers::ROWS,
    reading::ROWS,
    polls::ROWS,
    events::ROWS,
    subscriptions::ROWS,
    wakes::ROWS,
    offsets::ROWS,
    json::ROWS,
    serving::ROWS,
];

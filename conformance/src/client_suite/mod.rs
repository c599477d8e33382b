//! The client suite: what a client does on the wire, and what it tells its caller, for every behaviour that clients of this
//! protocol get wrong.
//!
//! Each case plays a script against a client over a subject's transport, and looks at the requests that were really sent. The first word
//! of a case's id is the behaviour it belongs to.

mod ahead;
mod appends;
mod bad_servers;
mod catch_up;
mod clock;
mod closed;
mod closing;
mod credentials;
mod cut_bodies;
mod dropping;
mod event_bytes;
mod event_streams;
mod fallback;
mod json;
mod large_events;
mod limits;
mod long_poll;
mod not_acknowledged;
mod reconnects;
mod redirects;
mod requests;
mod retries;
mod slow_consumers;
mod subscriptions;
mod support;
mod uploads;
mod workers;
mod writer;

use crate::suite::Case;

#[cfg(test)]
mod tests;

/// All cases, in the order of their modules.
pub fn cases() -> Vec<Case> {
    [
        ahead::all,
        appends::all,
        bad_servers::all,
        catch_up::all,
        closed::all,
        closing::all,
        credentials::all,
        cut_bodies::all,
        dropping::all,
        event_bytes::all,
        event_streams::all,
        fallback::all,
        json::all,
        large_events::all,
        limits::all,
        long_poll::all,
        not_acknowledged::all,
        reconnects::all,
        redirects::all,
        requests::all,
        retries::all,
        slow_consumers::all,
        subscriptions::all,
        uploads::all,
        workers::all,
        writer::all,
    ]
    .into_iter()
    .flat_map(|cases| cases())
    .collect()
}

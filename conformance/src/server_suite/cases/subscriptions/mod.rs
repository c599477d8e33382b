//! Subscriptions: wakes for those who work on streams (§6–7).

mod claims;
mod create;
mod describe;
mod fencing;
pub(super) mod keys;
mod leases;
mod links;
mod urls;
mod wakes;
mod webhook_reports;
mod webhooks;

use crate::server_suite::case::{Capability, Case};

const SUBSCRIPTIONS: &[Capability] = &[Capability::Write, Capability::Subscriptions];
const WEBHOOKS: &[Capability] = &[
    Capability::Write,
    Capability::Subscriptions,
    Capability::Webhook,
];

/// The cases, subject by subject.
pub(super) const CASES: &[&[Case]] = &[
    create::CASES,
    describe::CASES,
    links::CASES,
    wakes::CASES,
    claims::CASES,
    fencing::CASES,
    leases::CASES,
    urls::CASES,
    keys::CASES,
    webhooks::CASES,
    webhook_reports::CASES,
];

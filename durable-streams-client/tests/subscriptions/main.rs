//! Subscriptions: the async and the blocking face of them, and the receiver of webhooks.

#[path = "../common/mod.rs"]
mod common;

mod handle;
mod receiver;

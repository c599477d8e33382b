//! The writer's async face, without a network and without real time: what is appended, awaited, dropped and moved.

mod appending;
#[path = "../common/by_hand.rs"]
mod by_hand;
mod claims;
mod closing;
mod ending;
mod idle;
mod requests;
mod server;
mod sink;
mod sweep;
mod world;

//! The model in virtual time, without sockets. Tests are named after the requirements they show.

mod append;
mod caching;
mod close;
mod create;
mod events;
mod expiry;
mod fork_life;
mod forks;
mod json;
mod long_poll;
mod offsets;
mod producers;
mod properties;
mod reading;
mod retention;
mod robustness;
mod sse;
mod streams;
mod subscriptions;
mod world;

//! The model in virtual time, without sockets. Tests are named after the requirements they show.

mod append;
mod caching;
mod close;
mod create;
mod events;
mod expiry;
mod forks;
mod json;
mod long_poll;
mod offsets;
mod producers;
mod properties;
mod reading;
mod robustness;
mod sse;
mod world;

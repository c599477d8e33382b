//! The client adapter, as a runner sees it: lines in, lines out.
//!
//! Most of it runs over a server that really keeps streams: the embedded one, or, with `DURABLE_STREAMS_NPM_ROOT` set to the URL of a
//! running `@durable-streams/server`, that one. What no such server does is done by a scripted one.

#[macro_use]
mod over;

mod answers;
mod benchmarks;
mod dynamic;
mod errors;
mod failing;
mod framing;
mod hop;
mod limits;
mod live;
mod peer;
mod process;
mod producers;
mod producing;
mod reading;
mod replies;
mod streams;
mod support;
mod validation;

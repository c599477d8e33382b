//! Exactly once, end to end: a writer, over real sockets, through a hop that loses, cuts, repeats, holds and refuses, to a
//! server whose log is then compared with what was written.
//!
//! `DURABLE_STREAMS_ROOT` names the stream root of another server than the embedded one, `EXACTLY_ONCE_SEED` repeats a run.

mod flushing;
mod hop;
mod http1;
mod peers;
mod sharing;
mod takeover;
mod volume;
mod world;

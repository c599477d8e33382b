//! The client at the wire: every test runs it over a real socket against a scripted server, and looks at the requests that
//! were really sent as well as at what the caller was given. The ids in the names are those of `BEHAVIOURS.md`.

mod appends;
mod bad_servers;
mod catch_up;
mod closed;
mod closing;
mod credentials;
mod cut_bodies;
mod dropping;
mod event_bytes;
mod event_streams;
mod fallback;
mod json;
mod limits;
mod long_poll;
mod not_acknowledged;
mod reconnects;
mod redirects;
mod requests;
mod retries;
mod support;

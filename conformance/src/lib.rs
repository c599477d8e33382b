//! A reference server for Durable Streams.
//!
//! The server is a pure model of the protocol: [`reference::Model`] takes requests and the time, and gives
//! back answers. It touches no socket and no clock, so it runs inside a simulation as well as behind a
//! listener. It is written from the protocol alone and shares no code with the clients that are tested
//! against it.
//!
//! - [`mod@reference`] is the model.
//! - `embedded` (feature `embedded`) is a thin listener that turns the model into a server on a local port.
//! - `script` (feature `script`) is a scripted server that looks at the wire, for tests of clients and transports.
//! - `simulation` (feature `simulation`) runs the client's machines against the model, under faults and in virtual time.
//! - `kit` (feature `suites`) runs the contract of a transport.
//! - `bench` (feature `bench`) measures the client beside the HTTP stack below it.
//! - The command `durable-streams-conformance` (feature `cli`, on by default) runs the reference server with `serve`, and the
//!   simulation with `simulate`.
//!
//! Applications and examples that only want a server to talk to need few dependencies:
//!
//! ```toml
//! [dev-dependencies]
//! durable-streams-conformance = { version = "0.1", default-features = false, features = ["embedded"] }
//! ```

#[cfg(feature = "adapter")]
pub mod adapter;
#[cfg(any(feature = "embedded", feature = "script"))]
mod background;
#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "suites")]
pub mod client_suite;
#[cfg(feature = "embedded")]
pub mod embedded;
#[cfg(feature = "suites")]
pub mod kit;
pub mod reference;
#[cfg(feature = "script")]
pub mod script;
#[cfg(feature = "suites")]
pub mod server_suite;
#[cfg(feature = "simulation")]
pub mod simulation;
#[cfg(feature = "suites")]
pub mod stacks;
#[cfg(feature = "suites")]
pub mod suite;
#[cfg(feature = "transports")]
pub mod transports;

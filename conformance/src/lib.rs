//! Whether a server, a client or a transport of Durable Streams does what the protocol says: suites for each, a reference server, and
//! a simulation.
//!
//! | to test | there is | feature |
//! |---|---|---|
//! | a server | `server_suite`, and the command `server` | `suites` |
//! | a client over a transport of your own | `client_suite`, and for its contract `kit` | `suites` |
//! | an application | `embedded`: a server in your process | `embedded` |
//! | a client, byte by byte | `script`: a server that answers what it is told to | `script` |
//! | machines | `simulation`: every fault, in virtual time, from a seed | `simulation` |
//! | how fast it is | `bench`: a client beside the HTTP stack below it | `bench` |
//!
//! The reference server is a pure model of the protocol: [`reference::Model`] takes requests and the time, and gives
//! back answers. It touches no socket and no clock, so it runs inside a simulation as well as behind a
//! listener. It is written from the protocol alone and shares no code with the clients that are tested
//! against it.
//!
//! The command `durable-streams-conformance` (feature `cli`, on by default) does all of that: `serve`, `server`, `client`, `simulate`, `bench`.
//!
//! Applications and examples that only want a server to talk to need few dependencies:
//!
//! ```toml
//! [dev-dependencies.durable-streams-conformance]
//! version = "0.1"
//! default-features = false
//! features = ["embedded"]
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

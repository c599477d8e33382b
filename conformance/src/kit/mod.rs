//! The transport kit: the contract of a [`Transport`], one case for each sentence of it.
//!
//! It is for whoever implements [`Transport`] over an HTTP stack, and for whoever wants to know whether a stack, as it is
//! configured, keeps the contract. The kit runs the transport against a [scripted server](crate::script) that looks at the
//! wire: what was sent, how often, and on which connection.
//!
//! A [`Subject`] says how to make the transport. What it says besides the first function adds cases: HTTP/2, an authority to
//! trust, a limit to connecting. The cases need no particular executor; they run on that of the caller.
//!
//! ```
//! use durable_streams_conformance::kit;
//! use durable_streams_conformance::suite::Subject;
//! # use durable_streams_client::{BoxFuture, Body, FailureKind, Timer, Transport, TransportError};
//! # use bytes::Bytes;
//! # use http::{Request, Response};
//! # #[derive(Debug)] struct MyTransport;
//! # impl MyTransport { fn new() -> Result<Self, TransportError> { Ok(Self) } }
//! # #[async_trait::async_trait] impl Transport for MyTransport {
//! #     async fn send(&self, _: Request<Bytes>) -> Result<Response<Body>, TransportError> {
//! #         Err(TransportError::new(FailureKind::Connect))
//! #     }
//! # }
//! # #[derive(Debug)] struct MyTimer;
//! # impl Timer for MyTimer {
//! #     fn sleep(&self, duration: std::time::Duration) -> BoxFuture<'static, ()> {
//! #         Box::pin(tokio::time::sleep(duration))
//! #     }
//! # }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let subject = Subject::new("mine", MyTimer, MyTransport::new);
//! let report = kit::run(&subject).await;
//! println!("{}", report.to_markdown());
//! # // A transport that never connects fails at nearly everything.
//! # assert!(report.failures().count() > 40);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A test of a transport crate ends with [`report.assert_passed()`](crate::suite::Report::assert_passed).
//!
//! Two sentences of the contract are left to the tests of each transport. That the whole time of a body has no limit would take
//! as long to show as the limit is. And that no credentials are logged depends on what the stack logs by; the kit looks at
//! errors and at `Debug`.

mod answered;
mod bodies;
mod caller;
mod cancelling;
mod connections;
mod credentials;
mod failures;
mod places;
mod redirects;
mod resends;
mod sent;
mod streaming;
mod tls;

use crate::suite::{Case, Report, Selection, Subject, run_here};
#[cfg(doc)]
use durable_streams_client::Transport;

/// The cases, in order. Their ids begin with `transport`.
pub fn cases() -> Vec<Case> {
    [
        sent::cases(),
        answered::cases(),
        redirects::cases(),
        resends::cases(),
        streaming::cases(),
        cancelling::cases(),
        bodies::cases(),
        connections::cases(),
        failures::cases(),
        credentials::cases(),
        tls::cases(),
    ]
    .concat()
}

/// Runs all cases on the executor that polls this, over all that the subject speaks. That takes some seconds.
///
/// # Cancel safety
/// Dropping the future ends the case under way, with its server.
pub async fn run(subject: &Subject) -> Report {
    run_here(&cases(), subject, &Selection::all()).await
}

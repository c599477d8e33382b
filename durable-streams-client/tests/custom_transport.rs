//! The transport of the example `custom_transport` keeps the whole contract, without an async runtime.

#[path = "../examples/custom_transport/socket.rs"]
mod socket;

use std::convert::Infallible;
use std::time::Duration;

use durable_streams_client::{BoxFuture, Timer};
use durable_streams_conformance::kit;
use durable_streams_conformance::suite::Subject;
use futures_executor::block_on;

use self::socket::SocketTransport;

#[derive(Debug)]
struct ThreadTimer;

impl Timer for ThreadTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(futures_timer::Delay::new(duration))
    }
}

#[test]
fn the_contract_is_kept_without_a_runtime() {
    let make = || Ok::<_, Infallible>(SocketTransport::default());
    let report = block_on(kit::run(&Subject::new("sockets", ThreadTimer, make)));
    report.assert_passed();
}

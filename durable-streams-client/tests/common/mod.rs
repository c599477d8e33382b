//! Clients over scripted replies, by a clock that skips what is waited for, or one that stands still.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

use std::time::Duration;

use durable_streams_client::testing::SkippingTimer;
use durable_streams_client::{BoxFuture, Client, ClientBuilder, Timer, Transport};
use http::Request;

pub(crate) use durable_streams_client::testing::{Reply, Script};

pub(crate) const ROOT: &str = "http://streams.test/v1";

/// A reply whose body comes in one piece.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Reply {
    let begun = headers.iter().fold(Reply::new(status), |reply, header| {
        reply.header(header.0, header.1)
    });
    if body.is_empty() {
        begun
    } else {
        begun.body(body)
    }
}

/// `GET /path?query` of every request.
pub(crate) fn targets(script: &Script) -> Vec<String> {
    let requests = script.requests();
    let line = |request: &Request<_>| {
        format!(
            "{} {}",
            request.method(),
            request.uri().path_and_query().unwrap()
        )
    };
    requests.iter().map(line).collect()
}

/// A clock that stands still: nothing that waits for it ever goes on.
#[derive(Debug, Clone)]
pub(crate) struct Still;

impl Timer for Still {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A client whose requests get these replies, one after the other. Unlike [`Script::client`]'s it has no background, and is under a path.
pub(crate) fn scripted(replies: impl IntoIterator<Item = Reply>) -> (ClientBuilder, Script) {
    scripted_by(SkippingTimer::new(), replies)
}

/// As [`scripted`], by this clock.
pub(crate) fn scripted_by(
    timer: impl Timer,
    replies: impl IntoIterator<Item = Reply>,
) -> (ClientBuilder, Script) {
    let script = Script::new(replies);
    let builder = over(script.clone(), timer);
    (builder, script)
}

/// A client over this transport. Its replies are in the order of the requests.
pub(crate) fn over(transport: impl Transport, timer: impl Timer) -> ClientBuilder {
    let builder = Client::builder(ROOT, transport, timer).unwrap();
    builder.prefetch(0)
}

//! The upper floor: machines that decide what to send next, given time and answers.
//!
//! A machine never does anything. Its owner, a *driver*, carries out what it says and tells it what happened:
//!
//! 1. Call [`poll_output`](Machine::poll_output) again and again, and do what it says, until it says
//!    [`Wait`](Output::Wait) or [`Done`](Output::Done).
//! 2. At `Wait`, wait for something of the requests in flight, or for the time it names, and hand it in with
//!    [`handle_input`](Machine::handle_input). Several inputs that are there already may be handed in one after the other.
//! 3. Go on with 1.
//!
//! Early and late calls are harmless: a [`Timeout`](Input::Timeout) before its time is ignored, one after it counts. Inputs for
//! a request that is no longer current are ignored: that is what cancelling means. Time is an argument, and so is the
//! seed of the jitter: the same inputs give the same outputs.
//!
//! What arrives is bounded by who drives: a driver that hands in the next chunk only after `Wait`, and only of requests
//! of which the machine [wants](Machine::wants) more, holds one chunk of each at a time.
//!
//! ```
//! use std::time::Instant;
//!
//! use durable_streams_core::operation::Head;
//! use durable_streams_core::{Call, CallConfig, Input, Machine, Output, StreamUrl};
//!
//! # let now = Instant::now();
//! let head = Head::new(StreamUrl::parse("http://127.0.0.1:4437/v1/stream/orders")?);
//! let mut call = Call::of(&head, CallConfig::default())?;
//!
//! let Output::Send(id, request) = call.poll_output(now) else { panic!() };
//! assert_eq!(request.method(), "HEAD");
//! let Output::Wait(Some(_timeout)) = call.poll_output(now) else { panic!() };
//!
//! // Whoever has a socket sends the request, and says what came of it.
//! let answer = http::Response::builder()
//!     .header("content-type", "application/json")
//!     .header("stream-next-offset", "7");
//! let (answer, ()) = answer.body(()).unwrap().into_parts();
//! call.handle_input(Input::Head(id, answer), now);
//!
//! // Nobody wants the body of that.
//! let Output::Abort(_) = call.poll_output(now) else { panic!() };
//! let Output::Event(end) = call.poll_output(now) else { panic!() };
//! assert_eq!(end.outcome(&head)?.next_offset.as_str(), "7");
//! let Output::Done = call.poll_output(now) else { panic!() };
//! # Ok::<(), durable_streams_core::Error>(())
//! ```

pub mod call;
pub mod reader;
mod redirect;
pub mod worker;
pub mod writer;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, response};

use crate::wire::error::Failure;

/// The time after this long; what a clock cannot say is far away.
fn later(now: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    now.checked_add(duration).unwrap_or(now + FAR)
}

/// Names one request of a machine. Never used twice by the same machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// What a machine wants done.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an output is moved once, to where it is acted on"
)]
pub enum Output<E> {
    /// Send this request, and hand in what comes of it.
    Send(RequestId, Request<Bytes>),
    /// Drop this request: its connection need not be kept, and nothing about it is wanted any more. It may be over already.
    Abort(RequestId),
    /// Something for the user of the machine.
    Event(E),
    /// Nothing to do until an input comes, or until this time, when [`Input::Timeout`] is due.
    Wait(Option<Instant>),
    /// The machine has finished; it will say nothing else.
    Done,
}

/// What happened to a request, or that time passed.
#[derive(Debug)]
pub enum Input {
    /// The head of the answer.
    Head(RequestId, response::Parts),
    /// A piece of its body, of any size.
    Chunk(RequestId, Bytes),
    /// Its body is complete.
    End(RequestId),
    /// There is no answer, or the rest of it is lost.
    Failed(RequestId, Failure),
    /// The time named by [`Output::Wait`] has come.
    Timeout,
}

impl Input {
    /// The request that it is about.
    pub(crate) fn request(&self) -> Option<RequestId> {
        match self {
            Self::Head(id, _) | Self::Chunk(id, _) | Self::End(id) | Self::Failed(id, _) => {
                Some(*id)
            }
            Self::Timeout => None,
        }
    }
}

/// What every machine does; see the [module](self) for the contract.
pub trait Machine {
    /// What it tells its user.
    type Event;

    /// What to do next.
    fn poll_output(&mut self, now: Instant) -> Output<Self::Event>;

    /// Tells it what happened.
    fn handle_input(&mut self, input: Input, now: Instant);

    /// Whether it wants more of the answer to this request now. What comes all the same is kept; but a driver that
    /// does not read on while it is not wanted keeps a machine within its limits. To be asked anew after each `Wait`.
    fn wants(&self, request: RequestId) -> bool {
        let _ = request;
        true
    }
}

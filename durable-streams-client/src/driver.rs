//! The one loop that runs a core machine over a transport.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use durable_streams_core::{Input, Machine, Output, RequestId};
use futures_core::Stream;
use http::Response;

use crate::session::Session;
use crate::transport::{Body, BoxFuture, TransportError};

/// As many inputs of one exchange are handed in at a time, when they are there already: small chunks become one batch,
/// and the end of an answer is known with its last piece.
const INPUTS_AT_ONCE: usize = 16;
/// No more bytes than this are handed in at a time.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// A machine, the requests it has in flight, and the timer it waits for. All progress lives here, so a future that polls it
/// can be dropped at any point.
pub(crate) struct Driver<M> {
    pub(crate) machine: M,
    session: Arc<Session>,
    exchanges: Vec<(RequestId, Exchange)>,
    sleep: Option<(Instant, BoxFuture<'static, ()>)>,
}

enum Exchange {
    Sent(BoxFuture<'static, Result<Response<Body>, TransportError>>),
    Body(Body),
}

impl<M: Machine> Driver<M> {
    pub(crate) fn new(machine: M, session: Arc<Session>) -> Self {
        Self {
            machine,
            session,
            exchanges: Vec::new(),
            sleep: None,
        }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Drops what is in flight: nothing will come of it.
    pub(crate) fn stop(&mut self) {
        self.exchanges.clear();
        self.sleep = None;
    }

    /// The machine's next event; `None` when it is done.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<M::Event>> {
        loop {
            match self.machine.poll_output(self.session.now()) {
                Output::Send(id, request) => {
                    let sent = Arc::clone(&self.session).send(request);
                    self.exchanges.push((id, Exchange::Sent(sent)));
                }
                Output::Abort(id) => self.exchanges.retain(|(other, _)| *other != id),
                Output::Event(event) => return Poll::Ready(Some(event)),
                Output::Done => {
                    self.stop();
                    return Poll::Ready(None);
                }
                Output::Wait(deadline) => {
                    // What has arrived counts before what is late.
                    if !self.poll_exchanges(cx) && !self.poll_sleep(deadline, cx) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Hands in what has arrived. Says whether anything had.
    fn poll_exchanges(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        let mut index = 0;
        while index < self.exchanges.len() {
            let (mut inputs, mut bytes, mut over) = (0, 0, false);
            while inputs < INPUTS_AT_ONCE && bytes < BYTES_AT_ONCE && !over {
                let (id, exchange) = &mut self.exchanges[index];
                if !self.machine.wants(*id) {
                    break;
                }
                let Poll::Ready(input) = exchange.poll(*id, cx) else {
                    break;
                };
                if let Input::Chunk(_, chunk) = &input {
                    bytes += chunk.len();
                }
                over = matches!(input, Input::End(_) | Input::Failed(..));
                inputs += 1;
                self.machine.handle_input(input, self.session.now());
            }
            progress |= inputs > 0;
            if over {
                self.exchanges.swap_remove(index);
            } else {
                index += 1;
            }
        }
        progress
    }

    /// Waits for the machine's deadline. Says whether it has come.
    fn poll_sleep(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else {
            self.sleep = None;
            return false;
        };
        loop {
            let now = self.session.now();
            if deadline <= now {
                self.sleep = None;
                self.machine.handle_input(Input::Timeout, now);
                return true;
            }
            // Deadlines move on with every chunk. A sleep that ends before the deadline is kept: one timer then serves many chunks.
            let sleep = match &mut self.sleep {
                Some((until, sleep)) if *until <= deadline => sleep,
                stale => {
                    let sleep = self.session.sleep(deadline - now);
                    &mut stale.insert((deadline, sleep)).1
                }
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.sleep = None;
        }
    }
}

impl Exchange {
    fn poll(&mut self, id: RequestId, cx: &mut Context<'_>) -> Poll<Input> {
        match self {
            Self::Sent(sent) => sent.as_mut().poll(cx).map(|answer| match answer {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    *self = Self::Body(body);
                    Input::Head(id, head)
                }
                Err(error) => Input::Failed(id, error.into()),
            }),
            Self::Body(body) => Pin::new(body).poll_next(cx).map(|chunk| match chunk {
                Some(Ok(chunk)) => Input::Chunk(id, chunk),
                Some(Err(error)) => Input::Failed(id, error.into()),
                None => Input::End(id),
            }),
        }
    }
}

impl<M: std::fmt::Debug> std::fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("machine", &self.machine)
            .field("in_flight", &self.exchanges.len())
            .finish_non_exhaustive()
    }
}

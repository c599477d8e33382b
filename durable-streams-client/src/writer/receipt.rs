//! What became of one message.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use durable_streams_core::{Error, Offset};

use super::shared::Shared;

/// A message that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The tail behind the batch it was in. `None` where the server acknowledged a repeated request without one.
    pub next_offset: Option<Offset>,
    /// The server had it already: from an earlier attempt, or an earlier run with the same id and epoch.
    pub duplicate: bool,
}

/// A future of what becomes of one message. Dropping it does not cancel the message.
#[must_use = "without a look at the receipt `append` does the same for less"]
pub struct Receipt {
    shared: Arc<Shared>,
    ticket: u64,
}

impl Receipt {
    pub(super) fn new(shared: Arc<Shared>, ticket: u64) -> Self {
        Self { shared, ticket }
    }

    /// The number of the message, counted from 0 by the writer.
    pub fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl Future for Receipt {
    type Output = Result<Stored, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.shared.poll_receipt(self.ticket, cx)
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.shared.forget_receipt(self.ticket);
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

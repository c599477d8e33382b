//! For programs without async: the same client, waited for by the thread that calls.
//!
//! The client and its builders are the same; they end in another word:
//!
//! | async | blocking |
//! |---|---|
//! | `stream.append(…).await?` | [`stream.append(…).wait()?`](crate::OperationBuilder::wait) |
//! | `subscription.claim(…).await?` | [`subscription.claim(…).wait()?`](crate::OperationBuilder::wait) |
//! | `stream.read().start()`, a stream | [`stream.read().start_blocking()`](crate::ReadBuilder::start_blocking), an iterator |
//! | `stream.writer(id).start()` | [`stream.writer(id).start_blocking()`](crate::WriterBuilder::start_blocking) |
//! | `….consumer(name).run(handler).await?` | [`….consumer(name).run_blocking(handler)?`](crate::ConsumerBuilder::run_blocking) |
//! | `….worker(name).run(handler).await?` | [`….worker(name).run_blocking(handler)?`](crate::WorkerBuilder::run_blocking) |
//!
//! They are for a client whose transport needs no runtime of the caller's: every client of isahc, and what `background_client(url)` of the
//! other transport crates makes, with a runtime of its own in the background. With any other client they give an error. They work on
//! any thread, one of an async runtime included: it is held up meanwhile, as by anything that blocks, but nothing panics.
//!
//! ```
//! use durable_streams_client::{Client, Error};
//!
//! fn example(client: &Client) -> Result<(), Error> {
//!     let orders = client.stream("orders");
//!     orders.create().content_type("application/json").wait()?;
//!     orders.append_json(&1).wait()?;
//!     for batch in orders.read().start_blocking() {
//!         for order in batch?.json::<u64>() {
//!             println!("{}", order?);
//!         }
//!     }
//!     Ok(())
//! }
//! ```

mod within;

pub use within::{Context, Within};

use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_core::{Batch, Checkpoint, Error, Flushed, Offset, Refused};
use serde::Serialize;

use crate::client::Client;
use crate::writer::Stored;

/// Whether a client can be waited for on any thread.
pub(crate) fn check(client: &Client) -> Result<(), Error> {
    if client.0.stands_alone {
        return Ok(());
    }
    Err(Error::invalid(
        "the transport needs the caller's runtime: make the client with background_client",
    ))
}

/// Waits for a future on this thread.
///
/// Futures that need a runtime of the caller's cannot be waited for like this; those of a client that needs none can.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = waker();
    let mut cx = task::Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
    }
}

/// As [`block_on`], no longer than this: `None` when it ran out.
fn block_on_for<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    let until = Instant::now().checked_add(limit);
    let mut future = pin!(future);
    let waker = waker();
    let mut cx = task::Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(left) if left.is_zero() => return None,
            Some(left) => thread::park_timeout(left),
            // Beyond what a clock can say.
            None => thread::park(),
        }
    }
}

/// Wakes the thread that asks for it.
fn waker() -> Waker {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// Reads a stream, batch by batch: a [`crate::Reader`] as an iterator. It waits for as long as the stream is live, and ends as that one
/// does. An error is given once, as its last item.
#[derive(Debug)]
pub struct Reader {
    reader: crate::Reader,
    over: bool,
}

impl Reader {
    pub(crate) fn new(reader: crate::Reader) -> Self {
        let over = false;
        Self { reader, over }
    }

    /// The next item, if it comes within this time: `None` when it does not, and nothing is lost by that.
    ///
    /// # Errors
    /// As an item: what ends the reader, see [`crate::Reader::next`].
    pub fn next_within(&mut self, limit: Duration) -> Option<Option<Result<Batch, Error>>> {
        if self.over {
            return Some(None);
        }
        let item = block_on_for(self.reader.next(), limit)?.transpose();
        self.over = !matches!(item, Some(Ok(_)));
        Some(item)
    }

    /// Where the stream goes on after every batch that was given: see [`crate::Reader::checkpoint`].
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.reader.checkpoint()
    }

    /// Whether the end of a closed stream was given.
    pub fn is_closed(&self) -> bool {
        self.reader.is_closed()
    }
}

impl Iterator for Reader {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = block_on(self.reader.next()).transpose();
        self.over = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Writes a stream exactly once: a [`crate::Writer`], whose calls wait here. What never waits is that one's, to which this dereferences.
#[derive(Debug, Clone)]
pub struct Writer(crate::Writer);

impl Writer {
    pub(crate) fn new(writer: crate::Writer) -> Self {
        Self(writer)
    }

    /// Appends a message, once there is room in the buffer.
    ///
    /// # Errors
    /// As [`crate::Writer::append`].
    pub fn append(&self, message: impl Into<Bytes>) -> Result<(), Refused> {
        block_on(self.0.append(message))
    }

    /// Appends a message that is written as JSON here, once there is room in the buffer.
    ///
    /// # Errors
    /// As [`crate::Writer::append_json`].
    pub fn append_json<T: Serialize + ?Sized>(&self, message: &T) -> Result<(), Refused> {
        block_on(self.0.append_json(message))
    }

    /// Appends a message and waits until it is stored.
    ///
    /// # Errors
    /// As [`crate::Writer::append_acked`].
    pub fn append_acked(&self, message: impl Into<Bytes>) -> Result<Stored, Error> {
        block_on(self.0.append_acked(message))
    }

    /// Waits until everything accepted so far is answered for.
    ///
    /// # Errors
    /// As [`crate::Writer::flush`].
    pub fn flush(&self) -> Result<Flushed, Error> {
        block_on(self.0.flush())
    }

    /// Stores what was accepted, and ends the writer. The stream stays open.
    ///
    /// # Errors
    /// As [`crate::Writer::close`].
    pub fn close(&self) -> Result<Option<Offset>, Error> {
        block_on(self.0.close())
    }

    /// Stores what was accepted, closes the stream behind it, and ends the writer.
    ///
    /// # Errors
    /// As [`crate::Writer::close_stream`].
    pub fn close_stream(&self) -> Result<Option<Offset>, Error> {
        block_on(self.0.close_stream())
    }

    /// Goes on under the next epoch, once everything accepted so far is answered for.
    ///
    /// # Errors
    /// As [`crate::Writer::restart`].
    pub fn restart(&self) -> Result<u64, Error> {
        block_on(self.0.restart())
    }
}

impl Deref for Writer {
    type Target = crate::Writer;

    fn deref(&self) -> &crate::Writer {
        &self.0
    }
}

//! The async Durable Streams client that every transport shares.
//!
//! Applications depend on a transport crate, which re-exports all of this and adds the constructor
//! `client(url)`. A runtime or HTTP stack of one's own implements [`Transport`] and [`Timer`] and begins with [`Client::builder`].
//!
//! - [`Client`] knows a server; [`DurableStream`] is a handle to one stream.
//! - Single operations are builders that are awaited: `stream.append(…).seq("1").await?`.
//! - A [`Writer`] writes a stream exactly once, in batches, whatever fails in between.
//! - A [`Reader`] reads a stream from a checkpoint to its end, or live, whatever fails in between.
//! - A [`Subscription`] says when streams grew, and who works on that.
//! - A [`Consumer`] hands what it reads to a [`Handler`], commits its checkpoints, and goes on after what the handler makes of failures.
//! - A [`Worker`] works for a subscription, beside others: it claims what is pending, hands it to a [`WorkHandler`], and acknowledges it.
//!
//! The [guides](guide) begin with [getting started](guide::getting_started).
//!
//! Everything that decides lives in [`core`], which does no I/O. Sections (§) are those of the Durable Streams protocol.

pub mod blocking;
mod client;
mod consumer;
mod driver;
pub mod guide;
mod hooks;
mod log;
mod metrics;
mod operation;
mod reader;
mod session;
mod stream;
mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
mod transport;
#[cfg(feature = "webhooks")]
mod webhook_receiver;
mod worker;
mod writer;

pub use client::{Client, ClientBuilder};
pub use consumer::{
    CheckpointStore, Consumer, ConsumerBuilder, ConsumerDriver, Decision, Ended, FileCheckpoints,
    Handler, HandlerFn, MemoryCheckpoints, handler_fn,
};
pub use durable_streams_core as core;
pub use durable_streams_core::operation::subscription::{
    Acked, AlreadyClaimed, ClaimOutcome, Claimed, LinkType, LinkedStream, Signing,
    SubscriptionInfo, SubscriptionKind, SubscriptionOutcome, SubscriptionStatus, Wake, WakeEvent,
    WakeStream, WakeToken,
};
pub use durable_streams_core::operation::{Appended, Closed, Created, Metadata, Payload};
#[cfg(feature = "webhooks")]
pub use durable_streams_core::webhook;
pub use durable_streams_core::{
    AfterClaim, Batch, Checkpoint, Error, ErrorKind, Extras, Failure, FailureKind, Flushed, Live,
    Messages, Offset, OperationKind, PositionError, Refused, RefusedReason, RetryPolicy, Start,
    StreamUrl, Unsent, Work,
};
pub use hooks::{BoxError, HookResult, Outgoing};
pub use metrics::{Delivered, Metrics, RequestEnded, StoredBatch};
pub use operation::OperationBuilder;
pub use reader::{ReadBuilder, Reader};
pub use stream::DurableStream;
pub use subscription::Subscription;
pub use transport::{Body, BoxFuture, Timer, Transport, TransportError};
#[cfg(feature = "webhooks")]
pub use webhook_receiver::WebhookReceiver;
pub use worker::{WorkDecision, WorkFn, WorkHandler, Worker, WorkerBuilder, WorkerDriver, work_fn};
pub use writer::{Receipt, Stored, Writer, WriterBuilder, WriterDriver, WriterSink};

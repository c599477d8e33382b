//! The Durable Streams protocol, sans-IO.
//!
//! *The protocol is a value, the network is an argument.* Nothing in this crate touches a socket, a clock or a random
//! source: it says what to send and reads what came back, and whoever owns the I/O drives it.
//!
//! Three floors, each using only those below it:
//!
//! | floor | what it does |
//! |---|---|
//! | [`machine`] | decides what to send next, given time and answers: a whole session of reading, one operation with its retries |
//! | [`operation`] | one request, one typed answer: create, append, close, delete, head, read, and those of subscriptions |
//! | [`wire`] | headers, offsets, URLs, content types, errors, retry timing, SSE and JSON framing |
//!
//! With the feature `webhooks`, `webhook` checks what a server sends by itself.
//!
//! Programs that want an async client over a ready-made HTTP stack use one of the transport crates instead.
//!
//! Sections (§) are those of the Durable Streams protocol.

pub mod machine;
pub mod operation;
#[cfg(feature = "webhooks")]
pub mod webhook;
pub mod wire;

#[doc(inline)]
pub use machine::call::{Call, CallConfig, CallEnd};
#[doc(inline)]
pub use machine::reader::{Batch, Live, Notice, Reader, ReaderConfig, ReaderEvent};
#[doc(inline)]
pub use machine::worker::{
    Fate, LeaseLoss, Ticket, Unreadable, Work, Worker, WorkerConfig, WorkerEvent, WorkerNotice,
};
#[doc(inline)]
pub use machine::writer::{
    Accepted, AfterClaim, FlushId, Flushed, Refused, RefusedReason, Unsent, Writer, WriterConfig,
    WriterEvent,
};
#[doc(inline)]
pub use machine::{Input, Machine, Output, RequestId};
#[doc(inline)]
pub use wire::control::SubscriptionUrl;
#[doc(inline)]
pub use wire::error::{Error, ErrorKind, Failure, FailureKind, OperationKind};
#[doc(inline)]
pub use wire::extras::Extras;
#[doc(inline)]
pub use wire::json::Messages;
#[doc(inline)]
pub use wire::position::{Checkpoint, Offset, PositionError, Start};
#[doc(inline)]
pub use wire::retry::RetryPolicy;
#[doc(inline)]
pub use wire::url::StreamUrl;

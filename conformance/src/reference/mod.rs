//! The reference server as a pure model.
//!
//! [`Model`] holds streams in memory and speaks the whole protocol. It has no socket, no
//! clock and no thread: requests and the time go in, pieces of answers come out, and the same inputs always
//! give the same outputs. Any path names a stream, so the model does not care where it is mounted: the root of
//! streams, where that matters, is what stands before the first segment `__ds` of a path (§6).
//!
//! # Run loop
//!
//! After every [`step`](Model::step), [`tick`](Model::tick) or [`cancel`](Model::cancel), take
//! [`poll_output`](Model::poll_output) until it gives `None`; then wait for the next input, but no longer than
//! until [`next_deadline`](Model::next_deadline), and tick. Late and superfluous ticks do no harm. Webhooks come
//! out of [`poll_delivery`](Model::poll_delivery), and what became of them goes into [`delivered`](Model::delivered).
//!
//! ```
//! use std::time::SystemTime;
//! use bytes::Bytes;
//! use durable_streams_conformance::reference::{Config, ExchangeId, Model, Output};
//!
//! let mut model = Model::new(Config::default());
//! let request = http::Request::put("/greetings")
//!     .header("content-type", "text/plain")
//!     .body(Bytes::from("hello"))?;
//! model.step(ExchangeId(1), request, SystemTime::UNIX_EPOCH);
//! match model.poll_output() {
//!     Some((ExchangeId(1), Output::Head(head))) => assert_eq!(head.status, 201),
//!     other => panic!("unexpected: {other:?}"),
//! }
//! # Ok::<(), http::Error>(())
//! ```
//!
//! # Choices
//!
//! How offsets, events and answers are written is up to [`Config`]: see [`OffsetFormat`], [`SseStyle`] and [`AnswerStyle`]. Where else
//! the protocol leaves a choice, the model makes these:
//!
//! - An offset past the tail is refused with 400: the stream never issued it. Sentinels are no fork offsets.
//! - Content types are compared without case and parameters, and returned as they were sent.
//! - `Stream-Seq` has one scope, the stream. A close without data takes part in it, and in the sequence of its
//!   producer, and is answered with 204 as it brings no data.
//! - Data and producer state are committed in one step, as nothing can come in between.
//! - A stream that expires while it has forks is soft-deleted like one that is deleted.
//! - Where old content is dropped ([`Config::retention_bytes`]), reads from the beginning get what is left.
//! - A sub-offset may reach past the append that follows its offset, up to the tail of the source.
//! - A deleted path can be used again; entity tags tell the new stream from the old.
//! - A malformed request is refused with 400 whatever the stream is like: closed comes before the content type,
//!   the sequences and the content, but not before headers that say nothing, or a body that is not there.
//! - On a closed stream every producer but the one that closed it gets 409, one with an old epoch too.
//! - A long-poll from `now` has neither entity tag nor a life in caches: the next one starts somewhere else.
//! - SSE text events end on whole characters: a character cut by an append is held back until the rest is there.
//! - Paths are compared in a normal form; those with `.` or `..` segments are refused.
//! - A webhook says the same in every attempt. While one that failed waits to be sent again no lease runs, and a callback
//!   ends the attempts. An answer to a wake that is over does nothing.
//! - `callback_url` begins as the URL did through which the subscription was created.
//! - A stream that appears is linked from its beginning: what it is created with, or inherits as a fork, is work. The
//!   link goes with the stream.
//! - A wake that cannot be appended, because the stream for it is missing or closed, can be claimed all the same. A
//!   subscription's own wake stream is not linked by its pattern.

mod answer;
mod append;
mod choice;
mod config;
mod content_type;
mod create;
mod cursor;
#[cfg_attr(
    not(feature = "embedded"),
    allow(dead_code, reason = "the listener distorts requests and answers")
)]
mod defect;
mod etag;
mod exchange;
mod expiry;
mod fork;
mod json;
mod live;
mod log;
mod model;
mod names;
mod offset;
mod page;
mod pen;
mod producer;
mod read;
mod request;
mod sse;
mod store;
mod stream;
mod subscriptions;
mod timers;
mod writing;

pub use choice::{AnswerStyle, OffsetFormat, SseStyle};
pub use config::Config;
#[cfg(feature = "embedded")]
pub(crate) use defect::{Asked, Flaw};
pub use defect::{Defect, UNBROKEN};
pub use exchange::{ExchangeId, Output};
pub use model::Model;
pub use subscriptions::{Delivery, DeliveryId};

#[cfg(feature = "embedded")]
pub(crate) use model::broken_body;

//! The middle floor: one request, one typed answer.
//!
//! Each operation is a value. [`Operation::request`] encodes it, [`Operation::decode`] reads the answer; what happens in
//! between is the business of whoever owns the HTTP stack.
//!
//! ```
//! use bytes::Bytes;
//! use durable_streams_core::operation::{Append, Operation, Payload};
//! use durable_streams_core::StreamUrl;
//!
//! let url = StreamUrl::parse("http://127.0.0.1:4437/v1/stream/orders")?;
//! let append = Append::new(url, Payload::message(&serde_json::json!({"id": 1}))?).content_type("application/json");
//!
//! let request = append.request()?;
//! assert_eq!(request.body(), &Bytes::from_static(b"[{\"id\":1}]"));
//!
//! // … send it with any HTTP client, and give back what came:
//! let answer = http::Response::builder().status(204).header("Stream-Next-Offset", "0007").body(Bytes::new())?;
//! assert_eq!(append.decode(&answer)?.next_offset.as_str(), "0007");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod append;
mod close;
mod create;
mod delete;
mod head;
mod payload;
mod produce;
mod read;
pub mod subscription;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri};

pub use append::{Append, Appended};
pub use close::{Close, Closed};
pub use create::{Create, Created, Fork};
pub use delete::Delete;
pub use head::{Head, Metadata};
pub use payload::Payload;
pub use produce::{Produce, Produced, Producer};
pub use read::{LiveMode, Page, Read, ReadOutcome};

pub(crate) use answer::{failure, is_write};
pub(crate) use read::ReadHead;

use crate::wire::error::{Error, OperationKind};
use crate::wire::url::StreamUrl;

/// When a request may be sent again although its fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// Always: doing it twice is doing it once, or the server tells the second one apart.
    Safe,
    /// Only when it was certainly not applied: no connection was made, or the server answered 429 or 503.
    IfNotApplied,
}

/// A request of the protocol and the reading of its answer.
pub trait Operation {
    /// What a successful answer says.
    type Outcome;

    /// Which one it is, for errors.
    const KIND: OperationKind;

    /// Whether a success says something in its body, so that one without the whole of it is no answer. Default: no.
    const READS_BODY: bool = false;

    /// The stream, or whatever else, that it is about.
    fn url(&self) -> &StreamUrl;

    /// When it may be sent again.
    fn resend(&self) -> Resend;

    /// The request, with the protocol's headers and parameters and no others.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it cannot be sent as it is.
    fn request(&self) -> Result<Request<Bytes>, Error>;

    /// The answer to it.
    ///
    /// # Errors
    /// What the server answered, or [`Protocol`](crate::ErrorKind::Protocol) when it is nothing that the protocol promises.
    fn decode(&self, response: &Response<Bytes>) -> Result<Self::Outcome, Error>;

    /// The answer to a request that was sent before, with an unknown fate: what conflicts may be one's own earlier attempt.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<Self::Outcome, Error> {
        self.decode(response)
    }
}

/// A request to a URL that was checked when it was made. The operation adds its own headers.
fn request(method: Method, uri: Uri, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request
}

/// A header value of the caller's, or an error that names the header.
fn value(name: &http::HeaderName, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::invalid(format!("the value of {name} cannot be sent")))
}

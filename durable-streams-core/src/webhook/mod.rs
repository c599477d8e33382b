//! Receiving webhooks: what a server sends when a subscription wakes, believed only with a good signature (§7.1).
//!
//! [`Verifier::verify`] takes the request as it came and gives a [`Notice`]; there is no other way to one. What is to be answered says
//! [`done`], [`accepted`] or [`refused`].
//!
//! ```
//! use bytes::Bytes;
//! use durable_streams_core::webhook::{self, Jwks, Verifier};
//! use http::Response;
//! # use std::time::SystemTime;
//!
//! fn receive(keys: Jwks, request: &http::Request<Bytes>, now: SystemTime) -> Response<Bytes> {
//!     match Verifier::new(keys).verify(request.headers(), request.body(), now) {
//!         Ok(notice) => {
//!             println!("{} is to work on {} streams", notice.subscription_id, notice.streams.len());
//!             webhook::done()
//!         }
//!         Err(error) => webhook::refused(&error),
//!     }
//! }
//! ```
//!
//! The same webhook may come twice: the server repeats what got no answer, and whoever records one can send it again for as long as its time
//! is not over. A handler therefore does what can be done twice, or remembers the wakes that it has seen by their ids.

mod jwks;
mod notice;
mod signature;
mod verifier;

pub use jwks::Jwks;
pub use notice::Notice;
pub use verifier::{DEFAULT_WINDOW, Verifier, WebhookError};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// `Webhook-Signature`: `t=<unix seconds>,kid=<key id>,ed25519=<base64url>` (§7.1).
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Everything that the webhook named is done: it is acknowledged, and the wake is over.
pub fn done() -> Response<Bytes> {
    json(r#"{"done":true}"#)
}

/// The webhook was taken on. What is done is reported to its callback, before the lease runs out.
pub fn accepted() -> Response<Bytes> {
    json(r#"{"done":false}"#)
}

/// The webhook is not believed, for this reason; the server sends it again. The answer does not say why: a stranger may be asking.
pub fn refused(error: &WebhookError) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = match error {
        WebhookError::Payload(_) => StatusCode::BAD_REQUEST,
        WebhookError::Keys(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNAUTHORIZED,
    };
    response
}

fn json(body: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

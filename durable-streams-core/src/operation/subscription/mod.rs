//! Subscriptions: streams that wake somebody when they grow (§6, §7).
//!
//! A subscription is linked to streams, one by one or by a pattern, and remembers how far each was worked on. When there is more, it wakes:
//! by a webhook, or by an event on a stream for wakes ([`WakeEvent`]), upon which workers [`Claim`] the wake. Who has it reports what was
//! done with [`Ack`], before its lease runs out, and then is done or gives it back with [`Release`]. A newer wake fences an older one:
//! what still comes for that is refused as [`Fenced`](crate::ErrorKind::Fenced).
//!
//! ```
//! use bytes::Bytes;
//! use durable_streams_core::operation::Operation;
//! use durable_streams_core::operation::subscription::{Ack, Claim, ClaimOutcome};
//! use durable_streams_core::{StreamUrl, SubscriptionUrl};
//!
//! let root = StreamUrl::parse("http://127.0.0.1:4437/v1/stream")?;
//! let billing = SubscriptionUrl::new(&root, "billing")?;
//! let claim = Claim::new(&billing, "worker-7");
//! assert_eq!(claim.request()?.body(), r#"{"worker":"worker-7"}"#);
//!
//! let body = r#"{"wake_id":"w1","generation":3,"token":"t","lease_ttl_ms":30000,
//!     "streams":[{"path":"orders","link_type":"glob","acked_offset":"0004","tail_offset":"0009","has_pending":true}]}"#;
//! let answer = http::Response::new(Bytes::from(body));
//! let ClaimOutcome::Claimed(claimed) = claim.decode(&answer)? else { panic!("it was there to be claimed") };
//!
//! // … read from `acked` on, do what is to be done, and say so:
//! let stream = &claimed.streams[0];
//! let tail = stream.tail.clone().expect("a tail");
//! let ack = Ack::new(&billing, &claimed.wake).stream(&stream.path, tail).done(true);
//! assert_eq!(ack.request()?.uri().path(), "/v1/stream/__ds/subscriptions/billing/ack");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ack;
mod answer;
mod claim;
mod create;
mod delete;
mod event;
mod info;
#[cfg(feature = "webhooks")]
mod keys;
mod links;
mod release;
mod wake;

pub use ack::{Ack, Acked};
pub use claim::{AlreadyClaimed, Claim, ClaimOutcome, Claimed};
pub use create::{CreateSubscription, SubscriptionOutcome};
pub use delete::DeleteSubscription;
pub use event::WakeEvent;
pub use info::{
    LinkType, LinkedStream, ReadSubscription, Signing, SubscriptionInfo, SubscriptionKind,
    SubscriptionStatus,
};
#[cfg(feature = "webhooks")]
pub use keys::ReadKeys;
pub use links::{LinkStreams, UnlinkStream};
pub use release::Release;
pub use wake::{Wake, WakeStream, WakeToken};

#[cfg(feature = "webhooks")]
pub(crate) use wake::WakeRow;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde::Serialize;

use crate::wire::error::{Error, OperationKind};
use crate::wire::url::StreamUrl;

/// A request to the control interface. What it is for travels with it: its method does not say.
fn request(
    operation: OperationKind,
    method: Method,
    url: &StreamUrl,
    body: Option<&impl Serialize>,
) -> Result<Request<Bytes>, Error> {
    let bytes = match body {
        Some(body) => serde_json::to_vec(body)
            .map_err(|error| Error::invalid(format!("not to be written as JSON: {error}")))?
            .into(),
        None => Bytes::new(),
    };
    let mut request = super::request(method, url.uri(&[])?, bytes);
    if body.is_some() {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    request.extensions_mut().insert(operation);
    Ok(request)
}

/// The same without a body.
fn bare(
    operation: OperationKind,
    method: Method,
    url: &StreamUrl,
) -> Result<Request<Bytes>, Error> {
    request(operation, method, url, None::<&()>)
}

//! Operations on subscriptions: the requests they are, and what they make of answers.

mod answers;
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod refusals;
mod requests;
mod webhooks;

use bytes::Bytes;
use durable_streams_core::operation::subscription::{Wake, WakeToken};
use durable_streams_core::{Error, ErrorKind, StreamUrl, SubscriptionUrl};
use http::{Request, Response};

pub(crate) const TOKEN: &str = "s3cret.token-1";

pub(crate) fn root() -> StreamUrl {
    StreamUrl::parse("http://h/v1/stream?tenant=7").unwrap()
}

pub(crate) fn url() -> SubscriptionUrl {
    SubscriptionUrl::new(&root(), "billing").unwrap()
}

pub(crate) fn wake() -> Wake {
    Wake {
        id: "w_1".to_owned(),
        generation: 3,
        token: WakeToken::new(TOKEN).unwrap(),
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Response<Bytes> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Response::builder().status(status).body(body).unwrap()
}

/// A refusal with this code.
pub(crate) fn refusal(status: u16, code: &str) -> Response<Bytes> {
    answer(
        status,
        &format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#),
    )
}

pub(crate) fn body(request: &Request<Bytes>) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

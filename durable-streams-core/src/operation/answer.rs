//! What the statuses mean that are the same for every operation (§11).

use std::fmt::Display;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::header;
use crate::wire::position::Offset;
use crate::wire::url::StreamUrl;

/// The error that an answer is. Called for answers that are no success of the operation.
pub(crate) fn failure(
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
) -> Error {
    let status = response.status();
    let kind = kind(status, response);
    let mut error = Error::answered(kind, status, response.headers(), response.body());
    match kind {
        ErrorKind::Redirect => {
            error = error
                .because("redirects are followed for reads only: 307 and 308, within the origin");
        }
        ErrorKind::Protocol => {
            error = error.because("this success is none that the protocol knows")
        }
        _ => {}
    }
    error
        .at(operation, url)
        .applied(is_write(operation) && may_have_been_applied(status))
}

fn kind(status: StatusCode, response: &Response<Bytes>) -> ErrorKind {
    match status.as_u16() {
        200..=299 => ErrorKind::Protocol,
        300..=399 => ErrorKind::Redirect,
        400 => ErrorKind::BadRequest,
        401 => ErrorKind::Unauthorized,
        403 if response.headers().contains_key(header::PRODUCER_EPOCH) => ErrorKind::Fenced,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::StreamNotFound,
        405 | 501 => ErrorKind::NotSupported,
        408 | 425 => ErrorKind::Unavailable,
        409 => ErrorKind::Conflict,
        410 => ErrorKind::Gone,
        413 => ErrorKind::PayloadTooLarge,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::UnexpectedStatus,
    }
}

pub(crate) fn is_write(operation: OperationKind) -> bool {
    !matches!(
        operation,
        OperationKind::Head
            | OperationKind::Read
            | OperationKind::ReadSubscription
            | OperationKind::ReadKeys
    )
}

/// Whether a write with this answer may have been done all the same: a proxy can lose the answer of a server behind it,
/// and a success that nobody promised says nothing. 429 and 503 say that the request was not taken on.
fn may_have_been_applied(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=299 | 408 | 500 | 502 | 504..=599)
}

/// `Stream-Next-Offset` of a success, without which it acknowledges nothing (B64).
pub(super) fn promised_offset(
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
) -> Result<Offset, Error> {
    match header::next_offset(response.headers()) {
        Ok(Some(offset)) => Ok(offset),
        Ok(None) => {
            let why = "a success without Stream-Next-Offset acknowledges nothing";
            Err(broken(operation, url, response, why))
        }
        Err(malformed) => Err(broken(operation, url, response, malformed)),
    }
}

/// The answer says that it is a success, and is not what the protocol promises of one.
pub(super) fn broken(
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
    why: impl Display,
) -> Error {
    failure(operation, url, response)
        .with_kind(ErrorKind::Protocol)
        .because(why.to_string())
}

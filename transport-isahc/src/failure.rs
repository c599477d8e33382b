//! What kind of failure an error of isahc is.

use durable_streams_client::{FailureKind, TransportError};
use isahc::error::{Error, ErrorKind};

use super::request::Taken;

/// The failure of a request that has no answer. `taken` says what became of its content, if it has any.
pub(crate) fn of_request(error: Error, taken: Option<Taken>) -> TransportError {
    let sent = match taken {
        Some(taken) => taken.is(),
        None => is_connected(&error),
    };
    if sent {
        return of_sent(error);
    }
    let kind = match error.kind() {
        ErrorKind::BadClientCertificate
        | ErrorKind::BadServerCertificate
        | ErrorKind::InvalidRequest
        | ErrorKind::InvalidTlsConfiguration
        | ErrorKind::TlsEngine => FailureKind::Refused,
        _ => FailureKind::Connect,
    };
    TransportError::new(kind).with_source(error)
}

/// The failure of what may have been sent.
pub(crate) fn of_sent(error: Error) -> TransportError {
    let kind = match error.kind() {
        ErrorKind::Timeout => FailureKind::Timeout,
        _ => FailureKind::Interrupted,
    };
    TransportError::new(kind).with_source(error)
}

/// Whether a request without content may have been sent.
///
/// An error has an address as soon as a connection was made, proxy and TLS included. It has none for a Unix socket,
/// and then only what happens while connecting is known not to have been later.
fn is_connected(error: &Error) -> bool {
    error.remote_addr().is_some()
        || matches!(
            error.kind(),
            ErrorKind::Io | ErrorKind::ProtocolViolation | ErrorKind::Unknown
        )
}

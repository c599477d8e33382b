//! What kind of failure an error of reqwest is.

use std::error::Error as StdError;
use std::io;

use durable_streams_client::{FailureKind, TransportError};

/// What the texts of connection errors have in common that trying again does not mend: a certificate that is not
/// trusted, and an `https` URL in a build without TLS.
///
/// The types behind them are private, or differ by TLS library and platform. Nothing was sent in either case, so a
/// text that is not known here costs retries and no correctness.
const FOR_GOOD: [&str; 2] = ["certificate", "scheme is not http"];

/// The failure of a request that has no answer.
pub(crate) fn of_request(error: reqwest::Error) -> TransportError {
    // The URL may have a token in its query.
    let error = error.without_url();
    let kind = if error.is_builder() {
        // The URL or its scheme: found before anything was done.
        FailureKind::Refused
    } else if error.is_connect() {
        // Includes a timeout while connecting, so this is asked before `is_timeout`.
        if is_for_good(&error) {
            FailureKind::Refused
        } else {
            FailureKind::Connect
        }
    } else {
        of_sent(&error)
    };
    TransportError::new(kind).with_source(error)
}

/// The failure of a body whose head was received.
pub(crate) fn of_body(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    TransportError::new(of_sent(&error)).with_source(error)
}

/// Whatever is not known to have stayed here may have been sent.
fn of_sent(error: &reqwest::Error) -> FailureKind {
    if error.is_timeout() {
        FailureKind::Timeout
    } else {
        FailureKind::Interrupted
    }
}

fn is_for_good(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string().to_ascii_lowercase();
        if FOR_GOOD.iter().any(|known| text.contains(known)) {
            return true;
        }
        // An I/O error hides the error that it carries: its source is the source of that one.
        let carried = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = carried
            .map(|carried| carried as _)
            .or_else(|| error.source());
    }
    false
}

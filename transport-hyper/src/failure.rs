//! What kind of failure an error of the stack is.

use std::error::Error as StdError;
use std::io;

use durable_streams_client::{FailureKind, TransportError};
use hyper_util::client::legacy;

/// What the texts of connection errors have in common that trying again does not mend: a certificate that is not
/// trusted, on either side, and an `https` URL in a build without TLS.
///
/// The types behind them differ by TLS library and platform, and a connector can be anybody's. Nothing was sent in
/// either case, so a text that is not known here costs retries and no correctness.
const FOR_GOOD: [&str; 2] = ["certificate", "scheme is not http"];

/// The failure of a request that has no answer.
pub(crate) fn of_request(error: legacy::Error) -> TransportError {
    let kind = if !was_kept(&error) {
        FailureKind::Interrupted
    } else if is_for_good(&error) {
        FailureKind::Refused
    } else {
        FailureKind::Connect
    };
    TransportError::new(kind).with_source(error)
}

/// The failure of a body whose head was received.
pub(crate) fn of_body(error: hyper::Error) -> TransportError {
    TransportError::new(FailureKind::Interrupted).with_source(error)
}

/// Whether the request certainly stayed here: it was given to no connection, or the connection gave it back before it
/// wrote any of it.
fn was_kept(error: &legacy::Error) -> bool {
    let given_back = error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_canceled);
    error.is_connect() || error.connect_info().is_none() || given_back
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

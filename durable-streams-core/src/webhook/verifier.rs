//! Whether a webhook is to be believed.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::jwks::Jwks;
use super::notice::Notice;
use super::signature::SignatureHeader;
use crate::wire::error::Error;

/// How far the time of a signature may be from the receiver's own, by default: 5 minutes.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(300);

/// Checks webhooks with the keys of one server.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Jwks,
    window: Duration,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WebhookError {
    /// It has no `Webhook-Signature`.
    Unsigned,
    /// Its `Webhook-Signature` is not what it should be.
    Malformed(&'static str),
    /// It was signed longer ago, or further in the future, than the window allows.
    OutsideWindow {
        /// When it says that it was signed, in seconds since 1970.
        signed_at: u64,
    },
    /// It is signed with a key that is not known, of this id. A server that has changed its key publishes the new one: fetch the keys anew,
    /// not too often, and look again.
    UnknownKey(String),
    /// The signature is not that of this body at this time.
    BadSignature,
    /// The server signed it, and it is no webhook that the protocol knows.
    Payload(&'static str),
    /// The keys could not be fetched.
    Keys(Error),
}

impl Verifier {
    /// Checks with these keys.
    pub fn new(keys: Jwks) -> Self {
        Self {
            keys,
            window: DEFAULT_WINDOW,
        }
    }

    /// How far the time of a signature may be from `now`, to either side. Default: [`DEFAULT_WINDOW`].
    ///
    /// It bounds for how long a webhook that somebody recorded can be sent again, and has to cover what two clocks differ by.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Checks with other keys from now on.
    pub fn set_keys(&mut self, keys: Jwks) {
        self.keys = keys;
    }

    /// The keys that it checks with.
    pub fn keys(&self) -> &Jwks {
        &self.keys
    }

    /// What a webhook says, if it is signed by the server and new. The body is that of the request, byte for byte.
    ///
    /// # Errors
    /// Why it is not to be believed. [`UnknownKey`](WebhookError::UnknownKey) can pass with newer keys.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Notice, WebhookError> {
        let header = SignatureHeader::read(headers)?;
        // What is old is not worth newer keys.
        if !self.is_recent(header.seconds, now) {
            return Err(WebhookError::OutsideWindow {
                signed_at: header.seconds,
            });
        }
        if !self.keys.has(header.kid) {
            return Err(WebhookError::UnknownKey(header.kid.to_owned()));
        }
        let signed = [header.time.as_bytes(), b".", body].concat();
        if !self.keys.verify(header.kid, &signed, &header.signature) {
            return Err(WebhookError::BadSignature);
        }
        Notice::parse(body).map_err(WebhookError::Payload)
    }

    fn is_recent(&self, seconds: u64, now: SystemTime) -> bool {
        let signed = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        signed.is_some_and(|signed| {
            let apart = match now.duration_since(signed) {
                Ok(past) => past,
                Err(future) => future.duration(),
            };
            apart <= self.window
        })
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("the webhook is not signed"),
            Self::Malformed(why) => write!(f, "the signature of the webhook is malformed: {why}"),
            Self::OutsideWindow { signed_at } => {
                write!(f, "the webhook is not recent: it was signed at {signed_at}")
            }
            Self::UnknownKey(kid) => write!(f, "the webhook is signed with an unknown key {kid:?}"),
            Self::BadSignature => f.write_str("the signature of the webhook is wrong"),
            Self::Payload(why) => write!(f, "the webhook is none that the protocol knows: {why}"),
            Self::Keys(error) => write!(f, "the keys of the server cannot be fetched: {error}"),
        }
    }
}

impl std::error::Error for WebhookError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Keys(error) => Some(error),
            _ => None,
        }
    }
}

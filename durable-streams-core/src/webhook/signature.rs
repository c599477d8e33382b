//! `Webhook-Signature`, taken apart (§7.1).

use http::HeaderMap;

use super::WEBHOOK_SIGNATURE;
use super::jwks::decode;
use super::verifier::WebhookError;
use crate::wire::header::parse_integer;

/// What the header says.
pub(super) struct SignatureHeader<'a> {
    /// When it was signed, in seconds since 1970, as it was written: that is what was signed.
    pub(super) time: &'a str,
    pub(super) seconds: u64,
    pub(super) kid: &'a str,
    pub(super) signature: [u8; 64],
}

impl<'a> SignatureHeader<'a> {
    /// Reads the one header there is. Of each part that is known there is exactly one; others are ignored.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, WebhookError> {
        let mut values = headers.get_all(WEBHOOK_SIGNATURE).iter();
        let value = values.next().ok_or(WebhookError::Unsigned)?;
        if values.next().is_some() {
            return Err(WebhookError::Malformed("it is there more than once"));
        }
        let text = value
            .to_str()
            .map_err(|_| WebhookError::Malformed("it is not visible ASCII"))?;
        let (mut time, mut kid, mut signature) = (None, None, None);
        for part in text.split(',') {
            let (name, value) = part
                .split_once('=')
                .ok_or(WebhookError::Malformed("a part of it is no pair"))?;
            let place = match name {
                "t" => &mut time,
                "kid" => &mut kid,
                "ed25519" => &mut signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(WebhookError::Malformed("a part of it is repeated"));
            }
        }
        let (Some(time), Some(kid), Some(signature)) = (time, kid, signature) else {
            return Err(WebhookError::Malformed("a part of it is missing"));
        };
        if kid.is_empty() {
            return Err(WebhookError::Malformed("its key has no id"));
        }
        Ok(Self {
            time,
            seconds: parse_integer(time)
                .ok_or(WebhookError::Malformed("its time is no number of seconds"))?,
            kid,
            signature: decode(signature).ok_or(WebhookError::Malformed(
                "its signature is not 64 bytes in base64url",
            ))?,
        })
    }
}

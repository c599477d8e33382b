//! Webhooks are signed (§6.5, §7.1), and so are the tokens of those who work on a wake.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey};
use serde_json::{Value, json};

use super::SubscriptionKey;
use crate::reference::defect::{Flaw, Flaws};

/// What the key is derived with, so that it is not what else the seed gives.
const SALT: u64 = 0x6b65_7973_6b65_7973;

#[derive(Debug)]
pub(super) struct Keys(SigningKey);

impl Keys {
    /// The key of a server with this seed: the same after every restart (§6.5). Who knows the seed knows the key, which is
    /// right for a reference, and for nothing else.
    pub(super) fn from_seed(seed: u64) -> Self {
        let mut bytes = [0; 32];
        fastrand::Rng::with_seed(seed ^ SALT).fill(&mut bytes);
        Self(SigningKey::from_bytes(&bytes))
    }

    /// Names the key after itself.
    pub(super) fn kid(&self) -> String {
        format!("ds_{}", self.public())
    }

    fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes())
    }

    /// What receivers check signatures with.
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "x": self.public(),
            "kid": self.kid(),
            "use": "sig",
            "alg": "EdDSA",
        }]})
    }

    /// The value of `Webhook-Signature` for a body that is sent now.
    pub(super) fn signature(&self, body: &[u8], now: SystemTime, flaws: Flaws) -> String {
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let seconds = if flaws.has(Flaw::SignatureTimeIsInMilliseconds) {
            since.as_millis() as u64
        } else {
            since.as_secs()
        };
        let signed = if flaws.has(Flaw::SignatureKnowsNoTime) {
            body.to_vec()
        } else {
            [format!("{seconds}.").as_bytes(), body].concat()
        };
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(&signed).to_bytes());
        format!("t={seconds},kid={},ed25519={signature}", self.kid())
    }

    /// The right to work on one wake of one subscription. A subscription that is created anew under the same id is another.
    pub(super) fn token(&self, subscription: SubscriptionKey, generation: u64) -> String {
        let signature = self.0.sign(right(subscription, generation).as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("{generation}.{signature}")
    }

    /// The generation that a token is for, if it was issued for this subscription.
    pub(super) fn generation(&self, subscription: SubscriptionKey, token: &str) -> Option<u64> {
        let (generation, signature) = token.split_once('.')?;
        let generation = generation.parse().ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = Signature::from_slice(&signature).ok()?;
        let right = right(subscription, generation);
        self.0.verify(right.as_bytes(), &signature).ok()?;
        Some(generation)
    }
}

/// What a token says. It begins with no digit, so that it is never what is signed of a webhook.
fn right(subscription: SubscriptionKey, generation: u64) -> String {
    format!("token {} {generation}", subscription.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_what_it_was_issued_for() {
        let keys = Keys::from_seed(1);
        let token = keys.token(SubscriptionKey(1), 7);
        assert_eq!(keys.generation(SubscriptionKey(1), &token), Some(7));
        assert_eq!(keys.generation(SubscriptionKey(2), &token), None);
        let forged = token.replacen('7', "8", 1);
        assert_eq!(keys.generation(SubscriptionKey(1), &forged), None);
        assert_eq!(keys.generation(SubscriptionKey(1), "7."), None);
        assert_eq!(
            Keys::from_seed(2).generation(SubscriptionKey(1), &token),
            None
        );
    }
}

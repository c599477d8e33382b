//! The keys of a server, as it publishes them (§6.5, RFC 7517 and RFC 8037).

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;

/// The Ed25519 keys of a server. More than one while a new one takes the place of an old one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Jwks(Vec<Key>);

#[derive(Clone, PartialEq, Eq)]
struct Key {
    id: String,
    key: VerifyingKey,
}

impl Jwks {
    /// Reads a JWK set. Keys of other kinds and for other uses are left out, and so is one that is none: a server may have keys that are not
    /// known here.
    ///
    /// # Errors
    /// When it is no JSON object with a list `keys`.
    pub fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_slice(json).map_err(|_| "the key set is not JSON")?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("the key set has no list of keys")?;
        Ok(Self(keys.iter().filter_map(Key::read).collect()))
    }

    /// Whether there is a key of this id.
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.id == kid)
    }

    /// The ids of its keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Whether a key of this id made this signature.
    ///
    /// The strict reading of RFC 8032: it refuses keys of small order too, for which anybody can make signatures. A server's own key is
    /// none, and what it signs passes.
    pub(super) fn verify(&self, kid: &str, signed: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        let mut keys = self.0.iter().filter(|key| key.id == kid);
        keys.any(|key| key.key.verify_strict(signed, &signature).is_ok())
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |name| key.get(name).and_then(Value::as_str);
        let or_absent = |name, wanted: &[&str]| match key.get(name) {
            None => true,
            Some(value) => value.as_str().is_some_and(|value| wanted.contains(&value)),
        };
        let ours = text("kty") == Some("OKP")
            && text("crv") == Some("Ed25519")
            && or_absent("use", &["sig"])
            && or_absent("alg", &["EdDSA", "Ed25519"]);
        if !ours {
            return None;
        }
        let point = decode(text("x")?)?;
        Some(Self {
            id: text("kid")?.to_owned(),
            key: VerifyingKey::from_bytes(&point).ok()?,
        })
    }
}

/// Base64url without padding, as long as it has to be.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).ok()?;
    bytes.try_into().ok()
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jwks")
            .field(&self.ids().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn only(point: &[u8]) -> Jwks {
        let x = base64_simd::URL_SAFE_NO_PAD.encode_to_string(point);
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k" });
        Jwks::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap()
    }

    /// RFC 8032 §7.1: public key, message, signature.
    const VECTORS: [[&str; 3]; 4] = [
        [
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
        [
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ],
    ];

    #[test]
    fn b72_the_vectors_of_the_rfc_verify_and_nothing_near_them() {
        for [key, message, signature] in VECTORS {
            let keys = only(&bytes(key));
            let message = bytes(message);
            let signature: [u8; 64] = bytes(signature).try_into().unwrap();
            assert!(keys.verify("k", &message, &signature));
            assert!(!keys.verify("other", &message, &signature));
            for bit in 0..512 {
                let mut changed = signature;
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!keys.verify("k", &message, &changed), "bit {bit}");
            }
            let longer = [&message[..], &[0]].concat();
            assert!(!keys.verify("k", &longer, &signature));
        }
    }

    #[test]
    fn b72_a_key_for_which_anybody_can_sign_verifies_nothing() {
        // The neutral element, and a signature that by the lax reading is one of it for every message.
        let mut point = [0; 32];
        point[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!only(&point).verify("k", b"anything", &signature));
    }
}

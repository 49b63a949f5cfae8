//! Names by secret: the keyed digest under which a credential is looked up.
//!
//! The look-up is the comparison, so there is nothing to time; and a copy of the names is worth nothing without
//! the pepper.

use std::fmt;

use hmac::Mac;

use super::credentials::Credentials;
use super::pepper::{KeyedHash, Pepper};

/// What the names of credentials in KV start with.
pub const KV_NAME_PREFIX: &str = "credential/";

const PURPOSE: &str = "gatehouse/digest/1";

/// Makes digests; derived from the pepper.
#[derive(Clone)]
pub struct DigestKey(KeyedHash);

impl DigestKey {
    /// HMAC-SHA-256(pepper, "gatehouse/digest/1").
    #[must_use]
    pub fn new(pepper: &Pepper) -> Self {
        Self(pepper.derive(PURPOSE))
    }

    /// HMAC-SHA-256 over `api_key ":" api_secret`.
    #[must_use]
    pub fn digest(&self, credentials: &Credentials) -> Digest {
        let hash = self
            .0
            .clone()
            .chain_update(credentials.api_key.as_str())
            .chain_update(":")
            .chain_update(credentials.api_secret.reveal());
        Digest(hash.finalize().into_bytes().into())
    }
}

/// 32 bytes from their one spelling: hex in lower case.
pub(super) fn from_lower_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

/// The keyed digest of one pair of credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// 64 lower-case hex characters, as the registry stores it.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Takes what [`Digest::to_hex`] wrote; anything else is `None`.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        from_lower_hex(text).map(Self)
    }

    /// Half of it, as a number: for counting, not for letting anybody in.
    #[must_use]
    pub fn number(self) -> u128 {
        self.0.first_chunk().copied().map_or(0, u128::from_be_bytes)
    }

    /// The name of its grant in KV: `credential/<64 hex characters>`.
    #[must_use]
    pub fn kv_name(self) -> String {
        format!("{KV_NAME_PREFIX}{}", self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Digest(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_key(pepper: &str) -> DigestKey {
        DigestKey::new(&Pepper::parse(pepper).unwrap())
    }

    /// Computed with Python's hmac and hashlib, so that the format is pinned by something other than itself.
    #[test]
    fn agrees_with_another_implementation() {
        let credentials = Credentials::parse("4c5e1e2f3a4b5c6:9f8e7d6c5b4a321").unwrap();
        assert_eq!(
            digest_key("0123456789abcdef0123456789abcdef").digest(&credentials).kv_name(),
            "credential/99e6cbda5a912af8e24a504228789582c9bfed398c31108b6190efc3a4d31d57"
        );
    }

    #[test]
    fn differs_by_pepper_api_key_and_api_secret() {
        let one = digest_key("0123456789abcdef0123456789abcdef");
        let other = digest_key("0123456789abcdef0123456789abcdeg");
        let credentials = |pair| Credentials::parse(pair).unwrap();
        let digest = one.digest(&credentials("k:s"));
        assert_ne!(digest, other.digest(&credentials("k:s")));
        assert_ne!(digest, one.digest(&credentials("k:t")));
        assert_ne!(digest, one.digest(&credentials("l:s")));
        assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        assert_eq!(Digest::from_hex(&digest.to_hex().to_uppercase()), None);
    }

    #[test]
    fn a_short_pepper_is_refused() {
        assert!(Pepper::parse(&"p".repeat(31)).is_err());
        assert!(Pepper::parse(&"p".repeat(32)).is_ok());
    }
}

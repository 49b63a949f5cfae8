//! The one secret from which everything that protects KV is derived.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// The shortest pepper taken, in bytes: as long as the output of the hash (RFC 2104 §3).
pub const PEPPER_MIN_BYTES: usize = 32;

/// HMAC-SHA-256, set up with its secret.
pub type KeyedHash = Hmac<Sha256>;

/// `TOKEN_PEPPER`: the UTF-8 bytes of the secret as written.
pub struct Pepper(KeyedHash);

/// The pepper has fewer than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("shorter than {PEPPER_MIN_BYTES} bytes")]
pub struct PepperTooShort;

impl Pepper {
    /// Takes 32 bytes or more.
    pub fn parse(text: &str) -> Result<Self, PepperTooShort> {
        if text.len() < PEPPER_MIN_BYTES {
            return Err(PepperTooShort);
        }
        KeyedHash::new_from_slice(text.as_bytes()).map(Self).map_err(|_| PepperTooShort)
    }

    /// HMAC-SHA-256 of the purpose under the pepper, itself set up as the secret of an HMAC.
    pub(super) fn derive(&self, purpose: &str) -> KeyedHash {
        let derived = self.0.clone().chain_update(purpose).finalize().into_bytes();
        let mut block = hmac::digest::block_api::Block::<KeyedHash>::default();
        // RFC 2104 §2: a secret shorter than the block is padded with zeros.
        for (place, byte) in block.iter_mut().zip(derived) {
            *place = byte;
        }
        KeyedHash::new(&block)
    }
}

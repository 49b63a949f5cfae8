//! What the targets share.

use gatehouse::core::credentials::Credentials;
use gatehouse::core::digest::{Digest, DigestKey};
use gatehouse::core::grant::SealKey;
use gatehouse::core::pepper::Pepper;

/// Unicode's folding of names (The Unicode Standard, section 3.13, D146), which the platform brings elsewhere.
pub fn fold(text: &str) -> String {
    use caseless::Caseless;
    use unicode_normalization::UnicodeNormalization;
    text.chars().nfd().default_case_fold().nfkd().default_case_fold().nfkd().collect()
}

/// The keys of one deployment.
pub fn keys() -> (DigestKey, SealKey) {
    let pepper = Pepper::parse("a pepper for fuzzing, of more than 32 bytes").unwrap();
    (DigestKey::new(&pepper), SealKey::new(&pepper))
}

/// The digest of one pair of credentials.
pub fn digest() -> Digest {
    keys().0.digest(&Credentials::parse("an-api-key:an-api-secret").unwrap())
}

//! What a client proves itself with: an api_key and an api_secret.
//!
//! Guarantees that both are within the limits below before anything is looked up, that an api_secret of the
//! gate's own making carries its right checksum, and that an api_secret is never printed by accident.

use std::fmt;

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest api_key taken, in characters: the length of a Frappe `Data` field.
pub const API_KEY_MAX_CHARACTERS: usize = 140;
/// The longest api_secret taken, in characters.
pub const API_SECRET_MAX_CHARACTERS: usize = 256;
/// Random bytes in an api_key that the gate makes.
pub const API_KEY_RANDOM_BYTES: usize = 10;
/// Random bytes in an api_secret that the gate makes: 160 bits.
pub const API_SECRET_RANDOM_BYTES: usize = 20;
/// What every api_secret of the gate's making starts with, so that leak scanners can find it.
pub const API_SECRET_PREFIX: &str = "gks_";
/// The api_key of the built-in administrator; no user can have it.
pub const ADMINISTRATOR: &str = "Administrator";

const CHECKSUM_CHARACTERS: usize = 8;
// With a table of 1 KB, and not of 16: there are 44 bytes in a secret.
static CHECKSUM: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Why a pair is refused before any look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The pair has no colon.
    #[error("no colon")]
    NoColon,
    /// The api_secret holds a colon.
    #[error("more than one colon")]
    SecondColon,
    /// Nothing stands before the colon.
    #[error("the api_key is empty")]
    EmptyApiKey,
    /// Nothing stands after the colon.
    #[error("the api_secret is empty")]
    EmptyApiSecret,
    /// The api_key or the api_secret is over its limit.
    #[error("too long")]
    TooLong,
    /// A byte outside visible ASCII (0x21 to 0x7e), or a comma: two joined fields would look like one.
    #[error("a character that may not stand there")]
    Character,
    /// A `gks_` secret that the gate cannot have made.
    #[error("the checksum does not fit")]
    Checksum,
}

/// Identifies a user; not secret. Made once for a user and never again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes 1 to 140 visible ASCII characters without `:` and `,`.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        if text.is_empty() {
            return Err(CredentialsError::EmptyApiKey);
        }
        check_characters(text, API_KEY_MAX_CHARACTERS)?;
        Ok(Self(text.to_owned()))
    }

    /// Makes an api_key of 20 lower-case hex characters.
    #[must_use]
    pub fn from_random(random: [u8; API_KEY_RANDOM_BYTES]) -> Self {
        Self(hex::encode(random))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Validates a request. No `Display`, no `Serialize`, a `Debug` that shows nothing; wiped when dropped.
#[derive(Clone)]
pub struct ApiSecret(Zeroizing<String>);

impl ApiSecret {
    /// Takes 1 to 256 visible ASCII characters without `:` and `,`; one that starts with `gks_` must be of the
    /// gate's own form, checksum included.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        if text.is_empty() {
            return Err(CredentialsError::EmptyApiSecret);
        }
        check_characters(text, API_SECRET_MAX_CHARACTERS)?;
        if text.starts_with(API_SECRET_PREFIX) && !checksum_fits(text) {
            return Err(CredentialsError::Checksum);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Makes an api_secret: `gks_`, 40 lower-case hex characters, 8 more of CRC-32/ISO-HDLC over what stands before.
    ///
    /// ```
    /// use gatehouse::core::credentials::ApiSecret;
    /// let secret = ApiSecret::from_random([0; 20]);
    /// assert!(secret.reveal().ends_with("4023f14c"));
    /// ```
    #[must_use]
    pub fn from_random(random: [u8; API_SECRET_RANDOM_BYTES]) -> Self {
        let mut text = Zeroizing::new(format!("{API_SECRET_PREFIX}{}", hex::encode(random)));
        let checksum = checksum_of(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// The characters, for the digest and for the one answer that shows them.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiSecret(redacted)")
    }
}

/// An api_key and an api_secret, as a client sent them or as the gate made them. Nothing is verified yet.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Says who.
    pub api_key: ApiKey,
    /// Proves it.
    pub api_secret: ApiSecret,
}

impl Credentials {
    /// Takes `api_key:api_secret`.
    pub fn parse(pair: &str) -> Result<Self, CredentialsError> {
        let (api_key, api_secret) = pair.split_once(':').ok_or(CredentialsError::NoColon)?;
        if api_secret.contains(':') {
            return Err(CredentialsError::SecondColon);
        }
        Ok(Self { api_key: ApiKey::parse(api_key)?, api_secret: ApiSecret::parse(api_secret)? })
    }
}

fn check_characters(text: &str, max_characters: usize) -> Result<(), CredentialsError> {
    if text.len() > max_characters {
        return Err(CredentialsError::TooLong);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':' && byte != b',') {
        Ok(())
    } else {
        Err(CredentialsError::Character)
    }
}

fn checksum_fits(secret: &str) -> bool {
    let Some((body, checksum)) =
        secret.len().checked_sub(CHECKSUM_CHARACTERS).and_then(|middle| secret.split_at_checked(middle))
    else {
        return false;
    };
    body.strip_prefix(API_SECRET_PREFIX).is_some_and(|random| {
        Some(random.len()) == API_SECRET_RANDOM_BYTES.checked_mul(2)
            && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }) && checksum == checksum_of(body)
}

fn checksum_of(body: &str) -> String {
    hex::encode(CHECKSUM.checksum(body.as_bytes()).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "gks_00000000000000000000000000000000000000004023f14c";

    #[test]
    fn takes_pairs_within_the_limits() {
        let (longest_api_key, longest_api_secret) = ("k".repeat(140), "s".repeat(256));
        for (api_key, api_secret) in [
            ("4c5e1e2f3a4b5c6", "9f8e7d6c5b4a321"),
            ("!", "~"),
            ("k", MADE),
            ("k", "GKS_not_ours"),
            (&longest_api_key, &longest_api_secret),
        ] {
            let credentials = Credentials::parse(&format!("{api_key}:{api_secret}")).unwrap();
            assert_eq!(credentials.api_key.as_str(), api_key);
            assert_eq!(credentials.api_secret.reveal(), api_secret);
        }
    }

    #[test]
    fn refuses_what_is_no_pair() {
        use CredentialsError::*;
        let (long_api_key, long_api_secret) = ("k".repeat(141), "s".repeat(257));
        for (pair, error) in [
            ("", NoColon),
            ("ks", NoColon),
            ("k:s:x", SecondColon),
            ("k::", SecondColon),
            (":s", EmptyApiKey),
            ("k:", EmptyApiSecret),
            (&format!("{long_api_key}:s"), TooLong),
            (&format!("k:{long_api_secret}"), TooLong),
            ("k k:s", Character),
            ("k:s\t", Character),
            ("k,k:s", Character),
            ("k\u{a0}:s", Character),
            ("k:s\u{7f}", Character),
            ("k:gks_", Checksum),
            ("k:gks_00000000000000000000000000000000000000004023f14d", Checksum),
            ("k:gks_00000000000000000000000000000000000000004023F14C", Checksum),
            ("k:gks_0000000000000000000000000000000000000000", Checksum),
        ] {
            assert_eq!(Credentials::parse(pair).unwrap_err(), error, "{pair:?}");
        }
    }

    #[test]
    fn makes_the_documented_secret_from_forty_zeros() {
        assert_eq!(ApiSecret::from_random([0; 20]).reveal(), MADE);
    }

    #[test]
    fn takes_back_what_it_made() {
        let secret = ApiSecret::from_random(*b"twenty random bytes!");
        assert!(ApiSecret::parse(secret.reveal()).is_ok());
        assert_eq!(ApiKey::from_random([0xab; 10]).as_str(), "abababababababababab");
    }

    #[test]
    fn one_wrong_character_anywhere_breaks_the_checksum() {
        for position in 4..MADE.len() {
            let mut wrong = MADE.as_bytes().to_vec();
            wrong[position] = if wrong[position] == b'7' { b'8' } else { b'7' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(ApiSecret::parse(&wrong).unwrap_err(), CredentialsError::Checksum, "{wrong}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = Credentials::parse(&format!("the-api-key:{MADE}")).unwrap();
        let shown = format!("{credentials:?}");
        assert!(shown.contains("the-api-key") && !shown.contains("gks_"), "{shown}");
    }
}

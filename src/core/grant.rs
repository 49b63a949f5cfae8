//! Grants: what one credential allows, and the sealed form in which KV holds it.
//!
//! The seal covers the name as well as the content, so a writer to the namespace who lacks the pepper can neither
//! make a grant nor move one. Format: docs/storage.md.

use std::rc::Rc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;
use serde_json::{Map, Value};
use thiserror::Error;

use super::access_rule::{AccessRule, parse_rules};
use super::client_address::{AddressRange, parse_ranges};
use super::credentials::ApiKey;
use super::digest::{Digest, from_lower_hex};
use super::fields::Fields;
use super::pepper::{KeyedHash, Pepper};
use super::role::{Role, parse_roles};
use super::unix_time::UnixSeconds;
use crate::core::json::{object, written};

/// The version of the entry, and the only one so far; a change of format is a new one, and this stays readable.
const VERSION: u64 = 1;

const PURPOSE: &str = "gatehouse/seal/1";

/// What one credential allows, and its JSON. A field that this build does not know is a rule that it cannot enforce,
/// so it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The name of the user it stands for.
    pub user: String,
    /// The user's api_key.
    pub api_key: ApiKey,
    /// The user's roles, sorted.
    pub roles: Vec<Role>,
    /// From then on it allows nothing.
    pub expires_at: Option<UnixSeconds>,
    /// Where requests may come from; anywhere, if empty.
    pub allowed_ips: Vec<AddressRange>,
    /// What requests may ask for; anything, if empty.
    pub rules: Vec<AccessRule>,
    /// Whether the registry has to be asked about each request.
    pub strict: bool,
    /// Whether the origin vouched for the credentials, and not the registry.
    pub adopted: bool,
}

impl Grant {
    /// What KV is told: of a strict user only that the registry has to be asked.
    #[must_use]
    pub fn published(self) -> Self {
        if !self.strict {
            return self;
        }
        Self { roles: Vec::new(), expires_at: None, allowed_ips: Vec::new(), rules: Vec::new(), ..self }
    }

    /// Whether an adoption is over, and the origin has to be asked again.
    #[must_use]
    pub fn is_past_adoption(&self, now: UnixSeconds) -> bool {
        self.adopted && self.expires_at.is_none_or(|end| end <= now)
    }

    /// Its JSON; what is empty or not set is left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("user".to_owned(), self.user.as_str().into());
        fields.insert("api_key".to_owned(), self.api_key.as_str().into());
        let mut list = |name: &str, texts: Vec<String>| {
            if !texts.is_empty() {
                fields.insert(name.to_owned(), texts.into());
            }
        };
        list("roles", self.roles.iter().map(|role| role.as_str().to_owned()).collect());
        list("allowed_ips", self.allowed_ips.iter().map(ToString::to_string).collect());
        list("rules", self.rules.iter().map(|rule| rule.as_str().to_owned()).collect());
        if let Some(end) = self.expires_at {
            fields.insert("expires_at".to_owned(), end.0.into());
        }
        for (name, is_set) in [("strict", self.strict), ("adopted", self.adopted)] {
            if is_set {
                fields.insert(name.to_owned(), true.into());
            }
        }
        Value::Object(fields)
    }

    /// Reads its JSON. Nothing if a field is unknown, missing or of another kind: a rule that this build cannot
    /// enforce must not be overlooked.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let mut fields = Fields::from_json(json)?;
        let grant = Self {
            user: text(fields.take("user")?)?,
            api_key: ApiKey::parse(&text(fields.take("api_key")?)?).ok()?,
            roles: parse_roles(texts(fields.take("roles"))?).ok()?,
            expires_at: match fields.take("expires_at") {
                Some(end) => Some(UnixSeconds(end.as_i64()?)),
                None => None,
            },
            allowed_ips: parse_ranges(&texts(fields.take("allowed_ips"))?).ok()?,
            rules: parse_rules(&texts(fields.take("rules"))?).ok()?,
            strict: flag(fields.take("strict"))?,
            adopted: flag(fields.take("adopted"))?,
        };
        fields.is_empty().then_some(grant)
    }
}

fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn texts(list: Option<Value>) -> Option<Vec<String>> {
    match list {
        None => Some(Vec::new()),
        Some(Value::Array(values)) => values.into_iter().map(text).collect(),
        Some(_) => None,
    }
}

fn flag(value: Option<Value>) -> Option<bool> {
    value.map_or(Some(false), |value| value.as_bool())
}

/// An entry as it is read; nothing of it is believed yet.
struct SealedRecord {
    grant: String,
    seal: String,
}

impl SealedRecord {
    fn from_json(entry: &str) -> Option<Self> {
        let mut fields = Fields::from_json(entry)?;
        if fields.take("v")?.as_u64()? != VERSION {
            return None;
        }
        let record = Self { grant: text(fields.take("grant")?)?, seal: text(fields.take("seal")?)? };
        fields.is_empty().then_some(record)
    }
}

/// A grant whose seal was verified under the name it was read from. Nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedGrant(Rc<Grant>);

impl OpenedGrant {
    /// What it allows.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.0
    }

    /// The same, for a principal to keep.
    pub(super) fn shared(&self) -> &Rc<Grant> {
        &self.0
    }
}

/// Why an entry of KV is treated as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GrantError {
    /// Not an entry at all, or of a version that this build does not know.
    #[error("no entry of a known version")]
    Format,
    /// The seal does not fit the name and the content: somebody without the pepper wrote it.
    #[error("the seal does not fit")]
    Seal,
    /// The seal fits, and the content says something this build does not know.
    #[error("a sealed grant that this build cannot read")]
    Content,
}

/// Seals and opens grants; derived from the pepper.
#[derive(Clone)]
pub struct SealKey(KeyedHash);

impl SealKey {
    /// HMAC-SHA-256(pepper, "gatehouse/seal/1").
    #[must_use]
    pub fn new(pepper: &Pepper) -> Self {
        Self(pepper.derive(PURPOSE))
    }

    /// The entry for KV, under the name of `digest`.
    #[must_use]
    pub fn seal(&self, digest: Digest, grant: &Grant) -> String {
        let encoded = URL_SAFE_NO_PAD.encode(written(&grant.to_json()));
        let seal = hex::encode(self.hash(digest, &encoded).finalize().into_bytes());
        written(&object! { "v": VERSION, "grant": encoded, "seal": seal })
    }

    /// Opens an entry that was read from the name of `digest`.
    pub fn open(&self, digest: Digest, entry: &str) -> Result<OpenedGrant, GrantError> {
        let sealed = SealedRecord::from_json(entry).ok_or(GrantError::Format)?;
        let seal = from_lower_hex(&sealed.seal).ok_or(GrantError::Seal)?;
        self.hash(digest, &sealed.grant).verify_slice(&seal).map_err(|_| GrantError::Seal)?;
        let json = URL_SAFE_NO_PAD.decode(&sealed.grant).map_err(|_| GrantError::Content)?;
        let grant = std::str::from_utf8(&json).ok().and_then(Grant::from_json);
        grant.map(|grant| OpenedGrant(Rc::new(grant))).ok_or(GrantError::Content)
    }

    /// HMAC-SHA-256 over a text, in hex: for what leaves the registry and comes back.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        hex::encode(self.0.clone().chain_update(text).finalize().into_bytes())
    }

    /// Whether [`SealKey::sign`] made the signature.
    #[must_use]
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        let Some(signature) = from_lower_hex(signature) else {
            return false;
        };
        self.0.clone().chain_update(text).verify_slice(&signature).is_ok()
    }

    fn hash(&self, digest: Digest, encoded: &str) -> KeyedHash {
        self.0.clone().chain_update(digest.kv_name()).chain_update("\n").chain_update(encoded)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::credentials::Credentials;
    use crate::core::digest::DigestKey;

    fn pepper() -> Pepper {
        Pepper::parse("0123456789abcdef0123456789abcdef").unwrap()
    }

    fn digest(pair: &str) -> Digest {
        DigestKey::new(&pepper()).digest(&Credentials::parse(pair).unwrap())
    }

    fn grant() -> Grant {
        Grant {
            user: "alice@example.test".to_owned(),
            api_key: ApiKey::parse("k").unwrap(),
            roles: parse_roles(vec!["System Manager".into()]).unwrap(),
            expires_at: None,
            allowed_ips: Vec::new(),
            rules: Vec::new(),
            strict: false,
            adopted: false,
        }
    }

    fn limited() -> Grant {
        Grant {
            expires_at: Some(UnixSeconds(1_800_000_000)),
            allowed_ips: vec![AddressRange::parse("192.0.2.0/24").unwrap()],
            rules: vec![AccessRule::parse("GET /a/**").unwrap()],
            ..grant()
        }
    }

    #[test]
    fn opens_what_it_sealed() {
        let seal_key = SealKey::new(&pepper());
        for grant in [grant(), limited(), Grant { strict: true, ..limited() }, Grant { adopted: true, ..limited() }] {
            let entry = seal_key.seal(digest("k:s"), &grant);
            assert_eq!(seal_key.open(digest("k:s"), &entry).unwrap().grant(), &grant);
        }
    }

    #[test]
    fn of_a_strict_user_kv_learns_only_that_the_registry_has_to_be_asked() {
        let strict = Grant { strict: true, ..limited() }.published();
        assert_eq!(strict, Grant { strict: true, roles: Vec::new(), ..grant() });
        assert_eq!(limited().published(), limited());
    }

    /// Computed with Python's hmac, hashlib, base64 and json.
    #[test]
    fn agrees_with_another_implementation() {
        let entry = SealKey::new(&pepper()).seal(digest("k:s"), &grant());
        let sealed = SealedRecord::from_json(&entry).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.decode(sealed.grant).unwrap(),
            br#"{"api_key":"k","roles":["System Manager"],"user":"alice@example.test"}"#
        );
        assert_eq!(sealed.seal, "4d3a37c2e2a01eee0bca0ebfb66210ad2d6d0c837474116d977abdba72071c9e");
    }

    #[test]
    fn refuses_an_entry_that_was_moved_changed_or_sealed_elsewhere() {
        let seal_key = SealKey::new(&pepper());
        let entry = seal_key.seal(digest("k:s"), &grant());
        assert_eq!(seal_key.open(digest("k:t"), &entry), Err(GrantError::Seal));
        let other = SealKey::new(&Pepper::parse("another pepper of thirty-two bytes").unwrap());
        assert_eq!(other.open(digest("k:s"), &entry), Err(GrantError::Seal));
        for position in entry.find("\"grant\":\"").unwrap() + 9..entry.len() - 2 {
            let mut changed = entry.clone().into_bytes();
            // A capital is another spelling of the same hex.
            let capital = changed[position].to_ascii_uppercase();
            changed[position] = if changed[position] == capital { capital ^ 1 } else { capital };
            let changed = String::from_utf8(changed).unwrap();
            assert!(seal_key.open(digest("k:s"), &changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn refuses_what_is_no_entry_of_a_known_version() {
        let seal_key = SealKey::new(&pepper());
        let entry = seal_key.seal(digest("k:s"), &grant());
        for text in ["", "{}", "null", "x", &entry.replace("\"v\":1", "\"v\":2"), &entry.replace(",\"v\":1", "")] {
            assert_eq!(seal_key.open(digest("k:s"), text), Err(GrantError::Format), "{text}");
        }
    }

    #[test]
    fn refuses_a_sealed_rule_that_it_cannot_enforce() {
        let seal_key = SealKey::new(&pepper());
        let encoded = URL_SAFE_NO_PAD.encode(r#"{"user":"a","api_key":"k","only_on_mondays":true}"#);
        let seal = hex::encode(seal_key.hash(digest("k:s"), &encoded).finalize().into_bytes());
        let entry = json!({ "v": 1, "grant": encoded, "seal": seal }).to_string();
        assert_eq!(seal_key.open(digest("k:s"), &entry), Err(GrantError::Content));
    }
}

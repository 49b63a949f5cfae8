//! `ASSERTION_JWK`: the key that signs assertions, and the public halves that origins verify with.
//!
//! Takes a JWK (RFC 7517 §4) or a set of them (§5). The first key signs; of a set all are published, so that keys roll
//! over without a gap. What is published never holds a private member, and never a shared key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::KeyInit;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::json::{object, written};
use super::pepper::KeyedHash;

/// Coordinates of P-256 and keys of Ed25519 have so many bytes (RFC 7518 §6.2.1, RFC 8037 §2), and a shared key of
/// HS256 at least (RFC 7518 §3.2).
const KEY_BYTES: usize = 32;

/// How an assertion is signed; the key alone decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 7518 §3.2).
    Hs256,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// Ed25519 (RFC 8037 §3.1).
    EdDsa,
}

/// Why a text is no signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JwkError {
    /// Not JSON, or neither a key nor a set with keys.
    #[error("neither a JWK nor a set of them")]
    Format,
    /// Another `kty` or `crv`.
    #[error("a key that is neither oct, nor EC on P-256, nor OKP on Ed25519")]
    Kind,
    /// A member is missing, is not base64url, or has another length.
    #[error("a key whose `{0}` is missing, or not base64url of 32 bytes")]
    Member(&'static str),
    /// `alg`, `use` or `key_ops` speak of something else than signing as the key's kind does.
    #[error("a key whose `{0}` says that it is for something else")]
    Purpose(&'static str),
    /// The first key has no private half.
    #[error("a first key without `d`, which cannot sign")]
    Public,
    /// Origins could not tell which of them was meant.
    #[error("the same key twice")]
    Twice,
}

/// The keys of a gate.
pub struct KeyRing {
    signing: SigningKey,
    pairs: Vec<Pair>,
    published: Vec<Value>,
}

/// The key that signs.
pub struct SigningKey {
    header: String,
    material: Material,
}

/// What a key signs with.
pub enum Material {
    /// HS256's shared key, which signs here.
    Shared(KeyedHash),
    /// The first of the pairs, with which the platform signs.
    Pair,
}

/// A pair of keys, or the public half of one, as the platform takes them.
pub struct Pair {
    /// ES256 or EdDSA.
    pub algorithm: Algorithm,
    /// The private JWK, in JSON.
    pub private: Option<Zeroizing<String>>,
    /// The public JWK, in JSON.
    pub public: String,
}

impl KeyRing {
    /// Reads a JWK or a set of them.
    pub fn parse(text: &str) -> Result<Self, JwkError> {
        let value: Value = serde_json::from_slice(text.as_bytes()).map_err(|_| JwkError::Format)?;
        let keys = match value.get("keys") {
            Some(_) if value.get("kty").is_some() => return Err(JwkError::Format),
            Some(keys) => keys.as_array().ok_or(JwkError::Format)?.as_slice(),
            None => std::slice::from_ref(&value),
        };
        let keys = keys.iter().map(Jwk::read).collect::<Result<Vec<_>, _>>()?;
        let mut thumbprints = Vec::new();
        for thumbprint in keys.iter().map(Jwk::thumbprint) {
            if thumbprints.contains(&thumbprint) {
                return Err(JwkError::Twice);
            }
            thumbprints.push(thumbprint);
        }
        let signing = keys.first().ok_or(JwkError::Format)?.signing_key()?;
        let published = keys.iter().filter_map(Jwk::published).collect();
        Ok(Self { signing, published, pairs: keys.iter().filter_map(Jwk::pair).collect() })
    }

    /// The key that signs.
    #[must_use]
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// All pairs, in the order given.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The set for origins (RFC 7517 §5).
    #[must_use]
    pub fn published(&self) -> Value {
        object! { "keys": self.published.clone() }
    }
}

impl SigningKey {
    /// The header of what it signs (RFC 7515 §4), encoded.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// What it signs with.
    #[must_use]
    pub fn material(&self) -> &Material {
        &self.material
    }
}

impl Algorithm {
    /// Its name in a header (RFC 7518 §3.1, RFC 8037 §3.1).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// One key, checked.
struct Jwk {
    algorithm: Algorithm,
    /// The members that the thumbprint covers.
    required: Map<String, Value>,
    private: Option<Zeroizing<String>>,
    operations: Option<Value>,
}

impl Jwk {
    fn read(key: &Value) -> Result<Self, JwkError> {
        let (algorithm, members): (_, &[&'static str]) = match (text(key, "kty"), text(key, "crv")) {
            (Some("oct"), None) => (Algorithm::Hs256, &["k"]),
            (Some("EC"), Some("P-256")) => (Algorithm::Es256, &["x", "y"]),
            (Some("OKP"), Some("Ed25519")) => (Algorithm::EdDsa, &["x"]),
            _ => return Err(JwkError::Kind),
        };
        // RFC 9864 names the second of what RFC 8037 calls EdDSA.
        let is_named = |name: &str| name == algorithm.as_str() || algorithm == Algorithm::EdDsa && name == "Ed25519";
        let is_sig = |purpose: &str| purpose == "sig";
        let says =
            |member, fits: &dyn Fn(&str) -> bool| key.get(member).is_none_or(|value| value.as_str().is_some_and(fits));
        for (member, fits) in [("alg", says("alg", &is_named)), ("use", says("use", &is_sig))] {
            if !fits {
                return Err(JwkError::Purpose(member));
            }
        }
        let mut required = Map::new();
        for member in members.iter().chain(&["kty", "crv"]).filter(|member| key.get(**member).is_some()) {
            required.insert((*member).to_owned(), key.get(*member).cloned().unwrap_or_default());
        }
        for member in members {
            check_member(key, member, algorithm)?;
        }
        let private = match (algorithm, key.get("d")) {
            (Algorithm::Hs256, _) => text(key, "k"),
            (Algorithm::Es256 | Algorithm::EdDsa, None) => None,
            (Algorithm::Es256 | Algorithm::EdDsa, Some(_)) => {
                check_member(key, "d", algorithm)?;
                text(key, "d")
            }
        };
        let private = private.map(|text| Zeroizing::new(text.to_owned()));
        Ok(Self { algorithm, required, private, operations: key.get("key_ops").cloned() })
    }

    /// RFC 7638: the hash of the required members in lexical order, which is how a map is written here.
    fn thumbprint(&self) -> String {
        let members = Zeroizing::new(written(&Value::Object(self.required.clone())));
        URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes()))
    }

    fn published(&self) -> Option<Value> {
        if self.algorithm == Algorithm::Hs256 {
            return None;
        }
        let mut key = self.required.clone();
        for (member, value) in [("alg", self.algorithm.as_str()), ("use", "sig"), ("kid", &self.thumbprint())] {
            key.insert(member.to_owned(), value.into());
        }
        Some(Value::Object(key))
    }

    fn pair(&self) -> Option<Pair> {
        if self.algorithm == Algorithm::Hs256 {
            return None;
        }
        let mut key = self.required.clone();
        let public = written(&Value::Object(key.clone()));
        let private = self.private.as_ref().map(|private| {
            key.insert("d".to_owned(), private.as_str().into());
            Zeroizing::new(written(&Value::Object(key)))
        });
        Some(Pair { algorithm: self.algorithm, private, public })
    }

    fn signing_key(&self) -> Result<SigningKey, JwkError> {
        let may_sign = |operations: &Value| operations.as_array().is_some_and(|list| list.contains(&"sign".into()));
        if !self.operations.as_ref().is_none_or(may_sign) {
            return Err(JwkError::Purpose("key_ops"));
        }
        let header = object! { "alg": self.algorithm.as_str(), "kid": self.thumbprint(), "typ": "JWT" };
        let private = self.private.as_ref().ok_or(JwkError::Public)?;
        let material = match self.algorithm {
            Algorithm::Hs256 => {
                let secret = URL_SAFE_NO_PAD.decode(private.as_bytes()).map(Zeroizing::new);
                let secret = secret.map_err(|_| JwkError::Member("k"))?;
                Material::Shared(KeyedHash::new_from_slice(&secret).map_err(|_| JwkError::Member("k"))?)
            }
            Algorithm::Es256 | Algorithm::EdDsa => Material::Pair,
        };
        Ok(SigningKey { header: URL_SAFE_NO_PAD.encode(written(&header)), material })
    }
}

fn text<'a>(key: &'a Value, member: &str) -> Option<&'a str> {
    key.get(member)?.as_str()
}

fn check_member(key: &Value, member: &'static str, algorithm: Algorithm) -> Result<(), JwkError> {
    let bytes = text(key, member).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).map(Zeroizing::new);
    let fits = bytes.is_some_and(|bytes| match algorithm {
        Algorithm::Hs256 => bytes.len() >= KEY_BYTES,
        Algorithm::Es256 | Algorithm::EdDsa => bytes.len() == KEY_BYTES,
    });
    if fits { Ok(()) } else { Err(JwkError::Member(member)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 8037 appendix A.1 and A.2.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// RFC 7515 appendix A.3.1.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    /// RFC 7515 appendix A.1.1.
    const SHARED: &str =
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;

    fn header(ring: &KeyRing) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(ring.signing().header()).unwrap()).unwrap()
    }

    fn changed(jwk: &str, member: &str, value: Value) -> String {
        let mut key: Value = serde_json::from_str(jwk).unwrap();
        key[member] = value;
        key.to_string()
    }

    fn error(text: &str) -> Option<JwkError> {
        KeyRing::parse(text).err()
    }

    #[test]
    fn the_key_alone_decides_the_algorithm_and_its_thumbprint_is_the_key_id() {
        // RFC 8037 appendix A.3 has this thumbprint.
        let ring = KeyRing::parse(ED25519).unwrap();
        let kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(header(&ring), json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" }));
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public = json!({ "alg": "EdDSA", "crv": "Ed25519", "kid": kid, "kty": "OKP", "use": "sig", "x": x });
        assert_eq!(ring.published(), json!({ "keys": [public] }));
        assert_eq!(header(&KeyRing::parse(P256).unwrap())["alg"], "ES256");
        assert_eq!(header(&KeyRing::parse(SHARED).unwrap())["alg"], "HS256");
    }

    #[test]
    fn a_set_signs_with_its_first_key_and_publishes_public_halves_alone() {
        let public = changed(P256, "d", Value::Null).replace(r#""d":null,"#, "");
        let ring = KeyRing::parse(&format!(r#"{{"keys":[{ED25519},{public},{SHARED}]}}"#)).unwrap();
        assert_eq!(header(&ring)["alg"], "EdDSA");
        let published = ring.published();
        let keys = published["keys"].as_array().unwrap();
        assert_eq!(keys.iter().map(|key| key["alg"].as_str().unwrap()).collect::<Vec<_>>(), ["EdDSA", "ES256"]);
        for member in ["d", "k"] {
            assert!(keys.iter().all(|key| key.get(member).is_none()));
        }
        assert_eq!(KeyRing::parse(SHARED).unwrap().published(), json!({ "keys": [] }));
        assert_eq!(error(&format!(r#"{{"keys":[{public},{ED25519}]}}"#)), Some(JwkError::Public));
    }

    #[test]
    fn what_is_no_key_for_signing_is_refused() {
        for (text, expected) in [
            (String::new(), JwkError::Format),
            ("secret".to_owned(), JwkError::Format),
            (r#"{"keys":[]}"#.to_owned(), JwkError::Format),
            (r#"{"keys":{}}"#.to_owned(), JwkError::Format),
            ("{}".to_owned(), JwkError::Kind),
            (r#"{"keys":["x"]}"#.to_owned(), JwkError::Kind),
            (changed(P256, "crv", "P-384".into()), JwkError::Kind),
            (changed(ED25519, "crv", "X25519".into()), JwkError::Kind),
            (changed(P256, "kty", "RSA".into()), JwkError::Kind),
            (changed(P256, "y", Value::Null), JwkError::Member("y")),
            (changed(P256, "x", "AAAA".into()), JwkError::Member("x")),
            (changed(ED25519, "d", "not base64url!".into()), JwkError::Member("d")),
            (changed(SHARED, "k", URL_SAFE_NO_PAD.encode([0; 31]).into()), JwkError::Member("k")),
            (changed(P256, "alg", "ES384".into()), JwkError::Purpose("alg")),
            (changed(SHARED, "alg", "ES256".into()), JwkError::Purpose("alg")),
            (changed(P256, "use", "enc".into()), JwkError::Purpose("use")),
            (changed(P256, "alg", 5.into()), JwkError::Purpose("alg")),
            (changed(P256, "keys", json!([])), JwkError::Format),
            (format!(r#"{{"keys":[{P256},{ED25519},{P256}]}}"#), JwkError::Twice),
            (changed(P256, "key_ops", json!(["verify"])), JwkError::Purpose("key_ops")),
        ] {
            assert_eq!(error(&text), Some(expected), "{text}");
        }
        for (member, value) in [("alg", json!("Ed25519")), ("use", json!("sig")), ("key_ops", json!(["sign"]))] {
            assert_eq!(error(&changed(ED25519, member, value)), None);
        }
    }
}

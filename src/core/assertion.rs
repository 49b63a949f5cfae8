//! Assertions: the JWT (RFC 7519) that tells the origin who a request acts for, and for how long they are kept.

use std::num::NonZeroUsize;
use std::rc::Rc;

use super::digest::Digest;
use super::json::{object, written};
use super::pepper::KeyedHash;
use super::principal::Principal;
use super::role::Role;
use super::signing_key::KeyRing;
use super::unix_time::UnixSeconds;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;
use lru::LruCache;

/// How long an assertion is good for, in seconds.
pub const LIFETIME_SECONDS: u32 = 60;
/// How long one is used for further requests of its principal: half its life, so that the origin has the other half.
pub const REUSE_SECONDS: u32 = 30;
/// How many are kept, the least recently used going first: about a megabyte.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(2048).unwrap();

/// Who signs, and for whom.
pub struct Issuer {
    /// The keys.
    pub keys: KeyRing,
    /// `iss`: the gate's own address.
    pub issuer: String,
    /// `aud`: the origin.
    pub audience: String,
}

impl Issuer {
    /// What is to be signed: header and claims, each encoded, with a dot between (RFC 7515 §5.1).
    #[must_use]
    pub fn signing_input(&self, principal: &Principal, now: UnixSeconds) -> String {
        let mut claims = object! {
            "iss": self.issuer.as_str(),
            "aud": self.audience.as_str(),
            "sub": principal.user(),
            "roles": principal.roles().iter().map(Role::as_str).collect::<Vec<_>>(),
            "api_key": principal.api_key().as_str(),
            "iat": now.0,
            "exp": now.plus(LIFETIME_SECONDS).0,
        };
        // Of an origin that runs what a body names, whatever method and path say, only itself can keep such a principal.
        if let (true, Some(fields)) = (principal.is_rule_limited(), claims.as_object_mut()) {
            fields.insert("restricted".to_owned(), true.into());
        }
        format!("{}.{}", self.keys.signing().header(), URL_SAFE_NO_PAD.encode(written(&claims)))
    }
}

/// HMAC-SHA-256 over a text, as HS256 signs.
#[must_use]
pub fn sign_shared(key: &KeyedHash, signing_input: &str) -> [u8; 32] {
    key.clone().chain_update(signing_input).finalize().into_bytes().into()
}

/// The whole assertion.
#[must_use]
pub fn signed(signing_input: &str, signature: &[u8]) -> String {
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The assertions that the isolate made lately. Each is its principal's alone: of the same credentials, and with the
/// same user and roles.
pub struct AssertionCache(LruCache<Digest, Kept>);

struct Kept {
    principal: Principal,
    issued_at: UnixSeconds,
    assertion: Rc<str>,
}

impl Default for AssertionCache {
    fn default() -> Self {
        Self(LruCache::new(CAPACITY))
    }
}

impl AssertionCache {
    /// The principal's assertion, if it is younger than half its life. A clock that went backwards counts as a miss.
    pub fn find(&mut self, digest: Digest, principal: &Principal, now: UnixSeconds) -> Option<Rc<str>> {
        let kept = self.0.get_mut(&digest)?;
        let is_young = kept.issued_at <= now && now < kept.issued_at.plus(REUSE_SECONDS);
        if !is_young || kept.principal != *principal {
            return None;
        }
        // Of two principals out of one grant nobody has to compare the texts.
        kept.principal.clone_from(principal);
        Some(Rc::clone(&kept.assertion))
    }

    /// Keeps an assertion that was issued just now.
    pub fn put(&mut self, digest: Digest, principal: Principal, now: UnixSeconds, assertion: &str) -> Rc<str> {
        let assertion = Rc::from(assertion);
        self.0.put(digest, Kept { principal, issued_at: now, assertion: Rc::clone(&assertion) });
        assertion
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::core::credentials::ApiKey;
    use crate::core::grant::Grant;
    use crate::core::role::parse_roles;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn principal(user: &str, roles: &[&str]) -> Principal {
        let grant = Grant {
            user: user.to_owned(),
            api_key: ApiKey::parse("4c5e1e2f3a4b5c6d7e8f").unwrap(),
            roles: parse_roles(roles.iter().map(ToString::to_string).collect()).unwrap(),
            expires_at: None,
            allowed_ips: Vec::new(),
            rules: Vec::new(),
            strict: false,
            adopted: false,
        };
        Principal::authenticate(&Rc::new(grant), NOW, None).unwrap()
    }

    fn issuer() -> Issuer {
        // RFC 7515 appendix A.1.1.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        Issuer {
            keys: KeyRing::parse(&json!({ "kty": "oct", "k": key }).to_string()).unwrap(),
            issuer: "https://gate.test".to_owned(),
            audience: "https://app.test".to_owned(),
        }
    }

    #[test]
    fn says_who_for_whom_and_for_how_long() {
        let input = issuer().signing_input(&principal("ä, \"b\"", &["System Manager", "Clerk"]), NOW);
        let (_, claims) = input.split_once('.').unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "https://gate.test",
                "aud": "https://app.test",
                "sub": "ä, \"b\"",
                "roles": ["Clerk", "System Manager"],
                "api_key": "4c5e1e2f3a4b5c6d7e8f",
                "iat": NOW.0,
                "exp": NOW.0 + 60,
            })
        );
    }

    /// RFC 7515 appendix A.1.1, whose header and claims hold line breaks that this gate would not write.
    #[test]
    fn hs256_agrees_with_its_rfc() {
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let issuer = issuer();
        let crate::core::signing_key::Material::Shared(key) = issuer.keys.signing().material() else {
            panic!("a shared key expected");
        };
        let assertion = signed(input, &sign_shared(key, input));
        assert!(assertion.ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "{assertion}");
    }

    #[test]
    fn is_kept_for_half_its_life_and_for_its_principal_alone() {
        let [one, other] = ["1", "2"].map(|digit| Digest::from_hex(&digit.repeat(64)).unwrap());
        let mut cache = AssertionCache::default();
        let alice = principal("alice", &["Clerk"]);
        cache.put(one, alice.clone(), NOW, "a.b.c");
        for (digest, principal, now, found) in [
            (one, alice.clone(), NOW, true),
            (one, alice.clone(), NOW.plus(29), true),
            (one, alice.clone(), NOW.plus(30), false),
            (one, alice.clone(), UnixSeconds(NOW.0 - 1), false),
            (other, alice, NOW, false),
            (one, principal("alice", &[]), NOW, false),
            (one, principal("bob", &["Clerk"]), NOW, false),
        ] {
            assert_eq!(cache.find(digest, &principal, now).is_some(), found, "{now:?} {principal:?}");
        }
    }
}

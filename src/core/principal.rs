//! Who a request acts for, once that is certain.

use std::rc::Rc;

use thiserror::Error;

use super::credentials::{ADMINISTRATOR, ApiKey, ApiSecret, Credentials};
use super::digest::{Digest, DigestKey};
use super::grant::{Grant, OpenedGrant};
use super::path::NormalPath;
use super::role::Role;
use super::unix_time::UnixSeconds;

/// The user as authenticated for this request. Comes out of a grant that holds here and now, and from nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Rc<Grant>);

/// Why a grant does not hold here and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GrantRefusal {
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// The client's address is outside its ranges, or unknown.
    #[error("address not allowed")]
    Address,
}

/// What an opened grant says of a request.
#[derive(Debug, Clone)]
pub enum Authenticated {
    /// Who it acts for.
    Principal(Principal),
    /// The user is strict: only the registry can say.
    AskRegistry,
}

impl OpenedGrant {
    /// Judges expiry and address, anew for each request.
    pub fn authenticate(&self, now: UnixSeconds, address: Option<&str>) -> Result<Authenticated, GrantRefusal> {
        if self.grant().strict {
            return Ok(Authenticated::AskRegistry);
        }
        Principal::authenticate(self.shared(), now, address).map(Authenticated::Principal)
    }
}

impl Principal {
    /// Judges a grant that comes from the registry itself, or out of a seal.
    pub fn authenticate(grant: &Rc<Grant>, now: UnixSeconds, address: Option<&str>) -> Result<Self, GrantRefusal> {
        if grant.expires_at.is_some_and(|end| end <= now) {
            return Err(GrantRefusal::Expired);
        }
        let inside = |address: &str| grant.allowed_ips.iter().any(|range| range.contains(address));
        if !grant.allowed_ips.is_empty() && !address.is_some_and(inside) {
            return Err(GrantRefusal::Address);
        }
        Ok(Self(Rc::clone(grant)))
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// The user's api_key.
    #[must_use]
    pub fn api_key(&self) -> &ApiKey {
        &self.0.api_key
    }

    /// The user's roles, sorted.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.0.roles
    }

    /// Whether the user may mint and manage.
    #[must_use]
    pub fn is_system_manager(&self) -> bool {
        self.0.roles.iter().any(Role::is_system_manager)
    }

    /// Whether only some requests are allowed.
    #[must_use]
    pub fn is_rule_limited(&self) -> bool {
        !self.0.rules.is_empty()
    }

    /// Whether the origin vouched for the credentials, which are then its own.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.0.adopted
    }

    /// Whether a request of this method and path is inside the rules.
    #[must_use]
    pub fn may(&self, method: &str, path: &NormalPath) -> bool {
        self.0.rules.is_empty() || self.0.rules.iter().any(|rule| rule.allows(method, path))
    }
}

/// Proof that the caller is the built-in administrator, who acts on the gate's own routes and is never forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Administrator(());

impl Administrator {
    /// The name that `get_logged_user` answers with.
    #[must_use]
    pub fn user(self) -> &'static str {
        ADMINISTRATOR
    }
}

/// The digest of the built-in administrator's credentials.
#[derive(Debug, Clone, Copy)]
pub struct AdministratorDigest(Digest);

impl AdministratorDigest {
    /// Keeps the digest of `Administrator:<ADMINISTRATOR_SECRET>`.
    #[must_use]
    pub fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// Whether a text is the administrator's secret, whatever it was sent as.
    #[must_use]
    pub fn is_secret(self, digest_key: &DigestKey, text: &str) -> bool {
        let (Ok(api_key), Ok(api_secret)) = (ApiKey::parse(ADMINISTRATOR), ApiSecret::parse(text)) else {
            return false;
        };
        digest_key.digest(&Credentials { api_key, api_secret }) == self.0
    }

    /// The proof, if the digest of what was sent is the administrator's. Digests are keyed, so what the comparison
    /// takes tells nothing about the secret.
    #[must_use]
    pub fn verify(self, digest: Digest) -> Option<Administrator> {
        (digest == self.0).then_some(Administrator(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::access_rule::AccessRule;
    use crate::core::client_address::AddressRange;

    fn grant() -> Grant {
        Grant {
            user: "alice".to_owned(),
            api_key: ApiKey::parse("k").unwrap(),
            roles: Vec::new(),
            expires_at: Some(UnixSeconds(100)),
            allowed_ips: vec![AddressRange::parse("192.0.2.0/24").unwrap()],
            rules: vec![AccessRule::parse("GET /a/**").unwrap()],
            strict: false,
            adopted: false,
        }
    }

    #[test]
    fn a_grant_holds_before_its_end_and_inside_its_addresses() {
        for (now, address, refusal) in [
            (99, Some("192.0.2.1"), None),
            (100, Some("192.0.2.1"), Some(GrantRefusal::Expired)),
            (99, Some("192.0.3.1"), Some(GrantRefusal::Address)),
            (99, Some("nonsense"), Some(GrantRefusal::Address)),
            (99, None, Some(GrantRefusal::Address)),
        ] {
            assert_eq!(
                Principal::authenticate(&Rc::new(grant()), UnixSeconds(now), address).err(),
                refusal,
                "{now} {address:?}"
            );
        }
    }

    #[test]
    fn rules_limit_methods_and_paths() {
        let principal = Principal::authenticate(&Rc::new(grant()), UnixSeconds(0), Some("192.0.2.1")).unwrap();
        assert!(principal.is_rule_limited() && principal.may("GET", &NormalPath::new("/a/b")));
        assert!(!principal.may("POST", &NormalPath::new("/a/b")) && !principal.may("GET", &NormalPath::new("/b")));
        let unlimited = Rc::new(Grant { rules: Vec::new(), ..grant() });
        let principal = Principal::authenticate(&unlimited, UnixSeconds(0), Some("192.0.2.1")).unwrap();
        assert!(!principal.is_rule_limited() && principal.may("POST", &NormalPath::new("//")));
    }
}

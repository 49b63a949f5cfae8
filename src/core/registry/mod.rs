//! The registry's rules: what a user is, what each change does to one, and which grants follow from it.
//!
//! Guarantees that an api_key, once made, is the user's for life, and that what KV should hold under a name is
//! decided by one function, [`User::grant`].

pub mod message;

use serde::{Deserialize, Serialize};

use super::credentials::{API_KEY_RANDOM_BYTES, API_SECRET_RANDOM_BYTES, ApiKey, ApiSecret, Credentials};
use super::digest::{Digest, DigestKey};
use super::grant::Grant;
use super::role::Role;
use super::unix_time::UnixSeconds;
use super::user_name::UserName;

/// A user, as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name as it was first given.
    pub name: UserName,
    /// `None` before the first generation; never changes afterwards.
    pub api_key: Option<ApiKey>,
    /// Sorted, each once.
    pub roles: Vec<Role>,
    /// Switched off and on by an administrator.
    pub enabled: bool,
    /// Hidden from lists and unusable; the api_key stays reserved.
    pub deleted: bool,
    /// When the user was first known.
    pub created_at: UnixSeconds,
    /// When the newest secret was made.
    pub rotated_at: Option<UnixSeconds>,
    /// The digests of the live secrets.
    pub secrets: Vec<Digest>,
}

/// What a user's credentials are good for, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A secret works.
    Active,
    /// Switched off; enabling brings it back.
    Disabled,
    /// There was a secret, and there is none now; only generating brings it back.
    Revoked,
    /// No api_key was made yet.
    Keyless,
}

impl Status {
    /// Every status, for documentation and for checking a filter.
    pub const ALL: [Self; 4] = [Self::Active, Self::Disabled, Self::Revoked, Self::Keyless];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
            Self::Keyless => "keyless",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What an administrator may set; `None` leaves a setting as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// All the user's roles.
    pub roles: Option<Vec<Role>>,
    /// Whether the user's credentials work.
    pub enabled: Option<bool>,
}

/// Random bytes for one generation.
pub struct Randomness {
    /// For the api_key, if the user has none yet.
    pub api_key: [u8; API_KEY_RANDOM_BYTES],
    /// For the api_secret.
    pub api_secret: [u8; API_SECRET_RANDOM_BYTES],
}

/// A name in KV whose content has to follow a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirtyName {
    /// Names the grant.
    pub digest: Digest,
    /// Whether the grant is to go; such names are published first.
    pub deletion: bool,
}

impl User {
    /// A user nobody has heard of: no roles, no api_key.
    #[must_use]
    pub fn new(name: UserName, now: UnixSeconds) -> Self {
        Self {
            name,
            api_key: None,
            roles: Vec::new(),
            enabled: true,
            deleted: false,
            created_at: now,
            rotated_at: None,
            secrets: Vec::new(),
        }
    }

    /// Mints an api_secret, and the first time an api_key. The old secret dies; a disabled user stays disabled.
    #[must_use]
    pub fn generate(mut self, now: UnixSeconds, digest_key: &DigestKey, randomness: Randomness) -> (Self, Credentials) {
        let api_key = self.api_key.take().unwrap_or_else(|| ApiKey::from_random(randomness.api_key));
        let credentials = Credentials { api_key, api_secret: ApiSecret::from_random(randomness.api_secret) };
        self.api_key = Some(credentials.api_key.clone());
        self.secrets = vec![digest_key.digest(&credentials)];
        self.rotated_at = Some(now);
        self.deleted = false;
        (self, credentials)
    }

    /// Changes settings. A deleted user is known again.
    #[must_use]
    pub fn change(mut self, settings: Settings) -> Self {
        self.roles = settings.roles.unwrap_or(self.roles);
        self.enabled = settings.enabled.unwrap_or(self.enabled);
        self.deleted = false;
        self
    }

    /// Makes every secret unusable for good. The api_key stays reserved.
    #[must_use]
    pub fn revoke(mut self) -> Self {
        self.secrets.clear();
        self
    }

    /// Revokes, clears every setting, and hides the user.
    #[must_use]
    pub fn delete(mut self) -> Self {
        self = self.revoke();
        self.roles.clear();
        self.enabled = true;
        self.deleted = true;
        self
    }

    /// The status, where several would do the one that enabling cannot mend.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.api_key.is_some() && self.secrets.is_empty() {
            Status::Revoked
        } else if !self.enabled {
            Status::Disabled
        } else if self.api_key.is_none() {
            Status::Keyless
        } else {
            Status::Active
        }
    }

    /// What KV should hold under the name of a digest, if anything.
    #[must_use]
    pub fn grant(&self, digest: Digest) -> Option<Grant> {
        let api_key = self.api_key.clone()?;
        let usable = self.enabled && !self.deleted && self.secrets.contains(&digest);
        usable.then(|| Grant { user: self.name.as_str().to_owned(), api_key, roles: self.roles.clone() })
    }

    /// The names whose content a change from `before` to `self` alters, those of secrets that are gone first.
    #[must_use]
    pub fn dirty_names(&self, before: Option<&Self>) -> Vec<DirtyName> {
        let gone = before.into_iter().flat_map(|user| &user.secrets).filter(|digest| !self.secrets.contains(digest));
        gone.chain(&self.secrets)
            .filter_map(|&digest| {
                let (old, new) = (before.and_then(|user| user.grant(digest)), self.grant(digest));
                (old != new).then_some(DirtyName { digest, deletion: new.is_none() })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::pepper::Pepper;
    use crate::core::role::parse_roles;

    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn digest_key() -> DigestKey {
        DigestKey::new(&Pepper::parse("0123456789abcdef0123456789abcdef").unwrap())
    }

    fn generate(user: User, byte: u8) -> (User, Digest, Credentials) {
        let randomness = Randomness { api_key: [byte; 10], api_secret: [byte; 20] };
        let (user, credentials) = user.generate(NOW, &digest_key(), randomness);
        let digest = digest_key().digest(&credentials);
        (user, digest, credentials)
    }

    fn alice() -> User {
        User::new(UserName::parse("alice", crate::core::user_name::fold_for_tests).unwrap(), NOW)
    }

    #[test]
    fn a_second_generation_keeps_the_api_key_and_kills_the_old_secret() {
        let (once, first, credentials) = generate(alice(), 1);
        let (twice, second, again) = generate(once.clone(), 2);
        assert_eq!(credentials.api_key, again.api_key);
        assert!(once.grant(first).is_some());
        assert!(twice.grant(first).is_none() && twice.grant(second).is_some());
        assert_eq!(
            twice.dirty_names(Some(&once)),
            [DirtyName { digest: first, deletion: true }, DirtyName { digest: second, deletion: false }]
        );
    }

    #[test]
    fn revoked_and_deleted_users_get_their_api_key_back() {
        let (user, digest, credentials) = generate(alice(), 1);
        for gone in [user.clone().revoke(), user.clone().delete()] {
            assert!(gone.grant(digest).is_none());
            assert_eq!(gone.dirty_names(Some(&user)), [DirtyName { digest, deletion: true }]);
            let (back, _, again) = generate(gone, 2);
            assert_eq!(again.api_key, credentials.api_key);
            assert_eq!(back.status(), Status::Active);
        }
    }

    #[test]
    fn a_disabled_user_stays_disabled_when_generating() {
        let disabled = alice().change(Settings { enabled: Some(false), roles: None });
        let (user, digest, _) = generate(disabled, 1);
        assert_eq!(user.status(), Status::Disabled);
        assert!(user.grant(digest).is_none());
        let enabled = user.clone().change(Settings { enabled: Some(true), roles: None });
        assert_eq!(enabled.dirty_names(Some(&user)), [DirtyName { digest, deletion: false }]);
    }

    #[test]
    fn deleting_clears_every_setting() {
        let roles = Some(parse_roles(vec!["System Manager".into()]).unwrap());
        let user = generate(alice().change(Settings { roles, enabled: Some(false) }), 1).0.delete();
        assert!(user.roles.is_empty() && user.enabled && user.deleted && user.api_key.is_some());
    }

    #[test]
    fn roles_travel_in_the_grant_and_an_equal_change_is_not_dirty() {
        let (user, digest, _) = generate(alice(), 1);
        let roles = Some(parse_roles(vec!["Auditor".into()]).unwrap());
        let changed = user.clone().change(Settings { roles: roles.clone(), enabled: None });
        assert_eq!(changed.dirty_names(Some(&user)), [DirtyName { digest, deletion: false }]);
        assert_eq!(changed.grant(digest).unwrap().roles, roles.clone().unwrap());
        let same = changed.clone().change(Settings { roles, enabled: Some(true) });
        assert!(same.dirty_names(Some(&changed)).is_empty());
    }

    #[test]
    fn status_says_what_enabling_cannot_mend_first() {
        let off = Settings { enabled: Some(false), roles: None };
        let with_secret = generate(alice(), 1).0;
        for (user, status) in [
            (alice(), Status::Keyless),
            (alice().change(off.clone()), Status::Disabled),
            (with_secret.clone(), Status::Active),
            (with_secret.clone().change(off.clone()), Status::Disabled),
            (with_secret.clone().revoke(), Status::Revoked),
            (with_secret.change(off).revoke(), Status::Revoked),
        ] {
            assert_eq!(user.status(), status);
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}

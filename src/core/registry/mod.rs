//! The registry's rules: what a user is, what each change does to one, and which grants follow from it.
//!
//! Guarantees that an api_key, once made, is the user's for life, and that what KV should hold under a name is
//! decided by one function, [`User::grant`].

pub mod audit;
pub mod command;
pub mod import;
pub mod view;

use super::access_rule::AccessRule;
use super::client_address::AddressRange;
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
    /// From then on nothing works.
    pub not_after: Option<UnixSeconds>,
    /// Where requests may come from; anywhere, if empty.
    pub allowed_ips: Vec<AddressRange>,
    /// What requests may ask for; anything, if empty.
    pub rules: Vec<AccessRule>,
    /// Whether the registry is asked about each request.
    pub strict: bool,
    /// Hidden from lists and unusable; the api_key stays reserved.
    pub deleted: bool,
    /// When the user was first known.
    pub created_at: UnixSeconds,
    /// When the newest secret was made.
    pub rotated_at: Option<UnixSeconds>,
    /// When a gate last told that credentials were used; it tells only now and then.
    pub last_used_at: Option<UnixSeconds>,
    /// The newest secret, and at most one more in its grace.
    pub secrets: Vec<Secret>,
}

/// A secret, known by its digest alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    /// Names its grant.
    pub digest: Digest,
    /// The end of its grace; the newest has none.
    pub expires_at: Option<UnixSeconds>,
}

/// The longest grace of a rotated secret, in seconds: 30 days.
pub const GRACE_MAX_SECONDS: u32 = 30 * 24 * 60 * 60;

/// What a user's credentials are good for, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A secret works.
    Active,
    /// Switched off; enabling brings it back.
    Disabled,
    /// Its time is over; a later end brings it back.
    Expired,
    /// There was a secret, and there is none now; only generating brings it back.
    Revoked,
    /// No api_key was made yet.
    Keyless,
}

impl Status {
    /// Every status, for documentation and for checking a filter.
    pub const ALL: [Self; 5] = [Self::Active, Self::Disabled, Self::Expired, Self::Revoked, Self::Keyless];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// All the user's roles.
    pub roles: Option<Vec<Role>>,
    /// Whether the user's credentials work.
    pub enabled: Option<bool>,
    /// Until when; `Some(None)` for ever.
    pub not_after: Option<Option<UnixSeconds>>,
    /// All the ranges that requests may come from.
    pub allowed_ips: Option<Vec<AddressRange>>,
    /// All the user's rules.
    pub rules: Option<Vec<AccessRule>>,
    /// Whether the registry is asked about each request.
    pub strict: Option<bool>,
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
            not_after: None,
            allowed_ips: Vec::new(),
            rules: Vec::new(),
            strict: false,
            deleted: false,
            created_at: now,
            rotated_at: None,
            last_used_at: None,
            secrets: Vec::new(),
        }
    }

    /// Mints an api_secret, and the first time an api_key. The newest secret so far dies, or lives on for its grace;
    /// an older one dies at once. A disabled user stays disabled.
    #[must_use]
    pub fn generate(
        mut self,
        now: UnixSeconds,
        grace_seconds: u32,
        digest_key: &DigestKey,
        randomness: Randomness,
    ) -> (Self, Credentials) {
        let api_key = self.api_key.take().unwrap_or_else(|| ApiKey::from_random(randomness.api_key));
        let credentials = Credentials { api_key, api_secret: ApiSecret::from_random(randomness.api_secret) };
        self.api_key = Some(credentials.api_key.clone());
        self.secrets.retain(|secret| secret.expires_at.is_none() && grace_seconds > 0);
        for secret in &mut self.secrets {
            secret.expires_at = Some(now.plus(grace_seconds.min(GRACE_MAX_SECONDS)));
        }
        self.secrets.push(Secret { digest: digest_key.digest(&credentials), expires_at: None });
        self.rotated_at = Some(now);
        self.deleted = false;
        (self, credentials)
    }

    /// Changes settings. A deleted user is known again.
    #[must_use]
    pub fn change(mut self, settings: Settings) -> Self {
        self.roles = settings.roles.unwrap_or(self.roles);
        self.enabled = settings.enabled.unwrap_or(self.enabled);
        self.not_after = settings.not_after.unwrap_or(self.not_after);
        self.allowed_ips = settings.allowed_ips.unwrap_or(self.allowed_ips);
        self.rules = settings.rules.unwrap_or(self.rules);
        self.strict = settings.strict.unwrap_or(self.strict);
        self.deleted = false;
        self
    }

    /// Gives a secret another digest: the same credentials under another pepper.
    #[must_use]
    pub fn rekey(mut self, from: Digest, to: Digest) -> Self {
        for secret in self.secrets.iter_mut().filter(|secret| secret.digest == from) {
            secret.digest = to;
        }
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
        self = self.revoke().change(Settings {
            roles: Some(Vec::new()),
            enabled: Some(true),
            not_after: Some(None),
            allowed_ips: Some(Vec::new()),
            rules: Some(Vec::new()),
            strict: Some(false),
        });
        self.deleted = true;
        self
    }

    /// The status; where several would do, the one that is harder to mend.
    #[must_use]
    pub fn status(&self, now: UnixSeconds) -> Status {
        let status = self.timeless_status();
        let is_over = self.not_after.is_some_and(|end| end <= now);
        if is_over && matches!(status, Status::Active | Status::Keyless) { Status::Expired } else { status }
    }

    /// The status while the user's time is not over.
    fn timeless_status(&self) -> Status {
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
        let secret = self.secrets.iter().find(|secret| secret.digest == digest)?;
        if !self.enabled || self.deleted {
            return None;
        }
        Some(Grant {
            user: self.name.as_str().to_owned(),
            api_key,
            roles: self.roles.clone(),
            expires_at: [secret.expires_at, self.not_after].into_iter().flatten().min(),
            allowed_ips: self.allowed_ips.clone(),
            rules: self.rules.clone(),
            strict: self.strict,
            adopted: false,
        })
    }

    /// How many secrets work at a time, were the user enabled.
    #[must_use]
    pub fn live_secrets(&self, now: UnixSeconds) -> usize {
        self.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > now)).count()
    }

    /// The names whose content a change from `before` to `self` alters, those of secrets that are gone first.
    #[must_use]
    pub fn dirty_names(&self, before: Option<&Self>) -> Vec<DirtyName> {
        let known = |digest| self.secrets.iter().any(|secret| secret.digest == digest);
        let before_digests = before.into_iter().flat_map(|user| &user.secrets).map(|secret| secret.digest);
        let gone = before_digests.filter(|digest| !known(*digest));
        gone.chain(self.secrets.iter().map(|secret| secret.digest))
            .filter_map(|digest| {
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
        generate_with_grace(user, byte, 0)
    }

    fn generate_with_grace(user: User, byte: u8, grace_seconds: u32) -> (User, Digest, Credentials) {
        let randomness = Randomness { api_key: [byte; 10], api_secret: [byte; 20] };
        let (user, credentials) = user.generate(NOW, grace_seconds, &digest_key(), randomness);
        let digest = digest_key().digest(&credentials);
        (user, digest, credentials)
    }

    fn alice() -> User {
        User::new(UserName::parse("alice", crate::core::user_name::fold_for_tests).unwrap(), NOW)
    }

    fn until(end: UnixSeconds) -> Settings {
        Settings { not_after: Some(Some(end)), ..Settings::default() }
    }

    #[test]
    fn in_its_grace_the_old_secret_lives_on_and_a_further_rotation_ends_it() {
        let (user, first, _) = generate(alice(), 1);
        let (user, second, _) = generate_with_grace(user, 2, 60);
        assert_eq!(user.grant(first).unwrap().expires_at, Some(NOW.plus(60)));
        assert_eq!(user.grant(second).unwrap().expires_at, None);
        assert_eq!((user.live_secrets(NOW), user.live_secrets(NOW.plus(60))), (2, 1));
        let (user, third, _) = generate_with_grace(user, 3, 60);
        assert!(user.grant(first).is_none() && user.grant(second).is_some() && user.grant(third).is_some());
        assert!(user.clone().revoke().grant(second).is_none(), "revoking ends the grace too");
        let (user, _, _) = generate(user, 4);
        assert_eq!(user.secrets.len(), 1);
    }

    #[test]
    fn grace_never_outlives_the_users_own_end_nor_thirty_days() {
        let (user, first, _) = generate(alice().change(until(NOW.plus(10))), 1);
        let (user, second, _) = generate_with_grace(user, 2, u32::MAX);
        assert_eq!(user.grant(first).unwrap().expires_at, Some(NOW.plus(10)));
        assert_eq!(user.grant(second).unwrap().expires_at, Some(NOW.plus(10)));
        let forever = user.change(Settings { not_after: Some(None), ..Settings::default() });
        assert_eq!(forever.grant(first).unwrap().expires_at, Some(NOW.plus(GRACE_MAX_SECONDS)));
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
            assert_eq!(back.status(NOW), Status::Active);
        }
    }

    #[test]
    fn a_disabled_user_stays_disabled_when_generating() {
        let disabled = alice().change(Settings { enabled: Some(false), ..Settings::default() });
        let (user, digest, _) = generate(disabled, 1);
        assert_eq!(user.status(NOW), Status::Disabled);
        assert!(user.grant(digest).is_none());
        let enabled = user.clone().change(Settings { enabled: Some(true), ..Settings::default() });
        assert_eq!(enabled.dirty_names(Some(&user)), [DirtyName { digest, deletion: false }]);
    }

    #[test]
    fn deleting_clears_every_setting() {
        let roles = Some(parse_roles(vec!["System Manager".into()]).unwrap());
        let user =
            generate(alice().change(Settings { roles, enabled: Some(false), ..Settings::default() }), 1).0.delete();
        assert!(user.roles.is_empty() && user.enabled && user.deleted && user.api_key.is_some());
    }

    #[test]
    fn roles_travel_in_the_grant_and_an_equal_change_is_not_dirty() {
        let (user, digest, _) = generate(alice(), 1);
        let roles = Some(parse_roles(vec!["Auditor".into()]).unwrap());
        let changed = user.clone().change(Settings { roles: roles.clone(), ..Settings::default() });
        assert_eq!(changed.dirty_names(Some(&user)), [DirtyName { digest, deletion: false }]);
        assert_eq!(changed.grant(digest).unwrap().roles, roles.clone().unwrap());
        let same = changed.clone().change(Settings { roles, enabled: Some(true), ..Settings::default() });
        assert!(same.dirty_names(Some(&changed)).is_empty());
    }

    #[test]
    fn status_says_what_is_harder_to_mend_first() {
        let off = Settings { enabled: Some(false), ..Settings::default() };
        let with_secret = generate(alice(), 1).0;
        for (user, status) in [
            (alice(), Status::Keyless),
            (alice().change(off.clone()), Status::Disabled),
            (with_secret.clone(), Status::Active),
            (with_secret.clone().change(off.clone()), Status::Disabled),
            (with_secret.clone().revoke(), Status::Revoked),
            (with_secret.clone().change(off).revoke(), Status::Revoked),
            (with_secret.clone().change(until(NOW)), Status::Expired),
            (with_secret.clone().change(until(NOW.plus(1))), Status::Active),
            (alice().change(until(NOW)), Status::Expired),
            (with_secret.change(until(NOW)).revoke(), Status::Revoked),
        ] {
            assert_eq!(user.status(NOW), status);
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}

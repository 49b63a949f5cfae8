//! Importing users with the credentials they have elsewhere, and exporting them without secrets.
//!
//! Guarantees that an import never gives an api_key to a second user, never changes a user's api_key, and never brings a
//! secret back that was rotated or revoked here: repeating one does no harm.

use serde_json::{Map, Value};
use thiserror::Error;

use super::view::settings_view;
use super::{Secret, Settings, User};
use crate::core::credentials::ApiKey;
use crate::core::grant::SealKey;
use crate::core::json::object;
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::{FoldedUserName, UserName};

/// The most rows of one import.
pub const IMPORT_ROWS_MAX: usize = 1000;

/// One user to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Who.
    pub name: UserName,
    /// `None` for a user who has none yet.
    pub api_key: Option<ApiKey>,
    /// The digests of the secrets; none for a user who has none.
    pub secrets: Vec<Secret>,
    /// Whether the user was deleted where the row comes from.
    pub deleted: bool,
    /// The settings to take over.
    pub settings: Settings,
}

/// Why a row cannot be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImportConflict {
    /// The api_key is another user's, for life.
    #[error("this api_key is another user's")]
    ApiKeyTaken,
    /// An api_key never changes.
    #[error("this user has another api_key here")]
    OtherApiKey,
    /// It was rotated or revoked here.
    #[error("this user's secret was changed here")]
    OtherSecret,
    /// Deleted on one side only.
    #[error("this user was deleted on one side only")]
    Deleted,
}

impl ImportRow {
    /// The user after the import. `api_key_owner`: who has the row's api_key now.
    pub fn apply(
        self,
        before: Option<&User>,
        api_key_owner: Option<&FoldedUserName>,
        now: UnixSeconds,
    ) -> Result<User, ImportConflict> {
        if api_key_owner.is_some_and(|owner| owner != self.name.folded()) {
            return Err(ImportConflict::ApiKeyTaken);
        }
        let is_new = before.is_none();
        let mut user = before.cloned().unwrap_or_else(|| User::new(self.name, now));
        if !is_new && user.deleted != self.deleted {
            return Err(ImportConflict::Deleted);
        }
        match (&user.api_key, self.api_key) {
            (_, None) => {}
            (Some(here), Some(there)) if *here != there => return Err(ImportConflict::OtherApiKey),
            (Some(_), Some(_)) => {
                let is_known = |secret: &Secret| user.secrets.iter().any(|known| known.digest == secret.digest);
                if !self.secrets.iter().all(is_known) {
                    return Err(ImportConflict::OtherSecret);
                }
            }
            (None, Some(there)) => {
                user.api_key = Some(there);
                user.rotated_at = (!self.secrets.is_empty()).then_some(now);
                user.secrets = self.secrets;
            }
        }
        user = user.change(self.settings);
        user.deleted = self.deleted;
        Ok(user)
    }
}

/// A user as a row of an export: everything but secrets, whose digests are sealed.
#[must_use]
pub fn export_row(user: &User, seal_key: &SealKey) -> Value {
    let mut row = Map::new();
    row.insert("user".to_owned(), user.name.as_str().into());
    if let Some(api_key) = &user.api_key {
        row.insert("api_key".to_owned(), api_key.as_str().into());
        let digests = user.secrets.iter().map(|secret| {
            object! {
                "digest": secret.digest.to_hex(),
                "expires_at": secret.expires_at.map(UnixSeconds::rfc3339),
                "seal": seal_key.sign(&sealed_text(&user.name, api_key, secret)),
            }
        });
        row.insert("digests".to_owned(), digests.collect());
    }
    if user.deleted {
        row.insert("deleted".to_owned(), true.into());
    } else if let Value::Object(settings) = settings_view(user) {
        row.extend(settings);
    }
    Value::Object(row)
}

/// What the seal of an exported digest covers: the digest is good for this user and api_key alone, and no longer.
#[must_use]
pub fn sealed_text(name: &UserName, api_key: &ApiKey, secret: &Secret) -> String {
    let end = secret.expires_at.map(|end| end.0.to_string()).unwrap_or_default();
    format!("export\n{}\n{end}\n{}\n{}", secret.digest.to_hex(), api_key.as_str(), name.folded().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::digest::Digest;
    use crate::core::user_name::fold_for_tests;

    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn row(name: &str, api_key: &str, secret: &str) -> ImportRow {
        let digest = Digest::from_hex(&secret.repeat(64)).unwrap();
        ImportRow {
            name: UserName::parse(name, fold_for_tests).unwrap(),
            api_key: Some(ApiKey::parse(api_key).unwrap()),
            secrets: vec![Secret { digest, expires_at: None }],
            deleted: false,
            settings: Settings::default(),
        }
    }

    #[test]
    fn a_new_user_gets_the_credentials_it_had_and_repeating_changes_nothing() {
        let user = row("alice", "k", "1").apply(None, None, NOW).unwrap();
        assert_eq!((user.api_key.as_ref().unwrap().as_str(), user.secrets.len()), ("k", 1));
        let again = row("alice", "k", "1").apply(Some(&user), Some(user.name.folded()), NOW.plus(60)).unwrap();
        assert_eq!(again, user);
    }

    #[test]
    fn a_keyless_user_gets_credentials_and_keeps_its_settings() {
        let keyless = User::new(UserName::parse("alice", fold_for_tests).unwrap(), NOW);
        let keyless = keyless.change(Settings { enabled: Some(false), ..Settings::default() });
        let user = row("ALICE", "k", "1").apply(Some(&keyless), None, NOW).unwrap();
        assert!(!user.enabled && user.api_key.is_some() && user.name.as_str() == "alice");
    }

    #[test]
    fn conflicts_are_told_apart() {
        let alice = row("alice", "k", "1").apply(None, None, NOW).unwrap();
        let owner = alice.name.folded();
        let revoked = alice.clone().revoke();
        let deleted = alice.clone().delete();
        for (row, before, owner, conflict) in [
            (row("bob", "k", "1"), None, Some(owner), ImportConflict::ApiKeyTaken),
            (row("alice", "l", "1"), Some(&alice), None, ImportConflict::OtherApiKey),
            (row("alice", "k", "2"), Some(&alice), Some(owner), ImportConflict::OtherSecret),
            (row("alice", "k", "1"), Some(&revoked), Some(owner), ImportConflict::OtherSecret),
            (row("alice", "k", "1"), Some(&deleted), Some(owner), ImportConflict::Deleted),
            (ImportRow { deleted: true, ..row("alice", "k", "1") }, Some(&alice), Some(owner), ImportConflict::Deleted),
        ] {
            assert_eq!(row.apply(before, owner, NOW), Err(conflict));
        }
    }
}

//! The audit log's entries: every change, and denied attempts to manage.

use serde_json::{Map, Value};

use super::User;
use super::view::user_view;
use crate::core::json::object;
use crate::core::unix_time::UnixSeconds;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Settings were changed, or the user was created.
    Change,
    /// Keys were minted.
    Generate,
    /// A secret was found again under a new pepper.
    Rekey,
    /// The secrets were made unusable for good.
    Revoke,
    /// The user came with an import, or was changed by one.
    Import,
    /// The user was deleted.
    Delete,
    /// A reconciliation was started.
    Reconcile,
    /// Somebody tried to manage who may not.
    Denied,
}

impl Action {
    /// Every action, for documentation.
    pub const ALL: [Self; 8] = [
        Self::Change,
        Self::Generate,
        Self::Rekey,
        Self::Revoke,
        Self::Delete,
        Self::Import,
        Self::Reconcile,
        Self::Denied,
    ];

    /// The word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Generate => "generate",
            Self::Rekey => "rekey",
            Self::Revoke => "revoke",
            Self::Import => "import",
            Self::Delete => "delete",
            Self::Reconcile => "reconcile",
            Self::Denied => "denied",
        }
    }
}

/// What says nothing about a change: the entry names the user, and KV follows later.
const NO_CHANGE: [&str; 2] = ["user", "published"];

/// What a change altered: `{"<field>": {"from": …, "to": …}}`, in the shape of [`user_view`].
#[must_use]
pub fn differences(before: Option<&User>, after: &User, now: UnixSeconds) -> Value {
    let shown = |user: &User| user_view(user, true, now);
    let (before, after) = (before.map(shown).unwrap_or_default(), shown(after));
    let mut differences = Map::new();
    for (field, to) in after.as_object().into_iter().flatten() {
        let from = before.get(field).cloned().unwrap_or_default();
        if from != *to && !NO_CHANGE.contains(&field.as_str()) {
            differences.insert(field.clone(), object! { "from": from, "to": to.clone() });
        }
    }
    Value::Object(differences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::registry::Settings;
    use crate::core::user_name::{UserName, fold_for_tests};

    #[test]
    fn says_what_changed_and_nothing_else() {
        let now = UnixSeconds(0);
        let user = User::new(UserName::parse("alice", fold_for_tests).unwrap(), now);
        let changed = user.clone().change(Settings { enabled: Some(false), ..Settings::default() });
        assert_eq!(
            differences(Some(&user), &changed, now),
            json!({ "enabled": { "from": true, "to": false }, "status": { "from": "keyless", "to": "disabled" } })
        );
        assert_eq!(differences(Some(&user), &user, now), json!({}));
        let created = differences(None, &user, now);
        assert_eq!(created["status"], json!({ "from": null, "to": "keyless" }));
        assert!(created.get("user").is_none() && created.get("published").is_none());
    }
}

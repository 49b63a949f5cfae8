//! What the gate and the registry say to each other: one question, one answer, as JSON inside the platform.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Settings, Status, User};
use crate::core::access_rule::AccessRule;
use crate::core::credentials::ApiKey;
use crate::core::grant::Grant;
use crate::core::role::Role;
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::UserName;

/// A question to the registry.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// On whose behalf.
    pub caller: Caller,
    /// The request that made the gate ask, for addresses, rules and the audit log.
    pub request: RequestFacts,
    /// What is asked.
    pub command: Command,
}

/// What the registry has to know of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestFacts {
    /// As sent.
    pub method: String,
    /// Normalised.
    pub path: String,
    /// The client's address, if the platform told it.
    pub address: Option<String>,
}

/// Who asks. The registry itself decides whether that caller may.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// The built-in administrator, verified by the gate.
    Administrator,
    /// Whoever holds the credentials of this digest (64 hex characters).
    Credentials(String),
}

/// What is asked of the registry. All of it but `Identify` and `Touch` is for System Managers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Who the caller is: for strict users.
    Identify,
    /// The caller's credentials were used.
    Touch,
    /// Nothing but whether the caller may manage.
    Authenticate,
    /// How the registry is.
    Report,
    /// Users, sorted by folded name.
    List(ListQuery),
    /// One user.
    Show(UserName),
    /// Create or change.
    Change(UserName, Settings),
    /// Mint, with so many seconds of grace for the old secret.
    Generate(UserName, u32),
    /// Make the secrets unusable for good.
    Revoke(UserName),
    /// Revoke, clear, hide.
    Delete(UserName),
    /// The audit log, newest first.
    Audit(AuditQuery),
}

impl Command {
    /// Whether it takes a System Manager.
    #[must_use]
    pub fn is_management(&self) -> bool {
        match self {
            Self::Identify | Self::Touch => false,
            Self::Authenticate
            | Self::Report
            | Self::List(_)
            | Self::Show(_)
            | Self::Change(..)
            | Self::Generate(..)
            | Self::Revoke(_)
            | Self::Delete(_)
            | Self::Audit(_) => true,
        }
    }

    /// The user whom it is about.
    #[must_use]
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Self::Show(name)
            | Self::Change(name, _)
            | Self::Generate(name, _)
            | Self::Revoke(name)
            | Self::Delete(name) => Some(name),
            Self::Identify | Self::Touch | Self::Authenticate | Self::Report | Self::List(_) | Self::Audit(_) => None,
        }
    }
}

/// Which users to list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// The start of a user name or api_key; empty for all.
    pub search: String,
    /// The same, folded as user names are.
    pub folded_search: String,
    /// Only users of this status.
    pub status: Option<Status>,
    /// How many at the most.
    pub limit: u32,
    /// Only users behind this folded name.
    pub after: Option<String>,
}

/// Which entries of the audit log to list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// Only those about the user of this folded name.
    pub folded_user: Option<String>,
    /// How many at the most.
    pub limit: u32,
    /// Only entries older than the one of this number.
    pub before: Option<i64>,
}

/// The registry's answer.
pub type Outcome = Result<Answer, Denial>;

/// Why the registry does not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// The caller's credentials are not valid.
    Unauthenticated,
    /// The caller is somebody without the role.
    Forbidden,
    /// The request is outside the caller's rules.
    OutsideRules,
    /// There is no such user.
    NoSuchUser,
}

/// What the registry did or found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The caller may manage.
    Authenticated,
    /// The caller's grant, which holds here and now.
    Identified(Grant),
    /// It was noted.
    Touched,
    /// How many names in KV do not yet say what the registry says.
    Report(u64),
    /// A page of users in the shape of [`user_view`], and the folded name behind which the next page starts.
    Users(Vec<Value>, Option<String>),
    /// A page of the audit log, and the number of the entry behind which the next page starts.
    Audit(Vec<Value>, Option<i64>),
    /// One user as it is now, in the shape of [`user_view`], and whether this very change created it.
    User(Value, bool),
    /// What was minted. The one message that carries a secret.
    Generated(Generated),
    /// The user of this name is gone, and whether KV says so already.
    Deleted(String, bool),
}

/// Newly minted credentials, as they are shown once.
#[derive(Serialize, Deserialize)]
pub struct Generated {
    /// The user's name.
    pub user: String,
    /// For life.
    pub api_key: String,
    /// Shown this once.
    pub api_secret: String,
    /// Whether the secret works already everywhere it was never tried.
    pub published: bool,
}

// Not derived: this is the one message that must not end in a log.
impl std::fmt::Debug for Generated {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Generated(redacted)")
    }
}

/// A user as management routes show it; `published` says whether KV says the same.
#[must_use]
pub fn user_view(user: &User, published: bool, now: UnixSeconds) -> Value {
    json!({
        "user": user.name.as_str(),
        "api_key": user.api_key.as_ref().map(ApiKey::as_str),
        "status": user.status(now).as_str(),
        "roles": user.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "enabled": user.enabled,
        "not_after": user.not_after.map(UnixSeconds::rfc3339),
        "allowed_ips": user.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rules": user.rules.iter().map(AccessRule::as_str).collect::<Vec<_>>(),
        "strict": user.strict,
        "created_at": user.created_at.rfc3339(),
        "rotated_at": user.rotated_at.map(UnixSeconds::rfc3339),
        "last_used_at": user.last_used_at.map(UnixSeconds::rfc3339),
        "secrets": user.live_secrets(now),
        "published": published,
    })
}

//! What the gate and the registry say to each other: one question, one answer, as JSON inside the platform.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Settings, Status, User};
use crate::core::credentials::ApiKey;
use crate::core::role::Role;
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::UserName;

/// A question to the registry.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// On whose behalf.
    pub caller: Caller,
    /// What is asked.
    pub command: Command,
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

/// What is asked of the registry. All of it is for System Managers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Nothing but whether the caller may ask.
    Authenticate,
    /// How the registry is.
    Report,
    /// Users, sorted by folded name.
    List(ListQuery),
    /// One user.
    Show(UserName),
    /// Create or change.
    Change(UserName, Settings),
    /// Mint.
    Generate(UserName),
    /// Make the secrets unusable for good.
    Revoke(UserName),
    /// Revoke, clear, hide.
    Delete(UserName),
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
    /// There is no such user.
    NoSuchUser,
}

/// What the registry did or found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The caller may ask.
    Authenticated,
    /// How many names in KV do not yet say what the registry says.
    Report(u64),
    /// A page of users in the shape of [`user_view`], and the folded name behind which the next page starts.
    Users(Vec<Value>, Option<String>),
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
pub fn user_view(user: &User, published: bool) -> Value {
    json!({
        "user": user.name.as_str(),
        "api_key": user.api_key.as_ref().map(ApiKey::as_str),
        "status": user.status().as_str(),
        "roles": user.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "enabled": user.enabled,
        "created_at": user.created_at.rfc3339(),
        "rotated_at": user.rotated_at.map(UnixSeconds::rfc3339),
        "secrets": user.secrets.len(),
        "published": published,
    })
}

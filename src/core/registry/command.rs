//! What a System Manager can ask of the registry.

use super::import::ImportRow;
use super::{Settings, Status};
use crate::core::user_name::UserName;

/// A question or a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
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
    /// Users with the credentials they have elsewhere; the flag: only try.
    Import(Vec<ImportRow>, bool),
    /// Make KV equal to the registry.
    Reconcile,
    /// How far that is.
    Progress,
    /// All users behind a folded name, deleted ones included, without secrets.
    Export(Option<String>),
}

/// Which users to list.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those about the user of this folded name.
    pub folded_user: Option<String>,
    /// How many at the most.
    pub limit: u32,
    /// Only entries older than the one of this number.
    pub before: Option<i64>,
}

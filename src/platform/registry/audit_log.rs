//! The audit log in SQLite: written with the change it tells of, read newest first, dropped when it is old.

use serde_json::Value;

use super::storage::{Result, Row, Sql};
use crate::core::json::{object, written};
use crate::core::registry::audit::Action;
use crate::core::registry::command::AuditQuery;
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::UserName;

/// How many denied attempts are kept: strangers make them, and must not be able to fill the registry.
const DENIALS_KEPT: i64 = 10_000;
const SECONDS_A_DAY: i64 = 86_400;

/// The table.
pub struct AuditLog {
    sql: Sql,
}

/// Something that happened.
pub struct Entry<'a> {
    pub at: UnixSeconds,
    /// Who did it, as far as that is known.
    pub actor: Option<&'a str>,
    pub address: Option<&'a str>,
    pub action: Action,
    pub user: Option<&'a UserName>,
    pub detail: Value,
}

impl AuditLog {
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }

    /// Adds an entry, and drops those that are older than so many days.
    pub fn add(&self, entry: &Entry<'_>, days: u32) -> Result<()> {
        self.sql.exec(
            "INSERT INTO audit (at, actor, address, action, folded, user, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                entry.at.0.into(),
                entry.actor.into(),
                entry.address.into(),
                entry.action.as_str().into(),
                entry.user.map(|name| name.folded().as_str()).into(),
                entry.user.map(UserName::as_str).into(),
                written(&entry.detail).as_str().into(),
            ],
        )?;
        if entry.action == Action::Denied {
            self.sql.exec(
                "DELETE FROM audit WHERE action = 'denied' AND number <= (SELECT number FROM audit
                     WHERE action = 'denied' ORDER BY number DESC LIMIT 1 OFFSET ?)",
                &[DENIALS_KEPT.into()],
            )?;
        }
        let oldest = entry.at.0.saturating_sub(i64::from(days).saturating_mul(SECONDS_A_DAY));
        self.sql.exec("DELETE FROM audit WHERE at < ?", &[oldest.into()])
    }

    /// Entries, newest first, each with its number.
    pub fn list(&self, query: &AuditQuery, limit: u32) -> Result<Vec<(i64, Value)>> {
        let mut of_user = "";
        let mut bindings = vec![query.before.unwrap_or(i64::MAX >> 11).into()];
        if let Some(folded) = &query.folded_user {
            of_user = "AND folded = ?";
            bindings.push(folded.as_str().into());
        }
        bindings.push(i64::from(limit).into());
        let query = format!(
            "SELECT number, at, actor, address, action, user, detail FROM audit WHERE number < ? {of_user}
                 ORDER BY number DESC LIMIT ?"
        );
        self.sql.rows(&query, &bindings)?.iter().map(shown).collect()
    }
}

fn shown(row: &Row) -> Result<(i64, Value)> {
    let entry = object! {
        "at": UnixSeconds(row.integer(1)?).rfc3339(),
        "actor": row.optional_text(2)?,
        "address": row.optional_text(3)?,
        "action": row.text(4)?,
        "user": row.optional_text(5)?,
        "detail": row.json(6)?,
    };
    Ok((row.integer(0)?, entry))
}

//! Users, digests and the outbox in SQLite: statements and nothing else. The rules are in `core::registry`.

use serde_json::Value;
use wasm_bindgen::JsValue;

use super::storage::{Result, Row, Sql, SqlValue};
use crate::core::access_rule::{AccessRule, parse_rules};
use crate::core::client_address::parse_ranges;
use crate::core::credentials::ApiKey;
use crate::core::digest::Digest;
use crate::core::json::written;
use crate::core::registry::command::ListQuery;
use crate::core::registry::{Secret, User};
use crate::core::role::{Role, parse_roles};
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::{FoldedUserName, UserName};

const USER: &str = "SELECT folded, name, api_key, roles, enabled, deleted, created_at, rotated_at,
    (SELECT group_concat(digest || ':' || ifnull(expires_at, '')) FROM secrets WHERE secrets.folded = users.folded),
    (SELECT COUNT(*) FROM outbox WHERE outbox.folded = users.folded),
    not_after, allowed_ips, rules, strict, last_used_at FROM users";

/// What every text starts with that starts with a given one, and sorts before this behind it.
const LAST_CHARACTER: char = char::MAX;

/// The tables.
pub struct Store {
    sql: Sql,
}

/// When a dirty name is written, beside others.
#[derive(Clone, Copy)]
pub enum Turn {
    /// A grant that is to go.
    Deletion = 0,
    /// One change by an administrator: it may take rights away.
    Change = 1,
    /// One of many: an import, a reconciliation.
    Bulk = 2,
}

/// A user, and whether KV says the same.
pub struct Stored {
    pub user: User,
    pub published: bool,
}

impl Store {
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }

    pub fn find(&self, name: &FoldedUserName) -> Result<Option<Stored>> {
        self.one(&format!("{USER} WHERE folded = ?"), &[name.as_str().into()])
    }

    pub fn find_by_digest(&self, digest: Digest) -> Result<Option<Stored>> {
        let query = format!("{USER} WHERE folded = (SELECT folded FROM secrets WHERE digest = ?)");
        self.one(&query, &[digest.to_hex().as_str().into()])
    }

    /// Users that are not deleted, by folded name. However many there are, an index finds the first few.
    pub fn list(&self, query: &ListQuery, limit: u32, now: UnixSeconds) -> Result<Vec<Stored>> {
        self.expire(now)?;
        let mut bindings: Vec<SqlValue> = Vec::new();
        let mut bind = |value: SqlValue| {
            bindings.push(value);
            format!("?{}", bindings.len())
        };
        let mut conditions = "deleted = 0".to_owned();
        if let Some(after) = &query.after {
            conditions = format!("{conditions} AND folded > {}", bind(after.as_str().into()));
        }
        let mut by_api_key = "users_by_api_key";
        if let Some(status) = query.status {
            conditions = format!("{conditions} AND status = {}", bind(status.as_str().into()));
            by_api_key = "users_by_status_and_api_key";
        }
        let limit = bind(i64::from(limit).into());
        let wanted = if query.search.is_empty() {
            conditions
        } else {
            let mut found = |index: &str, column: &str, start: &str| {
                let (first, last) = (bind(start.into()), bind(format!("{start}{LAST_CHARACTER}").as_str().into()));
                format!(
                    "SELECT folded FROM (SELECT folded FROM users {index} WHERE {conditions}
                         AND {column} BETWEEN {first} AND {last} ORDER BY folded LIMIT {limit})"
                )
            };
            // Apart, for each has its index.
            let by_name = found("", "folded", &query.folded_search);
            let by_api_key = found(&format!("INDEXED BY {by_api_key}"), "api_key", &query.search);
            format!("folded IN ({by_name} UNION {by_api_key})")
        };
        let query = format!("{USER} WHERE {wanted} ORDER BY folded LIMIT {limit}");
        self.sql.rows(&query, &bindings)?.iter().map(stored).collect()
    }

    /// Notes whose time is over since the last look: each user once, so that lists find them by their status.
    fn expire(&self, now: UnixSeconds) -> Result<()> {
        self.sql.exec(
            "UPDATE users INDEXED BY users_due SET status = 'expired'
             WHERE deleted = 0 AND status IN ('active', 'keyless') AND not_after IS NOT NULL AND not_after <= ?",
            &[now.0.into()],
        )
    }

    /// All users behind a folded name, deleted ones included.
    pub fn list_all(&self, after: &str, limit: u32) -> Result<Vec<Stored>> {
        let query = format!("{USER} WHERE folded > ? ORDER BY folded LIMIT ?");
        self.sql.rows(&query, &[after.into(), i64::from(limit).into()])?.iter().map(stored).collect()
    }

    /// Who has an api_key, for life.
    pub fn owner(&self, api_key: &ApiKey) -> Result<Option<FoldedUserName>> {
        let query = "SELECT name, folded FROM users WHERE api_key = ?";
        let rows = self.sql.rows(query, &[api_key.as_str().into()])?;
        rows.first().map(|row| Ok(UserName::from_stored(row.text(0)?, row.text(1)?).folded().clone())).transpose()
    }

    /// Writes a user and what follows from the change: its digests, and the names that are now dirty.
    pub fn save(&self, before: Option<&User>, user: &User, turn: Turn, now: UnixSeconds) -> Result<()> {
        let folded = user.name.folded();
        self.sql.exec(
            "INSERT INTO users (folded, name, api_key, roles, enabled, deleted, status, created_at, rotated_at,
                 not_after, allowed_ips, rules, strict)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (folded) DO UPDATE SET api_key = excluded.api_key, roles = excluded.roles,
                 enabled = excluded.enabled, deleted = excluded.deleted, status = excluded.status,
                 rotated_at = excluded.rotated_at, not_after = excluded.not_after,
                 allowed_ips = excluded.allowed_ips, rules = excluded.rules, strict = excluded.strict",
            &[
                folded.as_str().into(),
                user.name.as_str().into(),
                user.api_key.as_ref().map(ApiKey::as_str).into(),
                json_list(user.roles.iter().map(Role::as_str)).as_str().into(),
                i64::from(user.enabled).into(),
                i64::from(user.deleted).into(),
                user.status(now).as_str().into(),
                user.created_at.0.into(),
                user.rotated_at.map(|at| at.0).into(),
                user.not_after.map(|at| at.0).into(),
                json_list(user.allowed_ips.iter().map(ToString::to_string)).as_str().into(),
                json_list(user.rules.iter().map(AccessRule::as_str)).as_str().into(),
                i64::from(user.strict).into(),
            ],
        )?;
        self.sql.exec("DELETE FROM secrets WHERE folded = ?", &[folded.as_str().into()])?;
        for secret in &user.secrets {
            let expires_at = secret.expires_at.map(|at| at.0);
            self.sql.exec(
                "INSERT INTO secrets (digest, folded, expires_at) VALUES (?, ?, ?)",
                &[secret.digest.to_hex().as_str().into(), folded.as_str().into(), expires_at.into()],
            )?;
        }
        for name in user.dirty_names(before) {
            let turn = if name.deletion { Turn::Deletion } else { turn };
            self.mark_dirty(&name.digest.to_hex(), folded.as_str(), turn)?;
        }
        Ok(())
    }

    /// Notes that the credentials of a digest were in use.
    pub fn touch(&self, digest: Digest, now: UnixSeconds) -> Result<()> {
        let query = "UPDATE users SET last_used_at = ? WHERE folded = (SELECT folded FROM secrets WHERE digest = ?)";
        self.sql.exec(query, &[now.0.into(), digest.to_hex().as_str().into()])
    }

    /// A name has to be written again, or, if nobody has it, deleted. `folded` is whose it is; nobody's, if empty.
    pub fn mark_dirty(&self, digest: &str, folded: &str, turn: Turn) -> Result<()> {
        self.sql.exec(
            "INSERT INTO outbox (digest, folded, turn, revision) VALUES (?, ?, ?, 1)
             ON CONFLICT (digest) DO UPDATE SET revision = revision + 1, turn = min(turn, excluded.turn),
                 folded = CASE excluded.folded WHEN '' THEN folded ELSE excluded.folded END",
            &[digest.into(), folded.into(), (turn as i64).into()],
        )
    }

    /// How many names in KV do not say yet what the registry says.
    pub fn outbox_depth(&self) -> Result<u64> {
        let depth = self.sql.count("SELECT COUNT(*) FROM outbox")?;
        u64::try_from(depth).map_err(wrong)
    }

    /// Dirty names in their turn.
    pub fn dirty(&self, limit: u32) -> Result<Vec<Digest>> {
        let query = "SELECT digest FROM outbox ORDER BY turn, digest LIMIT ?";
        self.sql.rows(query, &[i64::from(limit).into()])?.iter().map(|row| digest(&row.text(0)?)).collect()
    }

    /// One user's dirty names, deletions first.
    pub fn dirty_of(&self, name: &FoldedUserName) -> Result<Vec<Digest>> {
        let query = "SELECT digest FROM outbox WHERE folded = ? ORDER BY turn, digest";
        self.sql.rows(query, &[name.as_str().into()])?.iter().map(|row| digest(&row.text(0)?)).collect()
    }

    /// The revision of a name, if it is still dirty.
    pub fn revision(&self, digest: Digest) -> Result<Option<i64>> {
        let rows = self.sql.rows("SELECT revision FROM outbox WHERE digest = ?", &[digest.to_hex().as_str().into()])?;
        rows.first().map(|row| row.integer(0)).transpose()
    }

    /// The name is clean, unless it changed since this revision.
    pub fn clear(&self, digest: Digest, revision: i64) -> Result<()> {
        let query = "DELETE FROM outbox WHERE digest = ? AND revision = ?";
        self.sql.exec(query, &[digest.to_hex().as_str().into(), revision.into()])
    }

    fn one(&self, query: &str, bindings: &[SqlValue]) -> Result<Option<Stored>> {
        self.sql.rows(query, bindings)?.first().map(stored).transpose()
    }
}

fn digest(hex: &str) -> Result<Digest> {
    Digest::from_hex(hex).ok_or_else(|| JsValue::from_str("a stored digest is none"))
}

/// `<digest>:<expires_at, or nothing>`, as [`USER`] joins them.
fn secret(text: &str) -> Result<Secret> {
    let unexpected = || JsValue::from_str("a stored secret is none");
    let (hex, end) = text.split_once(':').ok_or_else(unexpected)?;
    let expires_at = match end {
        "" => None,
        end => Some(UnixSeconds(end.parse().map_err(|_| unexpected())?)),
    };
    Ok(Secret { digest: digest(hex)?, expires_at })
}

/// A JSON list, as [`Row::texts`] reads it.
fn json_list<T: Into<Value>>(texts: impl Iterator<Item = T>) -> String {
    written(&texts.collect())
}

fn wrong(error: impl ToString) -> JsValue {
    JsValue::from_str(&error.to_string())
}

fn stored(row: &Row) -> Result<Stored> {
    let name = UserName::from_stored(row.text(1)?, row.text(0)?);
    let api_key = row.optional_text(2)?.map(|text| ApiKey::parse(&text)).transpose();
    let secrets = row.optional_text(8)?.unwrap_or_default();
    let user = User {
        name,
        api_key: api_key.map_err(wrong)?,
        roles: parse_roles(row.texts(3)?).map_err(wrong)?,
        enabled: row.integer(4)? != 0,
        deleted: row.integer(5)? != 0,
        created_at: UnixSeconds(row.integer(6)?),
        rotated_at: row.optional_integer(7)?.map(UnixSeconds),
        not_after: row.optional_integer(10)?.map(UnixSeconds),
        allowed_ips: parse_ranges(&row.texts(11)?).map_err(wrong)?,
        rules: parse_rules(&row.texts(12)?).map_err(wrong)?,
        strict: row.integer(13)? != 0,
        last_used_at: row.optional_integer(14)?.map(UnixSeconds),
        secrets: secrets.split(',').filter(|text| !text.is_empty()).map(secret).collect::<Result<_>>()?,
    };
    Ok(Stored { user, published: row.integer(9)? == 0 })
}

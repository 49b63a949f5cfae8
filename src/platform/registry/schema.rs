//! The registry's tables, as a list of migrations that is only ever added to. Described in docs/storage.md.

use worker::{Result, State};

use super::sql_value::rows;
use super::transaction::transaction;

const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE users (
        folded TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        api_key TEXT UNIQUE,
        roles TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        rotated_at INTEGER
    );
    CREATE INDEX users_by_status ON users (status, folded) WHERE deleted = 0;
    CREATE TABLE secrets (
        digest TEXT PRIMARY KEY,
        folded TEXT NOT NULL REFERENCES users (folded)
    );
    CREATE INDEX secrets_by_user ON secrets (folded);
    CREATE TABLE outbox (
        digest TEXT PRIMARY KEY,
        folded TEXT NOT NULL,
        deletion INTEGER NOT NULL,
        revision INTEGER NOT NULL
    );
    CREATE INDEX outbox_in_order ON outbox (deletion DESC, digest);
    CREATE INDEX outbox_by_user ON outbox (folded);
"];

/// Brings the tables up to date.
pub fn migrate(state: &State) -> Result<()> {
    let sql = state.storage().sql();
    sql.exec("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)", None)?;
    let done = match rows(&sql, "SELECT COUNT(*) FROM migrations", Vec::new())?.first() {
        Some(row) => row.integer(0)?,
        None => 0,
    };
    for (number, migration) in (0i64..).zip(MIGRATIONS).filter(|(number, _)| *number >= done) {
        transaction(state, || {
            sql.exec(migration, None)?;
            sql.exec("INSERT INTO migrations (number) VALUES (?)", vec![number.into()])?;
            Ok(())
        })?;
    }
    Ok(())
}

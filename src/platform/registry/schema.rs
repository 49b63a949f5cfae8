//! The registry's tables, as a list of migrations that is only ever added to. Described in docs/storage.md.

use super::storage::{Result, Storage};

const MIGRATIONS: [&str; 4] = [
    "
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
",
    "
    ALTER TABLE users ADD COLUMN not_after INTEGER;
    ALTER TABLE users ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE users ADD COLUMN rules TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE users ADD COLUMN strict INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE users ADD COLUMN last_used_at INTEGER;
    ALTER TABLE secrets ADD COLUMN expires_at INTEGER;
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        actor TEXT,
        address TEXT,
        action TEXT NOT NULL,
        folded TEXT,
        user TEXT,
        detail TEXT NOT NULL
    );
    CREATE INDEX audit_by_user ON audit (folded, number);
    CREATE INDEX audit_by_time ON audit (at);
    CREATE INDEX audit_denied ON audit (number) WHERE action = 'denied';
",
    "
    CREATE TABLE reconcile (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
        phase TEXT NOT NULL,
        place TEXT NOT NULL,
        done INTEGER NOT NULL,
        total INTEGER NOT NULL
    );
",
    "
    CREATE INDEX users_by_api_key ON users (api_key, folded) WHERE deleted = 0;
    CREATE INDEX users_by_status_and_api_key ON users (status, api_key, folded) WHERE deleted = 0;
    CREATE INDEX users_due ON users (not_after)
        WHERE deleted = 0 AND not_after IS NOT NULL AND status IN ('active', 'keyless');
    ALTER TABLE outbox ADD COLUMN turn INTEGER NOT NULL DEFAULT 2;
    UPDATE outbox SET turn = 0 WHERE deletion = 1;
    DROP INDEX outbox_in_order;
    ALTER TABLE outbox DROP COLUMN deletion;
    CREATE INDEX outbox_in_turn ON outbox (turn, digest);
",
];

/// Brings the tables up to date.
pub fn migrate(storage: &Storage) -> Result<()> {
    let sql = storage.sql();
    sql.exec("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)", &[])?;
    let done = sql.count("SELECT COUNT(*) FROM migrations")?;
    for (number, migration) in (0i64..).zip(MIGRATIONS).filter(|(number, _)| *number >= done) {
        storage.transaction(|| {
            sql.exec(migration, &[])?;
            sql.exec("INSERT INTO migrations (number) VALUES (?)", &[number.into()])
        })?;
    }
    Ok(())
}

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

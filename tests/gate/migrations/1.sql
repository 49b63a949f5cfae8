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

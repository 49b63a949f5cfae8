CREATE INDEX users_by_api_key ON users (api_key, folded) WHERE deleted = 0;
CREATE INDEX users_by_status_and_api_key ON users (status, api_key, folded) WHERE deleted = 0;
CREATE INDEX users_due ON users (not_after)
    WHERE deleted = 0 AND not_after IS NOT NULL AND status IN ('active', 'keyless');
ALTER TABLE outbox ADD COLUMN turn INTEGER NOT NULL DEFAULT 2;
UPDATE outbox SET turn = 0 WHERE deletion = 1;
DROP INDEX outbox_in_order;
ALTER TABLE outbox DROP COLUMN deletion;
CREATE INDEX outbox_in_turn ON outbox (turn, digest);

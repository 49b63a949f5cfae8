//! A registry of any earlier release starts again under this one with all that it holds.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, Options, wait_for};

/// What each release left behind, as statements that a registry without tables comes to it by. Never changed: what was
/// released stays as it was.
const RELEASES: [&str; 4] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
];

const NO_TABLES: &str = "
    PRAGMA foreign_keys = OFF;
    DROP TABLE audit; DROP TABLE reconcile; DROP TABLE outbox; DROP TABLE secrets; DROP TABLE users;
    DELETE FROM migrations;
";

#[test]
fn a_registry_of_every_earlier_release_keeps_its_users_secrets_and_outbox() {
    for release in 1..=RELEASES.len() {
        let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
        let (alice, bob) = (gate.generate("Alice"), gate.generate("bob"));
        let names = gate.kv_names();
        let name_of = |token: &str| {
            let of = |name: &&String| {
                let entry = gate.kv_get(name).unwrap();
                gate.kv_delete(name);
                let works = gate.get("/x", token).status == 200;
                gate.kv_put(name, &entry);
                !works
            };
            names.iter().find(of).unwrap().clone()
        };
        let (alices, bobs) = (name_of(&alice.token()), name_of(&bob.token()));
        // As if the last release had ended between the revocation of bob and its publication.
        let digest = |name: &str| name.strip_prefix("credential/").unwrap().to_owned();
        let dirty = if release < 4 { "folded, deletion, revision" } else { "folded, turn, revision" };
        let deletion = if release < 4 { 1 } else { 0 };
        let rows = format!(
            "INSERT INTO users (folded, name, api_key, roles, enabled, deleted, status, created_at, rotated_at) VALUES
                 ('alice', 'Alice', '{}', '[\"Auditor\"]', 1, 0, 'active', 1700000000, 1700000001),
                 ('bob', 'bob', '{}', '[]', 1, 0, 'revoked', 1700000000, 1700000001),
                 ('gone', 'gone', 'gones-key', '[]', 1, 1, 'revoked', 1700000000, NULL);
             INSERT INTO secrets (digest, folded) VALUES ('{}', 'alice');
             INSERT INTO outbox (digest, {dirty}) VALUES ('{}', 'bob', {deletion}, 1);",
            alice.api_key,
            bob.api_key,
            digest(&alices),
            digest(&bobs),
        );
        let series = (0..release).map(|number| format!("INSERT INTO migrations (number) VALUES ({number});"));
        let rows = format!("{rows}{}", series.collect::<String>());
        gate.alter(&format!("{NO_TABLES}{}{rows}", RELEASES[..release].concat()));

        wait_for("the outbox", || gate.outbox() == 0);
        assert_eq!(gate.get("/x", &alice.token()).status, 200, "release {release}");
        assert_eq!(gate.get("/x", &bob.token()).status, 401, "release {release}");
        let shown = gate.user("alice");
        assert_eq!(
            (&shown["user"], &shown["roles"], &shown["status"]),
            (&json!("Alice"), &json!(["Auditor"]), &json!("active"))
        );
        assert_eq!((&shown["rules"], &shown["strict"], &shown["secrets"]), (&json!([]), &json!(false), &json!(1)));
        assert_eq!(gate.user("bob")["status"], "revoked");
        assert_eq!(gate.get("/_gatehouse/users/gone", ADMINISTRATOR).status, 404);

        // It goes on as any other: each keeps the api_key for life.
        assert_eq!(gate.generate("bob").api_key, bob.api_key);
        assert_eq!(gate.generate("gone").api_key, "gones-key");
        gate.set("alice", &json!({ "rules": ["GET /tasks/*"] }));
        wait_for("KV to say so", || gate.get("/x", &alice.token()).status == 403);
        let audit = gate.get("/_gatehouse/audit", ADMINISTRATOR).json();
        assert_eq!(audit["entries"].as_array().unwrap().len(), 3, "release {release}");
    }
}

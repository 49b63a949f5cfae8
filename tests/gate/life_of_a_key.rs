//! The whole life of a key, as one story.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Options, soon, wait_for};

#[test]
fn the_life_of_a_key() {
    // Without the isolate's cache, so that each step bites at once here.
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
    let works = |token: &str| gate.get("/tasks/1", token).status == 200;
    let refused = |token: &str, status: u16| assert_eq!(gate.get("/tasks/1", token).status, status);

    // It is generated, and works.
    let first = gate.generate("alice");
    assert!(works(&first.token()));

    // Rotated with a grace, both secrets work; the api_key stays.
    let second = gate.generate_with_grace("alice", 8);
    assert_eq!(second.api_key, first.api_key);
    assert!(works(&first.token()) && works(&second.token()));
    assert_eq!(gate.user("alice")["secrets"], 2);

    // The grace ends by itself.
    wait_for("the grace to end", || !works(&first.token()));
    assert!(works(&second.token()));
    assert_eq!(gate.user("alice")["secrets"], 1);

    // Disabled it is refused, enabled it works again.
    gate.set("alice", &json!({ "enabled": false }));
    refused(&second.token(), 401);
    gate.set("alice", &json!({ "enabled": true }));
    assert!(works(&second.token()));

    // It expires.
    gate.set("alice", &json!({ "not_after": soon(2) }));
    wait_for("the key to expire", || !works(&second.token()));
    assert_eq!(gate.user("alice")["status"], "expired");
    gate.set("alice", &json!({ "not_after": null }));
    assert!(works(&second.token()));

    // It is good from some addresses only.
    gate.set("alice", &json!({ "allowed_ips": ["192.0.2.0/24"] }));
    refused(&second.token(), 401);
    gate.set("alice", &json!({ "allowed_ips": ["192.0.2.0/24", "127.0.0.0/8"] }));
    assert!(works(&second.token()));

    // And for some requests only.
    gate.set("alice", &json!({ "rules": ["GET /notes/*"] }));
    refused(&second.token(), 403);
    gate.set("alice", &json!({ "rules": ["GET /tasks/*"] }));
    assert!(works(&second.token()));

    // Strict, the registry is asked each time.
    gate.set("alice", &json!({ "strict": true }));
    assert!(works(&second.token()));
    // KV no longer holds the rules, so it is the registry that refuses.
    assert_eq!(gate.get("/notes/1", &second.token()).status, 403);

    // Revoked it is refused for good; generated again, the api_key is the one it always was.
    gate.post("/_gatehouse/users/alice/revoke", ADMINISTRATOR);
    refused(&second.token(), 401);
    let third = gate.generate("alice");
    assert_eq!(third.api_key, first.api_key);
    assert!(works(&third.token()));
    refused(&second.token(), 401);

    // The audit log shows all of it, newest first.
    let log = gate.get("/_gatehouse/audit?user=ALICE", ADMINISTRATOR).json();
    let entries: Vec<&Value> = log["entries"].as_array().unwrap().iter().rev().collect();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        [
            "generate", "generate", "change", "change", "change", "change", "change", "change", "change", "change",
            "change", "revoke", "generate"
        ]
    );
    assert!(entries.iter().all(|entry| entry["actor"] == "Administrator" && entry["address"] == "127.0.0.1"));
    assert_eq!([&entries[0], &entries[1]].map(|entry| &entry["detail"]["grace_seconds"]), [&json!(0), &json!(8)]);
    let changed =
        ["enabled", "enabled", "not_after", "not_after", "allowed_ips", "allowed_ips", "rules", "rules", "strict"];
    for (entry, field) in entries[2..].iter().zip(changed) {
        assert_ne!(entry["detail"][field]["from"], entry["detail"][field]["to"], "{field}: {entry}");
    }
    assert_eq!(entries[2]["detail"]["enabled"], json!({ "from": true, "to": false }));
    assert!(!log.to_string().contains("gks_"));
}

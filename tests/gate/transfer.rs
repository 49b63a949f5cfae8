//! `/_gatehouse/import`, `/_gatehouse/export` and `/_gatehouse/reconcile`.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Options, Reply, wait_for};

const IMPORT: &str = "/_gatehouse/import";

fn gate() -> Gate {
    Gate::start(Options::with(&[("CACHE_SECONDS", "0")]))
}

fn import(gate: &Gate, users: &Value) -> Reply {
    gate.post_json(IMPORT, ADMINISTRATOR, &json!({ "users": users }))
}

fn results(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let rows = json["rows"].as_array().unwrap_or_else(|| panic!("no rows: {json}"));
    rows.iter().map(|row| row["result"].as_str().unwrap().to_owned()).collect()
}

fn published(gate: &Gate) {
    wait_for("the alarm to publish", || gate.get("/_gatehouse/health", ADMINISTRATOR).json()["outbox"] == 0);
}

/// A user as Frappe has it: both parts are 15 hex characters.
fn frappe_user(number: usize) -> Value {
    json!({ "user": format!("user{number}@example.test"), "api_key": format!("{number:015x}"), "api_secret": format!("{:015x}", number + 1) })
}

#[test]
fn clients_keep_the_credentials_they_have_in_frappe() {
    let gate = gate();
    let mut row = frappe_user(1);
    row["roles"] = json!(["Sales User"]);
    let reply = import(&gate, &json!([row, frappe_user(2)]));
    assert_eq!((reply.status, results(&reply)), (200, vec!["created".to_owned(); 2]));
    published(&gate);
    let there = gate.get("/x", "token 000000000000001:000000000000002");
    assert_eq!(there.received("x-forwarded-user"), ["user1@example.test"]);
    assert_eq!(there.received("x-forwarded-groups"), ["Sales User"]);
    assert_eq!(gate.logged_user("token 000000000000001:000000000000003"), None);
    let again = gate.generate("user1@example.test");
    assert_eq!(again.api_key, "000000000000001", "an imported api_key is kept for life");
}

#[test]
fn repeating_an_import_does_no_harm() {
    let gate = gate();
    let users = json!([frappe_user(1), frappe_user(2), frappe_user(3)]);
    import(&gate, &users);
    assert_eq!(results(&import(&gate, &users)), ["unchanged"; 3]);
    let rotated = gate.generate("user2@example.test");
    gate.post("/_gatehouse/users/user3@example.test/revoke", ADMINISTRATOR);
    let reply = import(&gate, &users);
    assert_eq!((reply.status, results(&reply)), (409, vec!["unchanged".into(), "conflict".into(), "conflict".into()]));
    published(&gate);
    assert!(gate.logged_user(&rotated.token()).is_some());
    for old in ["token 000000000000002:000000000000003", "token 000000000000003:000000000000004"] {
        assert_eq!(gate.logged_user(old), None, "no secret comes back");
    }
}

#[test]
fn a_batch_is_all_or_nothing_and_conflicts_are_told_by_row() {
    let gate = gate();
    let own = gate.generate("user1@example.test");
    let taken = json!({ "user": "somebody", "api_key": own.api_key, "api_secret": "000000000000009" });
    let reply = import(&gate, &json!([frappe_user(5), taken, frappe_user(1), frappe_user(6)]));
    assert_eq!((reply.status, reply.exc_type().as_str()), (409, "ConflictError"));
    assert_eq!(results(&reply), ["created", "conflict", "conflict", "created"]);
    let rows = reply.json()["rows"].clone();
    assert_eq!(
        rows[1],
        json!({ "row": 2, "user": "somebody", "result": "conflict", "message": "this api_key is another user's" })
    );
    assert_eq!(rows[2]["message"], "this user has another api_key here");
    assert_eq!(gate.get("/_gatehouse/users/user5@example.test", ADMINISTRATOR).status, 404);
    assert_eq!(gate.get("/_gatehouse/audit?user=user5@example.test", ADMINISTRATOR).json()["entries"], json!([]));
}

#[test]
fn a_dry_run_changes_nothing() {
    let gate = gate();
    let reply = gate.post_json(IMPORT, ADMINISTRATOR, &json!({ "users": [frappe_user(1)], "dry_run": true }));
    assert_eq!((reply.status, results(&reply)), (200, vec!["created".to_owned()]));
    assert_eq!(gate.get("/_gatehouse/users", ADMINISTRATOR).json()["users"], json!([]));
    assert_eq!(results(&import(&gate, &json!([frappe_user(1)]))), ["created"]);
}

#[test]
fn wrong_rows_are_told_and_nothing_is_taken() {
    let gate = gate();
    let reply = import(
        &gate,
        &json!([
            frappe_user(1),
            { "user": "" },
            { "user": "Guest" },
            { "user": "a", "api_secret": "x" },
            { "user": "a", "api_key": "k", "api_secret": "gks_0" },
            { "user": "a", "api_key": "k", "digests": [{ "digest": "00", "seal": "00" }] },
            { "user": "a", "enabled": "yes" },
            { "user": "a", "password": "x" },
            { "user": 5 },
            5
        ]),
    );
    assert_eq!((reply.status, reply.exc_type().as_str()), (417, "ValidationError"));
    let mut expected = vec!["invalid"; 10];
    expected[0] = "unchanged";
    assert_eq!(results(&reply), expected);
    assert!(reply.json()["rows"][4]["message"].as_str().unwrap().contains("checksum"));
    for (body, status) in [
        (json!({}), 417),
        (json!({ "users": vec![json!({}); 1001] }), 417),
        (json!({ "users": "x" }), 417),
        (json!({ "users": [frappe_user(1)], "dry_run": "no" }), 417),
        (json!({ "users": [frappe_user(1)], "force": true }), 417),
        (json!({ "users": ["x".repeat(4 << 20)] }), 413),
    ] {
        assert_eq!(gate.post_json(IMPORT, ADMINISTRATOR, &body).status, status);
    }
    let other = gate.generate("no-manager").token();
    assert_eq!(gate.post_json(IMPORT, &other, &json!({ "users": [frappe_user(1)] })).status, 403);
    assert_eq!(gate.get("/_gatehouse/export", &other).status, 403);
    assert_eq!(gate.get("/_gatehouse/users/user1@example.test", ADMINISTRATOR).status, 404);
}

#[test]
fn an_export_moves_everything_but_secrets_to_a_deployment_with_the_same_pepper() {
    let here = gate();
    let old = here.generate_with_roles("moved", &["Auditor"]);
    let new = here.generate_with_grace("moved", 3600);
    here.set(
        "moved",
        &json!({ "not_after": "2099-01-01T00:00:00Z", "rules": ["GET /x"], "allowed_ips": ["127.0.0.1"] }),
    );
    here.generate("gone");
    here.delete("/_gatehouse/users/gone", ADMINISTRATOR);
    here.set("keyless", &json!({ "enabled": false }));
    let page = here.get("/_gatehouse/export", ADMINISTRATOR).json();
    assert!(!page.to_string().contains("gks_") && page["next_cursor"].is_null());

    let there = gate();
    let reply = there.post_json(IMPORT, ADMINISTRATOR, &page);
    assert_eq!((reply.status, results(&reply)), (200, vec!["created".to_owned(); 3]), "{}", reply.text());
    published(&there);
    for keys in [&old, &new] {
        assert_eq!(there.get("/x", &keys.token()).status, 200);
        assert_eq!(there.get("/y", &keys.token()).status, 403);
    }
    let user = there.user("moved");
    assert_eq!((&user["roles"], &user["not_after"]), (&json!(["Auditor"]), &json!("2099-01-01T00:00:00Z")));
    assert_eq!(there.user("keyless")["status"], "disabled");
    assert_eq!(there.get("/_gatehouse/users/gone", ADMINISTRATOR).status, 404);
    let gone = page["users"].as_array().unwrap().iter().find(|row| row["user"] == "gone").unwrap();
    assert_eq!(there.generate("gone").api_key, gone["api_key"], "the api_key of a deleted user travels, too");

    let elsewhere = Gate::start(Options::with(&[("TOKEN_PEPPER", "another pepper, of more than 32 bytes")]));
    assert_eq!(elsewhere.post_json(IMPORT, ADMINISTRATOR, &page).status, 417);
    let mut stolen = page;
    let moved = stolen["users"].as_array_mut().unwrap().iter_mut().find(|row| row["user"] == "moved").unwrap();
    moved["user"] = "thief".into();
    assert_eq!(gate().post_json(IMPORT, ADMINISTRATOR, &stolen).status, 417, "a digest is good for its user alone");
}

#[test]
fn batches_of_a_thousand_go_in_and_come_out_page_by_page() {
    const BATCHES: usize = 3;
    let gate = gate();
    for batch in 0..BATCHES {
        let users: Vec<_> = (0..1000).map(|number| frappe_user(batch * 1000 + number)).collect();
        let reply = import(&gate, &json!(users));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    // A revocation never waits behind an import.
    let revoked = gate.post("/_gatehouse/users/user5%40example.test/revoke", ADMINISTRATOR).json();
    assert_eq!((&revoked["published"], &revoked["status"]), (&json!(true), &json!("revoked")));
    assert!(gate.get("/_gatehouse/health", ADMINISTRATOR).json()["outbox"].as_u64().unwrap() > 0);

    let (mut count, mut cursor) = (0, String::new());
    loop {
        let page = gate.get(&format!("/_gatehouse/export?cursor={cursor}"), ADMINISTRATOR).json();
        count += page["users"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(count, BATCHES * 1000);
    published(&gate);
    assert_eq!(gate.logged_user("token 000000000000bb7:000000000000bb8").as_deref(), Some("user2999@example.test"));
    assert_eq!(gate.logged_user("token 000000000000005:000000000000006"), None);
}

#[test]
fn reconciling_makes_kv_equal_to_the_registry() {
    let gate = gate();
    let users: Vec<_> = (0..1000).map(frappe_user).collect();
    assert_eq!(import(&gate, &json!(users)).status, 200);
    let keys = gate.generate("reconciled");
    published(&gate);
    let names = gate.kv_names();
    let entries: Vec<_> = names.iter().take(2).map(|name| gate.kv_get(name).unwrap()).collect();
    assert_eq!(names.len(), 1000, "a page of KV's");

    // Somebody deleted, exchanged and added entries.
    gate.kv_delete(&names[0]);
    gate.kv_put(&names[1], &entries[0]);
    let stray = format!("credential/{}", "0".repeat(64));
    gate.kv_put(&stray, &entries[0]);
    gate.kv_put("something/else", "is not the gate's");

    assert_eq!(gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json(), json!({ "done": 0, "total": 0 }));
    let started = gate.post("/_gatehouse/reconcile", ADMINISTRATOR);
    assert_eq!((started.status, started.json()), (200, json!({ "done": 0, "total": 1002 })));
    wait_for("the reconciliation", || {
        let progress = gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json();
        progress["done"] == progress["total"]
    });
    published(&gate);
    assert_eq!(gate.kv_get(&names[0]).as_ref(), Some(&entries[0]));
    assert_eq!(gate.kv_get(&names[1]).as_ref(), Some(&entries[1]));
    assert_eq!(gate.kv_get(&stray), None);
    assert!(gate.kv_get("something/else").is_some());
    assert!(gate.logged_user(&keys.token()).is_some());
    let newest = gate.get("/_gatehouse/audit?limit=1", ADMINISTRATOR).json()["entries"][0].clone();
    assert_eq!((&newest["action"], &newest["detail"]), (&json!("reconcile"), &json!({ "total": 1002 })));
}

#[test]
fn rows_that_would_break_a_rule_of_the_registry_are_invalid() {
    let (old, gate) = (gate(), gate());
    old.generate("twice");
    let exported = old.get("/_gatehouse/export", ADMINISTRATOR).json()["users"][0].clone();
    let digest = exported["digests"][0].clone();
    old.generate("twice");
    let later = old.get("/_gatehouse/export", ADMINISTRATOR).json()["users"][0]["digests"][0].clone();
    let mut unknown_field = digest.clone();
    unknown_field["until"] = json!("tomorrow");
    let with_digests = |digests: Value| json!({ "user": "twice", "api_key": exported["api_key"], "digests": digests });
    for (row, says) in [
        (json!({ "user": "a", "api_key": "Administrator", "api_secret": "s" }), "reserved"),
        (json!({ "user": "a", "api_key": "k", "api_secret": "s", "deleted": true }), "nothing else"),
        (json!({ "user": "a", "api_key": "k", "deleted": true, "roles": ["System Manager"] }), "nothing else"),
        (with_digests(json!([digest, digest])), "digests"),
        (with_digests(json!([digest, later])), "digests"),
        (with_digests(json!([unknown_field])), "digests"),
    ] {
        let reply = import(&gate, &json!([row]));
        assert_eq!((reply.status, results(&reply)), (417, vec!["invalid".to_owned()]), "{row}");
        assert!(reply.json()["rows"][0]["message"].as_str().unwrap().contains(says), "{row}: {}", reply.text());
    }
    let deleted = json!([{ "user": "gone", "api_key": "k", "digests": [], "deleted": true }]);
    assert_eq!(results(&import(&gate, &deleted)), ["created"]);
    assert_eq!(import(&gate, &json!([])).json(), json!({ "rows": [] }), "as the export of an empty registry is");
}

#[test]
fn the_largest_pages_of_an_export_are_imports() {
    let (old, new) = (gate(), gate());
    let rules: Vec<_> = (0..64).map(|number| format!("GET /{number:0>500}")).collect();
    for batch in 0..4 {
        let rows: Vec<_> =
            (0..100).map(|number| json!({ "user": format!("u{batch}-{number}"), "rules": rules })).collect();
        assert_eq!(import(&old, &json!(rows)).status, 200);
    }
    let (mut cursor, mut pages, mut users) = (String::new(), 0, 0);
    loop {
        let page = old.get(&format!("/_gatehouse/export?cursor={cursor}"), ADMINISTRATOR).json();
        let reply = new.post_json(IMPORT, ADMINISTRATOR, &page);
        assert_eq!(reply.status, 200, "{}", reply.text());
        (pages, users) = (pages + 1, users + results(&reply).len());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((pages, users), (5, 400), "13 MB, at most 3 MiB a page");
}

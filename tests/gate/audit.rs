//! `/_gatehouse/audit`.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Options};

fn entries(gate: &Gate, query: &str) -> Vec<Value> {
    let reply = gate.get(&format!("/_gatehouse/audit?{query}"), ADMINISTRATOR);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["entries"].as_array().unwrap().clone()
}

#[test]
fn every_change_is_told_with_who_where_and_what() {
    let gate = Gate::start(Options::default());
    let manager = gate.generate_with_roles("manager", &["System Manager"]).token();
    let headers = [("Authorization", manager.as_str()), ("CF-Connecting-IP", "192.0.2.7")];
    gate.send("PUT", "/_gatehouse/users/audited", &headers, br#"{"roles":["Auditor"]}"#);
    let [entry] = entries(&gate, "user=audited").try_into().unwrap();
    assert!(entry["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(entry["actor"], "manager");
    assert_eq!(
        (&entry["address"], &entry["action"], &entry["user"]),
        (&json!("192.0.2.7"), &json!("change"), &json!("audited"))
    );
    assert_eq!(entry["detail"]["roles"], json!({ "from": null, "to": ["Auditor"] }));

    gate.set("audited", &json!({ "roles": ["Auditor"] }));
    assert_eq!(entries(&gate, "user=audited").len(), 1, "what changes nothing is no change");
    gate.delete("/_gatehouse/users/audited", ADMINISTRATOR);
    assert_eq!(entries(&gate, "user=audited")[0]["action"], "delete", "the log outlives the user");
}

#[test]
fn the_log_is_paged_newest_first() {
    let gate = Gate::start(Options::default());
    for number in 0..5 {
        gate.set(&format!("paged-{number}"), &json!({}));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gate.get(&format!("/_gatehouse/audit?limit=2&cursor={cursor}"), ADMINISTRATOR).json();
        seen.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["user"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["paged-4", "paged-3", "paged-2", "paged-1", "paged-0"]);
    for (query, status) in [("limit=0", 417), ("limit=x", 417), ("cursor=x", 417), ("user=nobody", 200)] {
        assert_eq!(gate.get(&format!("/_gatehouse/audit?{query}"), ADMINISTRATOR).status, status, "{query}");
    }
}

#[test]
fn denied_attempts_are_told_at_a_bounded_rate() {
    let gate = Gate::start(Options::default());
    let other = gate.generate("not-a-manager").token();
    for number in 0..70 {
        assert_eq!(gate.post("/_gatehouse/users/victim/generate", &other).status, 403);
        // Strangers from many addresses: one address alone has to wait.
        let address = format!("192.0.2.{number}");
        let stranger = [("Authorization", "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321"), ("CF-Connecting-IP", &*address)];
        assert_eq!(gate.send("GET", "/_gatehouse/users", &stranger, b"").status, 401);
    }
    let denied: Vec<_> = entries(&gate, "limit=200").into_iter().filter(|entry| entry["action"] == "denied").collect();
    // 30 a minute of each kind, and the minute may have changed meanwhile.
    for reason in ["not a System Manager", "unknown credentials"] {
        let count = denied.iter().filter(|entry| entry["detail"]["reason"] == reason).count();
        assert!((30..=60).contains(&count), "{reason}: {count}");
    }
    let detail =
        json!({ "method": "POST", "path": "/_gatehouse/users/victim/generate", "reason": "not a System Manager" });
    assert!(denied.iter().any(|entry| entry["actor"] == "not-a-manager" && entry["detail"] == detail));
    assert!(denied.iter().any(|entry| entry["actor"].is_null() && entry["detail"]["reason"] == "unknown credentials"));
}

#[test]
fn no_route_edits_the_log() {
    let gate = Gate::start(Options::default());
    gate.set("kept", &json!({}));
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let reply = gate.send(method, "/_gatehouse/audit", &[("Authorization", ADMINISTRATOR)], b"{}");
        assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD, OPTIONS"));
    }
    assert_eq!(entries(&gate, "user=kept").len(), 1);
    let manager = gate.generate("no-manager").token();
    assert_eq!(gate.get("/_gatehouse/audit", &manager).status, 403);
}

#[test]
fn entries_older_than_audit_days_are_dropped() {
    const DAY_SECONDS: u32 = 86_400;
    let age = |gate: &Gate, seconds: u32| gate.alter(&format!("UPDATE audit SET at = at - {seconds}"));
    let gate = Gate::start(Options::with(&[("AUDIT_DAYS", "7")]));
    gate.set("older", &json!({}));
    age(&gate, 6 * DAY_SECONDS);
    gate.set("younger", &json!({}));
    assert_eq!(entries(&gate, "").len(), 2, "not old yet");
    age(&gate, DAY_SECONDS + 1);
    gate.set("now", &json!({}));
    let users: Vec<_> = entries(&gate, "").into_iter().map(|entry| entry["user"].clone()).collect();
    assert_eq!(users, ["now", "younger"]);
}

#[test]
fn a_change_that_cannot_be_logged_is_not_made() {
    let gate = Gate::start(Options::default());
    let keys = gate.generate("unlogged");
    gate.alter("ALTER TABLE audit RENAME TO audit_elsewhere");
    let reply = gate.put("/_gatehouse/users/unlogged", ADMINISTRATOR, &json!({ "roles": ["Auditor"] }));
    assert_eq!(reply.status, 503);
    for verb in ["generate", "revoke"] {
        assert_eq!(gate.post(&format!("/_gatehouse/users/unlogged/{verb}"), ADMINISTRATOR).status, 503);
    }
    let import = json!({ "users": [{ "user": "imported" }] });
    assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &import).status, 503);
    assert_eq!(gate.post("/_gatehouse/reconcile", ADMINISTRATOR).status, 503);
    let user = gate.user("unlogged");
    assert_eq!((&user["roles"], &user["secrets"]), (&json!([]), &json!(1)));
    assert!(gate.logged_user(&keys.token()).is_some());
    assert_eq!(gate.get("/_gatehouse/users/imported", ADMINISTRATOR).status, 404);
    assert_eq!(gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json(), json!({ "done": 0, "total": 0 }));
}

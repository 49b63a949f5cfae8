//! The gate's own secrets are replaced, years later, and no client notices.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Keys, Options, PEPPER, soon, wait_for};

const NEW_PEPPER: &str = "another pepper, of thirty-two bytes or more";

fn started() -> Gate {
    Gate::start(Options { instrumented: true, ..Options::with(&[("CACHE_SECONDS", "0")]) })
}

fn replace_pepper(gate: &Gate) {
    gate.configure(&json!({ "TOKEN_PEPPER": NEW_PEPPER, "TOKEN_PEPPER_PREVIOUS": PEPPER }));
}

fn forget_previous_pepper(gate: &Gate) {
    gate.configure(&json!({ "TOKEN_PEPPER_PREVIOUS": "" }));
}

fn status(gate: &Gate, keys: &Keys) -> u16 {
    gate.get("/x", &keys.token()).status
}

fn actions(gate: &Gate, user: &str) -> Vec<Value> {
    let audit = gate.get(&format!("/_gatehouse/audit?user={user}"), ADMINISTRATOR).json();
    audit["entries"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect()
}

#[test]
fn credentials_outlive_a_pepper_once_they_were_used_under_the_next() {
    let gate = started();
    let (first, second) = (gate.generate("alice"), gate.generate_with_grace("alice", 3600));
    let strict = gate.generate("bob");
    gate.set("bob", &json!({ "strict": true }));
    let unused = gate.generate("carol");
    let names = gate.kv_names();

    replace_pepper(&gate);
    for keys in [&first, &second, &strict] {
        assert_eq!((status(&gate, keys), status(&gate, keys)), (200, 200));
    }
    assert_eq!(gate.logged_user(&second.basic()).as_deref(), Some("alice"));
    assert_eq!(actions(&gate, "alice")[..2], ["rekey", "rekey"]);
    assert_eq!(actions(&gate, "bob")[0], "rekey");
    wait_for("KV to say so", || gate.outbox() == 0);
    assert_eq!(gate.kv_names().iter().filter(|name| names.contains(name)).count(), 1, "carol's alone");
    assert_eq!(gate.kv_names().len(), names.len());

    forget_previous_pepper(&gate);
    for (keys, expected) in [(&first, 200), (&second, 200), (&strict, 200), (&unused, 401)] {
        assert_eq!(status(&gate, keys), expected);
    }
    let again = gate.generate("carol");
    assert_eq!((again.api_key.as_str(), status(&gate, &again)), (unused.api_key.as_str(), 200));
    assert_eq!(gate.user("alice")["secrets"], 2, "the older one is still in its grace");
}

#[test]
fn credentials_that_did_not_hold_under_the_previous_pepper_do_not_hold_under_the_next() {
    let gate = started();
    let keys = ["revoked", "deleted", "disabled", "expired", "elsewhere", "rotated"].map(|user| gate.generate(user));
    let [revoked, deleted, disabled, expired, elsewhere, rotated] = &keys;
    gate.post("/_gatehouse/users/revoked/revoke", ADMINISTRATOR);
    gate.delete("/_gatehouse/users/deleted", ADMINISTRATOR);
    gate.set("disabled", &json!({ "enabled": false }));
    gate.set("expired", &json!({ "not_after": soon(0) }));
    gate.set("elsewhere", &json!({ "allowed_ips": ["192.0.2.0/24"] }));
    let current = gate.generate("rotated");

    replace_pepper(&gate);
    for keys in [revoked, deleted, disabled, expired, elsewhere, rotated] {
        assert_eq!(status(&gate, keys), 401);
    }
    assert_eq!(status(&gate, &current), 200);
    let wrong = format!("token {}:{}", current.api_key, "not-the-secret");
    assert_eq!(gate.get("/x", &wrong).status, 401);

    // What was only suspended comes back with its user.
    gate.set("disabled", &json!({ "enabled": true }));
    gate.set("elsewhere", &json!({ "allowed_ips": [] }));
    for keys in [disabled, elsewhere] {
        assert_eq!(status(&gate, keys), 200);
    }
}

#[test]
fn a_system_manager_may_manage_at_once_after_a_pepper_was_replaced() {
    let gate = started();
    let manager = gate.generate_with_roles("manager", &["System Manager"]);
    let clerk = gate.generate("clerk");
    replace_pepper(&gate);
    assert_eq!(gate.get("/_gatehouse/users", &manager.token()).status, 200);
    assert_eq!(gate.get("/_gatehouse/users", &clerk.token()).status, 403);
    assert_eq!(gate.get("/_gatehouse/users", "token nobody:nothing").status, 401);
}

#[test]
fn an_entry_that_was_written_under_the_other_pepper_refuses_nobody_meanwhile() {
    let gate = started();
    let keys = gate.generate("alice");
    let [old] = gate.kv_names().try_into().unwrap();
    let entry = gate.kv_get(&old).unwrap();
    replace_pepper(&gate);
    assert_eq!(status(&gate, &keys), 200);
    wait_for("KV to say so", || gate.outbox() == 0);
    let [new] = gate.kv_names().try_into().unwrap();
    // What a registry would write there that does not have the new pepper yet: a seal that does not fit.
    gate.kv_put(&new, &entry);
    assert_eq!(status(&gate, &keys), 200);
    gate.post("/_gatehouse/users/alice/revoke", ADMINISTRATOR);
    gate.kv_put(&new, &entry);
    assert_eq!(status(&gate, &keys), 401);
    // And without a previous pepper it is nobody's.
    let again = gate.generate("alice");
    let [newest] = gate.kv_names().into_iter().filter(|name| *name != new).collect::<Vec<_>>().try_into().unwrap();
    gate.kv_put(&newest, &entry);
    assert_eq!(status(&gate, &again), 200);
    forget_previous_pepper(&gate);
    assert_eq!(status(&gate, &again), 401);
}

#[test]
fn a_registry_that_fails_while_a_pepper_is_replaced_is_no_wrong_secret() {
    let gate = started();
    let keys = gate.generate("alice");
    replace_pepper(&gate);
    let failing = [("Authorization", keys.token()), ("x-test-registry", "fail".to_owned())];
    let failing = failing.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(gate.send("GET", "/x", &failing, b"").status, 503);
    assert_eq!(status(&gate, &keys), 200);
}

#[test]
fn nobody_asks_the_registry_about_a_mistyped_secret_while_a_pepper_is_replaced() {
    let gate = started();
    let keys = gate.generate("alice");
    replace_pepper(&gate);
    let mut mistyped = keys.token();
    mistyped.pop();
    mistyped.push('-');
    let failing = [("Authorization", mistyped.as_str()), ("x-test-registry", "fail")];
    assert_eq!(gate.send("GET", "/x", &failing, b"").status, 401);
}

#[test]
fn a_previous_pepper_that_is_none_is_refused_and_one_that_is_still_the_current_changes_nothing() {
    let gate = started();
    let keys = gate.generate("alice");
    gate.configure(&json!({ "TOKEN_PEPPER_PREVIOUS": "short" }));
    let health = gate.get("/_gatehouse/health", "");
    let problem = "TOKEN_PEPPER_PREVIOUS is shorter than 32 bytes";
    assert_eq!((health.status, health.text().contains(problem)), (503, true), "{}", health.text());
    assert_eq!(status(&gate, &keys), 503);
    gate.configure(&json!({ "TOKEN_PEPPER_PREVIOUS": PEPPER }));
    assert_eq!(status(&gate, &keys), 200);
    let unknown = [("Authorization", "token nobody:nothing"), ("x-test-registry", "fail")];
    assert_eq!(gate.send("GET", "/x", &unknown, b"").status, 401, "nobody is asked");
}

#[test]
fn the_administrators_secret_is_replaced_and_users_go_on() {
    let gate = started();
    let keys = gate.generate("alice");
    gate.configure(&json!({ "ADMINISTRATOR_SECRET": "the-next-administrator-secret-of-32-characters" }));
    let next = "token Administrator:the-next-administrator-secret-of-32-characters";
    assert_eq!(gate.get("/_gatehouse/users", ADMINISTRATOR).status, 401);
    assert_eq!((gate.get("/_gatehouse/users", next).status, status(&gate, &keys)), (200, 200));
    gate.configure(&json!({ "ADMINISTRATOR_SECRET": "" }));
    for administrator in [ADMINISTRATOR, next] {
        assert_eq!(gate.get("/_gatehouse/users", administrator).status, 401);
    }
    assert_eq!(status(&gate, &keys), 200);
}

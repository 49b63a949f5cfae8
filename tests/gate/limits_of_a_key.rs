//! What limits a key: grace, expiry, addresses, rules, strictness; and when it was last used.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, GATE, Gate, Options, soon, wait_for};

fn uncached() -> Gate {
    Gate::start(Options::with(&[("CACHE_SECONDS", "0")]))
}

#[test]
fn a_user_has_at_most_two_live_secrets() {
    let gate = uncached();
    let first = gate.generate("two-secrets");
    let second = gate.generate_with_grace("two-secrets", 600);
    let third = gate.generate_with_grace("two-secrets", 600);
    assert_eq!(gate.logged_user(&first.token()), None, "a further rotation ends the older at once");
    assert!(gate.logged_user(&second.token()).is_some() && gate.logged_user(&third.token()).is_some());
    let fourth = gate.generate("two-secrets");
    for gone in [second, third] {
        assert_eq!(gate.logged_user(&gone.token()), None);
    }
    assert!(gate.logged_user(&fourth.token()).is_some());
}

#[test]
fn revoking_ends_the_grace_too() {
    let gate = uncached();
    let old = gate.generate("grace-revoked");
    let new = gate.generate_with_grace("grace-revoked", 600);
    gate.post("/_gatehouse/users/grace-revoked/revoke", ADMINISTRATOR);
    for gone in [old, new] {
        assert_eq!(gate.logged_user(&gone.token()), None);
    }
}

#[test]
fn expiry_is_judged_anew_at_each_request_though_the_grant_is_cached() {
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "3600")]));
    let token = gate.generate("expiring").token();
    gate.set("expiring", &json!({ "not_after": soon(10) }));
    assert!(gate.logged_user(&token).is_some());
    wait_for("the key to expire", || gate.logged_user(&token).is_none());
    let users = gate.get("/_gatehouse/users?status=expired", ADMINISTRATOR).json();
    assert_eq!(users["users"][0]["user"], "expiring");
    assert_eq!(gate.get("/_gatehouse/users?status=active", ADMINISTRATOR).json()["users"], json!([]));
}

#[test]
fn addresses_are_judged_by_what_cloudflare_tells() {
    let token = GATE.generate("addresses").token();
    let keys =
        [("192.0.2.9", 200), ("192.0.3.9", 401), ("2001:db8:1::1", 200), ("2001:db9::1", 401), ("nonsense", 401)];
    let gate = uncached();
    gate.set("addresses", &json!({ "allowed_ips": ["192.0.2.0/24", "2001:db8::/32"] }));
    let there = gate.generate("addresses").token();
    for (address, status) in keys {
        let headers = [("Authorization", there.as_str()), ("CF-Connecting-IP", address)];
        assert_eq!(gate.send("GET", "/x", &headers, b"").status, status, "{address}");
        let lie = [("Authorization", there.as_str()), ("X-Forwarded-For", "192.0.2.9"), ("X-Real-IP", "192.0.2.9")];
        assert_eq!(gate.send("GET", "/x", &lie, b"").status, 401);
    }
    assert_eq!(GATE.get("/x", &token).status, 200);
}

#[test]
fn rules_hold_on_the_origins_and_on_the_gates_own_routes() {
    let gate = uncached();
    let token = gate.generate_with_roles("ruled", &["System Manager"]).token();
    gate.set("ruled", &json!({ "rules": ["GET /api/resource/ToDo/**", "POST /api/resource/Note"] }));
    for (method, path, status) in [
        ("GET", "/api/resource/ToDo/1", 200),
        ("GET", "/api/resource/ToDo/", 200),
        ("GET", "/api/%72esource/ToDo/1", 200),
        ("POST", "/api/resource/Note", 201),
        ("GET", "/api/resource/Note", 403),
        ("DELETE", "/api/resource/ToDo/1", 403),
        ("GET", "/api/resource/ToDo/../Note", 403),
        ("GET", "/api/resource/ToDo/%2e%2e/Note", 403),
        ("GET", "/api/resource/ToDo/..%2fNote", 403),
        ("GET", "/api/resource/ToDo//1", 403),
        ("GET", "/api/method/frappe.auth.get_logged_user", 403),
        ("GET", "/_gatehouse/users", 403),
    ] {
        let reply = gate.send(method, path, &[("Authorization", &token)], b"");
        let allowed = if status == 403 { reply.status == 403 } else { reply.status != 403 };
        assert!(allowed, "{method} {path}: {} {}", reply.status, reply.text());
    }
    let headers = [("Authorization", token.as_str()), ("X-HTTP-Method-Override", "DELETE")];
    let reply = gate.send("GET", "/api/resource/ToDo/a/b", &headers, b"");
    assert!(reply.received("x-http-method-override").is_empty());
}

#[test]
fn a_strict_user_is_out_at_once_though_the_grant_is_cached() {
    let gate = Gate::start(Options { instrumented: true, ..Options::with(&[("CACHE_SECONDS", "3600")]) });
    gate.set("strict", &json!({ "strict": true, "roles": ["Auditor"] }));
    let token = gate.generate("strict").token();
    assert_eq!(gate.get("/x", &token).received("x-forwarded-groups"), ["Auditor"]);
    for (settings, status) in [
        (json!({ "enabled": false }), 401),
        (json!({ "enabled": true }), 200),
        (json!({ "rules": ["GET /y"] }), 403),
        (json!({ "rules": [] }), 200),
        (json!({ "allowed_ips": ["192.0.2.1"] }), 401),
        (json!({ "allowed_ips": [] }), 200),
        (json!({ "not_after": "2020-01-01T00:00:00Z" }), 401),
        (json!({ "not_after": null }), 200),
    ] {
        gate.set("strict", &settings);
        assert_eq!(gate.get("/x", &token).status, status, "{settings}");
    }
    let failing = [("Authorization", token.as_str()), ("x-test-registry", "fail")];
    assert_eq!(gate.send("GET", "/x", &failing, b"").status, 503, "without the registry nobody can say");
    gate.post("/_gatehouse/users/strict/revoke", ADMINISTRATOR);
    assert_eq!(gate.get("/x", &token).status, 401);
}

#[test]
fn kv_learns_of_a_strict_user_only_that_the_registry_has_to_be_asked() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let gate = uncached();
    gate.set("strict-in-kv", &json!({ "strict": true, "roles": ["System Manager"], "rules": ["GET /x"] }));
    let keys = gate.generate("strict-in-kv");
    let entry: serde_json::Value = serde_json::from_str(&gate.kv_get(&gate.kv_names()[0]).unwrap()).unwrap();
    let grant = URL_SAFE_NO_PAD.decode(entry["grant"].as_str().unwrap()).unwrap();
    let expected = format!(r#"{{"api_key":"{}","strict":true,"user":"strict-in-kv"}}"#, keys.api_key);
    assert_eq!(String::from_utf8(grant).unwrap(), expected);
}

#[test]
fn a_manager_is_bound_by_addresses_and_expiry_on_management_routes_too() {
    let gate = uncached();
    let token = gate.generate_with_roles("bound", &["System Manager"]).token();
    assert_eq!(gate.get("/_gatehouse/users", &token).status, 200);
    gate.set("bound", &json!({ "allowed_ips": ["192.0.2.1"] }));
    assert_eq!(gate.get("/_gatehouse/users", &token).status, 401);
    gate.set("bound", &json!({ "allowed_ips": [], "not_after": "2020-01-01T00:00:00Z" }));
    assert_eq!(gate.get("/_gatehouse/users", &token).status, 401);
}

#[test]
fn last_use_is_noted_once_in_a_while_off_the_requests_path() {
    let gate = uncached();
    let token = gate.generate("last-used").token();
    assert!(gate.user("last-used")["last_used_at"].is_null());
    assert_eq!(gate.get("/x", &token).status, 200);
    wait_for("the use to be noted", || gate.user("last-used")["last_used_at"].is_string());
    let noted = gate.user("last-used")["last_used_at"].clone();
    wait_for("a second to pass", || soon(0).as_str() > noted.as_str().unwrap());
    assert_eq!(gate.get("/x", &token).status, 200);
    gate.set("last-used", &json!({ "roles": ["Auditor"] }));
    assert_eq!(gate.user("last-used")["last_used_at"], noted, "told once in 10 minutes");
}

//! Management routes under `/_gatehouse/users`.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, GATE, Gate, Keys, Options};

#[test]
fn a_user_is_created_changed_and_shown() {
    let path = "/_gatehouse/users/alice@example.test";
    let created = GATE.put(path, ADMINISTRATOR, &json!({ "roles": ["Auditor", "System Manager", "Auditor"] }));
    assert_eq!(created.status, 201);
    let mut user = created.json();
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'));
    user["created_at"] = Value::Null;
    assert_eq!(
        user,
        json!({
            "user": "alice@example.test", "api_key": null, "status": "keyless", "roles": ["Auditor", "System Manager"],
            "enabled": true, "not_after": null, "allowed_ips": [], "rules": [], "strict": false,
            "created_at": null, "rotated_at": null, "last_used_at": null, "secrets": 0, "published": true,
        })
    );
    let keys = GATE.generate("alice@example.test");
    let changed = GATE.put(path, ADMINISTRATOR, &json!({ "enabled": false }));
    assert_eq!(changed.status, 200);
    let shown = GATE.get(path, ADMINISTRATOR).json();
    assert_eq!(shown, changed.json());
    assert_eq!(shown["api_key"], keys.api_key);
    assert_eq!(shown["status"], "disabled");
    assert_eq!(shown["roles"], json!(["Auditor", "System Manager"]), "what was not named stays");
    assert_eq!(shown["secrets"], 1);
    assert!(!shown.to_string().contains("gks_"));
}

#[test]
fn disabling_is_reversible() {
    let token = GATE.generate("disabled-and-enabled").token();
    let path = "/_gatehouse/users/disabled-and-enabled";
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
    let token_there = gate.generate("disabled-and-enabled").token();
    for (gate, token) in [(&*GATE, &token), (&gate, &token_there)] {
        gate.put(path, ADMINISTRATOR, &json!({ "enabled": false }));
        assert_eq!(gate.logged_user(token), None);
        gate.put(path, ADMINISTRATOR, &json!({ "enabled": true }));
        assert_eq!(gate.logged_user(token).as_deref(), Some("disabled-and-enabled"));
    }
}

#[test]
fn generating_tells_whether_the_secret_works_already() {
    let reply = GATE.post("/_gatehouse/users/generated%2Fhere/generate", ADMINISTRATOR);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    assert_eq!((&json["user"], &json["published"]), (&json!("generated/here"), &json!(true)));
    let keys = Keys::of(&json);
    assert_eq!(GATE.logged_user(&keys.token()).as_deref(), Some("generated/here"));
    assert_eq!(GATE.get("/_gatehouse/users/generated%2Fhere", ADMINISTRATOR).json()["api_key"], keys.api_key);
}

#[test]
fn revoking_ends_every_secret_and_keeps_the_api_key() {
    let keys = GATE.generate("revoked");
    let revoked = GATE.post("/_gatehouse/users/revoked/revoke", ADMINISTRATOR);
    assert_eq!(revoked.status, 200);
    let json = revoked.json();
    assert_eq!((&json["status"], &json["secrets"], &json["published"]), (&json!("revoked"), &json!(0), &json!(true)));
    assert_eq!(GATE.logged_user(&keys.token()), None);
    let again = GATE.generate("revoked");
    assert_eq!(again.api_key, keys.api_key);
    assert_ne!(again.api_secret, keys.api_secret);
    assert_eq!(GATE.get("/_gatehouse/users/revoked", ADMINISTRATOR).json()["status"], "active");
}

#[test]
fn a_deleted_user_is_gone_but_for_its_api_key() {
    let keys = GATE.generate_with_roles("deleted", &["System Manager"]);
    let path = "/_gatehouse/users/deleted";
    let deleted = GATE.delete(path, ADMINISTRATOR);
    assert_eq!((deleted.status, deleted.json()), (200, json!({ "user": "deleted", "published": true })));
    assert_eq!(GATE.get("/_gatehouse/users", &keys.token()).status, 401);
    for reply in [
        GATE.get(path, ADMINISTRATOR),
        GATE.delete(path, ADMINISTRATOR),
        GATE.post("/_gatehouse/users/deleted/revoke", ADMINISTRATOR),
    ] {
        assert_eq!((reply.status, reply.exc_type().as_str()), (404, "DoesNotExistError"));
    }
    let listed = GATE.get("/_gatehouse/users?q=deleted", ADMINISTRATOR).json();
    assert_eq!(listed["users"], json!([]));
    let again = GATE.generate("deleted");
    assert_eq!(again.api_key, keys.api_key);
    assert_eq!(GATE.get(path, ADMINISTRATOR).json()["roles"], json!([]));
}

#[test]
fn names_that_differ_in_case_or_compatibility_alone_are_one_user() {
    let keys = GATE.generate("Straße@Example.TEST");
    for name in ["strasse@example.test", "STRASSE@EXAMPLE.TEST", "ｓtrasse@example.test", "STRAẞE@example.test"] {
        let again = GATE.generate(name);
        assert_eq!(again.api_key, keys.api_key, "{name}");
        assert_eq!(GATE.logged_user(&again.token()).as_deref(), Some("Straße@Example.TEST"));
    }
    assert_ne!(GATE.generate("kız").api_key, GATE.generate("kiz").api_key, "Unicode folds these apart");
    assert_eq!(GATE.generate("ΟΔΟΣ").api_key, GATE.generate("οδος").api_key);
}

#[test]
fn management_is_for_system_managers() {
    let manager = GATE.generate_with_roles("managing", &["System Manager"]).token();
    let other = GATE.generate("not-managing").token();
    let unknown = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
    for (method, path) in [
        ("GET", "/_gatehouse/users"),
        ("GET", "/_gatehouse/users/not-managing"),
        ("PUT", "/_gatehouse/users/not-managing"),
        ("POST", "/_gatehouse/users/not-managing/generate"),
        ("POST", "/_gatehouse/users/not-managing/revoke"),
        ("DELETE", "/_gatehouse/users/not-managing"),
    ] {
        let body: &[u8] = if method == "PUT" { b"{}" } else { b"" };
        let status = |value: &str| GATE.send(method, path, &[("Authorization", value)], body).status;
        assert_eq!(status(&other), 403, "{method} {path}");
        assert_eq!(status(unknown), 401, "{method} {path}");
        assert_eq!(GATE.send(method, path, &[], body).status, 401, "{method} {path}");
    }
    assert_eq!(GATE.get("/_gatehouse/users", &manager).status, 200);
    assert!(GATE.logged_user(&other).is_some(), "nothing was changed");
}

#[test]
fn a_manager_who_loses_the_role_is_out_at_once() {
    let manager = GATE.generate_with_roles("losing-the-role", &["System Manager"]).token();
    assert_eq!(GATE.get("/_gatehouse/users", &manager).status, 200);
    GATE.put("/_gatehouse/users/losing-the-role", ADMINISTRATOR, &json!({ "roles": [] }));
    assert_eq!(GATE.get("/_gatehouse/users", &manager).status, 403);
    GATE.post("/_gatehouse/users/losing-the-role/revoke", ADMINISTRATOR);
    assert_eq!(GATE.get("/_gatehouse/users", &manager).status, 401);
}

#[test]
fn wrong_input_gets_a_clear_error() {
    GATE.generate("wrong-input");
    let put = |body: Value| GATE.put("/_gatehouse/users/wrong-input", ADMINISTRATOR, &body);
    for (reply, status) in [
        (put(json!({ "strict": "yes" })), 417),
        (put(json!({ "not_after": "tomorrow" })), 417),
        (put(json!({ "allowed_ips": ["192.0.2.0/33"] })), 417),
        (put(json!({ "rules": ["GET a"] })), 417),
        (put(json!({ "last_used_at": null })), 417),
        (put(json!({ "roles": "System Manager" })), 417),
        (put(json!({ "roles": ["a,b"] })), 417),
        (put(json!({ "enabled": "yes" })), 417),
        (put(json!([])), 417),
        (
            GATE.post_json(
                "/_gatehouse/users/wrong-input/generate",
                ADMINISTRATOR,
                &json!({ "grace_seconds": 2_592_001 }),
            ),
            417,
        ),
        (GATE.post("/_gatehouse/users/wrong-input/generate?grace_seconds=60", ADMINISTRATOR), 417),
        (GATE.post("/_gatehouse/users/wrong-input/revoke?dry_run=true", ADMINISTRATOR), 417),
        (GATE.send("DELETE", "/_gatehouse/users/wrong-input", &[("Authorization", ADMINISTRATOR)], b"{\"x\":1}"), 417),
        (GATE.put("/_gatehouse/users/Guest", ADMINISTRATOR, &json!({})), 403),
        (GATE.put("/_gatehouse/users/%20x", ADMINISTRATOR, &json!({})), 417),
        (GATE.get("/_gatehouse/users/nobody-at-all", ADMINISTRATOR), 404),
        (GATE.get("/_gatehouse/users?limit=0", ADMINISTRATOR), 417),
        (GATE.get("/_gatehouse/users?status=gone", ADMINISTRATOR), 417),
        (GATE.get("/_gatehouse/users?cursor=%25", ADMINISTRATOR), 417),
        (GATE.get("/_gatehouse/elsewhere", ADMINISTRATOR), 404),
        (GATE.post("/_gatehouse/users", ADMINISTRATOR), 405),
    ] {
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(!reply.exc_type().is_empty());
    }
    let user = GATE.get("/_gatehouse/users/wrong-input", ADMINISTRATOR).json();
    assert_eq!((&user["roles"], &user["enabled"]), (&json!([]), &json!(true)), "a refused change changes nothing");
}

#[test]
fn users_are_listed_page_by_page_searched_and_filtered() {
    let gate = Gate::start(Options::default());
    let names: Vec<String> = (0..7).map(|number| format!("Page-{number}")).collect();
    for name in &names {
        gate.put(&format!("/_gatehouse/users/{name}"), ADMINISTRATOR, &json!({}));
    }
    let keys = gate.generate("page-3");
    gate.put("/_gatehouse/users/other", ADMINISTRATOR, &json!({ "enabled": false }));

    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gate.get(&format!("/_gatehouse/users?q=PAGE-&limit=3&cursor={cursor}"), ADMINISTRATOR).json();
        found.extend(page["users"].as_array().unwrap().iter().map(|user| user["user"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(found, names);

    let users = |query: &str| -> Vec<String> {
        let json = gate.get(&format!("/_gatehouse/users?{query}"), ADMINISTRATOR).json();
        json["users"].as_array().unwrap().iter().map(|user| user["user"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(users(&format!("q={}", &keys.api_key[..6])), ["Page-3"]);
    assert_eq!(users("status=active"), ["Page-3"]);
    assert_eq!(users("status=disabled"), ["other"]);
    assert_eq!(users("status=keyless&q=page-3"), [] as [&str; 0]);
    assert_eq!(users("q=%25"), [] as [&str; 0]);
    assert_eq!(users("").len(), 8);
}

#[test]
fn strangers_do_not_reach_the_registry_as_often_as_they_like() {
    let gate = Gate::start(Options { instrumented: true, ..Options::default() });
    let manager = gate.generate_with_roles("known-manager", &["System Manager"]).token();
    let from = |address: &str, value: &str| {
        let headers = [("Authorization", value), ("CF-Connecting-IP", address), ("x-test-registry", "fail")];
        let reached = gate.send("GET", "/_gatehouse/users", &headers, b"").status == 503;
        let reply = gate.send("GET", "/_gatehouse/users", &headers[..2], b"");
        (reached, reply.status, reply.header("retry-after").to_owned())
    };
    let stranger = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
    for _ in 0..20 {
        assert_eq!(from("192.0.2.1", stranger), (true, 401, String::new()));
    }
    let (reached, status, retry_after) = from("192.0.2.1", stranger);
    assert_eq!((reached, status), (false, 429));
    assert!((1..=60).contains(&retry_after.parse::<u32>().unwrap()));
    assert_eq!(from("192.0.2.2", &manager).1, 200, "others are not concerned");
    let administrator = [("Authorization", ADMINISTRATOR), ("CF-Connecting-IP", "192.0.2.1")];
    assert_eq!(gate.send("GET", "/_gatehouse/users", &administrator, b"").status, 200, "the gate knows it by itself");
}

//! `frappe.core.doctype.user.user.generate_keys` and its spellings.

use std::collections::HashSet;

use serde_json::json;

use crate::harness::{ADMINISTRATOR, GATE, Keys};

const GENERATE: &str = "/api/method/frappe.core.doctype.user.user.generate_keys";

#[test]
fn mints_under_every_spelling_and_keeps_the_api_key() {
    let mut api_keys = HashSet::new();
    for (path, field) in [
        (GENERATE.to_owned(), "message"),
        (format!("{GENERATE}/"), "message"),
        ("/api/v1/method/frappe.core.doctype.user.user.generate_keys".to_owned(), "message"),
        ("/api/v2/method/frappe.core.doctype.user.user.generate_keys".to_owned(), "data"),
        ("/api/v2/method/User/generate_keys".to_owned(), "data"),
        ("/api/method/frappe.core.doctype.user.user".to_owned(), "message"),
    ] {
        let reply = GATE.post(&format!("{path}?user=spellings"), ADMINISTRATOR);
        assert_eq!(reply.status, 200, "{path} {}", reply.text());
        let keys = Keys::of(&reply.json()[field]);
        assert_eq!(GATE.logged_user(&keys.token()).as_deref(), Some("spellings"), "{path}");
        assert_eq!(keys.api_key.len(), 20);
        assert!(keys.api_secret.starts_with("gks_") && keys.api_secret.len() == 52);
        api_keys.insert(keys.api_key);
    }
    assert_eq!(api_keys.len(), 1);
}

#[test]
fn the_user_comes_from_query_form_or_json() {
    let form = [("Authorization", ADMINISTRATOR), ("Content-Type", "application/x-www-form-urlencoded")];
    let by_form = GATE.send("POST", GENERATE, &form, b"user=from%20a%20form&other=x");
    assert_eq!(by_form.status, 200, "{}", by_form.text());
    let by_json = GATE.post_json(GENERATE, ADMINISTRATOR, &json!({ "user": "from json", "other": 1 }));
    assert_eq!(by_json.status, 200, "{}", by_json.text());
    let quoted = GATE.post("/api/method/frappe.core.doctype.user.user?user=%22user_name%22", ADMINISTRATOR);
    let keys = Keys::of(&quoted.json()["message"]);
    assert_eq!(GATE.logged_user(&keys.token()).as_deref(), Some("user_name"));
}

#[test]
fn only_a_system_manager_may_mint() {
    let manager = GATE.generate_with_roles("minting-manager", &["System Manager"]).token();
    let other = GATE.generate_with_roles("minting-other", &["Auditor"]).token();
    for (value, status) in [
        (ADMINISTRATOR, 200),
        (manager.as_str(), 200),
        (other.as_str(), 403),
        ("token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321", 401),
        ("token Administrator:wrong-but-long-enough-for-a-secret", 401),
        ("Bearer x", 401),
    ] {
        let reply = GATE.post(&format!("{GENERATE}?user=minted"), value);
        assert_eq!(reply.status, status, "{value} {}", reply.text());
    }
    let own = GATE.post(&format!("{GENERATE}?user=minting-other"), &other);
    assert_eq!((own.status, own.exc_type().as_str()), (403, "PermissionError"));
    assert!(GATE.logged_user(&other).is_some(), "a refused generation changes nothing");
}

#[test]
fn wrong_input_gets_a_clear_error() {
    let json = |body: &str| {
        let headers = [("Authorization", ADMINISTRATOR), ("Content-Type", "application/json")];
        GATE.send("POST", GENERATE, &headers, body.as_bytes())
    };
    let long = "n".repeat(141);
    for (reply, status, exc_type) in [
        (GATE.post(GENERATE, ADMINISTRATOR), 417, "ValidationError"),
        (GATE.post(&format!("{GENERATE}?user="), ADMINISTRATOR), 417, "ValidationError"),
        (GATE.post(&format!("{GENERATE}?user={long}"), ADMINISTRATOR), 417, "ValidationError"),
        (GATE.post(&format!("{GENERATE}?user=%20a"), ADMINISTRATOR), 417, "ValidationError"),
        (GATE.post(&format!("{GENERATE}?user=a%00"), ADMINISTRATOR), 417, "ValidationError"),
        (GATE.post(&format!("{GENERATE}?user=a&user=b"), ADMINISTRATOR), 417, "ValidationError"),
        (GATE.post(&format!("{GENERATE}?user=Guest"), ADMINISTRATOR), 403, "PermissionError"),
        (GATE.post(&format!("{GENERATE}?user=administrator"), ADMINISTRATOR), 403, "PermissionError"),
        (json(r#"{"user":5}"#), 417, "ValidationError"),
        (json("{"), 417, "ValidationError"),
        (json(&format!(r#"{{"user":"a","x":"{}"}}"#, "x".repeat(64 << 10))), 413, "RequestEntityTooLarge"),
        (GATE.get(&format!("{GENERATE}?user=a"), ADMINISTRATOR), 403, "PermissionError"),
        (GATE.put(&format!("{GENERATE}?user=a"), ADMINISTRATOR, &json!({})), 405, "MethodNotAllowed"),
    ] {
        assert_eq!((reply.status, reply.exc_type().as_str()), (status, exc_type), "{}", reply.text());
    }
}

#[test]
fn a_stranger_learns_nothing_from_wrong_input() {
    let stranger = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
    assert_eq!(GATE.post(GENERATE, stranger).status, 401);
    assert_eq!(GATE.post_json(GENERATE, stranger, &json!({ "user": 5 })).status, 401);
    assert_eq!(GATE.post_json(GENERATE, stranger, &json!({ "user": "x".repeat(100_000) })).status, 401);
}

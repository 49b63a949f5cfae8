//! `frappe.auth.get_logged_user`.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, GATE};

#[test]
fn answers_with_the_user_under_every_spelling() {
    let token = GATE.generate("logged-user").token();
    for method in ["GET", "POST"] {
        for (path, body) in [
            ("/api/method/frappe.auth.get_logged_user", json!({ "message": "logged-user" })),
            ("/api/method/frappe.auth.get_logged_user/", json!({ "message": "logged-user" })),
            ("/api/v1/method/frappe.auth.get_logged_user", json!({ "message": "logged-user" })),
            ("/api/v2/method/frappe.auth.get_logged_user", json!({ "data": "logged-user" })),
            ("/api/v2/method/frappe.auth.get_logged_user/", json!({ "data": "logged-user" })),
        ] {
            let reply = GATE.send(method, path, &[("Authorization", &token)], b"");
            assert_eq!((reply.status, reply.json()), (200, body), "{method} {path}");
        }
    }
}

#[test]
fn the_built_in_administrator_is_administrator() {
    assert_eq!(GATE.logged_user(ADMINISTRATOR).as_deref(), Some("Administrator"));
    assert_eq!(GATE.logged_user("token Administrator:a-secret-for-tests-of-32-characterS"), None);
    assert_eq!(GATE.logged_user("token administrator:a-secret-for-tests-of-32-characters"), None);
}

#[test]
fn a_name_outside_ascii_comes_back_as_it_is() {
    let token = GATE.generate("Jürgen 日本").token();
    assert_eq!(GATE.logged_user(&token).as_deref(), Some("Jürgen 日本"));
}

#[test]
fn other_methods_are_told_which_there_are() {
    let token = GATE.generate("logged-user-methods").token();
    let path = "/api/method/frappe.auth.get_logged_user";
    let head = GATE.send("HEAD", path, &[("Authorization", &token)], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let put = GATE.send("PUT", path, &[("Authorization", &token)], b"x");
    assert_eq!((put.status, put.header("allow")), (405, "GET, HEAD, POST, OPTIONS"));
    let options = GATE.send("OPTIONS", path, &[], b"");
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
}

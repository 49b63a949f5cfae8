//! `/_gatehouse/health`.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, GATE};

const HEALTH: &str = "/_gatehouse/health";

#[test]
fn anyone_learns_that_the_gate_is_well_and_no_more() {
    let reply = GATE.send("GET", HEALTH, &[], b"");
    assert_eq!((reply.status, reply.json()), (200, json!({ "status": "ok" })));
    let head = GATE.send("HEAD", HEALTH, &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn a_system_manager_learns_how_it_is_set_up() {
    let manager = GATE.generate_with_roles("health-manager", &["System Manager"]).token();
    for value in [ADMINISTRATOR, &manager] {
        let json = GATE.get(HEALTH, value).json();
        assert_eq!((&json["status"], &json["mode"]), (&json!("ok"), &json!("enforce")));
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert!(json["outbox"].is_u64());
        assert!(json["not_set"].as_array().unwrap().contains(&json!("PUBLIC_URL")));
    }
}

#[test]
fn others_credentials_are_judged() {
    let other = GATE.generate("health-other").token();
    let reply = GATE.get(HEALTH, &other);
    assert_eq!((reply.status, reply.json()), (200, json!({ "status": "ok" })), "no more than anyone");
    assert_eq!(GATE.get(HEALTH, "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321").status, 401);
}

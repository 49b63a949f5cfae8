//! What stays true when several act at once, and when KV cannot be written.

use std::collections::HashSet;

use serde_json::json;

use crate::harness::{ADMINISTRATOR, GATE, Gate, Options, wait_for};

#[test]
fn a_second_generation_keeps_the_api_key_and_kills_the_old_secret() {
    let first = GATE.generate("rotated");
    let second = GATE.generate("rotated");
    assert_eq!(first.api_key, second.api_key);
    assert_eq!(GATE.logged_user(&second.token()).as_deref(), Some("rotated"));
    assert_eq!(GATE.logged_user(&first.token()), None);
}

#[test]
fn ten_generations_at_once_leave_one_api_key_and_one_valid_secret() {
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(|| gate.generate("at-once"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let api_keys: HashSet<_> = keys.iter().map(|keys| &keys.api_key).collect();
    assert_eq!(api_keys.len(), 1);
    wait_for("the outbox to empty", || gate.outbox() == 0);
    let valid = keys.iter().filter(|keys| gate.logged_user(&keys.token()).is_some()).count();
    assert_eq!((valid, gate.kv_names().len()), (1, 1));
}

#[test]
fn two_administrators_who_change_one_user_lose_nothing() {
    let changes = [json!({ "roles": ["Auditor"] }), json!({ "enabled": false })];
    std::thread::scope(|scope| {
        for change in &changes {
            scope.spawn(move || assert!(GATE.put("/_gatehouse/users/two-admins", ADMINISTRATOR, change).status < 300));
        }
    });
    let user = GATE.get("/_gatehouse/users/two-admins", ADMINISTRATOR).json();
    assert_eq!((&user["roles"], &user["enabled"]), (&json!(["Auditor"]), &json!(false)));
}

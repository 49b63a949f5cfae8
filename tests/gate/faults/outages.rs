//! KV and the registry slow, failing for a while, or emptied.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, ORIGIN, Options, wait_for};

fn gate(cache_seconds: &str) -> Gate {
    Gate::start(Options { kv_stand_in: true, ..Options::with(&[("CACHE_SECONDS", cache_seconds)]) })
}

#[test]
fn a_slow_kv_holds_up_those_who_need_it_alone_and_lets_nobody_in_meanwhile() {
    let gate = gate("3600");
    let (cached, cold) = (gate.generate("cached").token(), gate.generate("cold").token());
    assert_eq!(gate.get("/cached", &cached).status, 200);
    gate.kv(&json!(["reads", "hold"]));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| gate.get("/slow-kv-cold", &cold));
        let unknown = scope.spawn(|| gate.get("/slow-kv-unknown", "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321"));
        wait_for("the reads", || gate.kv(&json!(["heldReads"])) == 2);
        // Others need no answer of KV's.
        assert_eq!(gate.get("/cached", &cached).status, 200);
        assert_eq!(gate.get("/x", "token x").status, 401);
        assert_eq!(gate.get("/_gatehouse/users", ADMINISTRATOR).status, 200);
        assert!(!ORIGIN.was_asked_for("/slow-kv") && !waiting.is_finished() && !unknown.is_finished());
        gate.kv(&json!(["reads", "work"]));
        assert_eq!(waiting.join().unwrap().received("x-forwarded-user"), ["cold"]);
        assert_eq!(unknown.join().unwrap().status, 401);
    });
    assert!(!ORIGIN.was_asked_for("/slow-kv-unknown"));
}

#[test]
fn a_kv_that_never_answers_is_not_waited_for_without_end() {
    let gate = gate("0");
    let token = gate.generate("held").token();
    gate.kv(&json!(["reads", "hold"]));
    let started = Instant::now();
    let reply = gate.get("/never-answered", &token);
    assert_eq!((reply.status, reply.exc_type().as_str()), (503, "ServiceUnavailable"));
    assert!((9..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    gate.kv(&json!(["reads", "work"]));
    assert_eq!(gate.get("/answered", &token).status, 200);
    assert!(!ORIGIN.was_asked_for("/never-answered"));
}

#[test]
fn a_revocation_during_a_slow_read_is_in_force_when_that_is_answered() {
    let gate = gate("3600");
    let token = gate.generate("revoked-meanwhile").token();
    gate.kv(&json!(["reads", "hold"]));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| gate.get("/revoked-meanwhile", &token));
        wait_for("the read", || gate.kv(&json!(["heldReads"])) == 1);
        gate.kv(&json!(["advance", 1]));
        let revoked = gate.post("/_gatehouse/users/revoked-meanwhile/revoke", ADMINISTRATOR).json();
        gate.kv(&json!(["reads", "work"]));
        assert_eq!((&revoked["published"], waiting.join().unwrap().status), (&json!(true), 401));
    });
    assert!(!ORIGIN.was_asked_for("/revoked-meanwhile"));
}

#[test]
fn while_kv_cannot_be_read_nobody_gets_in_but_whom_the_isolate_knows_and_then_everybody_again() {
    let gate = gate("3600");
    let (cached, cold) = (gate.generate("cached").token(), gate.generate("cold").token());
    assert_eq!(gate.get("/cached", &cached).status, 200);
    gate.kv(&json!(["reads", "fail"]));
    assert_eq!(gate.get("/cached", &cached).status, 200);
    for token in [cold.as_str(), "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321"] {
        let reply = gate.get("/unreadable", token);
        assert_eq!((reply.status, reply.exc_type().as_str()), (503, "ServiceUnavailable"));
    }
    assert!(!ORIGIN.was_asked_for("/unreadable"));
    // Management needs no KV to be read.
    gate.kv(&json!(["advance", 1]));
    assert_eq!(gate.post("/_gatehouse/users/cached/revoke", ADMINISTRATOR).json()["published"], true);
    let minted = gate.generate("minted-meanwhile").token();
    gate.kv(&json!(["reads", "work"]));
    for (token, user) in [(cold, "cold"), (minted, "minted-meanwhile")] {
        assert_eq!(gate.logged_user(&token).as_deref(), Some(user));
    }
}

#[test]
fn changes_while_kv_cannot_be_written_are_all_caught_up_with() {
    let gate = gate("0");
    let [revoked, disabled, rotated, demoted] =
        ["revoked", "disabled", "rotated", "demoted"].map(|user| gate.generate(user));
    wait_for("KV to take another write", || gate.set("demoted", &json!({ "roles": ["Sales"] }))["published"] == true);
    gate.kv(&json!(["writes", "fail"]));
    let start = Instant::now();
    gate.post("/_gatehouse/users/revoked/revoke", ADMINISTRATOR);
    gate.set("disabled", &json!({ "enabled": false }));
    let fresh = gate.generate("rotated");
    gate.set("demoted", &json!({ "roles": [] }));
    let new = gate.generate("new");
    // Long enough for alarms to have tried in vain. `npm run soak` holds out for a minute.
    wait_for("alarms in vain", || start.elapsed() > Duration::from_secs(4));
    assert_eq!(gate.outbox(), 6, "five users, one with an old name and a new one");
    gate.kv(&json!(["writes", "work"]));
    wait_for("the outbox to empty", || gate.outbox() == 0);
    // What the one location remembers of before.
    gate.kv(&json!(["advance", 30]));
    for keys in [&revoked, &disabled, &rotated] {
        assert_eq!(gate.logged_user(&keys.token()), None);
    }
    assert_eq!(gate.logged_user(&fresh.token()).as_deref(), Some("rotated"));
    assert_eq!(gate.logged_user(&new.token()).as_deref(), Some("new"));
    assert_eq!(gate.get("/x", &demoted.token()).received("x-forwarded-groups"), [""]);
    assert_eq!(gate.kv_names().len(), 3);
}

#[test]
fn a_namespace_that_was_emptied_lets_nobody_in_until_it_is_reconciled_and_then_everybody() {
    let gate = gate("0");
    let keys: Vec<_> = (0..20).map(|number| gate.generate(&format!("user-{number}"))).collect();
    gate.set("user-0", &json!({ "strict": true }));
    gate.post("/_gatehouse/users/user-1/revoke", ADMINISTRATOR);
    wait_for("the outbox to empty", || gate.outbox() == 0);
    for name in gate.kv_names() {
        gate.kv_delete(&name);
    }
    assert!(keys.iter().all(|keys| gate.logged_user(&keys.token()).is_none()));
    assert_eq!(gate.post("/_gatehouse/reconcile", ADMINISTRATOR).status, 200);
    wait_for("the entries", || gate.kv_names().len() == 19);
    wait_for("the outbox to empty", || gate.outbox() == 0);
    // The location remembers that there was nothing.
    gate.kv(&json!(["advance", 30]));
    for (number, keys) in keys.iter().enumerate() {
        let expected = (number != 1).then(|| format!("user-{number}"));
        assert_eq!(gate.logged_user(&keys.token()), expected);
    }
}

#[test]
fn a_slow_registry_is_waited_for_and_what_it_says_in_the_end_holds() {
    let gate = Gate::start(Options { instrumented: true, ..Options::with(&[("CACHE_SECONDS", "0")]) });
    gate.set("strict", &json!({ "strict": true }));
    let (strict, other) = (gate.generate("strict").token(), gate.generate("other").token());
    let slow = |path: &str| gate.send("GET", path, &[("Authorization", &strict), ("x-test-registry", "slow")], b"");
    assert_eq!(slow("/slow-registry").received("x-forwarded-user"), ["strict"]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| slow("/slow-registry-revoked"));
        // Nobody else waits for it.
        assert_eq!(gate.get("/other", &other).status, 200);
        assert_eq!(gate.post("/_gatehouse/users/strict/revoke", ADMINISTRATOR).status, 200);
        assert!(!waiting.is_finished(), "the revocation came too late to tell anything");
        assert_eq!(waiting.join().unwrap().status, 401);
    });
    assert!(!ORIGIN.was_asked_for("/slow-registry-revoked"));
}

#[test]
fn while_the_registry_fails_users_get_in_and_what_only_it_can_say_is_a_503() {
    let gate = Gate::start(Options { instrumented: true, ..Options::with(&[("CACHE_SECONDS", "0")]) });
    gate.set("strict", &json!({ "strict": true }));
    let (strict, user) = (gate.generate("strict").token(), gate.generate("user").token());
    let manager = gate.generate_with_roles("manager", &["System Manager"]).token();
    let status = |method: &str, path: &str, token: &str| {
        gate.send(method, path, &[("Authorization", token), ("x-test-registry", "fail")], b"").status
    };
    assert_eq!(status("GET", "/registry-failing-user", &user), 200);
    assert_eq!(status("GET", "/api/method/frappe.auth.get_logged_user", &user), 200);
    assert_eq!(status("GET", "/registry-failing-strict", &strict), 503);
    assert!(!ORIGIN.was_asked_for("/registry-failing-strict"));
    for token in [ADMINISTRATOR, &manager] {
        for (method, path) in [
            ("GET", "/_gatehouse/users"),
            ("PUT", "/_gatehouse/users/user"),
            ("POST", "/_gatehouse/users/user/revoke"),
            ("DELETE", "/_gatehouse/users/user"),
            ("POST", "/_gatehouse/reconcile"),
        ] {
            assert_eq!(status(method, path, token), 503, "{method} {path}");
        }
    }
    assert_eq!(gate.logged_user(&user).as_deref(), Some("user"), "nothing was changed");
}

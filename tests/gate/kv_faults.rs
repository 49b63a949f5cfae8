//! What stays true when KV is slow, stale or failing, shown with a stand-in that keeps KV's real rules (harness/kv.mjs).

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Keys, Options, soon, wait_for};

fn gate() -> Gate {
    Gate::start(Options { kv_stand_in: true, ..Options::with(&[("CACHE_SECONDS", "0")]) })
}

fn writes(gate: &Gate, mode: &str) {
    gate.kv(&json!(["writes", mode]));
}

/// What was written since the last look and landed: operation and name.
fn landed(gate: &Gate) -> Vec<(String, String)> {
    let log = gate.kv(&json!(["log"]));
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    let landed = log.as_array().unwrap().iter().filter(|entry| entry["landed"] == true);
    landed.map(|entry| (text(entry, "operation"), text(entry, "name"))).collect()
}

/// The one name that KV holds.
fn only_name(gate: &Gate) -> String {
    let names = gate.kv_names();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

fn published(gate: &Gate, user: &str) -> bool {
    gate.user(user)["published"].as_bool().unwrap()
}

/// A second later than now, KV takes another write to the same name.
fn next_second(gate: &Gate) {
    gate.kv(&json!(["advance", 1]));
}

#[test]
fn the_stand_in_keeps_kvs_rules() {
    let gate = gate();
    let error = |question: Value| gate.kv(&question)["error"].as_str().unwrap_or_default().to_owned();
    let now = json!(["put", "soon", "x", { "expiration": 1_000 }]);
    assert!(error(now).contains("at least 60 seconds"));
    assert_eq!(error(json!(["put", "name", "one"])), "");
    assert!(error(json!(["put", "name", "two"])).contains("429"), "two writes in a second");
    assert!(error(json!(["delete", "name"])).contains("429"), "a deletion is a write");
    assert!(error(json!(["get", "name", { "cacheTtl": 29 }])).contains("at least 30"));
    assert!(error(json!(["put", "n".repeat(513), "x"])).contains("512"));
    assert!(error(json!(["list", { "limit": 1_001 }])).contains("1,000"));
    // What was read stays so for its time, misses too.
    let read = |name: &str| gate.kv(&json!(["get", name, { "cacheTtl": 30 }]));
    assert_eq!((read("name"), read("missing")), (json!("one"), json!(null)));
    next_second(&gate);
    assert_eq!(error(json!(["put", "name", "two"])), "");
    assert_eq!(error(json!(["put", "missing", "here"])), "");
    assert_eq!((read("name"), read("missing")), (json!("one"), json!(null)));
    gate.kv(&json!(["advance", 30]));
    assert_eq!((read("name"), read("missing")), (json!("two"), json!("here")));
}

#[test]
fn a_write_that_fails_after_the_commit_is_told_and_retried_until_it_lands() {
    let gate = gate();
    let old = gate.generate("retried");
    let old_name = only_name(&gate);
    next_second(&gate);
    writes(&gate, "fail");
    let reply = gate.post("/_gatehouse/users/retried/generate", ADMINISTRATOR);
    assert_eq!((reply.status, &reply.json()["published"]), (200, &json!(false)));
    assert!(!published(&gate, "retried"));
    assert_eq!(gate.outbox(), 2, "the old name to delete and the new one to write");
    assert_eq!(only_name(&gate), old_name);
    landed(&gate);
    writes(&gate, "work");
    wait_for("the alarm to publish", || published(&gate, "retried"));
    let new_name = only_name(&gate);
    assert_eq!(landed(&gate), [("delete".to_owned(), old_name), ("put".to_owned(), new_name)], "deletions first");
    assert_eq!(gate.outbox(), 0);
    assert_eq!(gate.logged_user(&Keys::of(&reply.json()).token()).as_deref(), Some("retried"));
    assert_eq!(gate.logged_user(&old.token()), None);
}

#[test]
fn a_newer_change_is_what_lands_and_an_older_one_never_after_it() {
    let gate = gate();
    let keys = gate.generate("overtaken");
    writes(&gate, "fail");
    for change in [json!({ "roles": ["Older"] }), json!({ "roles": ["Newer"] }), json!({ "enabled": false })] {
        assert_eq!(gate.set("overtaken", &change)["published"], false);
    }
    landed(&gate);
    next_second(&gate);
    writes(&gate, "work");
    wait_for("the alarm to publish", || published(&gate, "overtaken"));
    let landed = landed(&gate);
    assert!(matches!(&landed[..], [(operation, _)] if operation == "delete"), "{landed:?}");
    assert_eq!(gate.logged_user(&keys.token()), None);
}

#[test]
fn a_write_in_flight_never_hides_a_change_that_came_meanwhile() {
    let gate = gate();
    let keys = gate.generate("in-flight");
    next_second(&gate);
    landed(&gate);
    writes(&gate, "hold");
    std::thread::scope(|scope| {
        let older = scope.spawn(|| gate.set("in-flight", &json!({ "roles": ["Older"] })));
        wait_for("the write to be held", || gate.kv(&json!(["held"])) == 1);
        let revoked = gate.post("/_gatehouse/users/in-flight/revoke", ADMINISTRATOR).json();
        assert_eq!((&revoked["published"], &revoked["status"]), (&json!(false), &json!("revoked")));
        assert_eq!(gate.kv(&json!(["held"])), 1, "one write in flight a name");
        writes(&gate, "work");
        older.join().unwrap();
    });
    wait_for("the revocation to land", || published(&gate, "in-flight"));
    let operations: Vec<_> = landed(&gate).into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(operations, ["put", "delete"]);
    assert_eq!((gate.kv_names().len(), gate.logged_user(&keys.token())), (0, None));
}

#[test]
fn a_write_that_landed_although_kv_said_no_does_no_harm() {
    let gate = gate();
    writes(&gate, "land and fail");
    let keys = gate.generate("landed");
    assert!(!published(&gate, "landed"), "nobody can know yet");
    next_second(&gate);
    writes(&gate, "work");
    wait_for("the alarm to publish", || published(&gate, "landed"));
    assert_eq!(gate.logged_user(&keys.token()).as_deref(), Some("landed"));
}

#[test]
fn a_second_change_within_a_second_is_published_by_the_alarm() {
    let gate = gate();
    let token = gate.generate("twice").token();
    let change = gate.set("twice", &json!({ "roles": ["Auditor"] }));
    assert_eq!(change["published"], false, "KV takes one write a second for each name");
    wait_for("the alarm to publish", || published(&gate, "twice"));
    let reply = gate.get("/x", &token);
    assert_eq!(reply.received("x-forwarded-groups"), ["Auditor"]);
}

#[test]
fn a_grant_that_ends_within_kvs_sixty_seconds_is_taken_by_kv_and_ends_on_time() {
    let gate = gate();
    gate.set("ends-soon", &json!({ "not_after": soon(3) }));
    let keys = gate.generate("ends-soon");
    assert!(published(&gate, "ends-soon"));
    assert_eq!(gate.logged_user(&keys.token()).as_deref(), Some("ends-soon"));
    wait_for("the end", || gate.logged_user(&keys.token()).is_none());
    assert_eq!(gate.kv_names().len(), 1, "KV goes on holding it, and the gate refuses it");
}

#[test]
fn a_location_that_remembers_a_grant_goes_on_for_kvs_cache_time_and_a_strict_user_not_at_all() {
    let gate = gate();
    gate.set("strict", &json!({ "strict": true }));
    let (stale, strict) = (gate.generate("stale"), gate.generate("strict"));
    let manager = gate.generate_with_roles("manager", &["System Manager"]);
    wait_for("the role to land", || published(&gate, "manager"));
    for keys in [&stale, &strict, &manager] {
        assert!(gate.logged_user(&keys.token()).is_some());
    }
    for user in ["stale", "strict", "manager"] {
        assert_eq!(gate.post(&format!("/_gatehouse/users/{user}/revoke"), ADMINISTRATOR).status, 200);
    }
    assert_eq!(gate.logged_user(&stale.token()).as_deref(), Some("stale"), "as KV tells it here");
    assert_eq!(gate.logged_user(&strict.token()), None);
    assert_eq!(gate.get("/_gatehouse/users", &manager.token()).status, 401, "out at once");
    gate.kv(&json!(["advance", 30]));
    assert_eq!(gate.logged_user(&stale.token()), None);
}

#[test]
fn a_location_that_remembers_a_miss_takes_an_enabled_user_after_kvs_cache_time() {
    let gate = gate();
    let keys = gate.generate("missed");
    next_second(&gate);
    gate.set("missed", &json!({ "enabled": false }));
    assert_eq!(gate.logged_user(&keys.token()), None);
    next_second(&gate);
    assert_eq!(gate.set("missed", &json!({ "enabled": true }))["published"], true);
    assert_eq!(gate.logged_user(&keys.token()), None, "KV remembers the miss");
    gate.kv(&json!(["advance", 30]));
    assert_eq!(gate.logged_user(&keys.token()).as_deref(), Some("missed"));
}

#[test]
fn a_newly_minted_secret_works_at_once_whatever_a_location_remembers() {
    let gate = gate();
    let first = gate.generate("minted");
    assert!(gate.logged_user(&first.token()).is_some());
    let second = gate.generate("minted");
    assert_eq!(gate.logged_user(&second.token()).as_deref(), Some("minted"));
}

#[test]
fn a_registry_that_restarts_goes_on_publishing_by_itself() {
    let gate = gate();
    let keys = gate.generate("before");
    writes(&gate, "fail");
    let minted = gate.generate("during");
    gate.post("/_gatehouse/users/before/revoke", ADMINISTRATOR);
    // The stand-in forgets that it was told to fail; nobody asks the registry anything.
    gate.restart();
    wait_for("the alarm to publish", || gate.kv_names().len() == 1 && landed_anything(&gate));
    assert_eq!(gate.logged_user(&minted.token()).as_deref(), Some("during"));
    assert_eq!(gate.logged_user(&keys.token()), None);
    assert_eq!(gate.outbox(), 0);
}

/// Whether the new name is the one that KV holds.
fn landed_anything(gate: &Gate) -> bool {
    landed(gate).iter().any(|(operation, _)| operation == "put")
}

#[test]
fn two_administrators_at_once_lose_nothing_and_kv_says_what_both_said() {
    let gate = gate();
    let token = gate.generate("shared").token();
    let managers = ["one", "two"].map(|name| gate.generate_with_roles(name, &["System Manager"]).token());
    let changes = [("roles", json!(["Auditor"])), ("rules", json!(["GET /allowed"]))];
    std::thread::scope(|scope| {
        for (manager, (field, value)) in managers.iter().zip(&changes) {
            let gate = &gate;
            scope.spawn(move || {
                for _ in 0..10 {
                    let reply = gate.put("/_gatehouse/users/shared", manager, &json!({ *field: value }));
                    assert_eq!(reply.status, 200, "{}", reply.text());
                }
            });
        }
    });
    wait_for("KV to say so", || published(&gate, "shared"));
    let reply = gate.get("/allowed", &token);
    assert_eq!(reply.received("x-forwarded-groups"), ["Auditor"]);
    assert_eq!(gate.get("/other", &token).status, 403);
    assert_eq!(gate.user("shared")["roles"], json!(["Auditor"]));
}

#[test]
fn a_write_that_never_answers_holds_up_its_own_name_alone() {
    let gate = gate();
    let held = gate.generate("held");
    let held_name = only_name(&gate);
    next_second(&gate);
    gate.kv(&json!(["writes", "hold", held_name]));
    let revoked = gate.post("/_gatehouse/users/held/revoke", ADMINISTRATOR).json();
    assert_eq!(revoked["published"], false, "nobody waits for ever");
    assert_eq!(gate.kv(&json!(["held"])), 1);
    // An import is published by the alarm.
    let row = json!({ "users": [{ "user": "imported", "api_key": "a1", "api_secret": "s1" }] });
    assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &row).status, 200);
    wait_for("the import to be published", || published(&gate, "imported"));
    assert!(!published(&gate, "held"));
    writes(&gate, "work");
    wait_for("the revocation to land", || published(&gate, "held"));
    assert_eq!((gate.kv_names().len(), gate.logged_user(&held.token())), (1, None));
}

#[test]
fn a_stray_name_that_an_import_brings_home_is_that_users_to_publish() {
    let (old, gate) = (gate(), gate());
    old.generate("came-home");
    let name = only_name(&old);
    let page = old.get("/_gatehouse/export", ADMINISTRATOR).json();
    gate.kv_put(&name, "what an earlier registry wrote");
    writes(&gate, "fail");
    assert_eq!(gate.post("/_gatehouse/reconcile", ADMINISTRATOR).status, 200);
    wait_for("the sweep to find it", || gate.outbox() == 1);
    assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &page).status, 200);
    assert!(!published(&gate, "came-home"), "KV says something else");
    let revoked = gate.post("/_gatehouse/users/came-home/revoke", ADMINISTRATOR).json();
    assert_eq!((&revoked["published"], gate.kv_names().len()), (&json!(false), 1));
    writes(&gate, "work");
    wait_for("the revocation to land", || published(&gate, "came-home"));
    assert_eq!(gate.kv_names().len(), 0);
}

#[test]
fn a_reconciliation_goes_on_after_kv_failed_to_list_and_after_it_refused_a_cursor() {
    let gate = gate();
    for number in 0..1_100 {
        gate.kv_put(&format!("credential/{number:064x}"), "stray");
    }
    writes(&gate, "fail");
    gate.post("/_gatehouse/reconcile", ADMINISTRATOR);
    wait_for("the first page", || gate.outbox() == 1_000);
    gate.kv(&json!(["forgetCursors"]));
    gate.kv(&json!(["reads", "fail"]));
    writes(&gate, "work");
    wait_for("the outbox to empty", || gate.outbox() == 0);
    assert_eq!(gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json(), json!({ "done": 0, "total": 1 }));
    gate.kv(&json!(["reads", "work"]));
    wait_for("the strays to be gone", || gate.kv_names().is_empty());
    wait_for("the end", || gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json() == json!({ "done": 1, "total": 1 }));
}

#[test]
fn a_change_that_takes_rights_away_goes_before_an_import() {
    let gate = gate();
    let keys = gate.generate_with_roles("demoted", &["System Manager"]);
    wait_for("the role to land", || published(&gate, "demoted"));
    next_second(&gate);
    writes(&gate, "fail");
    for batch in 0..5 {
        let rows: Vec<_> = (0..1_000).map(|row| json!({ "user": format!("u{batch}-{row}"), "api_key": format!("k{batch}-{row}"), "api_secret": "s" })).collect();
        assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": rows })).status, 200);
    }
    assert_eq!(gate.set("demoted", &json!({ "roles": [] }))["published"], false);
    landed(&gate);
    writes(&gate, "work");
    wait_for("the role to be gone", || published(&gate, "demoted"));
    assert!(gate.outbox() > 3_000, "while the import waits");
    assert_eq!(gate.get("/x", &keys.token()).received("x-forwarded-groups"), [""]);
}

#[test]
fn a_dead_kv_costs_a_few_writes_a_try_and_longer_pauses() {
    let gate = gate();
    writes(&gate, "fail");
    let rows: Vec<_> = (0..1_000)
        .map(|row| json!({ "user": format!("u{row}"), "api_key": format!("k{row}"), "api_secret": "s" }))
        .collect();
    gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": rows }));
    let tries = || gate.kv(&json!(["log"])).as_array().unwrap().len();
    let (mut counts, start) = (Vec::new(), std::time::Instant::now());
    while start.elapsed().as_secs() < 9 {
        counts.push(tries());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let alarms: Vec<_> = counts.into_iter().filter(|count| *count > 0).collect();
    // After 1, 2, 4 seconds; a try may fall on two looks.
    assert!((2..=6).contains(&alarms.len()), "{alarms:?}");
    assert!(alarms.iter().all(|count| *count <= 26), "20 in a row, and what the other lanes had begun: {alarms:?}");
}

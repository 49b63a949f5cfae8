//! workerd killed with SIGKILL, in the midst of what it does, and started again with what it had stored.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Keys, Options, wait_for};

const GENERATIONS: usize = 1_000;
/// So many users are generated for twice, the rest once.
const ROTATED: usize = 200;
const USERS: usize = GENERATIONS - ROTATED;
const CLIENTS: usize = 8;
/// After so many acknowledged generations workerd is killed.
const KILLS: [usize; 3] = [100, 450, 800];

/// A user's generations, each repeated until it is acknowledged. Tells of what was acknowledged, in this order.
fn generate(gate: &Gate, number: usize, acknowledged: &AtomicUsize, refused: &AtomicUsize) -> Vec<Keys> {
    let path = format!("/_gatehouse/users/user-{number}/generate");
    let mut all = Vec::new();
    for _ in 0..if number < ROTATED { 2 } else { 1 } {
        wait_for("an acknowledgement", || {
            let reply = gate.try_post(&path, ADMINISTRATOR).filter(|reply| reply.status == 200);
            all.extend(reply.iter().map(|reply| Keys::of(&reply.json())));
            if reply.is_none() {
                refused.fetch_add(1, Ordering::SeqCst);
            }
            reply.is_some()
        });
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    all
}

/// How often each user was generated for, as the audit log tells it.
fn audited(gate: &Gate) -> BTreeMap<String, usize> {
    let (mut generated, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = gate.get(&format!("/_gatehouse/audit?limit=200{cursor}"), ADMINISTRATOR).json();
        for entry in page["entries"].as_array().unwrap() {
            assert_eq!(entry["action"], "generate");
            *generated.entry(entry["user"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        match &page["next_cursor"] {
            Value::Null => return generated,
            next => cursor = format!("&cursor={}", next.as_str().map_or_else(|| next.to_string(), str::to_owned)),
        }
    }
}

#[test]
fn a_thousand_generations_survive_three_kills_and_what_was_acknowledged_works() {
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
    let [acknowledged, refused, next] = [0; 3].map(AtomicUsize::new);
    let all = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= USERS {
                        return;
                    }
                    let keys = generate(&gate, number, &acknowledged, &refused);
                    all.lock().unwrap().insert(number, keys);
                }
            });
        }
        for kill in KILLS {
            wait_for("generations", || acknowledged.load(Ordering::SeqCst) >= kill);
            gate.kill();
        }
    });
    assert_eq!(acknowledged.into_inner(), GENERATIONS);
    assert!(refused.into_inner() >= KILLS.len(), "no kill came in the midst");
    wait_for("the outbox to empty", || gate.outbox() == 0);
    assert_eq!(gate.kv_names().len(), USERS, "what nobody was told of is gone");

    let all = all.into_inner().unwrap();
    let numbers: Vec<_> = all.keys().copied().collect();
    std::thread::scope(|scope| {
        for numbers in numbers.chunks(USERS / CLIENTS) {
            let (gate, all) = (&gate, &all);
            scope.spawn(move || {
                for number in numbers {
                    let (newest, older) = all[number].split_last().unwrap();
                    let user = gate.logged_user(&newest.token());
                    assert_eq!(user, Some(format!("user-{number}")));
                    for keys in older {
                        assert_eq!(keys.api_key, newest.api_key);
                        assert_eq!(gate.logged_user(&keys.token()), None);
                    }
                }
            });
        }
    });
    let audited = audited(&gate);
    let committed: usize = audited.values().sum();
    println!("committed, and never acknowledged for the kills: {}", committed - GENERATIONS);
    assert!(all.iter().all(|(number, keys)| audited[&format!("user-{number}")] >= keys.len()));
}

#[test]
fn a_registry_that_is_killed_between_commit_and_publication_publishes_by_itself() {
    let gate = Gate::start(Options { kv_stand_in: true, ..Options::with(&[("CACHE_SECONDS", "0")]) });
    let keys = gate.generate("revoked");
    gate.kv(&json!(["writes", "hold"]));
    std::thread::scope(|scope| {
        let revocation = scope.spawn(|| gate.try_post("/_gatehouse/users/revoked/revoke", ADMINISTRATOR));
        wait_for("the deletion to be held", || gate.kv(&json!(["held"])) == 1);
        gate.kill();
        let reply = revocation.join().unwrap();
        assert!(reply.is_none_or(|reply| reply.status >= 500), "nobody could say so");
    });
    // The stand-in forgets that it was told to hold; nobody asks the registry anything.
    wait_for("the alarm to publish", || gate.kv_names().is_empty());
    assert_eq!(gate.logged_user(&keys.token()), None);
    assert_eq!((&gate.user("revoked")["status"], gate.outbox()), (&json!("revoked"), 0));
}

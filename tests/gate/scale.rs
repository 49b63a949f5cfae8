//! Fifty thousand users: they come in, are published, listed, reconciled, and hold nobody up.
//!
//! On the stand-in for KV, which lets one invocation of the registry do 1,000 operations and no more.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Options, wait_for_long};

const USERS: usize = 50_000;
const BATCH: usize = 1_000;
/// With how many users a listing may take a third of its time with [`USERS`].
const FEW_USERS: usize = 500;

fn gate() -> Gate {
    Gate::start(Options { kv_stand_in: true, ..Options::default() })
}

/// A user as Frappe has it. The api_keys start with different digits, as random ones do.
fn row(number: usize) -> Value {
    let api_key = format!("{:05x}{number:010x}", number * 7_919 % 0xfffff);
    json!({ "user": format!("user{number}@example.test"), "api_key": api_key, "api_secret": format!("{:015x}", number + 1) })
}

fn token(number: usize) -> String {
    let row = row(number);
    format!("token {}:{}", row["api_key"].as_str().unwrap(), row["api_secret"].as_str().unwrap())
}

fn import(gate: &Gate, numbers: impl Iterator<Item = usize>, result: &str) {
    let users: Vec<_> = numbers.map(row).collect();
    let reply = gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": users }));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    assert!(json["rows"].as_array().unwrap().iter().all(|row| row["result"] == result));
}

fn revoke(gate: &Gate, number: usize) -> bool {
    let path = format!("/_gatehouse/users/user{number}@example.test/revoke");
    gate.post(&path, ADMINISTRATOR).json()["published"].as_bool().unwrap()
}

#[test]
fn fifty_thousand_users_are_imported_published_listed_and_reconciled() {
    let gate = gate();
    // KV fails, so that the outbox fills.
    gate.kv(&json!(["writes", "fail"]));
    let start = Instant::now();
    for batch in (0..USERS).step_by(BATCH) {
        import(&gate, batch..batch + BATCH, "created");
    }
    println!("imported after {:.1?}", start.elapsed());
    assert_eq!(gate.outbox(), u64::try_from(USERS).unwrap());
    import(&gate, 0..BATCH, "unchanged");
    assert_eq!(gate.outbox(), u64::try_from(USERS).unwrap(), "a batch repeated does no harm");
    assert!(!revoke(&gate, 7), "KV fails");
    gate.kv(&json!(["log"]));

    // KV works again: what was revoked goes first, and nothing waits behind the import.
    gate.kv(&json!(["writes", "work"]));
    let start = Instant::now();
    wait_for_long("the alarm", || !gate.kv_names().is_empty());
    let log = gate.kv(&json!(["log"]));
    let first = log.as_array().unwrap().iter().find(|entry| entry["landed"] == true).unwrap();
    assert_eq!(first["operation"], "delete", "the revocation goes first");
    assert!(revoke(&gate, 40_000), "published with its answer");
    assert!(gate.outbox() > 10_000, "while the import is still being published");
    assert_eq!(gate.logged_user(&token(40_000)), None);

    // The registry dies in the middle, and goes on by itself.
    gate.restart();
    wait_for_long("everything to be published", || gate.outbox() == 0);
    println!("published after {:.1?}", start.elapsed());
    assert_eq!(gate.kv_names().len(), USERS - 2);
    assert_eq!(gate.logged_user(&token(USERS - 1)).as_deref(), Some("user49999@example.test"));
    assert_eq!(gate.logged_user(&token(7)), None);

    // Somebody meddled with the namespace.
    let names = gate.kv_names();
    let stray = format!("credential/{}", "0".repeat(64));
    for name in &names[..100] {
        gate.kv_delete(name);
    }
    gate.kv_put(&stray, "stray");
    let start = Instant::now();
    let begun = gate.post("/_gatehouse/reconcile", ADMINISTRATOR).json();
    assert_eq!(begun, json!({ "done": 0, "total": USERS - 2 + 1 }));
    let mut seen = 0;
    wait_for_long("the reconciliation", || {
        let progress = gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json();
        let done = progress["done"].as_u64().unwrap();
        assert!(done >= seen, "progress goes one way");
        seen = done;
        progress["done"] == progress["total"] && gate.outbox() == 0
    });
    println!("reconciled after {:.1?}", start.elapsed());
    assert_eq!(gate.kv_names(), names);

    let few = self::gate();
    import(&few, 0..FEW_USERS, "created");
    listing_takes_at_most_three_times_as_long(&few, &gate, &QUERIES);
    for (gate, users) in [(&few, FEW_USERS), (&gate, USERS)] {
        disable_and_expire(gate, users);
    }
    listing_takes_at_most_three_times_as_long(&few, &gate, &QUERIES);
}

const QUERIES: [&str; 14] = [
    "",
    "q=user1",
    "q=USER49",
    "q=1",
    "q=a",
    "q=nobody",
    "status=active",
    "status=expired",
    "status=revoked",
    "status=disabled",
    "status=active&q=user",
    "status=expired&q=user",
    "status=revoked&q=user",
    "status=active&q=a",
];

/// Every second user's time is over, and every third of the others is disabled.
fn disable_and_expire(gate: &Gate, users: usize) {
    for batch in (0..users).step_by(BATCH) {
        let rows = (batch..users.min(batch + BATCH)).filter(|number| ![7, 40_000].contains(number)).map(|number| {
            let mut row = row(number);
            match number % 6 {
                0 | 2 | 4 => row["not_after"] = json!("2020-01-01T00:00:00Z"),
                1 => row["enabled"] = json!(false),
                _ => {}
            }
            row
        });
        let reply = gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": rows.collect::<Value>() }));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    wait_for_long("the changes to be published", || gate.outbox() == 0);
}

/// First page and searches, with many users beside few in the same run, taking turns.
fn listing_takes_at_most_three_times_as_long(few: &Gate, many: &Gate, queries: &[&str]) {
    const ROUNDS: usize = 31;
    for query in queries {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (gate, times) in [few, many].into_iter().zip(&mut times) {
                let start = Instant::now();
                assert_eq!(gate.get(&format!("/_gatehouse/users?{query}"), ADMINISTRATOR).status, 200);
                times.push(start.elapsed());
            }
        }
        let [few, many] = times.map(|mut times: Vec<Duration>| {
            times.sort();
            times[ROUNDS / 2]
        });
        println!("{query:>22}: {few:.1?} with {FEW_USERS}, {many:.1?} with {USERS}");
        assert!(many <= 3 * few, "{query}: {many:?} instead of {few:?}");
    }
}

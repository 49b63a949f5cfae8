//! KV that takes no writes for a minute, while administrators go on.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, Keys, Options, figures, wait_for};

const OUTAGE: Duration = Duration::from_secs(60);
const USERS: usize = 300;

#[test]
#[ignore = "two minutes: npm run soak"]
fn after_a_minute_without_writes_kv_says_what_the_registry_says() {
    let gate = Gate::start(Options { kv_stand_in: true, ..Options::with(&[("CACHE_SECONDS", "0")]) });
    let name = |number: usize| format!("user-{number}");
    let before: Vec<Keys> = (0..USERS).map(|number| gate.generate(&name(number))).collect();
    assert_eq!(gate.outbox(), 0);
    gate.kv(&json!(["writes", "fail"]));
    gate.kv(&json!(["log"]));
    let start = Instant::now();
    // A third is revoked, a third rotated, the rest left alone, spread over the minute.
    let mut after = Vec::new();
    for number in 0..USERS {
        let until = OUTAGE.mul_f64(number as f64 / USERS as f64);
        std::thread::sleep(until.saturating_sub(start.elapsed()));
        let published = match number % 3 {
            0 => gate.post(&format!("/_gatehouse/users/{}/revoke", name(number)), ADMINISTRATOR).json()["published"]
                .clone(),
            1 => {
                let reply = gate.post(&format!("/_gatehouse/users/{}/generate", name(number)), ADMINISTRATOR).json();
                after.push((number, Keys::of(&reply)));
                reply["published"].clone()
            }
            _ => continue,
        };
        assert_eq!(published, false);
    }
    std::thread::sleep(OUTAGE.saturating_sub(start.elapsed()));
    let waiting = gate.outbox();
    assert_eq!(waiting, u64::try_from(USERS).unwrap(), "one name for each revocation, two for each rotation");
    let tries = gate.kv(&json!(["log"])).as_array().unwrap().len();
    gate.kv(&json!(["writes", "work"]));
    let works_again = Instant::now();
    wait_for("the outbox to empty", || gate.outbox() == 0);
    figures(&format!(
        "After {} s without writes: {waiting} names waited, {tries} writes had been tried, caught up {:.1} s after KV was back.",
        OUTAGE.as_secs(),
        works_again.elapsed().as_secs_f64()
    ));
    for (number, keys) in before.iter().enumerate() {
        let expected = (number % 3 == 2).then(|| name(number));
        assert_eq!(gate.logged_user(&keys.token()), expected);
    }
    for (number, keys) in after {
        assert_eq!(gate.logged_user(&keys.token()), Some(name(number)));
    }
}

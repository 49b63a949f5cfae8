//! How soon a revocation bites, for each class of routes, by what the isolate and KV remember.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, Keys, Options};

const CACHE_SECONDS: [u32; 3] = [0, 5, 60];
/// How long a location goes on with what it has read: nothing, what the gate asks for unless told otherwise, KV's own minute.
const STALE_SECONDS: [u32; 3] = [0, 30, 60];
/// A class of routes, a path of it, and whether the user is strict.
const CLASSES: [(&str, &str, bool); 6] = [
    ("proxied to the origin", "/revoked", false),
    ("`get_logged_user`", "/api/method/frappe.auth.get_logged_user", false),
    ("management", "/_gatehouse/users", false),
    ("proxied to the origin", "/revoked", true),
    ("`get_logged_user`", "/api/method/frappe.auth.get_logged_user", true),
    ("management", "/_gatehouse/users", true),
];
/// How often it is tried whether a key still works: what is measured is that long too long at most.
const PAUSE: Duration = Duration::from_millis(100);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(3);
/// KV takes one write a second for each name: so long after a key was minted its deletion is taken at once.
const A_WRITES_SECOND: Duration = Duration::from_millis(1_500);

/// The worst that can happen: the key was used just before it was revoked, and is used all the time.
fn delay(gate: &Gate, keys: &Keys, user: &str, path: &str) -> Duration {
    let token = keys.token();
    assert_eq!(gate.get(path, &token).status, 200, "{path}");
    let revoked = gate.post(&format!("/_gatehouse/users/{user}/revoke"), ADMINISTRATOR).json();
    let revoked_at = Instant::now();
    assert_eq!(revoked["published"], true);
    let mut last_good = None;
    loop {
        let asked_at = revoked_at.elapsed();
        match gate.get(path, &token).status {
            200 => last_good = Some(asked_at),
            401 => return last_good.map_or(Duration::ZERO, |_| asked_at),
            status => panic!("{status}"),
        }
        std::thread::sleep(PAUSE);
    }
}

/// The delays of all classes behind one gate.
fn delays(cache_seconds: u32, stale_seconds: u32) -> Vec<Duration> {
    let variables = vec![("CACHE_SECONDS", cache_seconds.to_string())];
    let gate = Gate::start(Options { kv_stand_in: true, variables, ..Options::default() });
    gate.kv(&json!(["stale", stale_seconds]));
    let users: Vec<_> = CLASSES
        .iter()
        .enumerate()
        .map(|(number, (_, _, strict))| {
            let user = format!("user-{number}");
            gate.set(&user, &json!({ "roles": ["System Manager"], "strict": strict }));
            (gate.generate(&user), user)
        })
        .collect();
    std::thread::sleep(A_WRITES_SECOND);
    std::thread::scope(|scope| {
        let gate = &gate;
        let measured: Vec<_> = CLASSES
            .iter()
            .zip(&users)
            .map(|((_, path, _), (keys, user))| scope.spawn(move || delay(gate, keys, user, path)))
            .collect();
        measured.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "two minutes: npm run soak"]
fn a_revocation_bites_at_once_or_when_what_was_read_is_forgotten() {
    let measured: Vec<_> = std::thread::scope(|scope| {
        let gates = CACHE_SECONDS.map(|cache| STALE_SECONDS.map(|stale| scope.spawn(move || delays(cache, stale))));
        gates.map(|gates| gates.map(|gate| gate.join().unwrap())).into()
    });
    println!(
        "\nSeconds from the answer to a revocation until the key is refused, the key having been used just before:\n"
    );
    println!("| route | user | CACHE_SECONDS | KV stale for 0 s | 30 s | 60 s |\n|---|---|---|---|---|---|");
    for (class, (route, _, strict)) in CLASSES.iter().enumerate() {
        for (cache, measured) in CACHE_SECONDS.iter().zip(&measured) {
            let user = if *strict { "strict" } else { "any other" };
            let cells = measured.each_ref().map(|delays| match delays[class] {
                Duration::ZERO => "at once".to_owned(),
                delay => format!("{:.1}", delay.as_secs_f64()),
            });
            println!("| {route} | {user} | {cache} | {} |", cells.join(" | "));
        }
    }
    for (cache, measured) in CACHE_SECONDS.iter().zip(&measured) {
        for (stale, delays) in STALE_SECONDS.iter().zip(measured) {
            for ((route, _, strict), delay) in CLASSES.iter().zip(delays) {
                let what = format!("{route}, strict: {strict}, {cache} s, {stale} s: {delay:?}");
                if *strict || *route == "management" {
                    assert_eq!(*delay, Duration::ZERO, "{what}");
                } else {
                    let longest = Duration::from_secs(u64::from(cache + stale)) + SLACK;
                    assert!(*delay <= longest, "{what}");
                }
            }
        }
    }
}

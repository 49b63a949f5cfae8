//! How soon a revocation bites, for each class of routes, by what the isolate and KV remember.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, Options, figures};

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
const SLACK: Duration = Duration::from_secs(5);
/// How long before a location forgets the isolate asks it once more: as late as a busy machine is sure to be in time.
const BEFORE_IT_FORGETS_SECONDS: u32 = 3;
/// KV takes one write a second for each name: so long after a key was minted its deletion is taken at once.
const A_WRITES_SECOND: Duration = Duration::from_millis(1_500);

/// Whom the registry is asked about.
fn is_asked_about(class: usize) -> bool {
    let (route, _, strict) = CLASSES[class];
    strict || route == "management"
}

struct Key {
    user: String,
    token: String,
    kv_name: String,
}

/// From the revocation to the first refusal, as long as it can take: the location reads the grant just before the key is
/// revoked, and the isolate has the key used once more shortly before the location forgets, or, where it remembers nothing or is not
/// all there is to ask, just before too.
fn delay(gate: &Gate, key: &Key, class: usize, stale_seconds: u32) -> Duration {
    let path = CLASSES[class].1;
    let is_used_before = is_asked_about(class) || stale_seconds == 0;
    if is_used_before {
        assert_eq!(gate.get(path, &key.token).status, 200, "{path}");
    } else {
        assert!(gate.kv(&json!(["get", key.kv_name, { "cacheTtl": 30 }])).is_string());
    }
    let revoked = gate.post(&format!("/_gatehouse/users/{}/revoke", key.user), ADMINISTRATOR).json();
    let revoked_at = Instant::now();
    assert_eq!(revoked["published"], true);
    if !is_used_before {
        let wait = Duration::from_secs(u64::from(stale_seconds - BEFORE_IT_FORGETS_SECONDS));
        while revoked_at.elapsed() < wait {
            // The stand-in is put away with all that it remembers once nobody asks it anything for seconds.
            gate.kv(&json!(["held"]));
            std::thread::sleep(PAUSE);
        }
        assert_eq!(gate.get(path, &key.token).status, 200, "the location remembers");
    }
    let mut last_good = None;
    loop {
        let asked_at = revoked_at.elapsed();
        match gate.get(path, &key.token).status {
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
    let mut known = HashSet::new();
    let keys: Vec<_> = CLASSES
        .iter()
        .enumerate()
        .map(|(number, (_, _, strict))| {
            let user = format!("user-{number}");
            gate.set(&user, &json!({ "roles": ["System Manager"], "strict": strict }));
            let token = gate.generate(&user).token();
            let kv_name = gate.kv_names().into_iter().find(|name| known.insert(name.clone())).unwrap();
            Key { user, token, kv_name }
        })
        .collect();
    std::thread::sleep(A_WRITES_SECOND);
    std::thread::scope(|scope| {
        let gate = &gate;
        let delays = keys.iter().enumerate();
        let delays: Vec<_> =
            delays.map(|(class, key)| scope.spawn(move || delay(gate, key, class, stale_seconds))).collect();
        delays.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "two minutes: npm run soak"]
fn a_revocation_bites_at_once_or_when_what_was_read_is_forgotten() {
    let measured: Vec<_> = std::thread::scope(|scope| {
        let gates = CACHE_SECONDS.map(|cache| STALE_SECONDS.map(|stale| scope.spawn(move || delays(cache, stale))));
        gates.map(|gates| gates.map(|gate| gate.join().unwrap())).into()
    });
    let mut table = String::from("Seconds from the answer to a revocation until the key is refused, at worst:\n\n");
    table += "| route | user | CACHE_SECONDS | KV stale for 0 s | 30 s | 60 s |\n|---|---|---|---|---|---|";
    for (class, (route, _, strict)) in CLASSES.iter().enumerate() {
        for (cache, measured) in CACHE_SECONDS.iter().zip(&measured) {
            let user = if *strict { "strict" } else { "any other" };
            let cells = measured.each_ref().map(|delays| match delays[class] {
                Duration::ZERO => "at once".to_owned(),
                delay => format!("{:.1}", delay.as_secs_f64()),
            });
            table += &format!("\n| {route} | {user} | {cache} | {} |", cells.join(" | "));
        }
    }
    figures(&table);
    for (cache, measured) in CACHE_SECONDS.iter().zip(&measured) {
        for (stale, delays) in STALE_SECONDS.iter().zip(measured) {
            for (class, delay) in delays.iter().enumerate() {
                let what = format!("{:?}, {cache} s, {stale} s: {delay:?}", CLASSES[class]);
                let longest = Duration::from_secs(u64::from(cache + stale));
                if is_asked_about(class) || longest.is_zero() {
                    assert_eq!(*delay, Duration::ZERO, "{what}");
                } else {
                    assert!(*delay <= longest + SLACK && *delay + SLACK >= longest, "{what}");
                }
            }
        }
    }
}

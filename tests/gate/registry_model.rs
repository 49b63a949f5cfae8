//! The registry held against a model: random lives of a few users, on workerd, with KV failing now and then.
//!
//! The model says, from the documentation alone, which grants KV should hold. After each command it has to hold exactly these
//! for every user whom the registry calls published, and at the end for all.
//!
//! The sequences are the same in each run. `PROPTEST_RNG_SEED=<number>` tries others, `PROPTEST_CASES=<number>` more of
//! them; a failure prints the shortest sequence that still fails.

pub mod model;

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

use self::model::{Credentials, Model, Time, now};
use crate::harness::{ADMINISTRATOR, Gate, Keys, Options, wait_for};

/// As many gates at a time, each with its share of the sequences.
const GATES: u64 = 4;
const SEQUENCES_OF_A_GATE: u32 = 15;
const COMMANDS: std::ops::RangeInclusive<usize> = 10..=30;
const SEED: u64 = 20_261_124;
/// How long a sequence that failed is made shorter, in milliseconds: each try takes seconds.
const SHRINK_MS: u32 = 90_000;

const USERS: usize = 3;

#[derive(Debug, Clone)]
enum Command {
    Generate {
        user: usize,
        grace_seconds: u32,
    },
    Revoke {
        user: usize,
    },
    Delete {
        user: usize,
    },
    Change {
        user: usize,
        settings: Settings,
    },
    /// Of a few api_keys and secrets, so that they meet again and collide.
    Import {
        user: usize,
        api_key: u8,
        api_secret: u8,
        settings: Settings,
    },
    Reconcile,
    Wait {
        milliseconds: u64,
    },
    Writes {
        mode: &'static str,
    },
    Restart,
}

/// As a `PUT` takes them, with times relative to now.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub enabled: Option<bool>,
    pub strict: Option<bool>,
    pub role: Option<&'static str>,
    pub rule: Option<bool>,
    pub not_after: Option<Option<i64>>,
}

fn settings() -> impl Strategy<Value = Settings> {
    let end = of(of(prop_oneof![Just(-10), 1..4i64, Just(1_000)]));
    // Mostly on: what is disabled publishes nothing.
    let enabled = of(proptest::bool::weighted(0.8));
    let role = of(select(["Auditor", "Clerk"].as_slice()));
    (enabled, of(any::<bool>()), role, of(any::<bool>()), end)
        .prop_map(|(enabled, strict, role, rule, not_after)| Settings { enabled, strict, role, rule, not_after })
}

fn command() -> impl Strategy<Value = Command> {
    let grace = prop_oneof![2 => Just(0), 2 => 1..4u32, 1 => Just(3_600)];
    let user = || 0..USERS;
    prop_oneof![
        8 => (user(), grace).prop_map(|(user, grace_seconds)| Command::Generate { user, grace_seconds }),
        2 => user().prop_map(|user| Command::Revoke { user }),
        2 => user().prop_map(|user| Command::Delete { user }),
        6 => (user(), settings()).prop_map(|(user, settings)| Command::Change { user, settings }),
        4 => (user(), 0..3u8, 0..2u8, settings())
            .prop_map(|(user, api_key, api_secret, settings)| Command::Import { user, api_key, api_secret, settings }),
        1 => Just(Command::Reconcile),
        2 => (100..1_200u64).prop_map(|milliseconds| Command::Wait { milliseconds }),
        3 => select(["work", "fail", "land and fail"].as_slice()).prop_map(|mode| Command::Writes { mode }),
        1 => Just(Command::Restart),
    ]
}

#[test]
fn published_grants_are_always_those_that_the_model_allows() {
    let given = Config::default();
    let base = if let RngSeed::Fixed(seed) = given.rng_seed { seed } else { SEED };
    let cases = std::env::var_os("PROPTEST_CASES").map_or(SEQUENCES_OF_A_GATE, |_| given.cases.div_ceil(GATES as u32));
    std::thread::scope(|scope| {
        for number in 0..GATES {
            let config = Config {
                rng_seed: RngSeed::Fixed(base.wrapping_mul(GATES).wrapping_add(number)),
                cases,
                failure_persistence: None,
                max_shrink_time: SHRINK_MS,
                ..Config::default()
            };
            scope.spawn(move || {
                // A gate that a sequence failed on is of no use to the next.
                let gate = RefCell::new(None);
                let outcome = TestRunner::new(config).run(&vec(command(), COMMANDS), |commands| {
                    let started = gate.take().unwrap_or_else(start);
                    live(&started, &commands);
                    gate.replace(Some(started));
                    Ok(())
                });
                outcome.unwrap_or_else(|failure| panic!("PROPTEST_RNG_SEED={base}: {failure}"));
            });
        }
    });
}

fn start() -> Gate {
    Gate::start(Options { kv_stand_in: true, ..Options::with(&[("CACHE_SECONDS", "0")]) })
}

/// One sequence, with users of its own, of whom nothing is left in KV afterwards.
fn live(gate: &Gate, commands: &[Command]) {
    static SEQUENCES: AtomicUsize = AtomicUsize::new(0);
    let sequence = SEQUENCES.fetch_add(1, Ordering::Relaxed);
    let mut model = Model::new((0..USERS).map(|user| format!("model-{sequence}-{user}")).collect());
    for command in commands {
        // Else most changes would wait for KV's next second, and with them the test.
        gate.kv(&json!(["nextSecond"]));
        carry_out(gate, &mut model, command);
        for user in 0..USERS {
            check_user(gate, &model, user);
        }
    }
    gate.kv(&json!(["writes", "work"]));
    drain(gate);
    for user in 0..USERS {
        let is_published = check_user(gate, &model, user);
        assert!(is_published, "the outbox is empty");
    }
    for (credentials, user) in &model.minted {
        let found = gate.logged_user(&credentials.token());
        if let Some(works) = model.works(*user, credentials) {
            assert_eq!(found.is_some(), works, "{credentials:?}");
        }
        assert!(found.is_none_or(|found| found == model.names[*user]));
    }
    for name in &model.names {
        gate.kv(&json!(["nextSecond"]));
        gate.delete(&path(name, ""), ADMINISTRATOR);
    }
    drain(gate);
    assert_eq!(gate.kv_names(), Vec::<String>::new(), "nothing is left of anybody");
}

/// Waits until KV says what the registry says.
fn drain(gate: &Gate) {
    wait_for("the outbox to empty", || {
        gate.kv(&json!(["nextSecond"]));
        let progress = gate.get("/_gatehouse/reconcile", ADMINISTRATOR).json();
        progress["done"] == progress["total"] && gate.outbox() == 0
    });
}

fn path(name: &str, action: &str) -> String {
    format!("/_gatehouse/users/{name}{action}")
}

fn carry_out(gate: &Gate, model: &mut Model, command: &Command) {
    match command {
        Command::Generate { user, grace_seconds } => {
            let from = now();
            let body = json!({ "grace_seconds": grace_seconds });
            let reply = gate.post_json(&path(&model.names[*user], "/generate"), ADMINISTRATOR, &body);
            assert_eq!(reply.status, 200, "{}", reply.text());
            let Keys { api_key, api_secret } = Keys::of(&reply.json());
            let at = Time { from, to: now() };
            model.generate(*user, &Credentials { api_key, api_secret }, at, *grace_seconds);
        }
        Command::Revoke { user } => {
            let reply = gate.post(&path(&model.names[*user], "/revoke"), ADMINISTRATOR);
            assert_eq!(reply.status, if model.revoke(*user) { 200 } else { 404 });
        }
        Command::Delete { user } => {
            let reply = gate.delete(&path(&model.names[*user], ""), ADMINISTRATOR);
            assert_eq!(reply.status, if model.delete(*user) { 200 } else { 404 });
        }
        Command::Change { user, settings } => {
            let body = model::body(settings, now());
            let reply = gate.put(&path(&model.names[*user], ""), ADMINISTRATOR, &body);
            assert_eq!(reply.status, if model.change(*user, &body) { 201 } else { 200 }, "{}", reply.text());
        }
        Command::Import { user, api_key, api_secret, settings } => {
            let name = model.names[*user].clone();
            // The keys are of this sequence: an api_key is somebody's for life.
            let family = model.names[0].clone();
            let credentials = Credentials {
                api_key: format!("{family}-key-{api_key}"),
                api_secret: format!("{family}-secret-{api_secret}"),
            };
            let settings = model::body(settings, now());
            let mut row = settings.clone();
            row["user"] = name.into();
            row["api_key"] = credentials.api_key.as_str().into();
            row["api_secret"] = credentials.api_secret.as_str().into();
            let reply = gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": [row] }));
            let is_taken = model.import(*user, &credentials, &settings);
            assert_eq!(reply.status, if is_taken { 200 } else { 409 }, "{}", reply.text());
        }
        Command::Reconcile => assert_eq!(gate.post("/_gatehouse/reconcile", ADMINISTRATOR).status, 200),
        Command::Wait { milliseconds } => std::thread::sleep(Duration::from_millis(*milliseconds)),
        Command::Writes { mode } => drop(gate.kv(&json!(["writes", mode]))),
        Command::Restart => gate.restart(),
    }
}

/// Holds what the registry and KV say of a user against the model. Tells whether KV had to say the same.
fn check_user(gate: &Gate, model: &Model, user: usize) -> bool {
    let name = &model.names[user];
    let reply = gate.get(&path(name, ""), ADMINISTRATOR);
    let Some(known) = model.shown(user) else {
        assert_eq!(reply.status, 404, "{name}");
        // Of those who are deleted nobody is told whether they are published.
        return if gate.outbox() == 0 { check_grants(gate, model, user) } else { false };
    };
    let view = reply.json();
    assert_eq!(view["api_key"], known.api_key.as_deref().map_or(Value::Null, Value::from), "for life");
    view["published"].as_bool().unwrap() && check_grants(gate, model, user)
}

fn check_grants(gate: &Gate, model: &Model, user: usize) -> bool {
    for (credentials, _) in model.minted.iter().filter(|(_, owner)| *owner == user) {
        let entry = gate.kv_get(&credentials.kv_name());
        let grant = entry.map(|entry| credentials.open(&entry));
        model.check_grant(user, credentials, grant.as_ref());
    }
    true
}

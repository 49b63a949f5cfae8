//! What the gate reads of KV, how often, and what it makes of what it finds there.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::harness::{ADMINISTRATOR, Gate, Options, Reply, wait_for};

fn instrumented(variables: &[(&'static str, &str)]) -> Gate {
    Gate::start(Options { instrumented: true, ..Options::with(variables) })
}

fn reads(reply: &Reply) -> u32 {
    reply.header("x-test-kv-reads").parse().unwrap()
}

#[test]
fn a_hot_credential_costs_no_read_inside_the_cache_time_and_one_outside() {
    let gate = instrumented(&[("CACHE_SECONDS", "2")]);
    let token = gate.generate("hot").token();
    let first = gate.get("/hot", &token);
    assert_eq!((first.status, reads(&first)), (200, 1));
    // A pair of requests inside the time; on a machine that stalls between them, the next pair.
    let mut read_at = Instant::now();
    let mut again = gate.get("/hot", &token);
    while read_at.elapsed() > Duration::from_millis(1500) {
        let read = gate.get("/hot", &token);
        (read_at, again) = (Instant::now(), gate.get("/hot", &token));
        assert_eq!(read.status, 200);
    }
    assert_eq!((again.status, reads(&again)), (200, 0));
    wait_for("the cached grant to expire", || {
        let reply = gate.get("/hot", &token);
        assert_eq!(reply.status, 200);
        assert!(reads(&reply) <= 1);
        reads(&reply) == 1
    });
}

#[test]
fn without_a_cache_each_request_reads_once() {
    let gate = instrumented(&[("CACHE_SECONDS", "0")]);
    let token = gate.generate("uncached").token();
    for _ in 0..3 {
        assert_eq!(reads(&gate.get("/uncached", &token)), 1);
    }
}

#[test]
fn a_malformed_or_mistyped_credential_is_refused_without_a_read() {
    let gate = instrumented(&[]);
    let keys = gate.generate("mistyped");
    let last = keys.api_secret.chars().last().unwrap();
    let mistyped = format!("{}{}", &keys.token()[..keys.token().len() - 1], if last == '0' { '1' } else { '0' });
    for (value, expected) in [
        (mistyped, 0),
        ("token k".to_owned(), 0),
        ("Basic ?".to_owned(), 0),
        ("Bearer x".to_owned(), 0),
        (format!("token k:{}", "s".repeat(257)), 0),
        ("token Administrator:wrong".to_owned(), 0),
        ("token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321".to_owned(), 1),
    ] {
        let reply = gate.get("/mistyped", &value);
        assert!(matches!(reply.status, 400 | 401), "{value}");
        assert_eq!(reads(&reply), expected, "{value}");
    }
}

#[test]
fn a_failing_kv_is_a_503_and_lets_nothing_through() {
    let gate = instrumented(&[("CACHE_SECONDS", "0"), ("ANONYMOUS", "pass")]);
    let token = gate.generate("kv-failing").token();
    let failing = [("Authorization", token.as_str()), ("x-test-kv", "fail")];
    for path in ["/kv-failing", "/api/method/frappe.auth.get_logged_user"] {
        let reply = gate.send("GET", path, &failing, b"");
        assert_eq!((reply.status, reply.exc_type().as_str()), (503, "ServiceUnavailable"), "{}", reply.text());
    }
    assert_eq!(gate.get("/kv-failing", &token).status, 200, "a failure is not remembered");
}

#[test]
fn a_failing_registry_is_a_503_and_changes_nothing() {
    let gate = instrumented(&[]);
    let failing = [("Authorization", ADMINISTRATOR), ("x-test-registry", "fail")];
    let reply = gate.send("POST", "/_gatehouse/users/registry-failing/generate", &failing, b"");
    assert_eq!((reply.status, reply.exc_type().as_str()), (503, "ServiceUnavailable"));
    assert!(!reply.text().contains("as the test asked"));
    assert_eq!(gate.get("/_gatehouse/users/registry-failing", ADMINISTRATOR).status, 404);
}

#[test]
fn what_a_writer_to_the_namespace_puts_there_is_refused() {
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
    let alice = gate.generate("kv-alice").token();
    let names = gate.kv_names();
    let [alices_name] = names.as_slice() else { panic!("one entry expected: {names:?}") };
    assert!(alices_name.starts_with("credential/") && alices_name.len() == "credential/".len() + 64);
    let alices_entry = gate.kv_get(alices_name).unwrap();

    let manager = gate.generate_with_roles("kv-manager", &["System Manager"]).token();
    let names = gate.kv_names();
    let managers_name = names.iter().find(|name| *name != alices_name).unwrap();
    let managers_entry = gate.kv_get(managers_name).unwrap();

    for (what, entry) in [
        ("another's grant", managers_entry.as_str()),
        ("a changed seal", &alices_entry.replace("\"seal\":\"", "\"seal\":\"00")),
        ("an unknown version", &alices_entry.replace("\"v\":1", "\"v\":2")),
        ("no grant", "{}"),
        ("nothing", ""),
    ] {
        gate.kv_put(alices_name, entry);
        assert_eq!(gate.logged_user(&alice), None, "{what}");
        assert_eq!(gate.get("/tampered", &alice).status, 401, "{what}");
    }
    gate.kv_put(alices_name, &alices_entry);
    assert_eq!(gate.logged_user(&alice).as_deref(), Some("kv-alice"));
    assert_eq!(gate.logged_user(&manager).as_deref(), Some("kv-manager"));
}

#[test]
fn kv_holds_no_secret() {
    let gate = Gate::start(Options::default());
    let keys = gate.generate("kv-secrets");
    let names = gate.kv_names();
    assert_eq!(names.len(), 1);
    let entry: Value = serde_json::from_str(&gate.kv_get(&names[0]).unwrap()).unwrap();
    let grant = URL_SAFE_NO_PAD.decode(entry["grant"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(grant).unwrap(), format!(r#"{{"api_key":"{}","user":"kv-secrets"}}"#, keys.api_key));
    let random = &keys.api_secret[4..44];
    assert!(!names[0].contains(random) && !entry.to_string().contains(random));
}

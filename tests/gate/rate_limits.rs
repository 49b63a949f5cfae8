//! `LIMITS`: how often an address may fail, and how often credentials may be used.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, Options, Reply, root, wait_for_a_minutes_first_half};

const WRONG: &str = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";

/// A gate whose limits are low, and which counts KV reads.
fn limited(failed_auth: u32, requests: u32) -> Gate {
    wait_for_a_minutes_first_half();
    let limits = vec![("FAILED_AUTH", failed_auth), ("REQUESTS", requests)];
    Gate::start(Options { limits, instrumented: true, ..Options::with(&[("CACHE_SECONDS", "3600")]) })
}

fn from(gate: &Gate, address: &str, authorization: &str) -> Reply {
    gate.send("GET", "/limited", &[("Authorization", authorization), ("CF-Connecting-IP", address)], b"")
}

fn reads(reply: &Reply) -> u32 {
    reply.header("x-test-kv-reads").parse().unwrap()
}

/// Fails until the limit is passed: the failure that passes it is judged like the others.
fn exhaust(gate: &Gate, address: &str, failed_auth: u32) {
    for _ in 0..=failed_auth {
        assert_eq!(from(gate, address, WRONG).status, 401);
    }
}

fn assert_has_to_wait(reply: &Reply) {
    assert_eq!((reply.status, reply.exc_type().as_str()), (429, "TooManyRequestsError"), "{}", reply.text());
    let seconds: u32 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(reads(reply), 0, "KV was read");
}

#[test]
fn an_address_that_failed_too_often_waits_and_costs_no_kv_read() {
    let gate = limited(4, 1000);
    let stored = gate.generate("stored").token();
    exhaust(&gate, "192.0.2.1", 4);
    for authorization in [WRONG, "token k", "Basic ?", "token k:gks_typing-error", &stored] {
        assert_has_to_wait(&from(&gate, "192.0.2.1", authorization));
    }
    assert_eq!(from(&gate, "192.0.2.2", &stored).status, 200, "somebody else does not wait");
}

#[test]
fn what_the_isolate_holds_goes_on_working_from_an_address_that_has_to_wait() {
    let gate = limited(4, 1000);
    let token = gate.generate("known").token();
    assert_eq!(from(&gate, "192.0.2.1", &token).status, 200);
    exhaust(&gate, "192.0.2.1", 4);
    let reply = from(&gate, "192.0.2.1", &token);
    assert_eq!((reply.status, reads(&reply)), (200, 0));
    let administrator = [("Authorization", ADMINISTRATOR), ("CF-Connecting-IP", "192.0.2.1")];
    assert_eq!(gate.send("GET", LOGGED_USER, &administrator, b"").status, 200, "known without asking anybody");
    // What brings no credentials is no attempt.
    assert_eq!(gate.send("GET", "/limited", &[("CF-Connecting-IP", "192.0.2.1")], b"").status, 401);
    assert_eq!(gate.send("GET", "/_gatehouse/health", &[("CF-Connecting-IP", "192.0.2.1")], b"").status, 200);
}

#[test]
fn only_failures_count() {
    let gate = limited(2, 1000);
    let token = gate.generate("successful").token();
    let other = gate.generate("other").token();
    for _ in 0..10 {
        assert_eq!(from(&gate, "192.0.2.1", &token).status, 200);
        assert_eq!(gate.send("GET", "/limited", &[("CF-Connecting-IP", "192.0.2.1")], b"").status, 401);
        assert_eq!(from(&gate, "192.0.2.1", "Bearer somebody-elses").status, 401);
    }
    assert_eq!(from(&gate, "192.0.2.1", &other).status, 200);
}

#[test]
fn every_kind_of_failed_attempt_counts() {
    let keys_of = |gate: &Gate, user: &str, settings| {
        let token = gate.generate(user).token();
        gate.set(user, &settings);
        token
    };
    for kind in 0..6 {
        let gate = limited(1, 1000);
        let valid = gate.generate("valid").token();
        let failing = match kind {
            0 => WRONG.to_owned(),
            1 => "token k".to_owned(),
            2 => "Basic ?".to_owned(),
            3 => "token Administrator:wrong-and-long-enough-to-be-one".to_owned(),
            4 => keys_of(&gate, "elsewhere", json!({ "allowed_ips": ["203.0.113.0/24"] })),
            _ => keys_of(&gate, "strict", json!({ "strict": true, "not_after": "2020-01-01T00:00:00Z" })),
        };
        for _ in 0..2 {
            assert!(matches!(from(&gate, "192.0.2.1", &failing).status, 400 | 401), "{failing}");
        }
        assert_has_to_wait(&from(&gate, "192.0.2.1", &valid));
    }
}

#[test]
fn failures_at_management_count_as_well() {
    let gate = limited(3, 1000);
    let valid = gate.generate("valid").token();
    for _ in 0..4 {
        let headers = [("Authorization", WRONG), ("CF-Connecting-IP", "192.0.2.1")];
        assert_eq!(gate.send("GET", "/_gatehouse/users", &headers, b"").status, 401);
    }
    assert_has_to_wait(&from(&gate, "192.0.2.1", &valid));
}

#[test]
fn a_v6_network_is_one_address_and_the_unknown_are_one() {
    let gate = limited(2, 1000);
    let token = gate.generate("networked").token();
    for host in 1..=3 {
        assert_eq!(from(&gate, &format!("2001:db8:0:1::{host}"), WRONG).status, 401);
    }
    assert_has_to_wait(&from(&gate, "2001:db8:0:1:ffff::1", &token));
    assert_eq!(from(&gate, "2001:db8:0:2::1", WRONG).status, 401);
    exhaust(&gate, "no address", 2);
    assert_has_to_wait(&from(&gate, "another", &token));
    assert_eq!(from(&gate, "2001:db8:0:2::1", &token).status, 200);
}

#[test]
fn an_api_key_may_be_used_so_often_by_whoever_has_its_secret() {
    let gate = limited(1000, 3);
    let keys = gate.generate("busy");
    // Nobody uses up another's requests by its api_key, which is no secret.
    for _ in 0..10 {
        assert_eq!(from(&gate, "192.0.2.9", &format!("token {}:wrong", keys.api_key)).status, 401);
    }
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(from(&gate, address, &keys.token()).status, 200);
    }
    assert_has_to_wait(&from(&gate, "192.0.2.4", &keys.basic()));
    let asked = gate.get(LOGGED_USER, &keys.token());
    assert_eq!((asked.status, asked.header("retry-after")), (429, "60"), "the gate's own answers count too");
    let other = gate.generate("idle").token();
    assert_eq!(from(&gate, "192.0.2.1", &other).status, 200);
}

#[test]
fn a_limit_that_fails_lets_nothing_through() {
    let gate = limited(1000, 1000);
    let token = gate.generate("unlucky").token();
    let fail = ("x-test-limits", "fail");
    let reply = gate.send("GET", "/limited", &[("Authorization", &token), fail], b"");
    assert_eq!((reply.status, reply.exc_type().as_str()), (503, "ServiceUnavailable"));
    assert_eq!(gate.send("GET", "/limited", &[("Authorization", WRONG), fail], b"").status, 401);
    assert_eq!(gate.get("/limited", &token).status, 200);
}

#[test]
fn requests_that_the_registry_judges_count_as_well() {
    let gate = limited(1000, 3);
    let user = gate.generate("without-a-role").token();
    let strict = gate.generate("strict-and-busy").token();
    gate.set("strict-and-busy", &json!({ "strict": true }));
    for (path, authorization, before) in [("/_gatehouse/users", &user, 403), ("/limited", &strict, 200)] {
        for _ in 0..3 {
            assert_eq!(gate.get(path, authorization).status, before);
        }
        // Asked now, the registry would fail.
        let fail = [("Authorization", authorization.as_str()), ("x-test-registry", "fail")];
        assert_eq!(gate.send("GET", path, &fail, b"").status, 429, "{path}");
    }
}

#[test]
fn the_limits_are_those_that_the_readme_names() {
    let wrangler = std::fs::read_to_string(root().join("wrangler.toml")).unwrap();
    for (name, limit) in [("FAILED_AUTH", 20), ("REQUESTS", 6000)] {
        let part = wrangler.split(&format!("name = \"{name}\"")).nth(1).unwrap();
        let simple = format!("simple = {{ limit = {limit}, period = 60 }}");
        assert!(part.split("[[").next().unwrap().contains(&simple), "{name}");
    }
}

#[test]
fn off_turns_both_off() {
    let limits = vec![("FAILED_AUTH", 1), ("REQUESTS", 1)];
    let gate = Gate::start(Options { limits, ..Options::with(&[("LIMITS", "off")]) });
    let token = gate.generate("unlimited").token();
    for _ in 0..5 {
        assert_eq!(from(&gate, "192.0.2.1", WRONG).status, 401);
        assert_eq!(from(&gate, "192.0.2.1", &token).status, 200);
    }
}

#[test]
fn a_gate_without_its_limits_says_so_and_lets_nothing_through() {
    let gate = Gate::start(Options::with(&[("LIMITS", "on")]));
    let reply = gate.get("/limited", ADMINISTRATOR);
    assert_eq!((reply.status, reply.exc_type().as_str()), (503, "Misconfigured"));
    let problems = gate.send("GET", "/_gatehouse/health", &[], b"").json()["problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 2, "{problems}");
}

//! A panic in the Worker, which is as it was built: see harness/traps.mjs. No line of it panics by itself that anybody knows.

use std::io::BufRead;
use std::time::Duration;

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, ORIGIN, Options, RawReply, RawRequest, wait_for};

/// The key of RFC 8037, Appendix A: with one to sign with, a request does more after it has read KV.
const SIGNING_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// Nobody may wait for ever for what will never come.
const SOON: Duration = Duration::from_secs(10);

fn gate() -> Gate {
    let variables =
        [("CACHE_SECONDS", "0"), ("PUBLIC_URL", "https://gate.example.test"), ("ASSERTION_JWK", SIGNING_KEY)];
    Gate::start(Options { instrumented: true, ..Options::with(&variables) })
}

/// The status of the answer to a request that panics at a place, if it comes soon.
fn status(gate: &Gate, request: RawRequest, place: &str) -> Option<u16> {
    let mut stream = request.field("X-Test-Panic", place).open(&gate.direct);
    stream.get_ref().set_read_timeout(Some(SOON)).unwrap();
    let came = stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
    came.then(|| RawReply::read_head(&mut stream).status)
}

fn manage(method: &str, path: &str) -> RawRequest {
    RawRequest::new(method, path).token(ADMINISTRATOR).body(b"")
}

#[test]
fn a_request_that_panics_is_a_500_that_the_log_names_and_the_next_one_is_served() {
    let gate = gate();
    // Each one's assertion is signed once, and then remembered.
    for user in ["first", "second", "third"] {
        let token = gate.generate(user).token();
        gate.log_lines();
        let request = RawRequest::new("GET", "/panicking").token(&token);
        assert_eq!(status(&gate, request, "after the read"), Some(500));
        assert!(!ORIGIN.was_asked_for("/panicking"));
        let reply = gate.get("/served", &token);
        assert_eq!((reply.status, reply.received("x-forwarded-user")), (200, vec![user.to_owned()]));
        let log = gate.log_lines().join("\n");
        assert!(log.contains("Rust panic: panicked at") && log.contains("Reinitializing"), "{log}");
    }
}

#[test]
fn requests_that_are_under_way_during_a_panic_end_and_the_registry_is_as_good_as_before() {
    let gate = gate();
    let token = gate.generate("under-way").token();
    let stranger = gate.generate("somebody-else").token();
    let mut held = RawRequest::new("GET", "/hold/under-way").token(&stranger).open(&gate.direct);
    wait_for("the request at the origin", || ORIGIN.was_asked_for("/hold/under-way"));
    assert_eq!(status(&gate, RawRequest::new("GET", "/panicking").token(&token), "after the read"), Some(500));
    assert_eq!(gate.post("/events/under-way/next", &token).status, 204);
    held.get_ref().set_read_timeout(Some(SOON)).unwrap();
    // Documented: what was in flight in a dead instance is lost, and says so.
    assert_eq!(RawReply::read_head(&mut held).status, 500);
    assert_eq!(gate.logged_user(&stranger).as_deref(), Some("somebody-else"));
    assert_eq!(gate.user("under-way")["secrets"], 1);
    assert_eq!(gate.logged_user(&gate.generate("later").token()).as_deref(), Some("later"));
}

#[test]
fn a_trap_in_a_transaction_leaves_nothing_half_written() {
    let gate = gate();
    let keys = gate.generate("kept");
    let names = gate.kv_names();
    for (method, path) in [
        ("POST", "/_gatehouse/users/kept/generate"),
        ("POST", "/_gatehouse/users/kept/revoke"),
        ("DELETE", "/_gatehouse/users/kept"),
        ("POST", "/_gatehouse/users/new/generate"),
    ] {
        let status = status(&gate, manage(method, path), "in the transaction");
        assert!(matches!(status, Some(500 | 503)), "{path} {status:?}");
        assert_eq!(gate.logged_user(&keys.token()).as_deref(), Some("kept"));
        assert_eq!((gate.kv_names(), gate.outbox()), (names.clone(), 0));
        assert_eq!(gate.user("kept")["secrets"], 1);
        assert_eq!(gate.get("/_gatehouse/users/new", ADMINISTRATOR).status, 404);
        let log = gate.get("/_gatehouse/audit", ADMINISTRATOR).json();
        assert_eq!(log["entries"].as_array().unwrap().len(), 1, "{log}");
    }
    assert_eq!(gate.generate("kept").api_key, keys.api_key);
}

#[test]
fn a_panic_between_commit_and_publication_loses_no_revocation() {
    for place in ["after the commit", "before the write"] {
        let gate = gate();
        let keys = gate.generate("revoked");
        let status = status(&gate, manage("POST", "/_gatehouse/users/revoked/revoke"), place);
        assert!(matches!(status, Some(500 | 503)), "{place} {status:?}");
        // It was committed; the next question finds it so, and what is left is published.
        assert_eq!(gate.user("revoked")["status"], "revoked", "{place}");
        wait_for("the revocation to land", || gate.kv_names().is_empty());
        assert_eq!((gate.outbox(), gate.logged_user(&keys.token())), (0, None), "{place}");
        let log = gate.get("/_gatehouse/audit?limit=1", ADMINISTRATOR).json();
        assert_eq!(log["entries"][0]["action"], json!("revoke"));
    }
}

#[test]
fn an_alarm_that_panics_rings_again() {
    let gate = Gate::start(Options { kv_stand_in: true, ..Options::with(&[("CACHE_SECONDS", "0")]) });
    let keys = gate.generate("rings-again");
    gate.kv(&json!(["writes", "fail"]));
    assert_eq!(status(&gate, manage("POST", "/_gatehouse/users/rings-again/revoke"), "in the alarm"), Some(200));
    gate.kv(&json!(["writes", "work"]));
    // Nobody asks the registry anything.
    wait_for("the panic", || gate.log_lines().iter().any(|line| line.contains("Rust panic")));
    wait_for("the revocation to land", || gate.kv_names().is_empty());
    assert_eq!(gate.logged_user(&keys.token()), None);
}

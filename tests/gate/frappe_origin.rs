//! `ORIGIN_KIND = "frappe"`: what Frappe reads besides path and `Authorization`.

use serde_json::{Value, json};

use crate::harness::command::{bare, run};
use crate::harness::{FrappeSite, Gate, Keys, Options, Reply};

const ISSUER: &str = "https://gate.example.test";

fn users() -> Value {
    json!([
        { "name": "alice@example.test" },
        { "name": "limited@example.test" },
        { "name": "bob@example.test", "sid": "bobs-session" },
    ])
}

/// A gate in front of a site that takes its word.
fn start(variables: &[(&'static str, &str)]) -> (FrappeSite, Gate) {
    let jwk = run(&mut bare(), &["signing-key", "new", "--algorithm", "hs256"]).json();
    let site = FrappeSite::start(&users());
    site.hook(&json!({ "key": jwk, "issuer": ISSUER, "audience": site.url() }));
    let key = jwk.to_string();
    let mut all =
        vec![("ORIGIN", site.url()), ("ORIGIN_KIND", "frappe"), ("PUBLIC_URL", ISSUER), ("ASSERTION_JWK", &key)];
    all.extend(variables);
    let gate = Gate::start(Options::with(&all));
    (site, gate)
}

fn limited(gate: &Gate) -> Keys {
    let keys = gate.generate("limited@example.test");
    gate.set("limited@example.test", &json!({ "rules": ["* /api/method/allowed"] }));
    keys
}

/// Whom the site took the client for.
fn user(reply: &Reply) -> Value {
    reply.json()["user"].clone()
}

#[test]
fn a_session_never_wins_over_a_token() {
    let (site, gate) = start(&[]);
    let token = gate.generate("alice@example.test").token();
    for (path, cookie, target, cookies) in [
        ("/x?a=1", "sid=bobs-session; a=1", "/x?a=1", vec![" a=1"]),
        ("/x?sid=bobs-session&a=1", "a=1", "/x?a=1", vec!["a=1"]),
        ("/x?s%69d=bobs-session", "a=1; sid=bobs-session", "/x", vec!["a=1"]),
        ("/x", "sid=bobs-session", "/x", vec![]),
        ("/x?q=%27%20&b", "a=\"1\"; system_user=yes", "/x?q=%27%20&b", vec!["a=\"1\"; system_user=yes"]),
    ] {
        let reply = gate.send("GET", path, &[("Authorization", &token), ("Cookie", cookie)], b"");
        assert_eq!((reply.status, user(&reply)), (200, json!("alice@example.test")), "{path} {cookie}");
        assert_eq!(reply.json()["target"], target, "{path} {cookie}");
        let received: Vec<_> = reply.received("cookie").iter().map(|value| value.trim().to_owned()).collect();
        assert_eq!(received, cookies.iter().map(|value| value.trim()).collect::<Vec<_>>(), "{path} {cookie}");
    }
    assert!(site.requests().iter().all(|request| request.via.as_deref() == Some("assertion")));
}

#[test]
fn a_session_without_credentials_is_the_sites_to_judge() {
    let (_site, gate) = start(&[("ANONYMOUS", "pass")]);
    let reply = gate.send("GET", "/app?cmd=frappe.ping", &[("Cookie", "sid=bobs-session")], b"");
    assert_eq!((reply.status, user(&reply)), (200, json!("bob@example.test")));
}

#[test]
fn a_command_in_the_query_is_refused_where_the_path_is_what_lets_a_request_in() {
    let (site, gate) = start(&[("PUBLIC_PATHS", "/api/method/public, /files/**")]);
    let limited = limited(&gate).token();
    let preflight = [("Origin", "https://app.test"), ("Access-Control-Request-Method", "POST")];
    for command in ["?cmd=frappe.secret", "?a=1&cmd=frappe.secret", "?c%6dd=frappe.secret", "?a=1;cmd=frappe.secret"] {
        let public = gate.send("GET", &format!("/api/method/public{command}"), &[], b"");
        assert_eq!((public.status, public.exc_type().as_str()), (403, "PermissionError"), "{command}");
        assert_eq!(gate.send("OPTIONS", &format!("/x{command}"), &preflight, b"").status, 403);
        assert_eq!(gate.get(&format!("/api/method/allowed{command}"), &limited).status, 403, "{command}");
    }
    assert!(site.requests().is_empty());
    assert_eq!(gate.send("GET", "/api/method/public?a=cmd", &[], b"").status, 200);
    assert_eq!(gate.get("/api/method/allowed?a=cmd", &limited).status, 200);
    let unlimited = gate.generate("alice@example.test").token();
    let reply = gate.get("/x?cmd=frappe.anything", &unlimited);
    assert_eq!((reply.status, reply.json()["cmd"].clone()), (200, json!("frappe.anything")));
}

/// The body never passes through the gate: the app refuses, because the assertion says that rules limit the principal.
#[test]
fn a_command_in_the_body_is_refused_by_the_site_for_principals_with_rules() {
    let (_site, gate) = start(&[]);
    let (limited, unlimited) = (limited(&gate).token(), gate.generate("alice@example.test").token());
    let form = |authorization: &str| {
        let headers = [("Authorization", authorization), ("Content-Type", "application/x-www-form-urlencoded")];
        gate.send("POST", "/api/method/allowed", &headers, b"cmd=frappe.secret&a=1")
    };
    assert!(matches!(form(&limited).status, 401 | 403), "{}", form(&limited).text());
    let reply = form(&unlimited);
    assert_eq!((reply.status, reply.json()["cmd"].clone()), (200, json!("frappe.secret")));
}

#[test]
fn in_front_of_another_kind_of_server_cookies_and_queries_are_nobodys_business() {
    let site = FrappeSite::start(&users());
    let gate = Gate::start(Options::with(&[("ORIGIN", site.url())]));
    let token = gate.generate("alice@example.test").token();
    let reply = gate.send("GET", "/x?sid=1&cmd=2", &[("Authorization", &token), ("Cookie", "sid=3")], b"");
    assert_eq!(reply.json()["target"], "/x?sid=1&cmd=2");
    assert_eq!(reply.received("cookie"), ["sid=3"]);
}

//! `MODE = "observe"`: tried in front of a live site, the gate refuses nothing that the site would have taken, and its log
//! names what enforcing would refuse.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::command::{bare, run};
use crate::harness::{ADMINISTRATOR, Failure, FrappeSite, Gate, Options, Reply, wait_for};

const ALICE: &str = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";

fn users() -> Value {
    json!([
        { "name": "alice@example.test", "api_key": "4c5e1e2f3a4b5c6", "api_secret": "9f8e7d6c5b4a321" },
        { "name": "bob@example.test", "sid": "bobs-session" },
    ])
}

fn start(variables: &[(&'static str, &str)]) -> (FrappeSite, Gate) {
    let site = FrappeSite::start(&users());
    let mut all = vec![("ORIGIN", site.url()), ("ORIGIN_KIND", "frappe"), ("MODE", "observe")];
    all.extend(variables);
    let gate = Gate::start(Options { instrumented: true, ..Options::with(&all) });
    (site, gate)
}

/// The log line of a request.
fn line(gate: &Gate, id: &str) -> Value {
    let mut found = None;
    wait_for("the line", || {
        found = gate.logged().into_iter().find(|line| line["request_id"] == *id && line["outcome"] != "failed");
        found.is_some()
    });
    found.unwrap()
}

/// What the site does with a client, but for what every gate adds.
fn judgement(reply: &Reply) -> (u16, Value, Value, Value) {
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    (reply.status, json["user"].clone(), json["via"].clone(), json["exc_type"].clone())
}

#[test]
fn nothing_is_refused_that_the_site_would_have_taken_and_the_log_names_the_reason() {
    let (site, gate) = start(&[("PUBLIC_PATHS", "/files/**")]);
    gate.generate("limited");
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let right = basic("4c5e1e2f3a4b5c6:9f8e7d6c5b4a321");
    for (number, (method, path, headers, reason)) in [
        ("GET", "/app", vec![], "no credentials"),
        ("GET", "/app", vec![("Cookie", "sid=bobs-session")], "no credentials"),
        ("POST", "/login", vec![("Content-Type", "application/json")], "no credentials"),
        ("GET", "/x", vec![("Authorization", ALICE)], "unknown credentials"),
        ("GET", "/x", vec![("Authorization", &*right)], "unknown credentials"),
        ("GET", "/x", vec![("Authorization", ALICE), ("Cookie", "sid=bobs-session")], "unknown credentials"),
        ("GET", "/x?sid=bobs-session", vec![("Authorization", ALICE)], "unknown credentials"),
        ("GET", "/x", vec![("Authorization", "token 4c5e1e2f3a4b5c6:wrong")], "unknown credentials"),
        ("GET", "/x", vec![("Authorization", "token nothing")], "no colon"),
        ("GET", "/x", vec![("Authorization", "Bearer something")], "a scheme that is not the gate's"),
        ("GET", "/x", vec![("Authorization", "token  4c5e1e2f3a4b5c6:9f8e7d6c5b4a321")], "unknown credentials"),
        ("GET", "/x", vec![("Authorization", "Basic ?")], "Basic without valid base64"),
        ("GET", "/files/x?cmd=frappe.ping", vec![], "cmd in the query"),
        (
            "POST",
            "/x",
            vec![("Authorization", &*right), ("Sec-Fetch-Site", "cross-site")],
            "a change from another site",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("observed-{number}");
        let through = [headers.clone(), vec![("X-Request-Id", id.as_str())]].concat();
        let (seen, direct) = (gate.send(method, path, &through, b""), site.send(method, path, &headers, ""));
        assert_eq!(judgement(&seen), judgement(&direct), "{method} {path} {headers:?}");
        let line = line(&gate, &id);
        assert_eq!((&line["outcome"], &line["reason"]), (&json!("observed"), &json!(reason)), "{path} {headers:?}");
        assert_eq!(line["status"], seen.status);
        if seen.status == 200 {
            for name in ["x-forwarded-user", "x-gatehouse-assertion"] {
                assert!(seen.received(name).is_empty(), "{name} {path} {headers:?}");
            }
        }
    }
}

#[test]
fn what_is_authorised_has_its_identity_and_its_own_credentials_go_on() {
    let (_site, gate) = start(&[("ORIGIN_AUTHORIZATION", "token the:origins")]);
    let row = json!({ "user": "alice", "api_key": "4c5e1e2f3a4b5c6", "api_secret": "9f8e7d6c5b4a321" });
    assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": [row] })).status, 200);
    wait_for("the import", || gate.outbox() == 0);
    let headers = [("Authorization", ALICE), ("Cookie", "sid=bobs-session"), ("X-Request-Id", "authorised")];
    let reply = gate.send("GET", "/x?sid=bobs-session", &headers, b"");
    assert_eq!(reply.received("x-forwarded-user"), ["alice"]);
    assert_eq!(reply.received("authorization"), [ALICE]);
    assert_eq!(reply.received("cookie"), ["sid=bobs-session"], "sessions go on winning as before");
    assert_eq!(line(&gate, "authorised")["outcome"], "forwarded");
}

/// The site has the app, which refuses whom an assertion and a session name differently.
#[test]
fn a_site_that_takes_the_gates_word_already_judges_as_before() {
    let jwk = run(&mut bare(), &["signing-key", "new", "--algorithm", "hs256"]).json();
    let issuer = "https://gate.example.test";
    let (site, gate) = start(&[("PUBLIC_URL", issuer), ("ASSERTION_JWK", &jwk.to_string()), ("ADOPT", "on")]);
    site.hook(&json!({ "key": jwk, "issuer": issuer, "audience": site.url() }));
    for headers in [vec![("Authorization", ALICE)], vec![("Authorization", ALICE), ("Cookie", "sid=bobs-session")]] {
        let (seen, direct) = (gate.send("GET", "/x", &headers, b""), site.send("GET", "/x", &headers, ""));
        assert_eq!(judgement(&seen), judgement(&direct), "{headers:?}");
        assert_eq!(seen.status, 200);
    }
    site.set("minted", &json!({}));
    let minted = gate.generate("minted").token();
    assert_eq!(gate.get("/x", &minted).json()["via"], "assertion", "what only the gate knows has the gate's word");
}

#[test]
fn the_gates_own_secrets_stay_at_the_gate() {
    let (_site, gate) = start(&[]);
    let keys = gate.generate("minted");
    let authorised = gate.get("/x", &keys.token());
    assert_eq!(authorised.received("x-forwarded-user"), ["minted"]);
    assert!(authorised.received("authorization").is_empty());
    gate.post("/_gatehouse/users/minted/revoke", ADMINISTRATOR);
    gate.restart();
    let administrator = ADMINISTRATOR.strip_prefix("token ").unwrap();
    for value in [
        keys.token(),
        keys.basic(),
        format!("Bearer {}", keys.api_secret),
        format!("Bearer x, {}", keys.basic()),
        format!("Basic A, {}", keys.basic()),
        keys.basic().split_once(' ').unwrap().1.to_owned(),
        format!("Bearer {}", administrator.split(':').nth(1).unwrap()),
        administrator.to_lowercase(),
        ADMINISTRATOR.to_owned(),
        format!("Basic {}", STANDARD.encode(administrator)),
    ] {
        let reply = gate.get("/x", &value);
        assert_eq!(reply.status, 200, "{value}");
        for name in ["authorization", "x-forwarded-user"] {
            assert!(reply.received(name).is_empty(), "{name} {value}");
        }
    }
}

#[test]
fn a_gate_that_cannot_decide_stands_in_nobodys_way() {
    let (_site, gate) = start(&[]);
    let headers = [("Authorization", ALICE), ("x-test-kv", "fail"), ("X-Request-Id", "kv-down")];
    let reply = gate.send("GET", "/x", &headers, b"");
    assert_eq!((reply.status, reply.json()["user"].clone()), (200, json!("alice@example.test")));
    assert!(reply.received("x-forwarded-user").is_empty());
    assert_eq!(line(&gate, "kv-down")["reason"], "KV failed");
}

#[test]
fn the_gates_own_routes_always_enforce_and_health_says_which_mode_is_on() {
    let (site, gate) = start(&[]);
    for (method, path) in [
        ("GET", "/_gatehouse/users"),
        ("GET", LOGGED_USER),
        ("POST", "/api/method/frappe.core.doctype.user.user.generate_keys?user=a"),
    ] {
        assert_eq!(gate.send(method, path, &[], b"").status, 401, "{path}");
        assert_eq!(gate.send(method, path, &[("Authorization", ALICE)], b"").status, 401, "{path}");
    }
    assert!(site.requests().is_empty());
    assert_eq!(gate.get("/_gatehouse/health", ADMINISTRATOR).json()["mode"], "observe");
}

#[test]
fn with_adopt_the_sites_own_credentials_are_recognised_while_looking_on() {
    let (_site, gate) = start(&[("ADOPT", "on")]);
    let reply = gate.send("GET", "/x", &[("Authorization", ALICE), ("X-Request-Id", "adopted")], b"");
    assert_eq!(reply.received("x-forwarded-user"), ["alice@example.test"]);
    assert_eq!(line(&gate, "adopted")["outcome"], "forwarded");
    assert_eq!(gate.get("/x", "token 4c5e1e2f3a4b5c6:wrong").status, 401, "the site's own answer");
}

#[test]
fn with_adopt_a_site_that_does_not_say_whose_credentials_they_are_judges_them_itself() {
    let (site, gate) = start(&[("ADOPT", "on")]);
    for failure in
        [Failure::Answer(500, "{}"), Failure::Answer(429, "{}"), Failure::Answer(403, "<html>"), Failure::Hang]
    {
        site.fail_only("get_logged_user", failure);
        let id = format!("unsaid {failure:?}").replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
        let reply = gate.send("GET", "/x", &[("Authorization", ALICE), ("X-Request-Id", &id)], b"");
        assert_eq!((reply.status, reply.json()["user"].clone()), (200, json!("alice@example.test")), "{failure:?}");
        let line = line(&gate, &id);
        let reason = "the origin did not say whose credentials they are";
        assert_eq!((&line["outcome"], &line["reason"]), (&json!("observed"), &json!(reason)), "{failure:?}");
        site.fail(Failure::None);
    }
}

#[test]
fn a_body_reaches_the_site_whole_when_its_request_is_only_observed() {
    let (_site, gate) = start(&[]);
    let headers = [("Authorization", ALICE), ("Content-Type", "application/x-www-form-urlencoded")];
    let reply = gate.send("POST", "/api/method/x", &headers, b"cmd=frappe.ping&a=1");
    assert_eq!((reply.status, reply.json()["cmd"].clone()), (200, json!("frappe.ping")));
}

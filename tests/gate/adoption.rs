//! `ADOPT = "on"`: in front of an existing Frappe site, credentials issued there work at once.

use std::time::Duration;

use gatehouse::core::credentials::{ApiKey, Credentials};
use gatehouse::core::digest::DigestKey;
use gatehouse::core::grant::{Grant, SealKey};
use gatehouse::core::pepper::Pepper;
use gatehouse::core::unix_time::UnixSeconds;
use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, Failure, FrappeSite, Gate, Options, PEPPER, Reply, wait_for, wait_for_a_minutes_first_half,
};

const ALICE: &str = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";

fn users() -> Value {
    json!([
        { "name": "alice@example.test", "api_key": "4c5e1e2f3a4b5c6", "api_secret": "9f8e7d6c5b4a321" },
        { "name": "bob@example.test", "api_key": "bbbbbbbbbbbbbbb", "api_secret": "bbbbbbbbbbbbbb1", "sid": "bobs-session" },
        { "name": "Administrator", "api_key": "aaaaaaaaaaaaaaa", "api_secret": "aaaaaaaaaaaaaa1" },
    ])
}

fn options(site: &FrappeSite) -> Options {
    Options {
        instrumented: true,
        ..Options::with(&[("ORIGIN", site.url()), ("ORIGIN_KIND", "frappe"), ("ADOPT", "on")])
    }
}

fn start() -> (FrappeSite, Gate) {
    let site = FrappeSite::start(&users());
    let gate = Gate::start(options(&site));
    (site, gate)
}

/// How often the site was asked whose credentials they are.
fn questions(site: &FrappeSite) -> usize {
    site.times_asked_for("get_logged_user")
}

/// Whom the site took the client for, and by what.
fn seen(reply: &Reply) -> (String, String) {
    let json = reply.json();
    let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("{json}")).to_owned();
    (text("user"), text("via"))
}

#[test]
fn credentials_of_the_site_work_at_once_and_are_asked_about_once() {
    let (site, gate) = start();
    for authorization in [ALICE, "Basic NGM1ZTFlMmYzYTRiNWM2OjlmOGU3ZDZjNWI0YTMyMQ=="] {
        let reply = gate.get("/api/resource/ToDo?limit=1", authorization);
        assert_eq!((reply.status, seen(&reply)), (200, ("alice@example.test".into(), "token".into())));
    }
    assert_eq!(gate.logged_user(ALICE).as_deref(), Some("alice@example.test"));
    assert_eq!(questions(&site), 1);
    let asked = site.requests().into_iter().find(|request| request.target.contains("get_logged_user")).unwrap();
    assert_eq!((asked.method.as_str(), asked.address.as_str()), ("GET", "127.0.0.1"));
}

#[test]
fn what_was_adopted_is_kept_in_kv_for_every_isolate_and_sealed() {
    let (site, gate) = start();
    assert_eq!(gate.get("/x", ALICE).status, 200);
    wait_for("the entry", || gate.kv_names().len() == 1);
    // Another isolate remembers nothing by itself.
    gate.restart();
    assert_eq!(seen(&gate.get("/x", ALICE)).0, "alice@example.test");
    assert_eq!(questions(&site), 1);
    let name = &gate.kv_names()[0];
    let entry = gate.kv_get(name).unwrap().replace("\"seal\":\"", "\"seal\":\"0");
    gate.kv_put(name, &entry);
    gate.restart();
    assert_eq!(gate.get("/x", ALICE).status, 401, "a grant that was tampered with is nobody's");
}

/// Writes an adopted grant of alice's credentials to KV.
fn keep_adopted(gate: &Gate, expires_at: UnixSeconds) {
    let pepper = Pepper::parse(PEPPER).unwrap();
    let digest = DigestKey::new(&pepper).digest(&Credentials::parse("4c5e1e2f3a4b5c6:9f8e7d6c5b4a321").unwrap());
    let grant = Grant {
        user: "somebody-else".to_owned(),
        api_key: ApiKey::parse("4c5e1e2f3a4b5c6").unwrap(),
        roles: Vec::new(),
        expires_at: Some(expires_at),
        allowed_ips: Vec::new(),
        rules: Vec::new(),
        strict: false,
        adopted: true,
    };
    gate.kv_put(&digest.kv_name(), &SealKey::new(&pepper).seal(digest, &grant));
}

/// A grant as a quarter of an hour leaves it.
#[test]
fn an_adoption_that_is_over_is_asked_about_again() {
    let (site, gate) = start();
    keep_adopted(&gate, UnixSeconds(1_700_000_000));
    assert_eq!(gate.logged_user(ALICE).as_deref(), Some("alice@example.test"));
    assert_eq!(questions(&site), 1);
}

#[test]
fn an_adopted_principal_has_no_role_and_manages_nothing() {
    let (_site, gate) = start();
    assert_eq!(gate.get("/x", ALICE).status, 200);
    for path in ["/_gatehouse/users", "/_gatehouse/audit", "/_gatehouse/export"] {
        assert_eq!(gate.get(path, ALICE).status, 401, "{path}");
    }
    let generate = "/api/method/frappe.core.doctype.user.user.generate_keys?user=alice@example.test";
    assert_eq!(gate.post(generate, ALICE).status, 401);
    assert_eq!(gate.get("/_gatehouse/users?q=alice", ADMINISTRATOR).json()["users"], json!([]));
}

#[test]
fn what_the_site_refuses_is_refused_and_remembered_for_seconds_alone() {
    let (site, gate) = start();
    let wrong = "token 4c5e1e2f3a4b5c6:fffffffffffffff";
    for _ in 0..3 {
        assert_eq!(gate.get("/x", wrong).status, 401);
    }
    assert_eq!(questions(&site), 1);
    assert!(gate.kv_names().is_empty(), "refusals are never written");
    site.set("alice@example.test", &json!({ "api_secret": "fffffffffffffff" }));
    wait_for("the refusal to be forgotten", || gate.get("/x", wrong).status == 200);
}

#[test]
fn nobody_becomes_administrator_or_guest_or_anyone_whom_the_gate_knows() {
    let (site, gate) = start();
    assert_eq!(gate.get("/x", "token aaaaaaaaaaaaaaa:aaaaaaaaaaaaaa1").status, 401, "the site's Administrator");

    // The user is known here, by other keys; alive, revoked, deleted.
    gate.generate("BOB@example.test");
    let bob = "token bbbbbbbbbbbbbbb:bbbbbbbbbbbbbb1";
    assert_eq!(gate.get("/x", bob).status, 401);
    gate.post("/_gatehouse/users/bob@example.test/revoke", ADMINISTRATOR);
    gate.restart();
    assert_eq!(gate.get("/x", bob).status, 401);
    gate.delete("/_gatehouse/users/bob@example.test", ADMINISTRATOR);
    gate.restart();
    assert_eq!(gate.get("/x", bob).status, 401);

    // The api_key is somebody's here, whatever the site says of it.
    let row = json!({ "user": "carol", "api_key": "4c5e1e2f3a4b5c6", "api_secret": "another-secret" });
    assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": [row] })).status, 200);
    let before = questions(&site);
    assert_eq!(gate.get("/x", ALICE).status, 401);
    assert_eq!(questions(&site), before, "the registry is asked first");
    wait_for("the outbox to be empty", || gate.outbox() == 0);
    assert_eq!(gate.kv_names().len(), 1, "carol's alone");
}

#[test]
fn credentials_that_the_registry_knows_and_kv_does_not_yet_are_good() {
    let site = FrappeSite::start(&users());
    let gate = Gate::start(Options { kv_stand_in: true, ..options(&site) });
    gate.kv(&json!(["writes", "fail"]));
    let row = json!({ "user": "imported", "api_key": "1234567890abcde", "api_secret": "edcba0987654321", "roles": ["Clerk"] });
    assert_eq!(gate.post_json("/_gatehouse/import", ADMINISTRATOR, &json!({ "users": [row] })).status, 200);
    assert_eq!(gate.logged_user("token 1234567890abcde:edcba0987654321").as_deref(), Some("imported"));
    assert_eq!(questions(&site), 0);
}

#[test]
fn a_failing_site_is_never_taken_for_one_that_refuses() {
    let (site, gate) = start();
    for failure in [
        Failure::Answer(500, "{}"),
        Failure::Answer(429, "{}"),
        Failure::Answer(302, ""),
        Failure::Answer(200, "<html>maintenance</html>"),
        Failure::Answer(200, r#"{"message":null}"#),
        // Of something that stands before the site.
        Failure::Answer(401, "<html>sign in to the proxy</html>"),
        Failure::Answer(403, "<html>forbidden</html>"),
        Failure::Answer(403, r#"{"error":"firewall"}"#),
        Failure::Refuse,
    ] {
        site.fail(failure);
        let reply = gate.get("/x", ALICE);
        assert_eq!((reply.status, reply.exc_type().as_str()), (502, "OriginUnreachable"), "{failure:?}");
        assert_eq!(gate.get(LOGGED_USER, ALICE).status, 502, "{failure:?}");
        site.fail(Failure::None);
        wait_for("the site to be asked again", || gate.get("/x", ALICE).status == 200);
        // For the next failure nothing is known.
        wait_for("the entry", || !gate.kv_names().is_empty());
        for name in gate.kv_names() {
            gate.kv_delete(&name);
        }
        gate.restart();
    }
}

#[test]
fn what_is_known_keeps_working_while_the_site_cannot_say_and_the_site_is_left_alone() {
    let (site, gate) = start();
    let minted = gate.generate("minted-here").token();
    assert_eq!(gate.get("/x", ALICE).status, 200);
    site.fail_only("get_logged_user", Failure::Answer(503, "{}"));
    let before = questions(&site);
    let bob = "token bbbbbbbbbbbbbbb:bbbbbbbbbbbbbb1";
    let started = std::time::Instant::now();
    let mut tries = 0;
    while started.elapsed() < Duration::from_millis(900) {
        assert_eq!(gate.get("/x", bob).status, 502);
        tries += 1;
    }
    assert!(tries > 1 && questions(&site) - before <= 2, "{tries} {}", questions(&site) - before);
    assert_eq!(gate.get("/x", ALICE).status, 200);
    // What the gate minted is no token of the site's: its own answer stands for the origin's.
    assert_eq!(gate.logged_user(&minted).as_deref(), Some("minted-here"));
}

#[test]
fn many_requests_with_the_same_unknown_credentials_are_one_question() {
    let (site, gate) = start();
    site.fail_only("get_logged_user", Failure::Slow(0.5));
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..20).map(|_| scope.spawn(|| gate.get("/x", ALICE).status)).collect();
        for one in all {
            assert_eq!(one.join().unwrap(), 200);
        }
    });
    assert_eq!(questions(&site), 1);
}

/// Even if the site vouched for them: it must not learn them.
#[test]
fn no_secret_of_the_gates_own_reaches_the_site_in_a_question() {
    let gks = "gks_00000000000000000000000000000000000000004023f14c";
    let secret = ADMINISTRATOR.split(':').nth(1).unwrap();
    let pairs = [
        (gks, "key"),
        ("key", &*format!("\"{gks}\"")),
        ("administrator", secret),
        ("anybody", secret),
        (secret, "anything"),
        ("key", &*gks.to_uppercase()),
    ]
    .map(|(api_key, api_secret)| (api_key.to_owned(), api_secret.to_owned()));
    let user = |(number, (api_key, api_secret)): (usize, &(String, String))| json!({ "name": format!("user-{number}"), "api_key": api_key, "api_secret": api_secret });
    let site = FrappeSite::start(&pairs.iter().enumerate().map(user).collect::<Value>());
    let gate = Gate::start(options(&site));
    for (api_key, api_secret) in &pairs {
        assert_eq!(gate.get("/x", &format!("token {api_key}:{api_secret}")).status, 401, "{api_key} {api_secret}");
    }
    assert_eq!(site.requests().len(), 0);
}

/// A database finds an api_key in any case: each spelling would be a principal of its own.
#[test]
fn one_api_key_is_one_principal() {
    let (site, gate) = start();
    assert_eq!(gate.get("/x", "token 4C5E1E2F3A4B5C6:9f8e7d6c5b4a321").status, 401);
    assert_eq!(site.requests().len(), 0);
}

#[test]
fn one_address_has_few_questions_open_at_a_time() {
    let (site, gate) = start();
    site.fail_only("get_logged_user", Failure::Hang);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..40)
            .map(|number| {
                scope.spawn({
                    let gate = &gate;
                    move || gate.get("/x", &format!("token key-{number}:secret")).status
                })
            })
            .collect();
        wait_for("the questions", || questions(&site) >= 8);
        site.fail(Failure::None);
        let statuses: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
        assert!(statuses.contains(&429), "{statuses:?}");
    });
}

#[test]
fn what_the_gate_made_and_what_is_malformed_is_never_tried_at_the_site() {
    let (site, gate) = start();
    let keys = gate.generate("revoked-here");
    gate.post("/_gatehouse/users/revoked-here/revoke", ADMINISTRATOR);
    for authorization in [keys.token().as_str(), "token k", "token k:gks_typing-error", "Basic ?", ADMINISTRATOR] {
        assert!(matches!(gate.get("/x", authorization).status, 400 | 401 | 403), "{authorization}");
    }
    assert_eq!(site.requests().len(), 0);
}

#[test]
fn an_address_that_failed_too_often_reaches_the_site_no_more() {
    let site = FrappeSite::start(&users());
    wait_for_a_minutes_first_half();
    let gate = Gate::start(Options { limits: vec![("FAILED_AUTH", 2), ("REQUESTS", 1000)], ..options(&site) });
    let statuses: Vec<_> = (0..5).map(|number| gate.get("/x", &format!("token k:wrong-{number}")).status).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(questions(&site), 3);
}

/// As another gate with the same pepper left it in KV.
#[test]
fn an_adopted_grant_is_good_for_nothing_once_adoption_is_off() {
    let site = FrappeSite::start(&users());
    let gate = Gate::start(Options::with(&[("ORIGIN", site.url()), ("ORIGIN_KIND", "frappe")]));
    keep_adopted(&gate, UnixSeconds(4_000_000_000));
    for _ in 0..2 {
        assert_eq!(gate.get("/x", ALICE).status, 401);
    }
    let adopting = Gate::start(options(&site));
    keep_adopted(&adopting, UnixSeconds(4_000_000_000));
    assert_eq!((adopting.get("/x", ALICE).status, questions(&site)), (200, 0));
}

#[test]
fn without_adopt_the_site_is_never_asked() {
    let site = FrappeSite::start(&users());
    let gate = Gate::start(Options::with(&[("ORIGIN", site.url()), ("ORIGIN_KIND", "frappe")]));
    assert_eq!(gate.get("/x", ALICE).status, 401);
    assert_eq!(site.requests().len(), 0);
}

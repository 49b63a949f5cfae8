//! `X-Gatehouse-Assertion`, verified by the libraries that origins have: jose and PyJWT.

use std::process::Command;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::command::{bare, run as run_command};
use crate::harness::{ADMINISTRATOR, Gate, ORIGIN, Options, npm_program, python, root, run};

const ISSUER: &str = "https://gate.example.test";
const JWKS: &str = "/_gatehouse/jwks.json";

/// A new key, as the command makes it.
fn new_key(algorithm: &str) -> Value {
    run_command(&mut bare(), &["signing-key", "new", "--algorithm", algorithm]).json()
}

fn options(jwk: &Value) -> Options {
    Options::with(&[("PUBLIC_URL", ISSUER), ("ASSERTION_JWK", &jwk.to_string())])
}

/// The assertion that the origin gets with a request.
fn assertion(gate: &Gate, authorization: &str) -> String {
    let received = gate.get("/asserted", authorization).received("x-gatehouse-assertion");
    assert_eq!(received.len(), 1, "{received:?}");
    received[0].clone()
}

fn part(assertion: &str, number: usize) -> Value {
    let part = assertion.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// How both libraries find assertions: jose's answer for each, then PyJWT's.
fn verified(question: &Value) -> [Vec<Value>; 2] {
    let question = question.to_string();
    let clients = root().join("tests/gate/clients");
    let jose = run(Command::new(npm_program("node")).arg(clients.join("verify_jose.mjs")).arg(&question));
    let pyjwt = run(Command::new(python()).arg(clients.join("verify_pyjwt.py")).arg(&question));
    [jose, pyjwt].map(|printed| serde_json::from_str(&printed).unwrap())
}

/// What an origin asks the libraries: by the address of the gate's keys, or with the key that it shares.
fn question(gate: &Gate, jwk: &Value, assertions: &[String]) -> Value {
    let audience = ORIGIN.url();
    let mut question = json!({ "issuer": ISSUER, "audience": audience, "seconds_later": 0, "assertions": assertions });
    if jwk["kty"] == "oct" {
        question["key"] = jwk.clone();
    } else {
        question["jwks"] = format!("{}{JWKS}", gate.url).into();
    }
    question
}

#[test]
fn origins_verify_it_with_their_own_libraries_and_refuse_what_is_not_right() {
    for (algorithm, name) in [("es256", "ES256"), ("eddsa", "EdDSA"), ("hs256", "HS256")] {
        let jwk = new_key(algorithm);
        let gate = Gate::start(options(&jwk));
        let keys = gate.generate_with_roles("Zoë, the \"clerk\"", &["System Manager", "Überblick"]);
        let good = assertion(&gate, &keys.token());
        assert_eq!(part(&good, 0), json!({ "alg": name, "kid": jwk["kid"], "typ": "JWT" }));

        // A changed claim, a changed signature, and no signature at all.
        let parts: Vec<_> = good.split('.').collect();
        let mut claims = part(&good, 1);
        claims["sub"] = "Administrator".into();
        let forged = URL_SAFE_NO_PAD.encode(claims.to_string());
        let mut signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        signature[0] ^= 1;
        let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": jwk["kid"], "typ": "JWT" }).to_string());
        let wrong = [
            format!("{}.{forged}.{}", parts[0], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(signature)),
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
        ];
        let assertions: Vec<_> = [good.clone()].into_iter().chain(wrong).collect();
        for found in verified(&question(&gate, &jwk, &assertions)) {
            let claims = &found[0]["claims"];
            assert_eq!((&claims["sub"], &claims["iss"]), (&json!("Zoë, the \"clerk\""), &json!(ISSUER)), "{found:?}");
            assert_eq!(claims["roles"], json!(["System Manager", "Überblick"]));
            assert_eq!((&claims["aud"], &claims["api_key"]), (&json!(ORIGIN.url()), &json!(keys.api_key)));
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
            assert!(found[1..].iter().all(|result| result["error"].is_string()), "{name} {found:?}");
        }

        let mut later = question(&gate, &jwk, std::slice::from_ref(&good));
        later["seconds_later"] = 61.into();
        let expired = verified(&later).map(|found| found[0]["error"].clone());
        assert_eq!(expired, ["ERR_JWT_EXPIRED", "ExpiredSignatureError"], "{name}");
        let mut elsewhere = question(&gate, &jwk, &[good]);
        elsewhere["audience"] = "https://other.example.test".into();
        let wrong_audience = verified(&elsewhere).map(|found| found[0]["error"].clone());
        assert_eq!(wrong_audience, ["ERR_JWT_CLAIM_VALIDATION_FAILED", "InvalidAudienceError"], "{name}");
    }
}

#[test]
fn only_public_halves_are_published_and_anyone_may_read_them() {
    let [signing, next, shared] = ["es256", "eddsa", "hs256"].map(new_key);
    let gate = Gate::start(options(&json!({ "keys": [signing, next, shared] })));
    let reply = gate.send("GET", JWKS, &[], b"");
    assert_eq!((reply.status, reply.header("cache-control")), (200, "public, max-age=300"));
    let published = reply.json();
    let ids: Vec<_> = published["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
    assert_eq!(ids, [signing["kid"].clone(), next["kid"].clone()]);
    for private in [&signing["d"], &next["d"], &shared["k"], &shared["kid"]] {
        assert!(!reply.text().contains(private.as_str().unwrap()));
    }
    let without = Gate::start(Options::with(&[("MANAGEMENT_HOST", "admin.gate.test")]));
    let reply = without.send("GET", JWKS, &[], b"");
    assert_eq!((reply.status, reply.json()), (200, json!({ "keys": [] })), "on every host");
}

/// README, "Assertions": the new key is published, then signs, then the old one goes. At each step an origin may still
/// have read the keys one step earlier, or hold an assertion of that step.
#[test]
fn keys_roll_over_without_a_gap() {
    let [old, new] = ["es256", "es256"].map(new_key);
    let steps = [
        json!({ "keys": [old] }),
        json!({ "keys": [old, new] }),
        json!({ "keys": [new, old] }),
        json!({ "keys": [new] }),
    ];
    let gates = steps.map(|keys| Gate::start(options(&keys)));
    let made: Vec<_> = gates.iter().map(|gate| assertion(gate, &gate.generate("rolling").token())).collect();
    let signed_by: Vec<_> = made.iter().map(|assertion| part(assertion, 0)["kid"].clone()).collect();
    assert_eq!(signed_by, [&old, &old, &new, &new].map(|key| key["kid"].clone()));
    for (step, gate) in gates.iter().enumerate() {
        // What this step's keys verify: assertions of the step before, of this one, and of the next.
        let held = &made[step.saturating_sub(1)..made.len().min(step + 2)];
        for found in verified(&question(gate, &new, held)) {
            assert!(found.iter().all(|result| result["claims"]["sub"] == "rolling"), "{step} {found:?}");
        }
    }
}

/// An ECDSA signature is never made twice alike, so the same bytes are the same signature.
#[test]
fn a_hot_principal_costs_one_signature_and_nobody_gets_anothers() {
    let gate = Gate::start(Options {
        variables: [options(&new_key("es256")).variables, vec![("CACHE_SECONDS", "0".to_owned())]].concat(),
        ..Options::default()
    });
    let (alice, bob) = (gate.generate("alice").token(), gate.generate("bob").token());
    let first = assertion(&gate, &alice);
    assert_eq!(assertion(&gate, &alice), first);
    assert_eq!(part(&assertion(&gate, &bob), 1)["sub"], "bob");
    assert_eq!(assertion(&gate, &alice), first);

    gate.set("alice", &json!({ "roles": ["Clerk"] }));
    let changed = assertion(&gate, &alice);
    assert_ne!(changed, first);
    assert_eq!(part(&changed, 1)["roles"], json!(["Clerk"]));
    let rotated = gate.generate("alice").token();
    assert_ne!(assertion(&gate, &rotated), changed, "other credentials, another assertion");
}

#[test]
fn requests_without_a_principal_carry_none_and_nobody_brings_one_along() {
    let gate = Gate::start(Options {
        variables: [options(&new_key("eddsa")).variables, vec![("ANONYMOUS", "pass".to_owned())]].concat(),
        ..Options::default()
    });
    let brought = ("X-Gatehouse-Assertion", "a.b.c");
    assert!(gate.send("GET", "/x", &[brought], b"").received("x-gatehouse-assertion").is_empty());
    let preflight = [brought, ("Origin", "https://app.test"), ("Access-Control-Request-Method", "PUT")];
    assert!(gate.send("OPTIONS", "/x", &preflight, b"").received("x-gatehouse-assertion").is_empty());
    let token = gate.generate("bringing").token();
    let reply = gate.send("GET", "/x", &[brought, ("Authorization", &token)], b"");
    let received = reply.received("x-gatehouse-assertion");
    assert!(received.len() == 1 && received[0] != "a.b.c");
}

#[test]
fn the_audience_is_the_operators_to_choose() {
    let jwk = new_key("hs256");
    let mut options = options(&jwk);
    options.variables.push(("ASSERTION_AUDIENCE", "the app".to_owned()));
    let gate = Gate::start(options);
    assert_eq!(part(&assertion(&gate, &gate.generate("audience").token()), 1)["aud"], "the app");
}

#[test]
fn a_key_that_is_to_sign_later_is_tried_now() {
    let mut mixed = new_key("eddsa");
    mixed["d"] = new_key("eddsa")["d"].clone();
    let mut off_the_curve = new_key("es256");
    off_the_curve["y"] = off_the_curve["x"].clone();
    off_the_curve.as_object_mut().unwrap().remove("d");
    for second in [mixed, off_the_curve] {
        let gate = Gate::start(options(&json!({ "keys": [new_key("es256"), second] })));
        assert_eq!(gate.send("GET", "/_gatehouse/health", &[], b"").status, 503, "{second}");
    }
    // A shared key signs, and what it took over from is still published.
    let gate = Gate::start(options(&json!({ "keys": [new_key("hs256"), new_key("es256")] })));
    let asserted = assertion(&gate, &gate.generate("shared").token());
    assert_eq!(part(&asserted, 0)["alg"], "HS256");
    assert_eq!(gate.send("GET", JWKS, &[], b"").json()["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_that_cannot_sign_for_its_public_half_stops_the_gate_and_is_named() {
    for algorithm in ["es256", "eddsa"] {
        let mut mixed = new_key(algorithm);
        mixed["d"] = new_key(algorithm)["d"].clone();
        let gate = Gate::start(options(&mixed));
        for path in ["/mixed-key", "/api/method/frappe.auth.get_logged_user"] {
            let reply = gate.get(path, ADMINISTRATOR);
            assert_eq!((reply.status, reply.exc_type().as_str()), (503, "Misconfigured"), "{algorithm} {path}");
        }
        let health = gate.send("GET", "/_gatehouse/health", &[], b"");
        let problem = health.json()["problems"][0].as_str().unwrap().to_owned();
        assert!(health.status == 503 && problem.starts_with("ASSERTION_JWK "), "{problem}");
        assert!(!problem.contains(mixed["d"].as_str().unwrap()));
    }
    assert!(!ORIGIN.was_asked_for("mixed-key"));
}

//! The `Authorization` field on the wire.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, GATE, Gate, Reply};

const PATH: &str = "/api/method/frappe.auth.get_logged_user";

#[test]
fn both_schemes_are_taken_in_any_case() {
    let keys = GATE.generate("authorization-schemes");
    let pair = format!("{}:{}", keys.api_key, keys.api_secret);
    let basic = keys.basic();
    for value in [
        keys.token(),
        format!("TOKEN {pair}"),
        format!("Token   {pair}"),
        format!("token {pair}  "),
        basic.clone(),
        basic.replace("Basic ", "basic  "),
    ] {
        assert_eq!(GATE.logged_user(&value).as_deref(), Some("authorization-schemes"), "{value}");
    }
}

#[test]
fn malformed_credentials_are_refused_and_never_a_guest() {
    let keys = GATE.generate("authorization-malformed");
    let (key, secret) = (&keys.api_key, &keys.api_secret);
    for (value, status) in [
        (String::new(), 401),
        ("token".into(), 401),
        (format!("token {key}"), 401),
        (format!("token {key}:"), 401),
        (format!("token :{secret}"), 401),
        (format!("token {key}:{secret}:x"), 401),
        (format!("token {key}:{secret} x"), 401),
        (format!("token {key}: {secret}"), 401),
        (format!("token {key}:{secret},token {key}:{secret}"), 401),
        (format!("token\t{key}:{secret}"), 401),
        (format!("token \"{key}:{secret}\""), 401),
        (format!("token {}:{secret}", key.to_uppercase()), 401),
        (format!("{key}:{secret}"), 401),
        (format!("Bearer {key}:{secret}"), 401),
        (keys.basic().replace('=', ""), if keys.basic().contains('=') { 400 } else { 200 }),
        (format!("{}!", keys.basic()), 400),
        (format!("Basic {key}:{secret}"), 400),
        (format!("{} x", keys.basic()), 401),
    ] {
        assert_eq!(GATE.get(PATH, &value).status, status, "{value}");
    }
    let twice = [("Authorization", keys.token()), ("Authorization", keys.token())];
    let twice = twice.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(GATE.send("GET", PATH, &twice, b"").status, 401);
    let invalid = GATE.get(PATH, "Basic ?");
    assert_eq!((invalid.status, invalid.exc_type().as_str()), (400, "InvalidAuthorizationToken"));
}

#[test]
fn every_failed_look_up_gets_the_same_answer() {
    let gate: &Gate = &GATE;
    let unknown = "token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321";
    let expected = gate.get("/api/resource/ToDo", unknown);
    assert_eq!(expected.status, 401);

    let keys = gate.generate("look-up-wrong-secret");
    let wrong_secret = format!("token {}:9f8e7d6c5b4a321", keys.api_key);
    let disabled = gate.generate("look-up-disabled").token();
    gate.put("/_gatehouse/users/look-up-disabled", ADMINISTRATOR, &json!({ "enabled": false }));
    let revoked = gate.generate("look-up-revoked").token();
    gate.post("/_gatehouse/users/look-up-revoked/revoke", ADMINISTRATOR);
    let rotated = gate.generate("look-up-rotated").token();
    gate.generate("look-up-rotated");
    let deleted = gate.generate("look-up-deleted").token();
    gate.delete("/_gatehouse/users/look-up-deleted", ADMINISTRATOR);
    let strict = gate.generate("look-up-strict").token();
    gate.set("look-up-strict", &json!({ "strict": true, "enabled": false }));
    let expired = gate.generate("look-up-expired").token();
    gate.set("look-up-expired", &json!({ "not_after": "2020-01-01T00:00:00Z" }));
    let elsewhere = gate.generate("look-up-elsewhere").token();
    gate.set("look-up-elsewhere", &json!({ "allowed_ips": ["192.0.2.1"] }));
    let mistyped = format!("{}0", keys.token());
    for value in [
        &wrong_secret,
        &disabled,
        &revoked,
        &rotated,
        &deleted,
        &strict,
        &expired,
        &elsewhere,
        &mistyped,
        "token Administrator:wrong",
        "token x",
    ] {
        let reply: Reply = gate.get("/api/resource/ToDo", value);
        assert_eq!(reply.fingerprint(), expected.fingerprint(), "{value}");
    }
}

#[test]
fn a_401_has_frappes_shape_and_a_challenge() {
    let reply = GATE.get(PATH, "token x");
    assert_eq!(reply.status, 401);
    assert_eq!(
        reply.header("www-authenticate"),
        r#"token realm="gatehouse", Basic realm="gatehouse", charset="UTF-8""#
    );
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-request-id").len(), 32);
    let body = reply.json();
    assert_eq!(body["exc_type"], "AuthenticationError");
    assert_eq!(body["exception"], "frappe.exceptions.AuthenticationError");
    let exc: Vec<String> = serde_json::from_str(body["exc"].as_str().unwrap()).unwrap();
    assert_eq!(exc.len(), 1);

    let v2 = GATE.get("/api/v2/document/ToDo", "token x");
    assert_eq!(v2.json()["errors"][0]["type"], "AuthenticationError");
}

#[test]
fn a_script_in_a_page_gets_no_challenge_that_opens_a_password_dialog() {
    for (mode, expected) in [("cors", false), ("navigate", true)] {
        let reply = GATE.send("GET", PATH, &[("Sec-Fetch-Mode", mode)], b"");
        assert_eq!(reply.header("www-authenticate").contains("Basic"), expected, "{mode}");
    }
}

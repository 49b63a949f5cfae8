//! integrations/frappe: its hook in the Frappe-shaped site, behind a running gate.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::command::{bare, run as run_command};
use crate::harness::{FrappeSite, Gate, ORIGIN, Options, Reply};

const ISSUER: &str = "https://gate.example.test";
const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";

/// A site, and a gate in front of it that signs with a new key.
struct Behind {
    site: FrappeSite,
    gate: Gate,
    jwk: Value,
}

impl Behind {
    fn start(algorithm: &str) -> Self {
        let site = FrappeSite::start(&json!([
            { "name": "alice@example.test", "sid": "of-alice" },
            { "name": "bob@example.test", "sid": "of-bob" },
            { "name": "Zoë, the \"clerk\"" },
            { "name": "gone@example.test", "enabled": false },
            { "name": "Administrator" },
            { "name": "Guest" },
        ]));
        let jwk = run_command(&mut bare(), &["signing-key", "new", "--algorithm", algorithm]).json();
        let variables = [("ORIGIN", site.url()), ("PUBLIC_URL", ISSUER), ("ASSERTION_JWK", &jwk.to_string())];
        let gate = Gate::start(Options::with(&[&variables[..], &[("ANONYMOUS", "pass")]].concat()));
        let behind = Self { site, gate, jwk };
        behind.site.hook(&behind.settings());
        behind
    }

    /// What the site has to be told of the gate.
    fn settings(&self) -> Value {
        let mut settings = json!({ "issuer": ISSUER, "audience": self.site.url() });
        if self.jwk["kty"] == "oct" {
            settings["key"] = self.jwk.clone();
        } else {
            settings["jwks"] = format!("{}/_gatehouse/jwks.json", self.gate.url).into();
        }
        settings
    }

    /// The assertion that the gate makes for a user.
    fn assertion(&self, user: &str) -> String {
        let reply = self.gate.get("/app", &self.gate.generate(user).token());
        assert_eq!(seen(&reply), signed_in(user));
        reply.received("x-gatehouse-assertion").pop().unwrap()
    }

    /// Sends an assertion to the site, past the gate.
    fn present(&self, assertion: &str) -> Reply {
        self.site.send("GET", LOGGED_USER, &[("X-Gatehouse-Assertion", assertion)], "")
    }

    /// An assertion as the gate makes it with a shared key, but for some claims.
    fn hand_made(&self, changes: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({ "iss": ISSUER, "aud": self.site.url(), "sub": "alice@example.test", "roles": [] });
        claims["iat"] = now.into();
        claims["exp"] = (now + 60).into();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let head = json!({ "alg": "HS256", "kid": self.jwk["kid"], "typ": "JWT" });
        let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let key = URL_SAFE_NO_PAD.decode(self.jwk["k"].as_str().unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{head}.{claims}").as_bytes());
        format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// Whom the site saw, and by what.
fn seen(reply: &Reply) -> (u16, String, String) {
    let json = reply.json();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    (reply.status, text("user"), text("via"))
}

fn signed_in(user: &str) -> (u16, String, String) {
    (200, user.to_owned(), "assertion".to_owned())
}

fn refused(reply: &Reply) {
    assert_eq!((reply.status, reply.exc_type().as_str()), (401, "AuthenticationError"), "{}", reply.text());
}

#[test]
fn whom_the_gate_authenticated_the_site_signs_in() {
    for algorithm in ["es256", "eddsa", "hs256"] {
        let behind = Behind::start(algorithm);
        for user in ["alice@example.test", "Zoë, the \"clerk\""] {
            let keys = behind.gate.generate(user);
            assert_eq!(seen(&behind.gate.get("/app", &keys.token())), signed_in(user), "{algorithm}");
            assert_eq!(seen(&behind.gate.get("/app", &keys.basic())), signed_in(user), "{algorithm}");
        }
        let guest = behind.gate.send("GET", LOGGED_USER, &[], b"");
        assert_eq!((guest.status, guest.exc_type().as_str()), (403, "PermissionError"), "{algorithm}");
        assert!(behind.site.requests().iter().all(|request| !request.authorization));
    }
}

#[test]
fn whom_the_site_does_not_know_or_has_disabled_is_refused() {
    let behind = Behind::start("es256");
    for user in ["nobody@example.test", "gone@example.test"] {
        refused(&behind.gate.get("/app", &behind.gate.generate(user).token()));
    }
    let token = behind.gate.generate("bob@example.test").token();
    assert_eq!(seen(&behind.gate.get("/app", &token)), signed_in("bob@example.test"));
    behind.site.set("bob@example.test", &json!({ "enabled": false }));
    refused(&behind.gate.get("/app", &token));
    behind.site.set("bob@example.test", &json!({ "enabled": true }));
    assert_eq!(seen(&behind.gate.get("/app", &token)), signed_in("bob@example.test"));
}

#[test]
fn past_the_gate_only_its_own_assertions_are_good_and_wrong_ones_are_no_guests() {
    for algorithm in ["es256", "eddsa", "hs256"] {
        let (behind, other) = (Behind::start(algorithm), Behind::start(algorithm));
        let good = behind.assertion("alice@example.test");
        let reply = behind.present(&good);
        assert_eq!((reply.status, reply.json()), (200, json!({ "message": "alice@example.test" })));

        // Of another gate, for a site of the same name; then a changed claim, and no signature.
        let mut elsewhere = other.settings();
        elsewhere["audience"] = behind.site.url().into();
        behind.site.hook(&elsewhere);
        refused(&behind.present(&good));
        behind.site.hook(&behind.settings());
        refused(&behind.present(&other.assertion("alice@example.test")));
        let parts: Vec<_> = good.split('.').collect();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        claims["sub"] = "bob@example.test".into();
        let forged = URL_SAFE_NO_PAD.encode(claims.to_string());
        refused(&behind.present(&format!("{}.{forged}.{}", parts[0], parts[2])));
        refused(&behind.present(&format!("{}.{}.", parts[0], parts[1])));
        refused(&behind.present(""));

        for name in ["issuer", "audience"] {
            let mut settings = behind.settings();
            settings[name] = "https://other.example.test".into();
            behind.site.hook(&settings);
            refused(&behind.present(&good));
        }
        behind.site.hook(&behind.settings());
        assert_eq!(behind.present(&good).status, 200, "{algorithm}");
    }
}

#[test]
fn an_assertion_that_has_expired_or_is_for_another_is_refused() {
    let behind = Behind::start("hs256");
    assert_eq!(behind.present(&behind.hand_made(&json!({}))).status, 200);
    for changes in [
        json!({ "iat": 1_700_000_000, "exp": 1_700_000_060 }),
        json!({ "aud": "https://other.example.test" }),
        json!({ "iss": "https://other.example.test" }),
        json!({ "exp": null }),
        json!({ "sub": null }),
        json!({ "sub": "Administrator" }),
        json!({ "sub": "Guest" }),
    ] {
        refused(&behind.present(&behind.hand_made(&changes)));
    }
}

/// The gate has judged the path alone. It refuses a `cmd` in the query by itself; one in a body it does not see.
#[test]
fn a_restricted_user_runs_no_method_by_cmd() {
    let behind = Behind::start("hs256");
    let assertion = behind.hand_made(&json!({ "restricted": true }));
    let present = |target: &str, kind: &str, body: &str| {
        let fields = [("X-Gatehouse-Assertion", assertion.as_str()), ("Content-Type", kind)];
        let reply = behind.site.send("POST", target, &fields, body);
        (reply.status, reply.exc_type())
    };
    let denied = (403, "PermissionError".to_owned());
    assert_eq!(present("/api/method/ping", "application/x-www-form-urlencoded", "cmd=app.method"), denied);
    assert_eq!(present("/api/method/ping", "application/json", r#"{"cmd":"app.method"}"#), denied);
    assert_eq!(present("/api/method/ping?cmd=app.method", "text/plain", ""), denied);
    assert_eq!(present("/api/method/ping", "application/json", r#"{"a":"cmd"}"#).0, 200);
}

#[test]
fn a_session_never_decides_over_an_assertion() {
    let behind = Behind::start("eddsa");
    let token = behind.gate.generate("alice@example.test").token();
    let with_cookie = |sid: &str| {
        behind.gate.send("GET", "/app", &[("Authorization", &token), ("Cookie", &format!("sid={sid}"))], b"")
    };
    let reply = behind.site.send("GET", "/app", &[("Cookie", "sid=of-bob")], "");
    assert_eq!(seen(&reply), (200, "bob@example.test".to_owned(), "session".to_owned()));
    refused(&with_cookie("of-bob"));
    assert_eq!(seen(&with_cookie("of-alice")), (200, "alice@example.test".to_owned(), "session".to_owned()));
    assert_eq!(seen(&with_cookie("of-nobody")), signed_in("alice@example.test"));
    // A body never passes through the gate.
    for (kind, body) in
        [("application/x-www-form-urlencoded", "a=1&sid=of-bob"), ("application/json", r#"{"sid":"of-bob"}"#)]
    {
        let headers = [("Authorization", token.as_str()), ("Content-Type", kind)];
        let reply = behind.site.send("POST", "/app", &headers[1..], body);
        assert_eq!(seen(&reply), (200, "bob@example.test".to_owned(), "session".to_owned()), "{kind}");
        refused(&behind.gate.send("POST", "/app", &headers, body.as_bytes()));
    }
}

#[test]
fn without_keys_or_settings_nobody_gets_in_and_everybody_else_goes_on() {
    let behind = Behind::start("es256");
    let token = behind.gate.generate("alice@example.test").token();
    let mut unreachable = behind.settings();
    unreachable["jwks"] = format!("{}/status/500", ORIGIN.url()).into();
    for settings in [unreachable, json!({})] {
        behind.site.hook(&settings);
        let reply = behind.gate.get("/app", &token);
        assert_eq!((reply.status, reply.exc_type().as_str()), (503, "GatehouseUnavailable"), "{settings}");
        assert_eq!(behind.gate.send("GET", "/app", &[], b"").json()["user"], "Guest");
    }
    behind.site.hook(&behind.settings());
    assert_eq!(seen(&behind.gate.get("/app", &token)), signed_in("alice@example.test"));
}

/// Adopted credentials go on to the site, which knows them by itself: both have to say the same. What Frappe's own check
/// lets through, the app does not.
#[test]
fn adopted_credentials_and_the_assertion_name_the_same_user() {
    let site = FrappeSite::start(&json!([
        { "name": "alice@example.test", "api_key": "0123456789abcde", "api_secret": "edcba9876543210" },
    ]));
    let jwk = run_command(&mut bare(), &["signing-key", "new", "--algorithm", "hs256"]).json();
    let gate = Gate::start(Options::with(&[
        ("ORIGIN", site.url()),
        ("ORIGIN_KIND", "frappe"),
        ("ADOPT", "on"),
        ("PUBLIC_URL", ISSUER),
        ("ASSERTION_JWK", &jwk.to_string()),
    ]));
    site.hook(&json!({ "key": jwk, "issuer": ISSUER, "audience": site.url() }));
    let reply = gate.get("/app", "token 0123456789abcde:edcba9876543210");
    assert_eq!(seen(&reply), (200, "alice@example.test".to_owned(), "token".to_owned()));
    assert_eq!(reply.received("x-gatehouse-assertion").len(), 1);
    site.set("alice@example.test", &json!({ "enabled": false }));
    refused(&gate.get("/app", "token 0123456789abcde:edcba9876543210"));
}

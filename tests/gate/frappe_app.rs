//! integrations/frappe: its hook in the Frappe-shaped site, behind a running gate.

use serde_json::{Value, json};

use crate::harness::command::{bare, run as run_command};
use crate::harness::{FrappeSite, Gate, Options, Reply};

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
        behind.install(&behind.settings());
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

    fn install(&self, settings: &Value) {
        self.site.hook(settings);
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
    }
}

//! A gate that is not configured right lets nothing through and says what is wrong.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, ORIGIN, Options};

#[test]
fn a_wrong_value_is_a_503_that_names_the_variable_on_every_route() {
    for (name, value) in [
        ("TOKEN_PEPPER", ""),
        ("TOKEN_PEPPER", "short-pepper"),
        ("ADMINISTRATOR_SECRET", "short-secret"),
        ("ORIGIN", ""),
        ("ANONYMOUS", "perhaps"),
        ("MODE", "watch"),
        ("CACHE_SECONDS", "soon"),
    ] {
        let gate = Gate::start(Options::with(&[(name, value)]));
        for path in ["/misconfigured", "/api/method/frappe.auth.get_logged_user", "/_gatehouse/users"] {
            for authorization in [None, Some(ADMINISTRATOR)] {
                let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
                let reply = gate.send("GET", path, &headers, b"");
                assert_eq!((reply.status, reply.exc_type().as_str()), (503, "Misconfigured"), "{name}={value} {path}");
                let message = reply.json()["message"].as_str().unwrap().to_owned();
                assert!(message.contains(name) && (value.is_empty() || !message.contains(value)), "{message}");
            }
        }
        let health = gate.send("GET", "/_gatehouse/health", &[], b"");
        assert_eq!(health.status, 503);
        assert_eq!(health.json()["status"], "misconfigured");
        assert!(health.json()["problems"][0].as_str().unwrap().starts_with(name));
    }
    assert!(!ORIGIN.was_asked_for("misconfigured"));
}

#[test]
fn without_its_secret_the_built_in_administrator_is_switched_off() {
    let gate = Gate::start(Options::with(&[("ADMINISTRATOR_SECRET", "")]));
    assert_eq!(gate.send("GET", "/_gatehouse/health", &[], b"").json(), json!({ "status": "ok" }));
    assert_eq!(gate.logged_user(ADMINISTRATOR), None);
    assert_eq!(gate.get("/_gatehouse/users", ADMINISTRATOR).status, 401);
}

#[test]
fn management_answers_on_its_own_host_alone() {
    let gate = Gate::start(Options::with(&[("MANAGEMENT_HOST", "admin.gate.test")]));
    let generate = "/api/method/frappe.core.doctype.user.user.generate_keys?user=a";
    let status = |method: &str, path: &str, host: &str| {
        gate.send(method, path, &[("Authorization", ADMINISTRATOR), ("Host", host)], b"").status
    };
    for (method, path, elsewhere) in [
        ("GET", "/_gatehouse/users", 404),
        ("POST", generate, 404),
        ("GET", "/_gatehouse/health", 200),
        ("GET", "/api/method/frappe.auth.get_logged_user", 200),
    ] {
        assert_eq!(status(method, path, "admin.gate.test"), 200, "{path}");
        assert_eq!(status(method, path, "www.gate.test"), elsewhere, "{path}");
    }
}

//! Requests without credentials: `ANONYMOUS`, `PUBLIC_PATHS`, preflights.

use crate::harness::{ADMINISTRATOR, GATE, Gate, ORIGIN, Options};

#[test]
fn denied_requests_never_reach_the_origin() {
    for (method, path) in [("GET", "/denied"), ("POST", "/denied/post"), ("OPTIONS", "/denied/options")] {
        assert_eq!(GATE.send(method, path, &[], b"").status, 401);
    }
    assert_eq!(GATE.get("/denied/wrong", "token k:s").status, 401);
    assert!(!ORIGIN.was_asked_for("denied"));
}

#[test]
fn pass_forwards_strangers_without_identity_and_refuses_wrong_tokens() {
    let gate = Gate::start(Options::with(&[("ANONYMOUS", "pass"), ("ORIGIN_AUTHORIZATION", "token the:origins")]));
    let stranger = gate.send("GET", "/app", &[("X-Forwarded-User", "evil"), ("Cookie", "sid=1")], b"");
    assert_eq!(stranger.status, 200);
    assert!(stranger.received("x-forwarded-user").is_empty());
    assert!(stranger.received("authorization").is_empty(), "the origin's own secret is for principals");
    assert_eq!(stranger.received("cookie"), ["sid=1"]);

    let bearer = gate.get("/app", "Bearer abc.def");
    assert_eq!(bearer.received("authorization"), ["Bearer abc.def"]);
    assert!(bearer.received("x-forwarded-user").is_empty());

    let token = gate.generate("passing").token();
    assert_eq!(gate.get("/app", &token).received("x-forwarded-user"), ["passing"]);
    assert_eq!(gate.get("/app", "token k:s").status, 401);
    assert_eq!(gate.get("/app", "Bearer gks_0000").status, 401);
}

#[test]
fn with_pass_a_desk_calls_frappes_methods_at_the_origin() {
    let gate = Gate::start(Options::with(&[("ANONYMOUS", "pass")]));
    for (method, path) in [
        ("GET", "/api/method/frappe.auth.get_logged_user"),
        ("POST", "/api/method/frappe.core.doctype.user.user.generate_keys?user=a"),
    ] {
        let reply = gate.send(method, path, &[("Cookie", "sid=1")], b"");
        assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some(path)));
    }
    assert_eq!(gate.logged_user(ADMINISTRATOR).as_deref(), Some("Administrator"));
    assert_eq!(gate.send("GET", "/_gatehouse/users", &[("Cookie", "sid=1")], b"").status, 401);
}

#[test]
fn public_paths_need_no_credentials_and_wrong_ones_are_refused_there_too() {
    let gate = Gate::start(Options::with(&[("PUBLIC_PATHS", "/public/**, /api/method/ping")]));
    for (path, status) in [("/public/logo.png", 200), ("/api/method/ping", 200), ("/api/method/pong", 401)] {
        assert_eq!(gate.send("GET", path, &[], b"").status, status, "{path}");
    }
    assert_eq!(gate.get("/public/x", "token k:s").status, 401, "a wrong token is never quietly a guest");
    let token = gate.generate("public").token();
    assert_eq!(gate.get("/public/x", &token).received("x-forwarded-user"), ["public"]);
    assert!(gate.send("GET", "/public/x", &[], b"").received("x-forwarded-user").is_empty());
}

#[test]
fn a_preflight_goes_to_the_origin_without_identity() {
    let preflight = [("Origin", "https://app.test"), ("Access-Control-Request-Method", "PUT")];
    let reply = GATE.send("OPTIONS", "/api/resource", &preflight, b"");
    assert_eq!((reply.status, reply.json()["method"].as_str()), (200, Some("OPTIONS")));
    assert!(reply.received("x-forwarded-user").is_empty());
    let own = GATE.send("OPTIONS", "/_gatehouse/users/a", &preflight, b"");
    assert_eq!((own.status, own.header("allow")), (204, "GET, HEAD, PUT, DELETE, OPTIONS"));
}

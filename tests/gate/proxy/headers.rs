//! What the origin is told of a request, and what nobody but the gate may tell it.

use crate::harness::{GATE, Gate, ORIGIN, Options};

#[test]
fn the_origin_learns_who_it_is_from_the_gate_alone() {
    let keys = GATE.generate_with_roles("identified", &["System Manager", "Überblick"]);
    let token = keys.token();
    let lies = [
        ("Authorization", token.as_str()),
        ("X-Forwarded-User", "evil"),
        ("x-forwarded-user", "evil"),
        ("X_Forwarded_User", "evil"),
        ("X.Forwarded.User", "evil"),
        ("X-Forwarded-Groups", "System Manager"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Port", "666"),
        ("X-Gatehouse-Assertion", "evil"),
        ("X_GATEHOUSE_ASSERTION", "evil"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("X-Original-URL", "/evil"),
        ("X-Rewrite-URL", "/evil"),
        ("X-Frappe-Site-Name", "evil"),
        ("X-Request-Id", "not well formed"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("X-Custom", "kept"),
    ];
    let reply = GATE.send("GET", "/who?q=%20a&b=/../c", &lies, b"");
    assert_eq!(reply.status, 200);
    let received = |name| reply.received(name);
    assert_eq!(received("x-forwarded-user"), ["identified"]);
    assert_eq!(received("x-forwarded-groups"), ["System Manager,%C3%9Cberblick"]);
    assert_eq!(received("x-forwarded-host"), [GATE.authority()]);
    assert_eq!(received("x-forwarded-proto"), ["http"]);
    assert_eq!(received("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(received("host"), [ORIGIN.address.to_string()]);
    assert_eq!(received("traceparent"), ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]);
    assert_eq!(received("x-custom"), ["kept"]);
    assert_eq!(received("x-request-id"), [reply.header("x-request-id")]);
    assert_eq!(reply.json()["target"], "/who?q=%20a&b=/../c");
    assert!(!reply.text().contains("evil") && !reply.text().contains("6.6.6.6"));
    assert!(received("x-forwarded-port").is_empty());
    assert!(received("authorization").is_empty() && !reply.text().contains(&keys.api_secret));
}

#[test]
fn a_well_formed_request_id_is_kept() {
    let token = GATE.generate("request-id").token();
    let reply = GATE.send("GET", "/id", &[("Authorization", &token), ("X-Request-Id", "trace-1.2_3")], b"");
    assert_eq!(
        (reply.received("x-request-id"), reply.header("x-request-id")),
        (vec!["trace-1.2_3".into()], "trace-1.2_3")
    );
}

#[test]
fn what_connection_names_stays_on_its_hop() {
    let token = GATE.generate("connection").token();
    let headers = [("Authorization", token.as_str()), ("Connection", "X-Hop"), ("X-Hop", "1"), ("X-End", "2")];
    let reply = GATE.send("GET", "/hop", &headers, b"");
    assert_eq!((reply.received("x-hop").len(), reply.received("x-end")), (0, vec!["2".to_owned()]));
}

#[test]
fn authorization_is_replaced_or_kept_as_configured() {
    for (variables, expected) in [
        (vec![("ORIGIN_AUTHORIZATION", "token the:origins")], Some("token the:origins")),
        (vec![("FORWARD_CREDENTIALS", "true")], None),
    ] {
        let gate = Gate::start(Options::with(&variables));
        let token = gate.generate("authorization").token();
        let received = gate.get("/authorization", &token).received("authorization");
        assert_eq!(received, [expected.unwrap_or(&token)]);
    }
}

#[test]
fn the_site_name_comes_from_the_configuration() {
    let gate = Gate::start(Options::with(&[("ORIGIN_SITE", "site1.local"), ("ANONYMOUS", "pass")]));
    let reply = gate.send("GET", "/", &[("X-Frappe-Site-Name", "evil")], b"");
    assert_eq!(reply.received("x-frappe-site-name"), ["site1.local"]);
}

//! Where a request goes: its method, path and query as they were sent, to the origin and nowhere else.

use crate::harness::{ADMINISTRATOR, GATE, Gate, OK, ORIGIN, Options, RawOrigin, RawRequest};

/// Every method that workerd knows.
const METHODS: [&str; 26] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "PURGE",
    "COPY",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "SEARCH",
    "UNLOCK",
    "ACL",
    "REPORT",
    "MKACTIVITY",
    "CHECKOUT",
    "MERGE",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
];

#[test]
fn every_method_goes_through_with_a_body_and_without() {
    let token = GATE.generate("methods").token();
    for method in METHODS {
        for body in ["", "body"] {
            let request = RawRequest::new(method, "/method").token(&token);
            let request = if body.is_empty() { request } else { request.body(body.as_bytes()) };
            let reply = request.send(&GATE.direct);
            assert_eq!((reply.status, reply.complete), (200, true), "{method}");
            if method == "HEAD" {
                assert!(reply.body.is_empty());
                continue;
            }
            let json = reply.json();
            assert_eq!(
                (json["method"].as_str(), json["body"]["bytes"].as_u64()),
                (Some(method), Some(body.len() as u64))
            );
        }
    }
}

/// The platform's part, kept in sight: other methods end in workerd and never reach the Worker.
#[test]
fn methods_that_workerd_does_not_know_never_reach_the_origin() {
    let token = GATE.generate("unknown-methods").token();
    for (method, status) in [("CONNECT", 500), ("BREW", 501), ("get", 501), ("M-SEARCH", 501), ("LINK", 501)] {
        let reply = RawRequest::new(method, "/unknown-method").token(&token).send(&GATE.direct);
        assert_eq!(reply.status, status, "{method}");
    }
    assert!(!ORIGIN.was_asked_for("unknown-method"));
}

#[test]
fn a_query_reaches_the_origin_byte_for_byte() {
    let origin = RawOrigin::answering(OK);
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("queries").token();
    let long = format!("?{}", "q=%20&".repeat(10_000));
    for query in [
        "",
        "?",
        "??",
        "?a",
        "?=",
        "?&&",
        "?a=1&a=2&a",
        "?a=%20+b",
        "?%",
        "?%4",
        "?%zz%",
        "?%00%0d%0a",
        "?%C3%A4%e4",
        "?a=/../b",
        "?//evil.test/",
        "?http://evil.test/",
        "?a?b",
        "?a;b",
        "?\\",
        "?|",
        "?[]{}",
        "?^`",
        "?a:b@c",
        "?$!*(),~",
        &long,
    ] {
        let reply = RawRequest::new("GET", format!("/q{query}")).token(&token).send(&gate.direct);
        assert_eq!(reply.status, 200, "{query}");
        let heads = origin.take();
        let targets: Vec<_> = heads.iter().map(|head| String::from_utf8_lossy(head.target())).collect();
        assert_eq!(targets, [format!("/q{query}")]);
    }
}

/// The platform's part, kept in sight: a Worker can fetch only what the URL standard can write, which spells these in
/// another way that means the same.
#[test]
fn the_platform_escapes_what_no_url_may_hold() {
    let origin = RawOrigin::answering(OK);
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("escapes").token();
    for (target, forwarded) in [
        ("/q?name='x'", "/q?name=%27x%27"),
        ("/q?ä", "/q?%C3%A4"),
        ("/ä", "/%C3%A4"),
        ("/a^b'c|d", "/a%5Eb'c|d"),
        ("/q?a#fragment", "/q?a"),
        ("/a/../b/./c", "/b/c"),
        ("/a\\b", "/a/b"),
    ] {
        assert_eq!(RawRequest::new("GET", target).token(&token).send(&gate.direct).status, 200, "{target}");
        assert_eq!(origin.take()[0].target(), forwarded.as_bytes());
    }
}

/// The platform's part, kept in sight.
#[test]
fn workerd_refuses_targets_that_are_none() {
    let token = GATE.generate("no-targets").token();
    let long = [b"/?no-target".as_slice(), &[b'q'; 70_000]].concat();
    for (target, status) in [
        (b"/?no-target\"".as_slice(), 400),
        (b"/?no-target<>", 400),
        (b"/?no-target\x01", 400),
        (b"/?no-target\x00", 400),
        (b"/?no-target\x7f", 400),
        (b"/?no-target\t", 400),
        (b"/?no-target ", 400),
        (b"/?no-target\xff", 400),
        (b"/?no-target\xc0\xae", 400),
        (b"no-target/x", 400),
        (b"", 400),
        (&long, 414),
    ] {
        let reply = RawRequest::new("GET", target).token(&token).send(&GATE.direct);
        assert_eq!(reply.status, status, "{}", target.escape_ascii());
    }
    assert!(!ORIGIN.was_asked_for("no-target"));
}

#[test]
fn a_path_is_never_taken_for_another_host() {
    let token = GATE.generate("paths").token();
    for (path, target) in [
        ("//evil.test/x", "//evil.test/x"),
        ("/%2f%2fevil.test", "/%2f%2fevil.test"),
        ("/@evil.test", "/@evil.test"),
        ("/a;b=c/d?e;f", "/a;b=c/d?e;f"),
        ("/x?//evil.test", "/x?//evil.test"),
    ] {
        let reply = GATE.get(path, &token);
        assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some(target)), "{path}");
        assert_eq!(reply.received("host"), [ORIGIN.address.to_string()]);
    }
}

#[test]
fn administrator_is_never_forwarded() {
    let reply = GATE.get("/administrator-forwarded", ADMINISTRATOR);
    assert_eq!((reply.status, reply.exc_type().as_str()), (403, "PermissionError"));
    assert!(!ORIGIN.was_asked_for("administrator-forwarded"));
}

#[test]
fn a_service_binding_takes_the_origins_place() {
    let gate = Gate::start(Options { origin_service: Some(ORIGIN.address.to_string()), ..Options::default() });
    let token = gate.generate("service").token();
    let reply = gate.send("POST", "/service?x=y", &[("Authorization", &token)], b"body");
    assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some("/service?x=y")));
    assert_eq!(reply.received("x-forwarded-user"), ["service"]);
    assert_eq!(reply.received("host"), [gate.authority()]);
}

/// In production the runtime takes a fetch of the Worker's own address to the zone's origin. Here every fetch is led
/// to the origin, so what can be shown is the URL that was fetched: the request's own.
#[test]
fn a_zone_is_asked_for_the_unchanged_url() {
    let outbound = Some(ORIGIN.address.to_string());
    let gate = Gate::start(Options { outbound, ..Options::with(&[("ORIGIN", "zone")]) });
    let token = gate.generate("zone").token();
    let reply = gate.send("GET", "/zone?x=%2F", &[("Authorization", &token), ("Host", "www.zone.test")], b"");
    assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some("/zone?x=%2F")));
    assert_eq!(reply.received("host"), ["www.zone.test"]);
    assert_eq!(reply.received("x-forwarded-user"), ["zone"]);
}

#[test]
fn a_request_that_comes_back_to_a_zones_gate_is_stopped() {
    let gate = Gate::start(Options::with(&[("ORIGIN", "zone")]));
    let token = gate.generate("loop").token();
    // Here the gate itself is what its own address leads to.
    assert_eq!(gate.get("/loop", &token).status, 503);
    let reply = gate.send("GET", "/loop", &[("Authorization", &token), ("X-Gatehouse-Loop", "1")], b"");
    assert_eq!((reply.status, reply.exc_type().as_str()), (503, "GatewayLoop"));
}

/// An origin may answer TRACE with the request as it got it (RFC 9110 §9.3.8).
#[test]
fn what_a_client_must_not_know_is_not_in_a_trace() {
    let shared_key = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let gate = Gate::start(Options::with(&[
        ("ORIGIN_AUTHORIZATION", "token the:origins"),
        ("PUBLIC_URL", "https://gate.example.test"),
        ("ASSERTION_JWK", shared_key),
    ]));
    let token = gate.generate("tracing").token();
    let traced = gate.send("TRACE", "/traced", &[("Authorization", &token)], b"");
    assert_eq!(traced.status, 200);
    for name in ["authorization", "x-gatehouse-assertion", "x-forwarded-user"] {
        assert!(traced.received(name).is_empty(), "{name}");
        assert!(!gate.get("/traced", &token).received(name).is_empty(), "{name}");
    }
    assert_eq!(gate.send("TRACE", "/traced", &[], b"").status, 401);
}

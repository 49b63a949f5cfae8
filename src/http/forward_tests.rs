//! What reaches the origin and what does not.

use super::*;
use crate::core::access_rule::AccessRule;
use crate::core::credentials::ApiKey;
use crate::core::grant::Grant;
use crate::core::role::parse_roles;
use crate::core::unix_time::UnixSeconds;
use crate::http::configuration::{BOUND, read};
use crate::http::request_head::head;

const PEPPER: &str = "0123456789abcdef0123456789abcdef";

fn configuration(given: &[(&str, &str)]) -> Configuration {
    let variable = |name: &'static str| {
        let defaults = [("ORIGIN", "http://app.test:8000"), ("TOKEN_PEPPER", PEPPER)];
        let found = given.iter().chain(&defaults).find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    read(&variable, BOUND).ok().unwrap()
}

fn identity(user: &str, roles: &[&str], rules: &[&str]) -> Identity {
    let grant = Grant {
        user: user.to_owned(),
        api_key: ApiKey::parse("k").unwrap(),
        roles: parse_roles(roles.iter().map(ToString::to_string).collect()).unwrap(),
        expires_at: None,
        allowed_ips: Vec::new(),
        rules: rules.iter().map(|rule| AccessRule::parse(rule).unwrap()).collect(),
        strict: false,
        adopted: false,
    };
    let principal = Principal::authenticate(&Rc::new(grant), UnixSeconds(0), None).unwrap();
    Identity { principal, assertion: Some("a.b.c".into()) }
}

fn set<'a>(forward: &'a Forward, name: &str) -> Option<&'a str> {
    forward.set.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
}

#[test]
fn the_target_is_the_origins_address_with_the_requests_path_and_query() {
    for (url, target) in [
        ("https://gate.test/a/b?c=%20&d", "http://app.test:8000/a/b?c=%20&d"),
        ("https://gate.test//evil.test/x", "http://app.test:8000//evil.test/x"),
        ("https://gate.test/%2e%2e/x", "http://app.test:8000/%2e%2e/x"),
        ("https://gate.test?x", "http://app.test:8000/?x"),
    ] {
        let (configuration, head) = (configuration(&[]), head("GET", url));
        let forward = plan(&configuration, &head, None);
        assert_eq!(forward.url, target);
    }
}

#[test]
fn a_zone_gets_the_url_unchanged_and_no_loop() {
    let zone = configuration(&[("ORIGIN", "zone")]);
    let mut head = head("GET", "https://gate.test/a?b");
    let forward = plan(&zone, &head, None);
    assert_eq!(forward.url, "https://gate.test/a?b");
    assert_eq!(set(&forward, "X-Gatehouse-Loop"), Some("1"));
    head.header_names.push(LOOP_HEADER);
    assert_eq!(check_loop(&zone, &head), Err(Refusal::Loop));
    assert_eq!(check_loop(&configuration(&[]), &head), Ok(()));
}

#[test]
fn what_only_the_gate_may_say_is_removed() {
    let mut head = head("GET", "https://gate.test/");
    let reserved = [
        "x-forwarded-user",
        "x-forwarded-groups",
        "x-forwarded-for",
        "x_forwarded_user",
        "x-forwarded_user",
        "X-Forwarded-Host",
        "x-forwarded-port",
        "x-gatehouse-assertion",
        "x_gatehouse_assertion",
        "x.forwarded.user",
        "x~forwarded-user",
        "forwarded",
        "x-real-ip",
        "x_real_ip",
        "x-original-url",
        "x-rewrite-url",
        "x-frappe-site-name",
        "x-request-id",
    ];
    let others = ["accept", "cookie", "traceparent", "x-forward", "content-type", "upgrade"];
    head.header_names = reserved.into_iter().chain(others).collect();
    let configuration = configuration(&[]);
    let forward = plan(&configuration, &head, None);
    assert_eq!(forward.remove, reserved);
}

#[test]
fn what_connection_names_stays_on_this_hop_but_upgrade() {
    let mut head = head("GET", "https://gate.test/");
    head.header_names = ["connection", "upgrade", "x-a", "x-b"].into_iter().collect();
    head.connection = Some("Upgrade, X-A , x-absent".to_owned());
    assert_eq!(plan(&configuration(&[]), &head, None).remove, ["x-a"]);
}

#[test]
fn a_principal_brings_an_identity_and_a_stranger_none() {
    let mut head = head("GET", "https://gate.test:8443/");
    head.client_address = Some("2001:db8::1".to_owned());
    let site = configuration(&[("ORIGIN_SITE", "site1.local")]);
    let alice = identity("alice@example.test", &["System Manager", "Auditor"], &[]);
    let forward = plan(&site, &head, Some(&alice));
    for (name, value) in [
        ("X-Forwarded-User", "alice@example.test"),
        ("X-Forwarded-Groups", "Auditor,System Manager"),
        ("X-Forwarded-Host", "gate.test:8443"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "2001:db8::1"),
        ("X-Frappe-Site-Name", "site1.local"),
        ("X-Gatehouse-Assertion", "a.b.c"),
        ("X-Request-Id", "the-request-id"),
    ] {
        assert_eq!(set(&forward, name), Some(value), "{name}");
    }
    assert_eq!(forward.remove, ["authorization"]);

    let stranger = plan(&site, &head, None);
    assert_eq!(set(&stranger, "X-Forwarded-User"), None);
    assert_eq!(set(&stranger, "X-Forwarded-Groups"), None);
    assert_eq!(set(&stranger, "X-Gatehouse-Assertion"), None);
    assert!(stranger.remove.is_empty(), "a stranger's Authorization was judged before");
}

#[test]
fn the_origins_own_secret_replaces_a_principals_and_goes_with_nobody_else() {
    let head = head("GET", "https://gate.test/");
    let alice = identity("alice", &[], &[]);
    let replace = configuration(&[("ORIGIN_AUTHORIZATION", "token a:b")]);
    assert_eq!(set(&plan(&replace, &head, Some(&alice)), "Authorization"), Some("token a:b"));
    assert_eq!(set(&plan(&replace, &head, None), "Authorization"), None);
    let configuration = configuration(&[("FORWARD_CREDENTIALS", "true")]);
    let forward = plan(&configuration, &head, Some(&alice));
    assert!(forward.remove.is_empty() && set(&forward, "Authorization").is_none());
}

#[test]
fn names_travel_as_visible_ascii() {
    let head = head("GET", "https://gate.test/");
    let identity = identity("Jürgen 100%", &["Überblick", "50% off"], &[]);
    let configuration = configuration(&[]);
    let forward = plan(&configuration, &head, Some(&identity));
    assert_eq!(set(&forward, "X-Forwarded-User"), Some("J%C3%BCrgen%20100%25"));
    assert_eq!(set(&forward, "X-Forwarded-Groups"), Some("50%25 off,%C3%9Cberblick"));
}

#[test]
fn a_method_override_is_removed_where_rules_apply() {
    let mut head = head("POST", "https://gate.test/");
    head.header_names =
        ["x-http-method-override", "x-http-method", "x_method_override", "x-method"].into_iter().collect();
    let (configuration, alice) = (configuration(&[]), identity("alice", &[], &["POST /**"]));
    let limited = plan(&configuration, &head, Some(&alice));
    assert_eq!(limited.remove, ["x-http-method-override", "x-http-method", "x_method_override", "authorization"]);
    let alice = identity("alice", &[], &[]);
    let unlimited = plan(&configuration, &head, Some(&alice));
    assert_eq!(unlimited.remove, ["authorization"]);
}

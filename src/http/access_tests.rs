//! How requests get in, by configuration, path and `Authorization`.

use super::*;
use crate::http::answer::Envelope;
use crate::http::configuration::{BOUND, read};
use crate::http::request_head::head;

fn configuration(given: &[(&str, &str)]) -> Configuration {
    let variable = |name: &'static str| {
        let defaults = [("ORIGIN", "http://app.test"), ("TOKEN_PEPPER", "0123456789abcdef0123456789abcdef")];
        let found = given.iter().chain(&defaults).find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    read(&variable, BOUND).ok().unwrap()
}

/// One word for what became of a request.
fn outcome(configuration: &Configuration, method: &str, path: &str, authorization: Option<&str>) -> String {
    let mut head = head(method, &format!("https://gate.test{path}"));
    head.authorization = authorization.map(str::to_owned);
    match access(configuration, &head, Resource::find(&head.url)) {
        Ok(Access::Own(resource, Some(_))) => format!("own {resource:?}"),
        Ok(Access::Own(resource, None)) => format!("open {resource:?}"),
        Ok(Access::Authenticate(_)) => "authenticate".to_owned(),
        Ok(Access::Anonymous) => "anonymous".to_owned(),
        Err(refusal) => refusal.answer(Envelope::V1, true).status.to_string(),
    }
}

const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";
const GENERATE: &str = "/api/method/frappe.core.doctype.user.user.generate_keys";
const TOKEN: Option<&str> = Some("token k:s");
const BEARER: Option<&str> = Some("Bearer x");
const WRONG: Option<&str> = Some("token k");

#[test]
fn deny_lets_nobody_in_without_credentials() {
    let deny = configuration(&[]);
    for (method, path, authorization, expected) in [
        ("GET", "/x", None, "401"),
        ("GET", "/x", BEARER, "401"),
        ("GET", "/x", WRONG, "401"),
        ("GET", "/x", Some(""), "401"),
        ("GET", "/x", Some("Basic ?"), "400"),
        ("GET", "/x", TOKEN, "authenticate"),
        ("OPTIONS", "/x", None, "401"),
        ("GET", LOGGED_USER, None, "401"),
        ("GET", LOGGED_USER, TOKEN, "own LoggedUser(V1)"),
        ("GET", "/_gatehouse/users", None, "401"),
        ("GET", "/_gatehouse/health", None, "open Health"),
        ("GET", "/_gatehouse/health", WRONG, "401"),
        ("GET", "/_gatehouse/x", None, "404"),
        ("PATCH", "/_gatehouse/users", TOKEN, "405"),
        ("GET", GENERATE, TOKEN, "403"),
    ] {
        assert_eq!(outcome(&deny, method, path, authorization), expected, "{method} {path} {authorization:?}");
    }
}

#[test]
fn pass_hands_strangers_to_the_origin_and_never_a_wrong_token() {
    let pass = configuration(&[("ANONYMOUS", "pass")]);
    for (method, path, authorization, expected) in [
        ("GET", "/x", None, "anonymous"),
        ("GET", "/x", BEARER, "anonymous"),
        ("GET", "/x", WRONG, "401"),
        ("GET", "/x", TOKEN, "authenticate"),
        ("GET", LOGGED_USER, None, "anonymous"),
        ("GET", LOGGED_USER, BEARER, "anonymous"),
        ("GET", LOGGED_USER, TOKEN, "own LoggedUser(V1)"),
        ("POST", GENERATE, None, "anonymous"),
        ("GET", GENERATE, None, "anonymous"),
        ("GET", "/_gatehouse/users", None, "401"),
        ("GET", "/_gatehouse/users", BEARER, "401"),
    ] {
        assert_eq!(outcome(&pass, method, path, authorization), expected, "{method} {path} {authorization:?}");
    }
}

#[test]
fn public_paths_need_no_credentials_and_take_no_tricks() {
    let public = configuration(&[("PUBLIC_PATHS", "/public/**")]);
    for (path, authorization, expected) in [
        ("/public/x", None, "anonymous"),
        ("/public/x", TOKEN, "authenticate"),
        ("/public/x", WRONG, "401"),
        ("/public/x", BEARER, "401"),
        ("/private/../public/x", None, "anonymous"),
        ("/public/../private", None, "401"),
        ("/public/%2e%2e/private", None, "401"),
        ("/public/..%2fprivate", None, "401"),
        ("/public/..%5cprivate", None, "401"),
        ("/public//../private", None, "401"),
        ("/public/x;/../y", None, "401"),
        ("/public/%252e%252e/private", None, "401"),
        ("/public/%00", None, "401"),
        ("/PUBLIC/x", None, "401"),
    ] {
        assert_eq!(outcome(&public, "GET", path, authorization), expected, "{path} {authorization:?}");
    }
}

#[test]
fn a_preflight_carries_no_credentials() {
    let mut head = head("OPTIONS", "https://gate.test/x");
    head.origin = Some("https://elsewhere.test".to_owned());
    head.header_names.push("access-control-request-method");
    assert!(matches!(access(&configuration(&[]), &head, Resource::find(&head.url)), Ok(Access::Anonymous)));
    head.authorization = WRONG.map(str::to_owned);
    assert!(access(&configuration(&[]), &head, Resource::find(&head.url)).is_err());
}

#[test]
fn another_site_cannot_make_a_browser_change_anything() {
    let configuration = configuration(&[("PUBLIC_URL", "https://gate.public.test")]);
    let basic = "Basic azpz";
    for (method, path, authorization, origin, refused) in [
        ("POST", "/x", basic, "https://evil.test", true),
        ("POST", "/x", "token k:s", "https://evil.test", false),
        ("GET", "/x", basic, "https://evil.test", false),
        ("POST", "/x", basic, "https://gate.test", false),
        ("POST", "/x", basic, "https://gate.public.test", false),
        ("POST", "/_gatehouse/users/a/generate", "token k:s", "https://evil.test", true),
        ("POST", GENERATE, "token k:s", "https://evil.test", true),
    ] {
        let mut head = head(method, &format!("https://gate.test{path}"));
        head.authorization = Some(authorization.to_owned());
        head.origin = Some(origin.to_owned());
        let found = matches!(access(&configuration, &head, Resource::find(&head.url)), Err(Refusal::CrossSite));
        assert_eq!(found, refused, "{method} {path} {authorization} {origin}");
    }
}

#[test]
fn a_desk_generates_at_the_origin_on_every_host() {
    let pass = configuration(&[("MANAGEMENT_HOST", "admin.test"), ("ANONYMOUS", "pass")]);
    assert_eq!(outcome(&pass, "POST", GENERATE, None), "anonymous");
    assert_eq!(outcome(&pass, "POST", GENERATE, TOKEN), "404");
}

#[test]
fn management_answers_on_its_own_host_alone() {
    let configuration = configuration(&[("MANAGEMENT_HOST", "admin.test")]);
    assert_eq!(outcome(&configuration, "GET", "/_gatehouse/users", TOKEN), "404");
    assert_eq!(outcome(&configuration, "POST", GENERATE, TOKEN), "404");
    assert_eq!(outcome(&configuration, "GET", LOGGED_USER, TOKEN), "own LoggedUser(V1)");
    assert_eq!(outcome(&configuration, "GET", "/_gatehouse/health", None), "open Health");
    assert_eq!(outcome(&configuration, "GET", "/x", TOKEN), "authenticate");
    let mut head = head("GET", "https://ADMIN.test/_gatehouse/users");
    head.authorization = TOKEN.map(str::to_owned);
    assert!(matches!(
        access(&configuration, &head, Resource::find(&head.url)),
        Ok(Access::Own(Resource::Users, Some(_)))
    ));
}

//! What [`read`] takes and what it refuses.

use super::*;

/// 32 bytes of zeros.
const SHARED_KEY: &str = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
const PEPPER: &str = "0123456789abcdef0123456789abcdef";

/// Reads `ORIGIN` and a pepper and what is given, which wins.
fn read_with(given: &[(&str, &str)], bindings: Bindings) -> Result<Configuration, Vec<Problem>> {
    let variable = |name: &'static str| {
        let defaults = [("ORIGIN", "http://127.0.0.1:8000"), ("TOKEN_PEPPER", PEPPER)];
        let found = given.iter().chain(&defaults).find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    read(&variable, bindings)
}

fn problems(given: &[(&str, &str)], bindings: Bindings) -> Vec<String> {
    read_with(given, bindings).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn origin_and_pepper_are_enough() {
    let configuration = read_with(&[], BOUND).ok().unwrap();
    assert_eq!(configuration.target, Target::Url(WebOrigin::parse("http://127.0.0.1:8000").unwrap()));
    assert_eq!(configuration.anonymous, Anonymous::Deny);
    assert_eq!((configuration.cache_seconds, configuration.kv_cache_seconds, configuration.audit_days), (5, 30, 365));
    assert!(matches!(configuration.origin_authorization, OriginAuthorization::Remove));
    assert!(configuration.administrator.is_none());
    assert!(configuration.not_set.contains(&"ADMINISTRATOR_SECRET"));
}

#[test]
fn values_are_taken() {
    let configuration = read_with(
        &[
            ("ORIGIN", "zone"),
            ("ANONYMOUS", "pass"),
            ("PUBLIC_PATHS", "/assets/**, /api/method/ping"),
            ("PUBLIC_URL", "https://gate.test"),
            ("MANAGEMENT_HOST", "Admin.Gate.Test"),
            ("ORIGIN_AUTHORIZATION", "token a:b"),
            ("ORIGIN_SITE", "site1.local"),
            ("ADMINISTRATOR_SECRET", &"s".repeat(32)),
            ("CACHE_SECONDS", "0"),
            ("KV_CACHE_SECONDS", "60"),
            ("MODE", "observe"),
            ("ORIGIN_KIND", "frappe"),
            ("LIMITS", "off"),
            ("DEBUG_TIMING", "true"),
            ("ALLOWED_ORIGINS", "https://app.test, http://127.0.0.1:3000/"),
            ("ASSERTION_JWK", SHARED_KEY),
            ("ASSERTION_AUDIENCE", "the app"),
        ],
        BOUND,
    )
    .ok()
    .unwrap();
    assert_eq!(configuration.target, Target::Zone);
    assert_eq!((configuration.mode, configuration.origin_kind), (Mode::Observe, OriginKind::Frappe));
    assert_eq!(configuration.anonymous, Anonymous::Pass);
    assert_eq!(configuration.public_paths.len(), 2);
    assert_eq!(configuration.management_host.as_deref(), Some("admin.gate.test"));
    assert!(matches!(configuration.origin_authorization, OriginAuthorization::Replace(value) if *value == "token a:b"));
    assert_eq!((configuration.cache_seconds, configuration.kv_cache_seconds), (0, 60));
    assert!(configuration.administrator.is_some());
    assert!(!configuration.limits && configuration.debug_timing);
    let allowed: Vec<_> = configuration.allowed_origins.iter().map(ToString::to_string).collect();
    assert_eq!(allowed, ["https://app.test", "http://127.0.0.1:3000"]);
    let issuer = configuration.issuer.unwrap();
    assert_eq!((issuer.issuer.as_str(), issuer.audience.as_str()), ("https://gate.test", "the app"));
}

#[test]
fn a_service_binding_takes_the_place_of_an_address() {
    let with_service = Bindings { origin_service: true, ..BOUND };
    assert_eq!(read_with(&[("ORIGIN", "")], with_service).ok().unwrap().target, Target::Service);
    assert_eq!(problems(&[], with_service), ["ORIGIN has to be empty where ORIGIN_SERVICE is bound"]);
}

#[test]
fn every_wrong_value_is_a_problem_with_its_name() {
    for (name, value, problem) in [
        ("ORIGIN", "", "ORIGIN is missing"),
        (
            "ORIGIN",
            "http://x/path",
            "ORIGIN is neither `zone` nor an address like https://app.example.com, without a path",
        ),
        ("TOKEN_PEPPER", "", "TOKEN_PEPPER is missing"),
        ("TOKEN_PEPPER", "short", "TOKEN_PEPPER is shorter than 32 bytes"),
        ("ADMINISTRATOR_SECRET", "short", "ADMINISTRATOR_SECRET is shorter than 32 characters"),
        (
            "ADMINISTRATOR_SECRET",
            "a secret with spaces that is long enough",
            "ADMINISTRATOR_SECRET cannot be sent as an api_secret: a character that may not stand there",
        ),
        ("ANONYMOUS", "yes", "ANONYMOUS is none of `deny`, `pass`"),
        ("FORWARD_CREDENTIALS", "1", "FORWARD_CREDENTIALS is none of `true`, `false`"),
        (
            "PUBLIC_PATHS",
            "/a, b",
            "PUBLIC_PATHS is wrong at its entry 2: a pattern is a path in normal form that starts with /",
        ),
        ("PUBLIC_URL", "gate.test", "PUBLIC_URL is no address like https://gate.example.com"),
        ("MANAGEMENT_HOST", "a b", "MANAGEMENT_HOST is no host"),
        ("ORIGIN_SITE", "a\nb", "ORIGIN_SITE is no site name"),
        ("ORIGIN_AUTHORIZATION", "a\nb", "ORIGIN_AUTHORIZATION cannot be sent as a header field"),
        ("CACHE_SECONDS", "-1", "CACHE_SECONDS is no whole number from 0 to 3600"),
        ("KV_CACHE_SECONDS", "29", "KV_CACHE_SECONDS is no whole number from 30 to 3600"),
        ("ORIGIN_TIMEOUT_SECONDS", "0", "ORIGIN_TIMEOUT_SECONDS is no whole number from 1 to 3600"),
        ("AUDIT_DAYS", "0", "AUDIT_DAYS is no whole number from 1 to 3650"),
        ("MODE", "watch", "MODE is none of `enforce`, `observe`"),
        ("ORIGIN_KIND", "django", "ORIGIN_KIND is none of `http`, `frappe`"),
        ("ADOPT", "on", "ADOPT asks the origin as Frappe is asked: it needs `ORIGIN_KIND = \"frappe\"`"),
        (
            "ALLOWED_ORIGINS",
            "https://a.test, *",
            "ALLOWED_ORIGINS holds something other than addresses like https://app.example.com",
        ),
        ("LIMITS", "no", "LIMITS is none of `on`, `off`"),
        ("DEBUG_TIMING", "1", "DEBUG_TIMING is none of `true`, `false`"),
    ] {
        assert_eq!(problems(&[(name, value)], BOUND), [problem]);
    }
}

#[test]
fn assertions_name_their_issuer_and_their_audience() {
    for (given, problem) in [
        (&[][..], "PUBLIC_URL is missing: assertions name it as their issuer"),
        (
            &[("PUBLIC_URL", "https://gate.test"), ("ORIGIN", "zone")],
            "ASSERTION_AUDIENCE is missing: the origin has no address that could be the audience",
        ),
        (
            &[("PUBLIC_URL", "https://gate.test"), ("ASSERTION_JWK", "{}")],
            "ASSERTION_JWK is a key that is neither oct, nor EC on P-256, nor OKP on Ed25519",
        ),
    ] {
        let given: Vec<_> = given.iter().copied().chain([("ASSERTION_JWK", SHARED_KEY)]).collect();
        assert_eq!(problems(&given, BOUND), [problem]);
    }
    let given = [("PUBLIC_URL", "https://gate.test"), ("ASSERTION_JWK", SHARED_KEY)];
    assert_eq!(read_with(&given, BOUND).ok().unwrap().issuer.unwrap().audience, "http://127.0.0.1:8000");
}

#[test]
fn adopted_credentials_and_the_origins_own_exclude_each_other() {
    let frappe = [("ORIGIN_KIND", "frappe"), ("ADOPT", "on")];
    assert!(read_with(&frappe, BOUND).ok().unwrap().adopt);
    let both = [frappe[0], frappe[1], ("ORIGIN_AUTHORIZATION", "token a:b")];
    let problem = "ADOPT and ORIGIN_AUTHORIZATION exclude each other: adopted credentials go on to the origin";
    assert_eq!(problems(&both, BOUND), [problem]);
}

#[test]
fn limits_need_their_bindings_unless_they_are_off() {
    let unbound = Bindings { failed_auth: false, requests: false, ..BOUND };
    assert_eq!(
        problems(&[], unbound),
        ["FAILED_AUTH", "REQUESTS"].map(|name| format!("{name} is not bound; `LIMITS = \"off\"` goes without it"))
    );
    assert!(problems(&[("LIMITS", "off")], unbound).is_empty());
}

#[test]
fn all_problems_are_told_at_once_and_no_value_with_them() {
    let found = problems(
        &[("TOKEN_PEPPER", "hush-hush"), ("ORIGIN_AUTHORIZATION", "token hush:hush"), ("FORWARD_CREDENTIALS", "true")],
        Bindings { keys: false, registry: false, ..BOUND },
    );
    assert_eq!(
        found,
        [
            "KEYS is not bound",
            "REGISTRY is not bound",
            "TOKEN_PEPPER is shorter than 32 bytes",
            "FORWARD_CREDENTIALS and ORIGIN_AUTHORIZATION exclude each other"
        ]
    );
}

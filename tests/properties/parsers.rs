//! No text from outside makes a parser panic, whatever it is: overflows and broken character boundaries panic here too.

use gatehouse::core::access_rule::AccessRule;
use gatehouse::core::adoption::is_adoptable;
use gatehouse::core::authorization::{names_own_credentials, parse, readings};
use gatehouse::core::client_address::{AddressRange, network};
use gatehouse::core::credentials::{ApiKey, Credentials};
use gatehouse::core::digest::Digest;
use gatehouse::core::grant::Grant;
use gatehouse::core::path::{NormalPath, PathPattern};
use gatehouse::core::pepper::Pepper;
use gatehouse::core::role::parse_roles;
use gatehouse::core::signing_key::KeyRing;
use gatehouse::core::unix_time::UnixSeconds;
use gatehouse::core::user_name::UserName;
use gatehouse::http::access::access;
use gatehouse::http::configuration::{Bindings, Configuration, read};
use gatehouse::http::cross_site::is_cross_site_change;
use gatehouse::http::forward::plan;
use gatehouse::http::import::ImportKeys;
use gatehouse::http::management::command;
use gatehouse::http::request_head::{RequestHead, RequestUrl};
use gatehouse::http::resource::Resource;
use gatehouse::http::web_origin::WebOrigin;
use gatehouse::http::{cors, frappe, location};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;

use crate::{config, digest, fold, keys};

/// What the parsers look for, so that random texts get beyond their first look.
const WORDS: [&str; 56] = [
    "token",
    "Basic",
    "Bearer",
    " ",
    "\t",
    ",",
    ":",
    ";",
    "&",
    "=",
    "/",
    "//",
    "%2f",
    "%2e",
    "%",
    "%e4",
    "\\",
    "*",
    "**",
    ".",
    "..",
    "?",
    "#",
    "@",
    "[::1]",
    "http://",
    "https://",
    "gate.test",
    ":443",
    ":99999",
    "gks_",
    "gks_00000000000000000000000000000000000000004023f14c",
    "Administrator",
    "azpz",
    "GET",
    "user",
    "cmd",
    "sid",
    "cursor",
    "limit",
    "status",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "null",
    "-1",
    "1e999",
    "9999999999999999999999",
    "2026-01-31T23:59:60Z",
    "-0000-01-01T00:00:00+23:59",
    "0",
    "\u{0}",
    "\u{1F980}",
    "ß",
];
const ROUTES: [&str; 12] = [
    "/api/method/frappe.core.doctype.user.user.generate_keys",
    "/api/v2/method/frappe.core.doctype.user.user",
    "/_gatehouse/health",
    "/_gatehouse/users",
    "/_gatehouse/users/%C3%A4",
    "/_gatehouse/users/a/generate",
    "/_gatehouse/users/a/revoke",
    "/_gatehouse/audit",
    "/_gatehouse/import",
    "/_gatehouse/export",
    "/_gatehouse/reconcile",
    "/%5fgatehouse/users/%",
];
const FIELDS: [&str; 18] = [
    "user",
    "users",
    "dry_run",
    "next_cursor",
    "api_key",
    "api_secret",
    "digests",
    "digest",
    "seal",
    "deleted",
    "roles",
    "enabled",
    "not_after",
    "allowed_ips",
    "rules",
    "strict",
    "grace_seconds",
    "expires_at",
];

fn text() -> impl Strategy<Value = String> {
    let word =
        prop_oneof![3 => select(WORDS.as_slice()).prop_map(str::to_owned), 1 => "\\PC{0,4}", 1 => any::<String>()];
    vec(word, 0..12).prop_map(|words| words.concat())
}

/// JSON of the fields that the routes know, with right and wrong values.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let field = (select(FIELDS.as_slice()).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(serde_json::Value::from),
            vec(field, 0..6).prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        json().prop_map(|value| value.to_string().into_bytes()),
        text().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..64),
    ]
}

fn head() -> impl Strategy<Value = RequestHead> {
    let path =
        prop_oneof![select(ROUTES.as_slice()).prop_map(str::to_owned), text().prop_map(|text| format!("/{text}"))];
    let method = prop_oneof![
        select(["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"].as_slice()).prop_map(str::to_owned),
        text()
    ];
    let optional = || proptest::option::of(text());
    let url = (path, text())
        .prop_filter_map("no URL", |(path, query)| RequestUrl::parse(&format!("https://gate.test{path}?{query}")));
    let fields = (optional(), optional(), optional(), optional(), optional(), optional(), optional());
    (method, url, vec(text(), 0..4), fields).prop_map(|(method, url, header_names, fields)| {
        let (authorization, connection, cookie, origin, sec_fetch_site, sec_fetch_mode, client_address) = fields;
        RequestHead {
            method,
            url,
            header_names: header_names.iter().map(String::as_str).collect(),
            authorization,
            connection,
            cookie,
            requested_headers: origin.clone(),
            origin,
            sec_fetch_site,
            sec_fetch_mode,
            client_address,
            request_id: "id".to_owned(),
        }
    })
}

/// A gate before Frappe that observes, which reads the most of a request.
fn configuration(kind: &'static str, mode: &'static str) -> Configuration {
    let variable = move |name: &str| {
        let value = match name {
            "ORIGIN" => "https://app.test",
            "TOKEN_PEPPER" => "a pepper for tests, of more than 32 bytes",
            "ADMINISTRATOR_SECRET" => "a-secret-for-tests-of-32-characters",
            "ORIGIN_KIND" => kind,
            "MODE" => mode,
            "PUBLIC_PATHS" => "/assets/**",
            "LIMITS" => "off",
            "ALLOWED_ORIGINS" => "https://page.test",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let bindings = Bindings { keys: true, registry: true, origin_service: false, failed_auth: false, requests: false };
    read(&variable, bindings).unwrap_or_else(|problems| panic!("{problems:?}"))
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn core_reads_any_text(text in text()) {
        let _ = parse(&text);
        let _ = readings(&text).iter().any(|text| names_own_credentials(text));
        let _ = Credentials::parse(&text);
        let _ = ApiKey::parse(&text).map(|api_key| is_adoptable(&api_key));
        let _ = AddressRange::parse(&text).map(|range| range.contains(&text));
        let _ = network(Some(&text));
        let _ = Digest::from_hex(&text);
        let _ = Grant::from_json(&text);
        let _ = keys().1.open(digest("k:s"), &text);
        let _ = Pepper::parse(&text);
        let _ = parse_roles(vec![text.clone()]);
        let _ = KeyRing::parse(&text);
        let _ = UnixSeconds::parse_rfc3339(&text).map(UnixSeconds::rfc3339);
        let _ = UserName::parse(&text, fold);
        let path = NormalPath::new(&text);
        let _ = PathPattern::parse(&text).map(|pattern| pattern.matches(&path));
        let _ = AccessRule::parse(&text).map(|rule| rule.allows("GET", &path));
    }

    #[test]
    fn http_reads_any_text(text in text()) {
        let _ = RequestUrl::parse(&text).map(|url| Resource::find(&url));
        let _ = WebOrigin::parse(&text).map(|origin| origin.is(&text));
        let _ = location::rewrite(&text, "https", &WebOrigin::parse("https://app.test").unwrap(), "https://gate.test");
        let _ = frappe::has_command(&text);
        let _ = frappe::query_without_session(&text);
        let _ = frappe::cookie_without_session(&text);
        let _ = frappe::logged_user(text.as_bytes());
        let _ = frappe::is_refusal(text.as_bytes());
        let _ = RequestHead::parse(&text, [0; 16]);
        let _ = RequestHead::parse(&format!("GET\nhttps://gate.test/\n{text}"), [0; 16]);
    }

    #[test]
    fn configuration_reads_any_text(texts in vec(text(), 24)) {
        let texts = std::cell::RefCell::new(texts);
        let variable = |_: &'static str| texts.borrow_mut().pop();
        let _ = read(&variable, Bindings { keys: true, registry: true, origin_service: true, failed_auth: true, requests: true });
    }

    #[test]
    fn routes_read_any_request(head in head(), content_type in proptest::option::of(text()), body in body()) {
        let (digest_key, seal_key) = keys();
        let keys = ImportKeys { digest_key: &digest_key, seal_key: &seal_key, fold };
        for content_type in [content_type.as_deref(), Some("application/json"), Some("application/x-www-form-urlencoded")] {
            let _ = command(&Resource::find(&head.url), &head, content_type, &body, keys);
        }
    }

    #[test]
    fn the_gate_judges_and_forwards_any_request(head in head()) {
        for (kind, mode) in [("frappe", "observe"), ("http", "enforce")] {
            let configuration = configuration(kind, mode);
            let _ = access(&configuration, &head, Resource::find(&head.url));
            let _ = plan(&configuration, &head, None);
            let _ = cors::headers(&configuration.allowed_origins, &head);
            let _ = cors::preflight(&configuration.allowed_origins, &head, "GET");
            let _ = is_cross_site_change(&head, &["https://gate.test"], &configuration.allowed_origins);
        }
    }
}

//! What the pure layers do for one request, step by step, as work to measure: `benches/layers.rs` measures its time,
//! `bench/instructions.mjs` counts its instructions.

use std::hint::black_box;
use std::rc::Rc;

use base64::{Engine, engine::general_purpose::STANDARD};
use gatehouse::core::access_rule::AccessRule;
use gatehouse::core::authorization;
use gatehouse::core::client_address::AddressRange;
use gatehouse::core::credentials::{ApiKey, ApiSecret, Credentials};
use gatehouse::core::digest::Digest;
use gatehouse::core::grant::{Grant, OpenedGrant};
use gatehouse::core::grant_cache::GrantCache;
use gatehouse::core::principal::{Authenticated, Principal};
use gatehouse::core::role::parse_roles;
use gatehouse::core::unix_time::UnixSeconds;
use gatehouse::http::access::access;
use gatehouse::http::answer::Envelope;
use gatehouse::http::configuration::{Bindings, Configuration, read};
use gatehouse::http::forward::{Identity, plan};
use gatehouse::http::record::{Outcome, Record};
use gatehouse::http::refusal::Refusal;
use gatehouse::http::request_head::RequestHead;
use gatehouse::http::resource::Resource;

/// One step, ready to be done any number of times.
pub type Work = Box<dyn FnMut()>;

/// A step's name, and what makes it ready.
pub type Step = (&'static str, fn() -> Work);

/// The steps. `access` parses too; the rest are each for themselves.
pub const STEPS: [Step; 12] = [
    ("read the head", read_head),
    ("parse token", parse_token),
    ("parse Basic", parse_basic),
    ("parse a mistyped secret", parse_mistyped),
    ("digest", digest),
    ("open a grant", open_grant),
    ("access", access_to_origin),
    ("principal out of the cache", principal_from_cache),
    ("principal with limits", principal_with_limits),
    ("header plan", header_plan),
    ("log line", log_line),
    ("answer to a refusal", answer_to_refusal),
];

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const NOW_MS: f64 = 1_800_000_000_000.0;
const ADDRESS: &str = "192.0.2.7";
const API_KEY: &str = "c42da24e4d571bf606bb";
/// What a command-line client and Cloudflare's edge send.
const HEADER_NAMES: [&str; 12] = [
    "accept",
    "accept-encoding",
    "authorization",
    "cf-connecting-ip",
    "cf-ipcountry",
    "cf-ray",
    "cf-visitor",
    "content-type",
    "host",
    "user-agent",
    "x-forwarded-proto",
    "x-real-ip",
];

fn pair() -> String {
    format!("{API_KEY}:{}", ApiSecret::from_random([0x5a; 20]).reveal())
}

fn parse(value: String) -> Work {
    Box::new(move || {
        let _ = black_box(authorization::parse(black_box(&value)));
    })
}

fn parse_token() -> Work {
    parse(format!("token {}", pair()))
}

fn parse_basic() -> Work {
    parse(format!("Basic {}", STANDARD.encode(pair())))
}

fn parse_mistyped() -> Work {
    let mut value = format!("token {}", pair());
    value.pop();
    value.push('-');
    parse(value)
}

fn configuration() -> Configuration {
    let variable = |name: &'static str| {
        let text = match name {
            "ORIGIN" => "https://app.example.com",
            "TOKEN_PEPPER" => "a pepper for benchmarks, of more than 32 bytes",
            "PUBLIC_URL" => "https://gate.example.com",
            _ => return None,
        };
        Some(text.to_owned())
    };
    let bindings = Bindings { keys: true, registry: true, origin_service: false, failed_auth: true, requests: true };
    read(&variable, bindings).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn credentials() -> Credentials {
    Credentials::parse(&pair()).expect("a pair")
}

fn digest() -> Work {
    let (configuration, credentials) = (configuration(), credentials());
    Box::new(move || {
        black_box(configuration.digest_key.digest(black_box(&credentials)));
    })
}

fn grant() -> Grant {
    Grant {
        user: "alice@example.com".to_owned(),
        api_key: ApiKey::parse(API_KEY).expect("an api_key"),
        roles: parse_roles(vec!["Accounts User".to_owned(), "Sales User".to_owned()]).expect("roles"),
        expires_at: None,
        allowed_ips: Vec::new(),
        rules: Vec::new(),
        strict: false,
        adopted: false,
    }
}

fn limited_grant() -> Grant {
    Grant {
        expires_at: Some(UnixSeconds(1_900_000_000)),
        allowed_ips: ["198.51.100.0/24", "192.0.2.0/24"]
            .map(|range| AddressRange::parse(range).expect("a range"))
            .into(),
        rules: ["GET /reports/*", "* /api/resource/**"].map(|rule| AccessRule::parse(rule).expect("a rule")).into(),
        ..grant()
    }
}

fn sealed(grant: &Grant) -> (Configuration, Digest, String) {
    let configuration = configuration();
    let digest = configuration.digest_key.digest(&credentials());
    let entry = configuration.seal_key.seal(digest, grant);
    (configuration, digest, entry)
}

fn opened(grant: &Grant) -> (Digest, Rc<OpenedGrant>) {
    let (configuration, digest, entry) = sealed(grant);
    (digest, Rc::new(configuration.seal_key.open(digest, &entry).expect("a grant")))
}

fn open_grant() -> Work {
    let (configuration, digest, entry) = sealed(&grant());
    Box::new(move || {
        black_box(configuration.seal_key.open(digest, black_box(&entry)).expect("a grant"));
    })
}

/// The text of a head, as the platform hands it over.
fn head_text() -> String {
    let url = "https://gate.example.com/api/resource/ToDo/42?fields=%5B%22name%22%5D";
    let authorization = format!("token {}", pair());
    let value = |name| match name {
        "authorization" => authorization.as_str(),
        "cf-connecting-ip" => ADDRESS,
        _ => "application/json, text/plain",
    };
    HEADER_NAMES.iter().fold(format!("GET\n{url}"), |text, name| format!("{text}\n{name}\n{}", value(name)))
}

fn head() -> RequestHead {
    RequestHead::parse(&head_text(), [0x5a; 16]).expect("a head")
}

fn read_head() -> Work {
    let text = head_text();
    Box::new(move || {
        black_box(RequestHead::parse(black_box(&text), [0x5a; 16]));
    })
}

fn access_to_origin() -> Work {
    let (configuration, head) = (configuration(), head());
    Box::new(move || {
        let resource = Resource::find(black_box(&head.url));
        let _ = black_box(access(&configuration, black_box(&head), resource));
    })
}

/// A look-up costs the same among one grant or 2,048, but for chance.
fn principal(grant: &Grant) -> Work {
    let (digest, opened) = opened(grant);
    let mut cache = GrantCache::new(5);
    cache.put(digest, opened, NOW_MS);
    let head = head();
    Box::new(move || {
        let grant = cache.find(black_box(digest), NOW_MS).expect("a hit");
        let authenticated = grant.authenticate(NOW, head.client_address.as_deref());
        let Ok(Authenticated::Principal(principal)) = authenticated else {
            panic!("a principal expected");
        };
        assert!(principal.may(&head.method, black_box(&head.url.path)));
        black_box(principal);
    })
}

fn principal_from_cache() -> Work {
    principal(&grant())
}

fn principal_with_limits() -> Work {
    principal(&limited_grant())
}

fn header_plan() -> Work {
    let (configuration, head) = (configuration(), head());
    let principal = Principal::authenticate(&Rc::new(grant()), NOW, Some(ADDRESS)).expect("a principal");
    // As long as one signed with ES256 is.
    let identity = Identity { principal, assertion: Some("a".repeat(480).into()) };
    Box::new(move || {
        black_box(plan(&configuration, black_box(&head), Some(&identity)));
    })
}

fn log_line() -> Work {
    let head = head();
    Box::new(move || {
        let mut record = Record::new(&Resource::Origin, black_box(&head));
        record.outcome = Outcome::Forwarded;
        record.holder = Some(("alice@example.com", API_KEY));
        record.milliseconds = 12;
        black_box(record.line());
    })
}

fn answer_to_refusal() -> Work {
    Box::new(|| {
        black_box(black_box(Refusal::UnknownCredentials).answer(Envelope::V1, true));
    })
}

//! What the origin is told of a request, and what nobody but the gate may tell it.

use std::sync::LazyLock;

use serde_json::json;

use crate::harness::{GATE, Gate, ORIGIN, Options, RawReply, RawRequest};

/// Names under which nobody but the gate tells the origin anything.
const RESERVED: [&str; 29] = [
    "X-Forwarded-User",
    "X-Forwarded-Groups",
    "X-Forwarded-Email",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
    "X-Forwarded-For",
    "X-Forwarded-By",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Path",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Forwarded-Server",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-",
    "X-Gatehouse-Assertion",
    "X-Gatehouse-Loop",
    "X-Gatehouse-Whatever",
    "Forwarded",
    "X-Real-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Frappe-Site-Name",
    "X-Request-Id",
];
const METHOD_OVERRIDES: [&str; 3] = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];
/// Signs that a field's name may hold besides letters and digits (RFC 9110, §5.6.2).
const SIGNS: &str = "!#$%&'*+-.^_`|~";
/// No request id of a client's, and nothing that the gate says by itself.
const LIE: &str = "evil lie";
/// The most fields that servers take in one request is around 100.
const FIELDS_A_REQUEST: usize = 60;

/// Lets strangers pass, and sets all that a gate can set.
static TALKATIVE: LazyLock<Gate> = LazyLock::new(|| {
    Gate::start(Options::with(&[
        ("ANONYMOUS", "pass"),
        ("ORIGIN_SITE", "site1.local"),
        ("ORIGIN_AUTHORIZATION", "token the:origins"),
    ]))
});

/// The spellings of a name that some server reads as that name.
fn spellings(name: &str) -> Vec<String> {
    let mut spellings = Vec::new();
    for sign in SIGNS.chars() {
        spellings.push(name.replace('-', &sign.to_string()));
        spellings.push(name.to_ascii_lowercase().replace('-', &sign.to_string()));
        spellings.push(name.to_ascii_uppercase().replacen('-', &sign.to_string(), 1));
        spellings.push(
            name.to_ascii_lowercase()
                .rsplitn(2, '-')
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join(&sign.to_string()),
        );
    }
    let alternating = name
        .char_indices()
        .map(|(at, sign)| if at % 2 == 0 { sign.to_ascii_lowercase() } else { sign.to_ascii_uppercase() });
    spellings.push(alternating.collect());
    spellings.sort();
    spellings.dedup();
    // Repeated, in one spelling and in several.
    spellings.push(name.to_owned());
    spellings
}

/// Sends the lie under all spellings of these names, and gives back what the origin received each time.
fn lie(gate: &Gate, names: &[&str], request: &RawRequest) -> Vec<RawReply> {
    let spellings: Vec<_> = names.iter().flat_map(|name| spellings(name)).collect();
    let replies = spellings.chunks(FIELDS_A_REQUEST).flat_map(|spellings| {
        let mut plain = request.clone();
        for spelling in spellings {
            plain = plain.field(spelling, LIE);
        }
        let named = plain.clone().field("Connection", spellings.join(", "));
        [plain, named].map(|request| request.send(&gate.direct))
    });
    replies.collect()
}

/// What the gate itself says, whoever asks, and nothing else under any reserved name.
fn assert_truth(reply: &RawReply, gates_own: &[(&str, &str)]) {
    assert!(reply.status == 200 && !reply.body_text().contains("evil"), "{} {}", reply.status, reply.body_text());
    let mut said: Vec<(String, String)> = Vec::new();
    for field in reply.json()["headers"].as_array().unwrap() {
        let (name, value) = (field[0].as_str().unwrap(), field[1].as_str().unwrap());
        let is_gates =
            name.starts_with("x-forwarded-") || name.starts_with("x-gatehouse-") || name == "x-frappe-site-name";
        if is_gates || name == "authorization" {
            said.push((name.to_owned(), value.to_owned()));
        }
    }
    said.sort();
    let gates_own: Vec<_> = gates_own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(said, gates_own);
    assert_eq!(reply.received("x-request-id"), [reply.text("x-request-id")]);
}

#[test]
fn no_spelling_of_a_reserved_name_passes_with_a_principals_request() {
    let token = TALKATIVE.generate_with_roles("believed", &["Sales"]).token();
    let truth = [
        ("authorization", "token the:origins"),
        ("x-forwarded-groups", "Sales"),
        ("x-forwarded-host", "gate.test"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-user", "believed"),
        ("x-frappe-site-name", "site1.local"),
    ];
    for reply in lie(&TALKATIVE, &RESERVED, &RawRequest::new("GET", "/lies").token(&token)) {
        assert_truth(&reply, &truth);
    }
}

#[test]
fn no_spelling_of_a_reserved_name_passes_with_a_strangers_request() {
    let truth =
        [("x-forwarded-host", "gate.test"), ("x-forwarded-proto", "http"), ("x-frappe-site-name", "site1.local")];
    for reply in lie(&TALKATIVE, &RESERVED, &RawRequest::new("POST", "/lies")) {
        assert_truth(&reply, &truth);
    }
}

#[test]
fn no_spelling_of_a_reserved_name_passes_on_a_public_path_or_with_a_preflight() {
    let gate = Gate::start(Options::with(&[("PUBLIC_PATHS", "/public/**")]));
    let preflight = RawRequest::new("OPTIONS", "/lies").field("Origin", "https://app.test");
    let preflight = preflight.field("Access-Control-Request-Method", "PUT");
    for request in [RawRequest::new("GET", "/public/lies"), preflight] {
        for reply in lie(&gate, &RESERVED, &request) {
            assert_truth(&reply, &[("x-forwarded-host", "gate.test"), ("x-forwarded-proto", "http")]);
        }
    }
}

#[test]
fn where_rules_limit_methods_no_field_names_another_one() {
    let token = GATE.generate("overriding").token();
    for reply in lie(&GATE, &METHOD_OVERRIDES, &RawRequest::new("GET", "/override").token(&token)).iter().step_by(2) {
        assert!(reply.body_text().contains(LIE), "without rules it is the origin's business: {}", reply.body_text());
    }
    GATE.set("overriding", &json!({ "rules": ["GET /**"], "strict": true }));
    let token = GATE.generate("overriding").token();
    for reply in lie(&GATE, &METHOD_OVERRIDES, &RawRequest::new("GET", "/override").token(&token)) {
        assert!(reply.status == 200 && !reply.body_text().contains(LIE), "{} {}", reply.status, reply.body_text());
    }
}

#[test]
fn connection_takes_nothing_away_that_the_gate_says() {
    let token = TALKATIVE.generate_with_roles("connected", &["Sales"]).token();
    let truth = [
        ("authorization", "token the:origins"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-groups", "Sales"),
        ("x-forwarded-host", "gate.test"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-user", "connected"),
        ("x-frappe-site-name", "site1.local"),
    ];
    for named in [
        "authorization",
        "x-forwarded-user",
        "close, X-Gatehouse-Assertion",
        "X-Forwarded-User,X-Forwarded-Groups,X-Forwarded-Host,X-Forwarded-Proto,X-Forwarded-For,X-Frappe-Site-Name",
        "keep-alive, AUTHORIZATION , X_Forwarded_User",
        " ,, x-request-id ,",
        "host, cf-connecting-ip, x-gatehouse-loop",
        "\"x-forwarded-user\"; q=1",
        "é, *, @",
    ] {
        let request = RawRequest::new("GET", "/connection").token(&token).field("CF-Connecting-IP", "192.0.2.7");
        assert_truth(&request.field("Connection", named).send(&TALKATIVE.direct), &truth);
    }
}

#[test]
fn connection_never_changes_where_a_body_ends() {
    let token = GATE.generate("framing").token();
    for named in ["content-length", "transfer-encoding", "content-length, transfer-encoding, host"] {
        let request = RawRequest::new("POST", "/framing").token(&token).field("Connection", named);
        for request in [request.clone().body(b"abc"), request.chunks(&["a", "bc"])] {
            let reply = request.send(&GATE.direct);
            assert_eq!((reply.status, reply.json()["body"]["bytes"].as_u64()), (200, Some(3)), "{named}");
        }
    }
}

#[test]
fn two_authorization_fields_are_never_read_as_one() {
    let token = TALKATIVE.generate("two-fields").token();
    for (first, second) in [
        (token.as_str(), token.as_str()),
        (&token, "token k:s"),
        (&token, "Bearer abc"),
        ("Bearer abc", &token),
        ("Negotiate", &token),
        (&token, ""),
    ] {
        let request = RawRequest::new("GET", "/two-fields").token(first).field("authorization", second);
        assert_eq!(request.send(&TALKATIVE.direct).status, 401, "{first} {second}");
    }
    let folded = RawRequest::new("GET", "/two-fields").field("Authorization", token.replace(' ', "\r\n "));
    // The platform's part: no field goes on in the next line.
    assert_eq!(folded.send(&TALKATIVE.direct).status, 400);
    assert!(!ORIGIN.was_asked_for("/two-fields"));
}

/// The platform's part, kept in sight: such names never become fields.
#[test]
fn workerd_refuses_names_that_are_none() {
    for name in [
        "X-Forwarded-User ",
        "X-Forwarded-User\t",
        " X-Forwarded-User",
        "X@Forwarded@User",
        "X-Forwarded-User\x00",
        "Xé",
    ] {
        let reply = RawRequest::new("GET", "/no-name").field(name, LIE).send(&TALKATIVE.direct);
        assert_eq!(reply.status, 400, "{name:?}");
    }
    assert!(!ORIGIN.was_asked_for("/no-name"));
}

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

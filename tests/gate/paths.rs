//! Paths that mean one thing to one server and another to the next: what is judged is what goes on, or nothing does.
//!
//! Sent as bytes to workerd itself, because clients put such paths in order before they send them.

use serde_json::json;

use crate::harness::{ADMINISTRATOR, Gate, OK, Options, RawOrigin, RawRequest};
use Outcome::{Forwarded, NoTarget, Outside};

/// What becomes of a path where `/public/**` is what a request may have.
enum Outcome {
    /// The origin gets this target.
    Forwarded(&'static str),
    /// The gate takes it for another path, or for one that servers read differently.
    Outside,
    /// The platform's part: workerd answers 400, and the Worker never sees it.
    NoTarget,
}

const PATHS: [(&[u8], Outcome); 93] = [
    (b"/public/a", Forwarded("/public/a")),
    (b"/public/", Forwarded("/public/")),
    (b"/public/a/", Forwarded("/public/a/")),
    (b"/public", Outside),
    (b"/publicx/a", Outside),
    (b"/", Outside),
    // Dot segments: judged and forwarded without them.
    (b"/public/../private", Outside),
    (b"/public/a/../../private", Outside),
    (b"/public/..", Outside),
    (b"/public/../public/a", Forwarded("/public/a")),
    (b"/private/../public/a", Forwarded("/public/a")),
    (b"/../../public/a", Forwarded("/public/a")),
    (b"/./public/./a", Forwarded("/public/a")),
    (b"/public/.", Forwarded("/public/")),
    (b"/public/a/..", Forwarded("/public/")),
    (b"/public/...", Forwarded("/public/...")),
    (b"/public/..a/a..", Forwarded("/public/..a/a..")),
    (b"/public/.../...//private", Outside),
    // The same, escaped, in either case of letters.
    (b"/public/%2e%2e/private", Outside),
    (b"/public/%2E%2E/private", Outside),
    (b"/public/%2e%2E/private", Outside),
    (b"/public/.%2e/private", Outside),
    (b"/public/%2E./private", Outside),
    (b"/public/a/%2e%2e/%2e%2e/private", Outside),
    (b"/public/%2e%2e", Outside),
    (b"/private/%2e%2e/public/a", Forwarded("/public/a")),
    (b"/public/%2e", Forwarded("/public/")),
    (b"/%2e/public/a", Forwarded("/public/a")),
    (b"/public/a%2e%2e/private", Forwarded("/public/a%2e%2e/private")),
    // Slashes that may be none.
    (b"/public/%2fa", Outside),
    (b"/public/%2Fa", Outside),
    (b"/public%2fa", Outside),
    (b"/%2fpublic/a", Outside),
    (b"/public/..%2fprivate", Outside),
    (b"/public/..%2Fprivate", Outside),
    (b"/public/%2e%2e%2fprivate", Outside),
    (b"/public/a%2f..%2f..%2fprivate", Outside),
    (b"/public/..%5cprivate", Outside),
    (b"/public/..%5Cprivate", Outside),
    (b"/public/..\\private", Outside),
    (b"/public\\..\\private", Outside),
    (b"\\public\\a", NoTarget),
    (b"/\\public/a", Outside),
    (b"/public/a\\b", Outside),
    // Segments that some servers merge or drop.
    (b"//public/a", Outside),
    (b"/public//a", Outside),
    (b"/public/a//", Outside),
    (b"///public/a", Outside),
    (b"//evil.test/public/a", Outside),
    (b"/public/.//../private", Outside),
    (b"/public//../private", Outside),
    // Path parameters.
    (b"/public;x/a", Outside),
    (b"/public/a;b", Outside),
    (b"/public/..;/private", Outside),
    (b"/public/;/../private", Outside),
    // A server that decodes before it cuts parameters off reads /private.
    (b"/public/..%3b/private", Outside),
    (b"/public/..%3B/private", Outside),
    (b"/public/a%3bb", Outside),
    // Letters are what they are, and escapes of them too.
    (b"/PUBLIC/a", Outside),
    (b"/%50ublic/a", Outside),
    (b"/%70ublic/a", Forwarded("/%70ublic/a")),
    (b"/public/%7e%41", Forwarded("/public/%7e%41")),
    // NUL, and escapes of escapes.
    (b"/public/\0", NoTarget),
    (b"/public/%00", Outside),
    (b"/public/a%00/../../private", Outside),
    (b"/public/%25", Outside),
    (b"/public/%252e%252e/private", Outside),
    (b"/public/%252fprivate", Outside),
    // Broken escapes.
    (b"/public/%", Outside),
    (b"/public/%4", Outside),
    (b"/public/%zz", Outside),
    (b"/public/%u002e%u002e/private", Outside),
    // What is not UTF-8: overlong dots and slashes, half characters, Latin-1.
    (b"/public/%c0%ae%c0%ae/private", Outside),
    (b"/public/%C0%AE%C0%AE%C0%AFprivate", Outside),
    (b"/public/%e0%80%ae/private", Outside),
    (b"/public/%f0%80%80%af", Outside),
    (b"/public/%e4", Outside),
    (b"/public/\xc0\xae\xc0\xae/private", NoTarget),
    (b"/public/\xc3\xa4", Outside),
    (b"/public/%c3%a4", Forwarded("/public/%c3%a4")),
    // Signs that mean something elsewhere than in a path.
    (b"/public/a?/../../private", Forwarded("/public/a?/../../private")),
    (b"/public/a#/../../private", Forwarded("/public/a")),
    (b"/public/a%3f%23b", Forwarded("/public/a%3f%23b")),
    (b"/public/%20", Forwarded("/public/%20")),
    (b"/public/ a", NoTarget),
    (b"/public/%0d%0aX-Forwarded-User:%20evil", Forwarded("/public/%0d%0aX-Forwarded-User:%20evil")),
    // Other forms of targets (RFC 9112, §3.2): the host in them changes nothing.
    (b"http://gate.test/public/a", Forwarded("/public/a")),
    (b"http://evil.test/public/a", Forwarded("/public/a")),
    (b"http://evil.test/public/../private", Outside),
    (b"http://evil.test/private", Outside),
    (b"public/a", NoTarget),
    (b"*", Outside),
    (b"gate.test:80", Outside),
];

/// A gate with these variables before an origin of bytes.
fn gate(variables: &[(&'static str, &str)]) -> (Gate, RawOrigin) {
    let origin = RawOrigin::answering(OK);
    let url = origin.url();
    let variables: Vec<_> = variables.iter().copied().chain([("ORIGIN", url.as_str())]).collect();
    (Gate::start(Options::with(&variables)), origin)
}

/// Sends a request for each path: each is forwarded as the table says, or answered with `outside`.
fn try_all(gate: &Gate, origin: &RawOrigin, outside: u16, with: impl Fn(RawRequest) -> RawRequest) {
    for (path, outcome) in &PATHS {
        let status = with(RawRequest::new("GET", path)).send(&gate.direct).status;
        let heads = origin.take();
        let targets: Vec<_> = heads.iter().map(|head| String::from_utf8_lossy(head.target())).collect();
        let expected = match outcome {
            Forwarded(target) => (200, vec![(*target).into()]),
            Outside => (outside, Vec::new()),
            NoTarget => (400, Vec::new()),
        };
        assert_eq!((status, targets), expected, "{}", path.escape_ascii());
    }
}

#[test]
fn a_stranger_gets_public_paths_and_nothing_by_tricks() {
    let (gate, origin) = gate(&[("PUBLIC_PATHS", "/public/**")]);
    try_all(&gate, &origin, 401, |request| request);
}

#[test]
fn a_user_with_rules_gets_what_they_allow_and_nothing_by_tricks() {
    let (gate, origin) = gate(&[]);
    gate.set("limited", &json!({ "rules": ["GET /public/**"] }));
    let token = gate.generate("limited").token();
    try_all(&gate, &origin, 403, |request| request.token(&token));
}

#[test]
fn a_path_of_any_length_is_judged_whole() {
    let (gate, origin) = gate(&[("PUBLIC_PATHS", "/public/**")]);
    let long = format!("/public/{}", "a".repeat(60_000));
    for (path, forwarded) in [
        (long.clone(), Some(long.clone())),
        (format!("/public/{}{}private", "a/".repeat(9_000), "../".repeat(9_001)), None),
        (format!("/public/{}{}b", "a/".repeat(9_000), "../".repeat(9_000)), Some("/public/b".to_owned())),
        (format!("/public{}/private", "/%2e%2e".repeat(5_000)), None),
    ] {
        let status = RawRequest::new("GET", &path).send(&gate.direct).status;
        let targets: Vec<_> =
            origin.take().iter().map(|head| String::from_utf8_lossy(head.target()).into_owned()).collect();
        let expected = forwarded.map_or((401, vec![]), |target| (200, vec![target]));
        assert_eq!((status, targets), expected);
    }
}

/// No server behind the gate gets this host: it gets the origin's. But the gate's own idea of the path must not differ
/// from what it forwards.
#[test]
fn what_a_host_field_adds_to_the_target_is_judged_and_forwarded_alike() {
    let (gate, origin) = gate(&[("PUBLIC_PATHS", "/public/**")]);
    for host in
        ["gate.test/public/x?", "gate.test/public/x#", "gate.test/public", "gate.test\\public", "gate.test@evil.test"]
    {
        let bytes = RawRequest::without_host("GET", "/private").field("Host", host);
        let status = bytes.send(&gate.direct).status;
        let heads = origin.take();
        assert!(heads.iter().all(|head| head.target().starts_with(b"/public/")), "{host} {heads:?}");
        assert_eq!(status == 200, !heads.is_empty(), "{host} {status}");
    }
}

#[test]
fn no_spelling_of_the_gates_own_routes_answers_without_credentials_or_reaches_the_origin() {
    let (gate, origin) = gate(&[("PUBLIC_PATHS", "/**")]);
    for (path, stranger, administrator) in [
        ("/_gatehouse/users", 401, 200),
        ("/%5fgatehouse/users", 401, 200),
        ("/_gatehouse/%75sers", 401, 200),
        ("/x/../_gatehouse/users", 401, 200),
        ("/x/%2e%2E/_gatehouse/users", 401, 200),
        ("/./_gatehouse/./users", 401, 200),
        ("/_gatehouse/x/../users", 401, 200),
        ("http://evil.test/_gatehouse/users", 401, 200),
        ("/_gatehouse/users#x", 401, 200),
        ("/_gatehouse/users/", 404, 404),
        ("/_gatehouse//users", 404, 404),
        ("/_gatehouse/users;x", 404, 404),
        ("/_gatehouse/%2fusers", 404, 404),
        ("/_gatehouse/%c0%ae/users", 404, 404),
        ("/_gatehouse/users%00", 404, 404),
        ("/_gatehouse/%2575sers", 404, 404),
        ("/_gatehouse/x%2f..%2f..%2fprivate", 404, 404),
        ("/_GATEHOUSE/users", 200, 403),
    ] {
        let send = |request: RawRequest| request.send(&gate.direct).status;
        let request = RawRequest::new("GET", path);
        assert_eq!((send(request.clone()), send(request.token(ADMINISTRATOR))), (stranger, administrator), "{path}");
        let reached = origin.take().len();
        assert_eq!(reached, usize::from(stranger == 200), "{path}");
    }
}

#[test]
fn no_spelling_of_generate_keys_generates_without_the_role() {
    let (gate, origin) = gate(&[]);
    let token = gate.generate("ordinary").token();
    let method = "frappe.core.doctype.user.user.generate_keys?user=ordinary";
    for (path, status, target) in [
        (format!("/api/method/{method}"), 403, None),
        (format!("/api/%6dethod/{method}"), 403, None),
        (format!("/api/x/../method/{method}"), 403, None),
        (format!("/x/%2e%2e/api/v1/method/{method}"), 403, None),
        ("/api/v2/method/User/%67enerate_keys?user=ordinary".to_owned(), 403, None),
        // Not the gate's: the origin knows who asks, and decides.
        (format!("/api//method/{method}"), 200, Some(format!("/api//method/{method}"))),
        (format!("/api/method;x/{method}"), 200, Some(format!("/api/method;x/{method}"))),
    ] {
        let request = RawRequest::new("POST", &path).token(&token).body(b"");
        assert_eq!(request.send(&gate.direct).status, status, "{path}");
        let heads = origin.take();
        let targets: Vec<_> = heads.iter().map(|head| String::from_utf8_lossy(head.target()).into_owned()).collect();
        assert_eq!(targets, target.into_iter().collect::<Vec<_>>());
        assert!(heads.iter().all(|head| head.values("x-forwarded-user") == [b"ordinary"]));
    }
}

//! The Frappe-shaped site of the harness, held to what was measured of Frappe 15.44.

use std::io::ErrorKind;
use std::net::TcpStream;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{Failure, FrappeSite, RawRequest, Reply, wait_for};

const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";
const PAIR: &str = "0123456789abcde:edcba9876543210";
const TOKEN: &str = "token 0123456789abcde:edcba9876543210";

fn site() -> FrappeSite {
    FrappeSite::start(&json!([
        { "name": "alice@example.test", "api_key": "0123456789abcde", "api_secret": "edcba9876543210", "sid": "of-alice" },
        { "name": "bob@example.test", "api_key": "bbbbbbbbbbbbbbb", "api_secret": "222222222222222", "sid": "of-bob" },
    ]))
}

/// The status of get_logged_user, and who or what is named.
fn logged_user(reply: &Reply) -> (u16, String) {
    let json = reply.json();
    let said = [&json["message"], &json["data"], &json["exc_type"], &json["errors"][0]["type"]];
    (reply.status, said.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned())
}

fn expected(status: u16, said: &str) -> (u16, String) {
    (status, said.to_owned())
}

/// A request whose `Authorization` fields have these bytes.
fn with_bytes(site: &FrappeSite, fields: &[&[u8]]) -> u16 {
    let mut request = RawRequest::new("GET", LOGGED_USER);
    for field in fields {
        request = request.field("Authorization", field);
    }
    request.send(site.url().strip_prefix("http://").unwrap()).status
}

#[test]
fn credentials_are_taken_as_frappe_takes_them() {
    let site = site();
    let basic = STANDARD.encode(PAIR);
    let unpadded = STANDARD.encode("0123456789abcde:edcba98765432").trim_end_matches('=').to_owned();
    let junk = format!("{}!{}", &basic[..4], &basic[4..]);
    let alice = expected(200, "alice@example.test");
    let refused = expected(401, "AuthenticationError");
    let guest = expected(403, "PermissionError");
    let invalid = expected(400, "InvalidAuthorizationToken");
    for (authorization, answer) in [
        (TOKEN.to_owned(), &alice),
        (format!("TOKEN {PAIR}"), &alice),
        (format!("Basic {basic}"), &alice),
        (format!("basic {basic}"), &alice),
        (format!("Basic {junk}"), &alice),
        (format!("token {}", PAIR.replace("abcde:", "ABCDE:")), &alice),
        (format!("{TOKEN}0"), &refused),
        (format!("token x{PAIR}"), &refused),
        ("token 0123456789abcde".to_owned(), &refused),
        ("token 0123456789abcde:".to_owned(), &refused),
        ("token :edcba9876543210".to_owned(), &refused),
        (format!("{TOKEN}:x"), &refused),
        (format!("token \"{PAIR}\""), &refused),
        (format!("Bearer {PAIR}"), &refused),
        (format!("Unknown {PAIR}"), &refused),
        (format!("Basic {unpadded}"), &invalid),
        (format!("Basic {PAIR}"), &invalid),
        (format!("token  {PAIR}"), &guest),
        (format!("{TOKEN} word"), &guest),
        (format!("token\t{PAIR}"), &guest),
    ] {
        let reply = site.send("GET", LOGGED_USER, &[("Authorization", &authorization)], "");
        assert_eq!(logged_user(&reply), *answer, "{authorization:?}");
        assert_eq!(reply.header("www-authenticate"), "");
    }
    assert_eq!(logged_user(&site.send("GET", LOGGED_USER, &[], "")), guest);
    assert_eq!(with_bytes(&site, &[TOKEN.as_bytes(), TOKEN.as_bytes()]), 403, "a second field makes a guest");
    assert_eq!(with_bytes(&site, &[b"token 0123456789abcd\xe9:edcba9876543210"]), 401);
    assert_eq!(with_bytes(&site, &[b"token 0123456789abcde\xa0:edcba9876543210"]), 200, "a no-break space");
}

#[test]
fn the_logged_user_is_told_under_every_version_and_method_and_errors_have_its_shape() {
    let site = site();
    for (path, field) in [("/api/method/", "message"), ("/api/v1/method/", "message"), ("/api/v2/method/", "data")] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            for slash in ["", "/"] {
                let path = format!("{path}frappe.auth.get_logged_user{slash}");
                let reply = site.send(method, &path, &[("Authorization", TOKEN)], "");
                assert_eq!((reply.status, reply.json()), (200, json!({ field: "alice@example.test" })), "{path}");
            }
        }
    }
    let wrong = [("Authorization", "token a:b")];
    for path in ["/login", "/api/method/ping"] {
        let reply = site.send("GET", path, &wrong, "");
        assert_eq!((reply.status, reply.json()), (401, json!({ "exc_type": "AuthenticationError" })), "{path}");
    }
    let reply = site.send("GET", &LOGGED_USER.replace("/api", "/api/v2"), &wrong, "");
    assert_eq!((reply.status, reply.json()["errors"][0]["type"].clone()), (401, json!("AuthenticationError")));
}

#[test]
fn a_session_beats_a_token_and_a_wrong_token_beats_a_session() {
    let site = site();
    let cookie = ("Cookie", "full_name=Bob; sid=of-bob");
    let bob = expected(200, "bob@example.test");
    assert_eq!(logged_user(&site.send("GET", LOGGED_USER, &[cookie], "")), bob);
    assert_eq!(logged_user(&site.send("GET", LOGGED_USER, &[cookie, ("Authorization", TOKEN)], "")), bob);
    let by_parameter = format!("{LOGGED_USER}?sid=of-bob");
    assert_eq!(logged_user(&site.send("GET", &by_parameter, &[("Authorization", TOKEN)], "")), bob);
    for cookies in ["sid=\"of-bob\"", "sid=of-nobody;sid=of-bob", "no pair; a=\"; sid = of-bob"] {
        assert_eq!(logged_user(&site.send("GET", LOGGED_USER, &[("Cookie", cookies)], "")), bob, "{cookies}");
    }
    let wrong = site.send("GET", LOGGED_USER, &[cookie, ("Authorization", "token a:b")], "");
    assert_eq!(logged_user(&wrong), expected(401, "AuthenticationError"));
    let unknown = site.send("GET", LOGGED_USER, &[("Cookie", "sid=of-nobody")], "");
    assert_eq!(logged_user(&unknown), expected(403, "PermissionError"));
}

#[test]
fn a_disabled_users_token_still_works() {
    let site = site();
    site.set("alice@example.test", &json!({ "enabled": false }));
    let reply = site.send("GET", LOGGED_USER, &[("Authorization", TOKEN)], "");
    assert_eq!(logged_user(&reply), expected(200, "alice@example.test"));
    site.set("alice@example.test", &Value::Null);
    assert_eq!(site.send("GET", LOGGED_USER, &[("Authorization", TOKEN)], "").status, 401);
}

#[test]
fn cmd_runs_its_method_whatever_the_path_says() {
    let site = site();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let json = ("Content-Type", "application/json");
    let parts = ("Content-Type", "multipart/form-data; boundary=b");
    let method = "frappe.auth.get_logged_user";
    for (target, kind, body) in [
        (format!("/assets/x?cmd={method}"), form, String::new()),
        ("/assets/x".to_owned(), form, format!("cmd={method}")),
        ("/api/method/ping".to_owned(), json, format!(r#"{{"cmd":"{method}"}}"#)),
        (
            "/app".to_owned(),
            parts,
            format!("--b\r\nContent-Disposition: form-data; name=\"cmd\"\r\n\r\n{method}\r\n--b--\r\n"),
        ),
    ] {
        let reply = site.send("POST", &target, &[("Authorization", TOKEN), kind], &body);
        assert_eq!(logged_user(&reply), expected(200, "alice@example.test"), "{target} {body}");
        let last = site.requests().pop().unwrap();
        assert_eq!((last.target, last.cmd.as_deref()), (target, Some(method)));
    }
    let other = site.send("GET", &format!("{LOGGED_USER}?cmd=app.other"), &[("Authorization", TOKEN)], "").json();
    assert_eq!((&other["cmd"], &other["user"]), (&json!("app.other"), &json!("alice@example.test")));
}

#[test]
fn other_paths_tell_how_the_request_was_seen() {
    let site = site();
    let headers = [
        ("Authorization", TOKEN),
        ("X-Frappe-Site-Name", "other.test"),
        ("X-Forwarded-For", "192.0.2.1, 192.0.2.2"),
        ("Cookie", "sid=of-alice"),
    ];
    let seen = site.send("PATCH", "/api/resource/ToDo?a=1", &headers, "text").json();
    assert_eq!((&seen["user"], &seen["via"]), (&json!("alice@example.test"), &json!("session")));
    assert_eq!((&seen["site"], &seen["address"]), (&json!("other.test"), &json!("192.0.2.1")));
    assert_eq!((&seen["method"], &seen["target"]), (&json!("PATCH"), &json!("/api/resource/ToDo?a=1")));
    assert_eq!((&seen["body"], &seen["cmd"]), (&json!({ "bytes": 4, "text": "text" }), &Value::Null));
    let field = json!(["x-frappe-site-name", "other.test"]);
    assert!(seen["headers"].as_array().unwrap().contains(&field));

    let guest = site.send("GET", "/", &[], "").json();
    assert_eq!(
        (&guest["user"], &guest["via"], &guest["site"]),
        (&json!("Guest"), &json!("guest"), &json!("127.0.0.1"))
    );
    assert_eq!(site.send("GET", "/", &[("Authorization", TOKEN)], "").json()["via"], "token");
    assert_eq!(site.send("GET", "/refused", &[("Authorization", "token a:b")], "").status, 401);
    let requests = site.requests();
    let [first, second, third, refused] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((first.method.as_str(), first.authorization, first.via.as_deref()), ("PATCH", true, Some("session")));
    assert_eq!((second.authorization, second.user.as_deref(), &*second.address), (false, Some("Guest"), "127.0.0.1"));
    assert_eq!((third.via.as_deref(), &refused.user, &refused.via), (Some("token"), &None, &None));
    assert_eq!(site.times_asked_for("/api/resource/ToDo"), 1);
}

#[test]
fn it_fails_as_it_is_told_to_and_recovers() {
    let site = site();
    let token = [("Authorization", TOKEN)];
    for (status, body) in [(500, r#"{"exc_type":"OperationalError"}"#), (502, "<h1>502 Bad Gateway</h1>")] {
        site.fail(Failure::Answer(status, body));
        let reply = site.send("GET", LOGGED_USER, &token, "");
        assert_eq!((reply.status, &*reply.text()), (status, body));
    }
    site.fail_only("get_logged_user", Failure::Answer(503, ""));
    assert_eq!(site.send("GET", LOGGED_USER, &token, "").status, 503);
    assert_eq!(site.send("GET", "/other", &token, "").status, 200);

    site.fail(Failure::Refuse);
    let address = site.url().strip_prefix("http://").unwrap();
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    site.fail(Failure::None);
    assert_eq!(site.send("GET", LOGGED_USER, &token, "").status, 200);

    for failure in [Failure::Hang, Failure::Slow(600.0)] {
        site.fail(failure);
        let before = site.requests().len();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| site.send("GET", LOGGED_USER, &token, "").status);
            wait_for("the request to come", || site.requests().len() > before);
            assert!(!waiting.is_finished());
            site.fail(Failure::None);
            assert_eq!(waiting.join().unwrap(), 200);
        });
    }
    site.fail(Failure::Slow(0.01));
    assert_eq!(site.send("GET", LOGGED_USER, &token, "").status, 200);
}

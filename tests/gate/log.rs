//! The log: one line for each request that the gate decides, and a data point where `USAGE` is bound.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Keys, ORIGIN, Options, python, wait_for};

const LOGGED_USER: &str = "/api/method/frappe.auth.get_logged_user";
const GENERATE: &str = "/api/method/frappe.core.doctype.user.user.generate_keys?user=query-user";

/// Sends requests, each with its number as its id, and gives back the log once it tells of all of them.
fn logged(gate: &Gate, requests: &[(&str, &str, Option<&str>)]) -> Vec<Value> {
    gate.logged();
    for (number, (method, path, authorization)) in requests.iter().enumerate() {
        let id = format!("request-{number}");
        let headers =
            [("X-Request-Id", id.as_str())].into_iter().chain(authorization.map(|value| ("Authorization", value)));
        gate.send(method, path, &headers.collect::<Vec<_>>(), b"");
    }
    // Told after everything else, data points and lines too many included.
    gate.send("GET", "/_gatehouse/nothing", &[("X-Request-Id", "the-last")], b"");
    lines_until(gate, "the-last")
}

/// The log up to the line of a request.
fn lines_until(gate: &Gate, id: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    wait_for("the last line", || {
        lines.extend(gate.logged());
        lines.iter().any(|line| line["request_id"] == *id)
    });
    lines.retain(|line| line["request_id"] != *id);
    lines
}

fn gate() -> Gate {
    Gate::start(Options { usage: true, instrumented: true, ..Options::with(&[("PUBLIC_PATHS", "/public/**")]) })
}

#[test]
fn each_request_has_one_line_that_says_who_what_and_why() {
    let gate = gate();
    let user = gate.generate("Zoë");
    let manager = gate.generate_with_roles("manager", &["System Manager"]);
    let limited = gate.generate("limited");
    gate.set("limited", &json!({ "rules": ["GET /allowed"] }));
    let elsewhere = gate.generate("elsewhere");
    gate.set("elsewhere", &json!({ "allowed_ips": ["203.0.113.0/24"] }));
    let strict = gate.generate("strict");
    gate.set("strict", &json!({ "strict": true, "not_after": "2020-01-01T00:00:00Z" }));
    let [user_token, manager_token, limited_token, elsewhere_token, strict_token] =
        [&user, &manager, &limited, &elsewhere, &strict].map(Keys::token);
    let wrong = format!("token {}:wrong", user.api_key);
    let of = |keys: &Keys, name: &str| (json!(name), json!(keys.api_key));
    let administrator = (json!("Administrator"), json!("Administrator"));
    let nobody = (Value::Null, Value::Null);

    let cases = [
        (
            "GET",
            "/x?q=query-secret",
            Some(user_token.as_str()),
            "forwarded",
            Value::Null,
            of(&user, "Zoë"),
            "origin",
            200,
        ),
        ("GET", "/status/503", Some(&user_token), "forwarded", Value::Null, of(&user, "Zoë"), "origin", 503),
        ("GET", "/public/x", None, "forwarded", Value::Null, nobody.clone(), "origin", 200),
        ("GET", "/x", None, "refused", json!("no credentials"), nobody.clone(), "origin", 401),
        ("GET", "/x", Some(&wrong), "refused", json!("unknown credentials"), nobody.clone(), "origin", 401),
        ("GET", "/x", Some("token k"), "refused", json!("no colon"), nobody.clone(), "origin", 401),
        (
            "GET",
            "/x",
            Some(&limited_token),
            "refused",
            json!("outside the rules"),
            of(&limited, "limited"),
            "origin",
            403,
        ),
        (
            "GET",
            "/x",
            Some(&elsewhere_token),
            "refused",
            json!("address not allowed"),
            of(&elsewhere, "elsewhere"),
            "origin",
            401,
        ),
        (
            "GET",
            "/x",
            Some(&strict_token),
            "refused",
            json!("unknown credentials"),
            of(&strict, "strict"),
            "origin",
            401,
        ),
        (
            "GET",
            "/x",
            Some(ADMINISTRATOR),
            "refused",
            json!("Administrator is never forwarded"),
            administrator.clone(),
            "origin",
            403,
        ),
        ("GET", LOGGED_USER, Some(&user_token), "answered", Value::Null, of(&user, "Zoë"), "get_logged_user", 200),
        (
            "GET",
            LOGGED_USER,
            Some(ADMINISTRATOR),
            "answered",
            Value::Null,
            administrator.clone(),
            "get_logged_user",
            200,
        ),
        ("POST", GENERATE, Some(ADMINISTRATOR), "answered", Value::Null, administrator.clone(), "generate_keys", 200),
        (
            "POST",
            GENERATE,
            Some(&manager_token),
            "answered",
            Value::Null,
            of(&manager, "manager"),
            "generate_keys",
            200,
        ),
        (
            "POST",
            GENERATE,
            Some(&user_token),
            "refused",
            json!("not a System Manager"),
            of(&user, "Zoë"),
            "generate_keys",
            403,
        ),
        (
            "GET",
            "/_gatehouse/users?q=x",
            Some(&manager_token),
            "answered",
            Value::Null,
            of(&manager, "manager"),
            "users",
            200,
        ),
        (
            "GET",
            "/_gatehouse/users/none",
            Some(&manager_token),
            "refused",
            json!("no such user"),
            of(&manager, "manager"),
            "user",
            404,
        ),
        (
            "GET",
            "/_gatehouse/users",
            Some(&wrong),
            "refused",
            json!("unknown credentials"),
            nobody.clone(),
            "users",
            401,
        ),
        ("GET", "/_gatehouse/health", None, "answered", Value::Null, nobody.clone(), "health", 200),
        ("GET", "/_gatehouse/nothing", None, "refused", json!("no such route"), nobody.clone(), "nothing", 404),
    ];
    let requests: Vec<_> = cases.iter().map(|case| (case.0, case.1, case.2)).collect();
    let lines = logged(&gate, &requests);
    for (number, (method, path, _, outcome, reason, (user, api_key), route, status)) in cases.iter().enumerate() {
        let of_it: Vec<_> = lines.iter().filter(|line| line["request_id"] == format!("request-{number}")).collect();
        assert_eq!(of_it.len(), 1, "{method} {path} {of_it:?}");
        assert!(of_it[0]["milliseconds"].is_u64());
        let mut line = of_it[0].clone();
        line.as_object_mut().unwrap().retain(|name, _| !["milliseconds", "request_id"].contains(&name.as_str()));
        let expected = json!({
            "outcome": outcome, "reason": reason, "user": user, "api_key": api_key, "route": route, "method": method,
            "status": status,
        });
        assert_eq!(line, expected, "{path}");
    }

    let everything = Value::Array(lines).to_string();
    let secrets = [&user, &manager, &limited, &elsewhere, &strict].map(|keys| keys.api_secret.as_str());
    for hidden in secrets.into_iter().chain(["query-", "wrong", ADMINISTRATOR]) {
        assert!(!everything.contains(hidden), "{hidden} {everything}");
    }
    let digests = gate.kv_names();
    assert!(digests.iter().all(|name| !everything.contains(name.strip_prefix("credential/").unwrap())));
}

#[test]
fn each_line_has_its_data_point() {
    let gate = gate();
    let user = gate.generate("pointed");
    let points: Vec<_> = logged(&gate, &[("GET", "/x", Some(&user.token())), ("GET", "/x", Some("token k"))])
        .into_iter()
        .filter(|line| line["point"]["blobs"][2] == "origin")
        .map(|line| line["point"].clone())
        .collect();
    let texts: Vec<_> = points.iter().map(|point| (&point["indexes"], &point["blobs"], &point["doubles"][0])).collect();
    let api_key = user.api_key.as_str();
    assert_eq!(
        texts,
        [
            (&json!([api_key]), &json!(["forwarded", "", "origin", "GET", "pointed", api_key]), &json!(200)),
            (&json!([""]), &json!(["refused", "no colon", "origin", "GET", "", ""]), &json!(401)),
        ]
    );
}

/// The client resets its connection while the origin takes its time, which it does what it was asked for all the same.
#[test]
fn a_request_whose_client_hangs_up_is_logged_too() {
    let gate = gate();
    let token = gate.generate("hanging-up").token();
    assert_eq!(gate.get("/warm", &token).status, 200);
    gate.logged();
    let script = "import socket, struct, sys
host, port, token = sys.argv[1:]
client = socket.create_connection((host, int(port)))
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
client.sendall(f'POST /hold/hung-up HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: {token}\\r\\nX-Request-Id: hung-up\\r\\nContent-Length: 0\\r\\n\\r\\n'.encode())
sys.stdin.readline()
client.close()";
    let (host, port) = gate.authority().split_once(':').unwrap();
    let mut client =
        Command::new(python()).args(["-c", script, host, port, &token]).stdin(Stdio::piped()).spawn().unwrap();
    wait_for("the request at the origin", || ORIGIN.was_asked_for("/hold/hung-up"));
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success());
    assert_eq!(gate.get("/events/hung-up/next", &token).status, 204);
    wait_for("the line", || gate.logged().iter().any(|line| line["request_id"] == "hung-up" && line["status"] == 204));
}

#[test]
fn a_misconfigured_gate_logs_what_it_refuses() {
    let gate = Gate::start(Options::with(&[("ORIGIN", "")]));
    let lines = logged(&gate, &[("GET", "/x", None), ("GET", "/_gatehouse/health", None)]);
    let said: Vec<_> = lines.iter().map(|line| (&line["outcome"], &line["reason"], &line["status"])).collect();
    assert_eq!(
        said,
        [
            (&json!("refused"), &json!("misconfigured: ORIGIN is missing"), &json!(503)),
            (&json!("answered"), &Value::Null, &json!(503)),
        ]
    );
}

#[test]
fn responses_tell_how_long_the_gate_took_where_that_is_wanted() {
    let gate = Gate::start(Options::with(&[("DEBUG_TIMING", "true")]));
    let token = gate.generate("timed").token();
    for (path, authorization) in
        [("/x", token.as_str()), (LOGGED_USER, &token), ("/x", "token k"), ("/_gatehouse/users", ADMINISTRATOR)]
    {
        let timing = gate.get(path, authorization).header("server-timing").to_owned();
        let milliseconds: f64 = timing.strip_prefix("gate;dur=").unwrap_or_else(|| panic!("{timing}")).parse().unwrap();
        assert!((0.0..60_000.0).contains(&milliseconds), "{path} {timing}");
    }
    let silent = Gate::start(Options::default());
    assert!(silent.get("/x", "token k").headers.get("server-timing").is_none());
}

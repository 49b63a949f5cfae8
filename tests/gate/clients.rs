//! Real clients: what people run today goes on working unchanged.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{
    EVENTS, GATE, Gate, Keys, ORIGIN, Options, RawOrigin, npm_program, pattern, pattern_hash, python, root, run,
    wait_for,
};

/// More than a client, the gate or the origin holds at once.
const BYTES: u64 = 8_000_000;

/// Runs an example of Frappe's documentation on token based authentication: placeholders filled in, its stray `**`
/// removed, the Basic value encoded and decoded as Python 3 asks for it, nothing else changed.
fn run_documented(example: &str, user: &str) -> String {
    let keys = GATE.generate(user);
    let pair = pair(&keys);
    let script = example
        .replace("http://frappe.local:8000", &GATE.url)
        .replace("**", "")
        .replace("base64.b64encode(<api_key>:<api_secret>)", &format!("base64.b64encode(b\"{pair}\").decode()"))
        .replace("<api_key>:<api_secret>", &pair);
    run(Command::new(python()).arg("-c").arg(format!("{script}\nprint(response.status_code, response.text)")))
}

#[test]
fn the_documented_token_example_works() {
    let printed = run_documented(include_str!("clients/documented_token.txt"), "python-token");
    assert_eq!(printed.trim(), r#"200 {"message":"python-token"}"#);
}

#[test]
fn the_documented_basic_example_works() {
    let printed = run_documented(include_str!("clients/documented_basic.txt"), "python-basic");
    assert_eq!(printed.trim(), r#"200 {"message":"python-basic"}"#);
}

#[test]
fn frappe_js_sdk_signs_in_and_works_with_documents() {
    let keys = GATE.generate("js-sdk");
    let printed =
        run(Command::new(npm_program("node")).arg(script("frappe_js_sdk.mjs")).args([&GATE.url, &pair(&keys)]));
    assert_eq!(printed.trim(), "js-sdk works");
}

#[test]
fn curl_works_with_its_own_user_option() {
    let keys = GATE.generate("curl");
    let url = format!("{}/api/method/frappe.auth.get_logged_user", GATE.url);
    let printed = run(Command::new("curl").args(["-sS", "-u", &pair(&keys), &url]));
    assert_eq!(printed, r#"{"message":"curl"}"#);
}

/// The pair that clients are given.
fn pair(keys: &Keys) -> String {
    format!("{}:{}", keys.api_key, keys.api_secret)
}

fn script(name: &str) -> PathBuf {
    root().join("tests/gate/clients").join(name)
}

#[test]
fn requests_uploads_downloads_and_follows_events() {
    let pair = pair(&GATE.generate("requests"));
    let size_and_hash = [BYTES.to_string(), pattern_hash(BYTES)];
    let mut command = Command::new(python());
    command.arg(script("requests_proxied.py")).args([&GATE.url, &pair]).args(size_and_hash);
    assert_eq!(run(&mut command).trim(), "requests works");
}

#[test]
fn websockets_talks_to_the_origin() {
    let pair = pair(&GATE.generate("websockets"));
    let printed = run(Command::new(python()).arg(script("websockets_proxied.py")).args([&GATE.url, &pair]));
    assert_eq!(printed.trim(), "websockets works");
    wait_for("the origin to see the close", || ORIGIN.close_of("websockets").is_some());
    assert_eq!(ORIGIN.close_of("websockets"), Some(Some((4002, "from Python".to_owned()))));
}

#[test]
fn nodes_clients_upload_download_follow_events_and_open_sockets() {
    let pair = pair(&GATE.generate("node"));
    let open = Gate::start(Options::with(&[("PUBLIC_PATHS", "/events/**")]));
    let mut command = Command::new(npm_program("node"));
    command.args(["--no-warnings", "--experimental-eventsource"]).arg(script("node_proxied.mjs"));
    command.args([&GATE.url, &pair, &BYTES.to_string(), &pattern_hash(BYTES), &open.url]);
    assert_eq!(run(&mut command).trim(), "Node's clients work");
}

/// curl with what every call has.
fn curl(token: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "60", "-H", &format!("Authorization: {token}")]).args(arguments);
    command
}

#[test]
fn curl_waits_for_100_continue_and_uploads() {
    let token = GATE.generate("curl-uploads").token();
    let mut body = tempfile::NamedTempFile::new().unwrap();
    std::io::copy(&mut pattern(BYTES), &mut body).unwrap();
    let path = body.path().to_str().unwrap();
    let (url, data) = (format!("{}/upload", GATE.url), format!("@{path}"));
    for arguments in [
        // A length; then none, in chunks. curl would give up waiting after a second: here it must not have to.
        vec!["-v", "--expect100-timeout", "60", "-X", "POST", "--data-binary", &data, &url],
        vec![
            "-v",
            "--expect100-timeout",
            "60",
            "-H",
            "Expect: 100-continue",
            "-H",
            "Content-Length:",
            "-H",
            "Transfer-Encoding: chunked",
            "-T",
            path,
            &url,
        ],
    ] {
        let output = curl(&token, &arguments).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(talk.contains("> Expect: 100-continue") && talk.contains("< HTTP/1.1 100 Continue"), "{talk}");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["body"]["sha256"], pattern_hash(BYTES));
    }
}

#[test]
fn curl_downloads_and_goes_on_where_it_was() {
    let token = GATE.generate("curl-downloads").token();
    let output = curl(&token, &[&format!("{}/pattern/{BYTES}", GATE.url)]).output().unwrap();
    assert_eq!(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(output.stdout)), pattern_hash(BYTES));
    let part = run(&mut curl(&token, &["-r", "2-4", "-H", "If-Range: \"v1\"", &format!("{}/range", GATE.url)]));
    assert_eq!(part, "234");
    assert_eq!(run(&mut curl(&token, &["--compressed", &format!("{}/gzip", GATE.url)])), "compressed by the origin");
    let followed = run(&mut curl(&token, &["-L", &format!("{}/redirect/own", GATE.url)]));
    assert_eq!(serde_json::from_str::<Value>(&followed).unwrap()["target"], "/login?next=/app");
}

#[test]
fn curl_prints_events_as_they_come() {
    let token = GATE.generate("curl-events").token();
    let mut child = curl(&token, &["-N", &format!("{}/events/curl", GATE.url)]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for number in 1..=EVENTS {
        let expected = format!("data: event {number}");
        assert!(lines.any(|line| line == expected), "{expected:?} never came");
        assert_eq!(GATE.get("/events/curl/next", &token).status, 204);
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn curl_tells_a_broken_transfer_from_a_complete_one() {
    let origin = RawOrigin::answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("curl-broken").token();
    // 18: a partial file.
    assert_eq!(curl(&token, &[&gate.url]).output().unwrap().status.code(), Some(18));
}

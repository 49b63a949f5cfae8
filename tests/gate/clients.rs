//! Real clients: what people run today goes on working unchanged.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{GATE, npm_program, root, run};

pub fn python() -> PathBuf {
    let path = root().join(".venv/bin/python");
    assert!(path.exists(), "{} is missing: run `npm test`", path.display());
    path
}

/// Runs an example of Frappe's documentation on token based authentication: placeholders filled in, its stray `**`
/// removed, the Basic value encoded and decoded as Python 3 asks for it, nothing else changed.
fn run_documented(example: &str, user: &str) -> String {
    let keys = GATE.generate(user);
    let pair = format!("{}:{}", keys.api_key, keys.api_secret);
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
    let token = format!("{}:{}", keys.api_key, keys.api_secret);
    let script = root().join("tests/gate/clients/frappe_js_sdk.mjs");
    let printed = run(Command::new(npm_program("node")).arg(script).arg(&GATE.url).arg(token));
    assert_eq!(printed.trim(), "js-sdk works");
}

#[test]
fn curl_works_with_its_own_user_option() {
    let keys = GATE.generate("curl");
    let url = format!("{}/api/method/frappe.auth.get_logged_user", GATE.url);
    let printed = run(Command::new("curl").args(["-sS", "-u", &format!("{}:{}", keys.api_key, keys.api_secret), &url]));
    assert_eq!(printed, r#"{"message":"curl"}"#);
}

//! Where the command goes, with what, and what it says when that does not work.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use crate::harness::command::{bare, command, gatehouse, run, run_with_input};
use crate::harness::{ADMINISTRATOR, GATE, Gate, Options};

fn administrator() -> &'static str {
    ADMINISTRATOR.strip_prefix("token ").unwrap()
}

#[test]
fn a_wrong_secret_is_3_a_wrong_address_4_and_nonsense_2() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = format!("http://{nobody}");
    let origin = crate::harness::ORIGIN.url();
    for (url, token, code, says) in [
        (&*GATE.url, "Administrator:wrong", 3, "Valid credentials are required"),
        (&*GATE.url, "no-colon", 2, "api_key:api_secret"),
        (&*down, administrator(), 4, "gave no answer"),
        ("https://gate.invalid", administrator(), 4, "gave no answer"),
        ("http://gate.test", administrator(), 2, "unencrypted"),
        ("gate.test", administrator(), 2, "no address"),
        (&*GATE.url, "k:sécret", 2, "api_key:api_secret"),
        (&*origin, administrator(), 1, "not a gate's"),
    ] {
        let (exit, said) = run(&mut command(url, token), &["users", "show", "nobody"]).failed();
        assert!(said.contains(says), "{url} {token}: {said}");
        assert_eq!(exit, code, "{url} {token}: {said}");
        assert!(!said.contains(administrator()), "{said}");
    }
}

#[test]
fn a_gate_that_cannot_decide_is_4() {
    let gate = Gate::start(Options::with(&[("ANONYMOUS", "perhaps")]));
    let (code, said) = run(&mut gatehouse(&gate), &["users", "list"]).failed();
    assert_eq!(code, 4);
    assert!(said.contains("ANONYMOUS"), "{said}");
}

/// Makes a certificate with Debian's openssl; `by` signs it, or it signs itself and may sign others.
fn certificate(folder: &Path, name: &str, by: Option<&str>) {
    let path = |name: &str, kind: &str| folder.join(format!("{name}.{kind}"));
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]);
    openssl.args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")]);
    openssl.arg("-keyout").arg(path(name, "key")).arg("-out").arg(path(name, "pem"));
    if let Some(by) = by {
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-CA").arg(path(by, "pem")).arg("-CAkey").arg(path(by, "key"));
    }
    let made = openssl.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_certificate_has_to_be_of_a_trusted_authority_and_for_this_name() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "authority.test", None);
    certificate(folder.path(), "localhost", Some("authority.test"));
    certificate(folder.path(), "other.test", Some("authority.test"));
    // Answers as a gate does to `get_logged_user`.
    let script = r#"
        const { readFileSync } = require("node:fs");
        const [key, cert] = process.argv.slice(1).map((path) => readFileSync(path));
        const server = require("node:https").createServer({ key, cert }, (request, response) => response.end('{"message":"x"}'));
        server.listen(0, "127.0.0.1", () => console.log(server.address().port));
        process.stdin.resume().on("end", () => process.exit(0));
    "#;
    for (name, is_trusted, code, says) in [
        ("localhost", true, 0, ""),
        ("localhost", false, 1, "UnknownIssuer"),
        ("other.test", true, 1, "not valid for name"),
    ] {
        let mut server = std::process::Command::new(crate::harness::npm_program("node"))
            .args(["-e", script])
            .args([folder.path().join(format!("{name}.key")), folder.path().join(format!("{name}.pem"))])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let mut command = command(&format!("https://localhost:{}", port.trim()), administrator());
        if is_trusted {
            command.env("SSL_CERT_FILE", folder.path().join("authority.test.pem"));
        }
        let run = run(&mut command, &["execute", "frappe.auth.get_logged_user", "--json"]);
        // `execute` knows one code of failure, as bench does.
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{name}: {}", run.stderr);
        drop(server.stdin.take());
        server.wait().unwrap();
    }
}

#[test]
fn a_local_gate_is_managed_with_the_secret_of_dev_vars_and_no_other_gate_is() {
    let folder = tempfile::tempdir().unwrap();
    let secret = administrator().strip_prefix("Administrator:").unwrap();
    std::fs::write(folder.path().join(".dev.vars"), format!("TOKEN_PEPPER=x\nADMINISTRATOR_SECRET={secret}\n"))
        .unwrap();
    let here = || {
        let mut command = bare();
        command.current_dir(folder.path());
        command
    };
    let arguments = ["execute", "frappe.auth.get_logged_user"];
    assert_eq!(run(here().env("GATEHOUSE_URL", &GATE.url), &arguments).ok(), "\"Administrator\"\n");
    let (code, said) = run(here().env("GATEHOUSE_URL", "https://gate.invalid"), &["users", "list"]).failed();
    assert_eq!((code, said.contains("GATEHOUSE_TOKEN")), (2, true), "{said}");
    let (code, said) = run(bare().env("GATEHOUSE_URL", &GATE.url), &["users", "list"]).failed();
    assert_eq!((code, said.contains(".dev.vars")), (2, true), "{said}");
}

#[test]
fn a_secret_in_an_argument_is_warned_about_and_one_on_standard_input_is_not() {
    let arguments = ["execute", "frappe.auth.get_logged_user"];
    let warned = run(bare().env("GATEHOUSE_URL", &GATE.url), &[&arguments[..], &["--token", administrator()]].concat());
    assert_eq!((warned.code, &*warned.stdout), (0, "\"Administrator\"\n"));
    assert!(warned.stderr.contains("warning: a secret in an argument"), "{}", warned.stderr);
    let mut piped = bare();
    piped.env("GATEHOUSE_URL", &GATE.url);
    let input = format!("{}\n", administrator());
    assert_eq!(
        run_with_input(&mut piped, &[&arguments[..], &["--token", "-"]].concat(), &input).ok(),
        "\"Administrator\"\n"
    );
    // The token is the first line, and what follows is the file's.
    let mut piped = bare();
    piped.env("GATEHOUSE_URL", &GATE.url);
    let input = format!("{}\n[{{\"user\": \"piped\"}}]", administrator());
    let imported = run_with_input(&mut piped, &["--token", "-", "import", "-"], &input).ok();
    assert!(imported.starts_with("1 created"), "{imported}");
}

#[test]
fn credentials_never_go_to_a_proxy_in_clear() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut command = gatehouse(&GATE);
    for name in ["ALL_PROXY", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY"] {
        command.env(name, &address);
    }
    assert_eq!(run(&mut command, &["execute", "frappe.auth.get_logged_user"]).ok(), "\"Administrator\"\n");
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_gate_that_is_well() {
    let report = run(&mut gatehouse(&GATE), &["doctor"]);
    assert_eq!(report.code, 0, "{}", report.stdout);
    for line in ["✓ address", "✓ gate", "✓ origin", "✓ registry", "✓ KV", "✓ version"] {
        assert!(report.stdout.contains(line), "{line}:\n{}", report.stdout);
    }
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = format!("http://{nobody}");
    let without_origin = Gate::start(Options::with(&[("ORIGIN", &down)]));
    let misconfigured = Gate::start(Options::with(&[("TOKEN_PEPPER", "short")]));
    let token = GATE.generate("doctor-without-role");
    let no_manager = format!("{}:{}", token.api_key, token.api_secret);
    for (url, token, line, advice) in [
        (&*down, administrator(), "✗ gate", "is the address right"),
        (&*without_origin.url, administrator(), "✗ origin        does not answer", "is ORIGIN right"),
        (&*misconfigured.url, administrator(), "✗ configuration TOKEN_PEPPER", "wrangler secret put"),
        (&*GATE.url, "Administrator:wrong", "✗ credentials", "System Manager's token"),
        (&*GATE.url, &*no_manager, "✗ credentials   Only a System Manager", "System Manager's token"),
    ] {
        let report = run(&mut command(url, token), &["doctor"]);
        assert_eq!((report.code, &*report.stderr), (1, ""), "{}", report.stdout);
        assert!(report.stdout.contains(line) && report.stdout.contains(advice), "{line}:\n{}", report.stdout);
    }
}

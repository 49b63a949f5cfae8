//! `/_gatehouse/openapi.json`: what it describes is what the gate does, as `schemathesis` finds by trying.

use std::process::Command;

use crate::harness::{ADMINISTRATOR, GATE, Gate, Options, root, run};

/// Tries every route with generated requests, right and wrong: no server error, no undocumented status, field or header.
fn schemathesis(gate: &Gate, authorization: Option<&str>, options: &[&str]) {
    let program = root().join(".venv/bin/schemathesis");
    assert!(program.exists(), "{} is missing: run `npm test`", program.display());
    let mut command = Command::new(program);
    // It keeps a database of what it found where it runs.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.arg("--config-file").arg(root().join("tests/gate/clients/schemathesis.toml"));
    // The description as it stands in the source: on another host than the management's it is not served.
    command.arg("run").arg(root().join("src/http/openapi.json"));
    command.args(["--url", &gate.url]).args(options);
    command.args(["--workers", "1", "--generation-deterministic", "--continue-on-failure", "--no-color"]);
    if let Some(authorization) = authorization {
        command.args(["--header", &format!("Authorization: {authorization}")]);
    }
    let printed = run(&mut command);
    assert!(printed.contains("Tested: 27"), "{printed}");
}

#[test]
fn anyone_may_read_the_description() {
    let reply = GATE.send("GET", "/_gatehouse/openapi.json", &[], b"");
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.json()["openapi"], "3.1.0");
}

#[test]
fn schemathesis_finds_no_undocumented_answer_for_a_manager() {
    schemathesis(&Gate::start(Options::default()), Some(ADMINISTRATOR), &["--max-examples", "50"]);
}

#[test]
fn schemathesis_finds_no_undocumented_answer_for_a_user_without_the_role() {
    let gate = Gate::start(Options::default());
    let token = gate.generate("schemathesis").token();
    schemathesis(&gate, Some(&token), &["--max-examples", "10"]);
}

#[test]
fn schemathesis_finds_no_undocumented_answer_where_management_is_on_another_host() {
    let gate = Gate::start(Options::with(&[("MANAGEMENT_HOST", "manage.test")]));
    // A route that is not there has no methods that could be wrong.
    schemathesis(&gate, Some(ADMINISTRATOR), &["--max-examples", "5", "--exclude-checks", "unsupported_method"]);
}

#[test]
fn schemathesis_finds_no_undocumented_answer_for_a_stranger() {
    schemathesis(&Gate::start(Options::default()), None, &["--max-examples", "10"]);
}

//! The everyday words, for people and for scripts.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::command::{Run, gatehouse, run};
use crate::harness::{GATE, Gate, Keys, Options, wait_for};

fn gate() -> Gate {
    Gate::start(Options::with(&[("CACHE_SECONDS", "0")]))
}

fn on(gate: &Gate, arguments: &[&str]) -> Run {
    run(&mut gatehouse(gate), arguments)
}

#[test]
fn a_user_is_set_shown_and_listed() {
    let gate = gate();
    let settings = [
        "users",
        "set",
        "alice@example.com",
        "--role",
        "Auditor",
        "--role",
        "System Manager",
        "--not-after",
        "2099-01-31T00:00:00Z",
        "--allow-ip",
        "127.0.0.1",
        "--allow-ip",
        "::1",
        "--rule",
        "GET /reports/**",
        "--strict",
    ];
    let user = on(&gate, &[&settings[..], &["--json"]].concat()).json();
    assert_eq!(user["roles"], json!(["Auditor", "System Manager"]));
    assert_eq!((&user["not_after"], &user["strict"]), (&json!("2099-01-31T00:00:00Z"), &json!(true)));
    assert_eq!(on(&gate, &["users", "show", "alice@example.com", "--json"]).json(), user);
    let shown = on(&gate, &["users", "show", "alice@example.com"]).ok();
    for line in [
        "user          alice@example.com",
        "status        keyless",
        "roles         Auditor, System Manager",
        "rules         GET /reports/**",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}:\n{shown}");
    }
    let cleared = [
        "users",
        "set",
        "alice@example.com",
        "--no-roles",
        "--not-after",
        "never",
        "--any-ip",
        "--no-rules",
        "--no-strict",
        "--disable",
        "--json",
    ];
    let user = on(&gate, &cleared).json();
    assert_eq!(
        (&user["roles"], &user["not_after"], &user["allowed_ips"], &user["rules"]),
        (&json!([]), &Value::Null, &json!([]), &json!([]))
    );
    assert_eq!((&user["strict"], &user["enabled"]), (&json!(false), &json!(false)));
    let listed = on(&gate, &["users", "list"]).ok();
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].starts_with("USER") && lines[0].contains("LAST USED"), "{listed}");
    assert!(lines[1].starts_with("alice@example.com") && lines[1].contains("disabled"), "{listed}");
    assert_eq!(on(&gate, &["users", "list", "bob"]).ok(), "no users\n");
    assert_eq!(on(&gate, &["users", "list", "--status", "active", "--json"]).json(), json!([]));
}

#[test]
fn a_list_goes_over_several_pages() {
    let gate = gate();
    let rows: Vec<_> = (0..450).map(|number| json!({ "user": format!("user{number:03}") })).collect();
    let reply = gate.post_json("/_gatehouse/import", crate::harness::ADMINISTRATOR, &json!({ "users": rows }));
    assert_eq!(reply.status, 200);
    let listed = on(&gate, &["users", "list", "--limit", "420", "--json"]).json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|user| user["user"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[0], names[419]), (420, "user000", "user419"));
    let shown = on(&gate, &["users", "list"]);
    assert_eq!(shown.stdout.lines().count(), 51, "50 and the header");
    assert!(shown.stderr.contains("there are more"), "{}", shown.stderr);
    assert_eq!(on(&gate, &["users", "list", "--json"]).json().as_array().unwrap().len(), 450, "scripts get all");
}

#[test]
fn a_generated_secret_works_and_one_in_grace_beside_it() {
    let gate = gate();
    let printed = on(&gate, &["users", "generate", "rotating"]).ok();
    let field = |printed: &str, name: &str| {
        let line = printed
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name}: {printed}"))
            .to_owned();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let first = Keys { api_key: field(&printed, "api_key"), api_secret: field(&printed, "api_secret") };
    assert!(
        printed.contains(&format!("curl -H \"Authorization: {}\" {}/api/method/", first.token(), gate.url)),
        "{printed}"
    );
    let second = Keys::of(&on(&gate, &["users", "generate", "rotating", "--grace", "1h", "--json"]).json());
    assert_eq!(first.api_key, second.api_key);
    wait_for("KV to know the grace", || gate.user("rotating")["published"] == true);
    for keys in [&first, &second] {
        assert_eq!(gate.logged_user(&keys.token()).as_deref(), Some("rotating"));
    }
    let revoked = on(&gate, &["users", "revoke", "rotating", "--yes", "--json"]).json();
    assert_eq!((&revoked["status"], &revoked["secrets"]), (&json!("revoked"), &json!(0)));
    assert_eq!(on(&gate, &["users", "delete", "rotating", "--yes"]).ok().trim(), "rotating is gone");
    let (code, said) = on(&gate, &["users", "show", "rotating"]).failed();
    assert_eq!(code, 1);
    assert!(said.contains("There is no such user"), "{said}");
}

#[test]
fn nobody_is_asked_where_nobody_is_and_nothing_happens() {
    let gate = gate();
    let keys = gate.generate("not-asked");
    for word in ["revoke", "delete"] {
        let (code, said) = on(&gate, &["users", word, "not-asked"]).failed();
        assert_eq!((code, &*said), (2, "gatehouse: nobody is there to ask: add --yes"));
    }
    assert!(gate.logged_user(&keys.token()).is_some());
}

#[test]
fn a_person_at_a_terminal_is_asked_and_may_say_no() {
    let gate = gate();
    let keys = gate.generate("asked");
    for (answer, is_revoked) in [("n\n", false), ("\n", false), ("y\n", true)] {
        let line = format!("{} users revoke asked", env!("CARGO_BIN_EXE_gatehouse"));
        let mut terminal = std::process::Command::new("script");
        terminal.args(["-qec", &line, "/dev/null"]).env("GATEHOUSE_URL", &gate.url);
        terminal.env("GATEHOUSE_TOKEN", crate::harness::ADMINISTRATOR.strip_prefix("token ").unwrap());
        let printed = crate::harness::command::run_with_input(&mut terminal, &[], answer);
        // The terminal echoes the answer somewhere in between.
        assert!(printed.stdout.contains("Make all keys of asked unusable for good?"), "{}", printed.stdout);
        assert_eq!(printed.code, i32::from(!is_revoked), "{}", printed.stdout);
        assert_eq!(gate.logged_user(&keys.token()).is_none(), is_revoked);
    }
}

#[test]
fn the_audit_log_is_a_table_and_json() {
    let gate = gate();
    on(&gate, &["users", "set", "audited", "--role", "Auditor"]).ok();
    on(&gate, &["users", "generate", "other"]).ok();
    let table = on(&gate, &["audit", "--user", "audited"]).ok();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[1].contains("Administrator") && lines[1].contains("change") && lines[1].contains("roles"), "{table}");
    let entries = on(&gate, &["audit", "--limit", "1", "--json"]).json();
    assert_eq!((entries.as_array().unwrap().len(), &entries[0]["action"]), (1, &json!("generate")));
}

#[test]
fn reconcile_waits_until_kv_is_equal() {
    let gate = gate();
    assert_eq!(on(&gate, &["reconcile", "--status"]).ok(), "never reconciled\n");
    let keys = gate.generate("reconciled");
    for name in gate.kv_names() {
        gate.kv_delete(&name);
    }
    assert_eq!(on(&gate, &["reconcile"]).ok(), "reconciled: 1 grants\n");
    wait_for("the last write", || gate.logged_user(&keys.token()).is_some());
    assert_eq!(on(&gate, &["reconcile", "--status", "--json"]).json(), json!({ "done": 2, "total": 2 }));
}

#[test]
fn a_signing_key_is_a_jwk_and_needs_no_gate() {
    for (algorithm, kty) in [("es256", "EC"), ("eddsa", "OKP"), ("hs256", "oct")] {
        let mut bare = crate::harness::command::bare();
        let key = run(&mut bare, &["signing-key", "new", "--algorithm", algorithm]).json();
        assert_eq!(key["kty"], kty);
    }
}

#[test]
fn completions_are_there_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut crate::harness::command::bare(), &["completions", shell]).ok();
        assert!(script.contains("signing-key") && script.contains("reconcile"), "{shell}");
    }
}

#[test]
fn the_help_lists_the_exit_codes_and_never_a_secret() {
    let help = run(&mut gatehouse(&GATE), &["--help"]).ok();
    assert!(help.contains("3 not authorised") && help.contains("execute") && help.contains("doctor"));
    assert!(!help.contains("a-secret-for-tests"), "{help}");
}

/// Runs the command with a reader that is gone before anything is printed.
fn with_a_closed_pipe(gate: &Gate, arguments: &[&str]) -> (i32, String) {
    let mut child = gatehouse(gate).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_closed_pipe_hides_no_failure_and_no_secret() {
    let gate = gate();
    for arguments in [
        &["users", "generate", "lost"][..],
        &["users", "generate", "lost", "--json"],
        &["execute", "frappe.core.doctype.user.user.generate_keys", "--args", "['lost']"],
    ] {
        let (code, said) = with_a_closed_pipe(&gate, arguments);
        assert_eq!(code, 1, "{arguments:?}");
        assert!(said.contains("generate again"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.json");
    std::fs::write(&file, r#"[{"user": "Guest"}]"#).unwrap();
    let (code, said) = with_a_closed_pipe(&gate, &["import", file.to_str().unwrap()]);
    assert_eq!((code, said.contains("nothing was imported")), (1, true), "{said}");
    let broken = Gate::start(Options::with(&[("ORIGIN", "http://127.0.0.1:9")]));
    assert_eq!(with_a_closed_pipe(&broken, &["doctor"]).0, 1);
}

#[test]
fn nothing_that_a_terminal_would_obey_is_printed() {
    let gate = gate();
    let name = "turned\u{202e}round";
    for arguments in [&["users", "set", name][..], &["users", "list"], &["users", "delete", name, "--yes"]] {
        let printed = on(&gate, arguments).ok();
        assert!(!printed.contains('\u{202e}') && printed.contains("turned\u{fffd}round"), "{printed:?}");
    }
    on(&gate, &["users", "set", name]).ok();
    let json = on(&gate, &["users", "list", "--json"]);
    assert!(json.stdout.is_ascii(), "{}", json.stdout);
    assert_eq!(json.json()[0]["user"], name);
    let (code, said) = on(&gate, &["users", "show", "line\u{1b}[2Kbreak"]).failed();
    assert!(code == 1 && !said.contains('\u{1b}'), "{said:?}");
    for user in ["", ".", ".."] {
        assert_eq!(on(&gate, &["users", "delete", user, "--yes"]).failed().0, 2, "{user:?}");
    }
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let gate = gate();
    let rows: Vec<_> = (0..1_000).map(|number| json!({ "user": format!("{number:0>100}") })).collect();
    gate.post_json("/_gatehouse/import", crate::harness::ADMINISTRATOR, &json!({ "users": rows }));
    assert_eq!(with_a_closed_pipe(&gate, &["users", "list", "--limit", "1000"]), (0, String::new()));
}

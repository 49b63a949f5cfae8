//! `gatehouse import` and `export`: files, pages, and a live site.

use std::fs::write;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::command::{gatehouse, run, run_with_input};
use crate::harness::{FRAPPE_TOKEN, Gate, Options, SiteUser, frappe_site, wait_for};

fn gate() -> Gate {
    Gate::start(Options::with(&[("CACHE_SECONDS", "0")]))
}

fn published(gate: &Gate) {
    wait_for("the alarm to publish", || gate.outbox() == 0);
}

#[test]
fn a_csv_file_is_tried_first_and_then_taken_and_its_secrets_work() {
    let (gate, folder) = (gate(), tempfile::tempdir().unwrap());
    let file = folder.path().join("users.csv");
    let text = "user,api_key,api_secret,roles,enabled\nalice,a1,s1,\"Auditor, Sales User\",\nbob,b1,s2,,no\n";
    write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(
        run(&mut gatehouse(&gate), &["import", path, "--dry-run"]).ok(),
        "2 would be created, 0 would be updated, 0 would be unchanged, 0 not right\n"
    );
    assert_eq!(gate.logged_user("token a1:s1"), None);
    assert_eq!(run(&mut gatehouse(&gate), &["import", path]).ok(), "2 created, 0 updated, 0 unchanged, 0 not right\n");
    published(&gate);
    assert_eq!(gate.logged_user("token a1:s1").as_deref(), Some("alice"));
    assert_eq!(gate.logged_user("token b1:s2"), None, "disabled");
    assert_eq!(gate.user("alice")["roles"], json!(["Auditor", "Sales User"]));
    assert_eq!(run(&mut gatehouse(&gate), &["import", path]).ok(), "0 created, 0 updated, 2 unchanged, 0 not right\n");
}

#[test]
fn what_is_not_right_is_told_by_row_and_nothing_is_imported() {
    let gate = gate();
    gate.post_json(
        "/_gatehouse/import",
        crate::harness::ADMINISTRATOR,
        &json!({ "users": [{ "user": "owner", "api_key": "taken", "api_secret": "s" }] }),
    );
    let rows: Vec<_> = (1..=1_500)
        .map(|number| match number {
            7 => json!({ "user": "bad\nname" }),
            1_200 => json!({ "user": "thief", "api_key": "taken", "api_secret": "s" }),
            _ => json!({ "user": format!("user{number}") }),
        })
        .collect();
    let refused = run_with_input(&mut gatehouse(&gate), &["import", "-"], &json!(rows).to_string());
    assert_eq!(refused.code, 1);
    let lines: Vec<_> =
        refused.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(lines[1].starts_with("7 bad\u{fffd}name invalid"), "{lines:?}");
    assert!(lines[2].starts_with("1200 thief conflict"), "{lines:?}");
    assert!(refused.stderr.contains("nothing was imported"), "{}", refused.stderr);
    assert_eq!(run(&mut gatehouse(&gate), &["users", "list", "--json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_makes_no_sense_is_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, says) in [
        ("a.csv", "user,password\na,b\n", "no column \"password\""),
        ("b.csv", "user\n", "holds no users"),
        ("c.json", "{", "c.json"),
        ("d.json", r#"{"people":[]}"#, "`users`"),
    ] {
        let file = folder.path().join(name);
        write(&file, text).unwrap();
        let mut nowhere = crate::harness::command::command("http://127.0.0.1:9", "a:b");
        let (code, said) = run(&mut nowhere, &["import", file.to_str().unwrap()]).failed();
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(says), "{name}: {said}");
    }
    let mut nowhere = crate::harness::command::command("http://127.0.0.1:9", "a:b");
    assert_eq!(run(&mut nowhere, &["import", "nothing-there.csv"]).failed().0, 2);
}

#[test]
fn an_export_moves_everybody_to_a_gate_with_the_same_pepper() {
    let (old, new, folder) = (gate(), gate(), tempfile::tempdir().unwrap());
    let keys = old.generate_with_roles("moved", &["Auditor"]);
    let rows: Vec<_> = (0..600).map(|number| json!({ "user": format!("user{number:03}") })).collect();
    old.post_json("/_gatehouse/import", crate::harness::ADMINISTRATOR, &json!({ "users": rows }));
    let file = folder.path().join("export.json");
    let path = file.to_str().unwrap();
    assert_eq!(run(&mut gatehouse(&old), &["export", path]).ok(), format!("601 users written to {path}\n"));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let (code, said) = run(&mut gatehouse(&old), &["export", path]).failed();
    assert_eq!(code, 2, "a file is never overwritten: {said}");
    assert_eq!(run(&mut gatehouse(&new), &["import", path]).ok(), "601 created, 0 updated, 0 unchanged, 0 not right\n");
    published(&new);
    assert_eq!(new.logged_user(&keys.token()).as_deref(), Some("moved"));
    assert_eq!(new.user("moved")["roles"], json!(["Auditor"]));
}

fn site_users() -> Vec<SiteUser> {
    let user = |number: usize| {
        (
            format!("user{number:04}@example.com"),
            format!("{number:015x}"),
            Some(format!("{:015x}", number + 1)),
            number != 3,
        )
    };
    let mut users: Vec<_> = (0..1_205).map(user).collect();
    users[5].2 = None;
    users.insert(0, ("Administrator".into(), "a".repeat(15), Some("b".repeat(15)), true));
    users
}

#[test]
fn users_of_a_live_frappe_site_come_with_their_secrets_and_go_on_where_it_broke_off() {
    let gate = gate();
    let site = frappe_site(site_users());
    let from_site = |arguments: &[&str]| {
        let mut command = gatehouse(&gate);
        command.env("FRAPPE_TOKEN", FRAPPE_TOKEN);
        run(&mut command, &[&["import", "--from-frappe", &site], arguments].concat())
    };
    let tried = from_site(&["--dry-run"]);
    assert!(tried.stdout.contains("1204 would be created") && tried.stdout.contains("2 not right"), "{}", tried.stdout);
    assert_eq!(gate.kv_names().len(), 0);
    let taken = from_site(&[]);
    assert_eq!(taken.code, 1, "two were left out");
    for line in [
        "Administrator",
        "the gate reserves this name",
        "the site has no api_secret",
        "1204 created, 0 updated, 0 unchanged, 2 not right",
    ] {
        assert!(taken.stdout.contains(line), "{line}: {}", taken.stdout);
    }
    published(&gate);
    assert_eq!(gate.logged_user("token 0000000000004b4:0000000000004b5").as_deref(), Some("user1204@example.com"));
    assert_eq!(gate.logged_user("token 000000000000003:000000000000004"), None, "disabled there, disabled here");
    assert_eq!(
        from_site(&["--after", "user1199@example.com"]).ok(),
        "0 created, 0 updated, 5 unchanged, 0 not right\n"
    );
}

#[test]
fn a_frappe_site_that_refuses_or_is_down_is_named() {
    let gate = gate();
    let site = frappe_site(site_users());
    for (url, token, code, says) in [
        (&*site, Some("wrong:token"), 3, "does not let FRAPPE_TOKEN read users"),
        ("http://127.0.0.1:9", Some(FRAPPE_TOKEN), 4, "gave no answer"),
        (&*site, None, 2, "set FRAPPE_TOKEN"),
    ] {
        let mut command = gatehouse(&gate);
        if let Some(token) = token {
            command.env("FRAPPE_TOKEN", token);
        }
        let (exit, said) = run(&mut command, &["import", "--from-frappe", url]).failed();
        assert_eq!(exit, code, "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn rows_that_repeat_each_other_in_different_batches_are_found_before_anything_is_imported() {
    let gate = gate();
    let mut rows: Vec<_> =
        (1..=1_500).map(|number| json!({ "user": format!("user{number}"), "api_key": format!("k{number}") })).collect();
    rows[1_400]["api_key"] = json!("k6");
    rows[1_450]["user"] = json!("USER7");
    let refused = run_with_input(&mut gatehouse(&gate), &["import", "-", "--json"], &json!(rows).to_string());
    assert_eq!(refused.code, 1);
    let report: Value = serde_json::from_str(&refused.stdout).unwrap();
    let problem = |row: usize, user: &str, message: &str| json!({ "row": row, "user": user, "result": "conflict", "message": message });
    assert_eq!(
        report["problems"],
        json!([
            problem(1_451, "USER7", "row 7 has the same user"),
            problem(1_401, "user1401", "row 6 has the same api_key")
        ])
    );
    assert_eq!(run(&mut gatehouse(&gate), &["users", "list", "--json"]).json(), json!([]));
}

#[test]
fn who_changed_at_the_gate_is_left_out_and_the_rest_of_a_site_comes() {
    let gate = gate();
    gate.post_json(
        "/_gatehouse/import",
        crate::harness::ADMINISTRATOR,
        &json!({ "users": [{ "user": "user0004@example.com", "api_key": "000000000000004", "api_secret": "000000000000005" }] }),
    );
    let rotated = gate.generate("user0004@example.com");
    let mut command = gatehouse(&gate);
    command.env("FRAPPE_TOKEN", FRAPPE_TOKEN);
    let taken = run(&mut command, &["import", "--from-frappe", &frappe_site(site_users())]);
    assert_eq!(taken.code, 1);
    assert!(taken.stdout.contains("1203 created") && taken.stdout.contains("3 not right"), "{}", taken.stdout);
    assert!(taken.stdout.contains("this user's secret was changed here"), "{}", taken.stdout);
    published(&gate);
    assert!(gate.logged_user(&rotated.token()).is_some());
}

#[test]
fn what_is_no_frappe_site_is_an_error_and_not_an_empty_import() {
    let gate = gate();
    let site = crate::harness::serve(axum::Router::new().fallback(|| async { "<html>Sign in</html>" }));
    let mut command = gatehouse(&gate);
    command.env("FRAPPE_TOKEN", FRAPPE_TOKEN);
    let (code, said) = run(&mut command, &["import", "--from-frappe", &site]).failed();
    assert_eq!(code, 4);
    assert!(said.contains("does not answer as a Frappe site does"), "{said}");
}

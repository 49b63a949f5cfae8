//! `gatehouse execute`, spelled as people spell `bench execute`.

use serde_json::{Value, json};

use crate::harness::command::{command, gatehouse, run};
use crate::harness::{ADMINISTRATOR, GATE, Keys};

const GENERATE_KEYS: &str = "frappe.core.doctype.user.user.generate_keys";

#[test]
fn prints_what_bench_prints_and_the_secret_works() {
    let printed = run(&mut gatehouse(&GATE), &["execute", GENERATE_KEYS, "--args", "['executed']"]).ok();
    let keys = Keys::of(&serde_json::from_str(&printed).unwrap());
    let expected = format!("{{\"api_key\": \"{}\", \"api_secret\": \"{}\"}}\n", keys.api_key, keys.api_secret);
    assert_eq!(printed, expected, "one line, as Python's json writes it");
    assert_eq!(GATE.logged_user(&keys.token()).as_deref(), Some("executed"));
}

#[test]
fn takes_every_spelling_of_a_user() {
    let mut api_keys = std::collections::HashSet::new();
    for method in [GENERATE_KEYS, "frappe.core.doctype.user.user"] {
        for args in ["['user_name']", "[\"user_name\"]", "('user_name',)", "[user_name]", "user_name", "'user_name'"] {
            let keys = run(&mut gatehouse(&GATE), &["execute", method, "--args", args]).json();
            api_keys.insert(Keys::of(&keys).api_key);
        }
    }
    let keys = run(&mut gatehouse(&GATE), &["execute", GENERATE_KEYS, "--kwargs", "{'user': 'user_name'}"]).json();
    api_keys.insert(Keys::of(&keys).api_key);
    assert_eq!(api_keys.len(), 1, "one api_key for a user, however it is spelled");
}

#[test]
fn rpc_and_command_make_the_same_api_key() {
    let by_command =
        Keys::of(&run(&mut gatehouse(&GATE), &["execute", GENERATE_KEYS, "--args", "['both-ways']"]).json());
    let by_word = Keys::of(&run(&mut gatehouse(&GATE), &["users", "generate", "both-ways", "--json"]).json());
    let by_rpc = GATE.generate("both-ways");
    assert_eq!((&by_command.api_key, &by_word.api_key), (&by_rpc.api_key, &by_rpc.api_key));
    assert_eq!(GATE.logged_user(&by_rpc.token()).as_deref(), Some("both-ways"));
}

#[test]
fn tells_whose_credentials_they_are() {
    let printed = run(&mut gatehouse(&GATE), &["execute", "frappe.auth.get_logged_user"]).ok();
    assert_eq!(printed, "\"Administrator\"\n");
}

#[test]
fn fails_with_1_as_bench_does_and_says_why() {
    let no_manager = GATE.generate("no-manager-executes");
    let token = format!("{}:{}", no_manager.api_key, no_manager.api_secret);
    let administrator = ADMINISTRATOR.strip_prefix("token ").unwrap();
    for (token, arguments, says) in [
        (&*token, &["execute", GENERATE_KEYS, "--args", "['x']"][..], "Only a System Manager"),
        (administrator, &["execute", "frappe.ping"], "the gate has no method frappe.ping"),
        (administrator, &["execute", GENERATE_KEYS], "takes a user"),
        (administrator, &["execute", GENERATE_KEYS, "--args", "['a', 'b']"], "no list of one user"),
        (administrator, &["execute", GENERATE_KEYS, "--args", "['Guest']"], "reserved"),
    ] {
        let (code, said) = run(&mut command(&GATE.url, token), arguments).failed();
        assert_eq!(code, 1, "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[test]
fn a_secret_is_printed_at_generation_alone() {
    let minted = run(&mut gatehouse(&GATE), &["users", "generate", "printed-once", "--json"]).json();
    let secret = minted["api_secret"].as_str().unwrap();
    for arguments in [
        &["users", "show", "printed-once"][..],
        &["users", "list", "printed-once", "--json"],
        &["audit", "--user", "printed-once", "--json"],
        &["export"],
    ] {
        assert!(!run(&mut gatehouse(&GATE), arguments).ok().contains(secret), "{arguments:?}");
    }
    assert_eq!(minted.as_object().unwrap().keys().collect::<Vec<_>>(), ["api_key", "api_secret", "published", "user"]);
    assert_eq!(minted["user"], json!("printed-once") as Value);
}

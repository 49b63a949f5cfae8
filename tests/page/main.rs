//! The web page in a real browser: Debian's Chromium, driven by playwright-core, against the built Worker on workerd.
//!
//! Each test starts a gate and runs one scenario of `scenarios/` on it. Pictures of what a person would see are left in
//! `target/page-screenshots`. They need `npm run build` first; `npm test` does everything.

#[expect(dead_code, unused_imports, reason = "the black-box tests use the rest")]
#[path = "../gate/harness/mod.rs"]
mod harness;
mod served;

use std::process::Command;

use harness::command::gatehouse;
use harness::{ADMINISTRATOR, Gate, ORIGIN, Options, npm_program, root, run};
use serde_json::{Value, json};

/// A gate that remembers no credentials, so that every change is seen at once.
fn options() -> Options {
    Options::with(&[("CACHE_SECONDS", "0")])
}

/// Runs a scenario in the browser; `given` is what it is told.
fn browse(gate: &Gate, scenario: &str, given: &Value) {
    let script = root().join("tests/page/scenarios").join(format!("{scenario}.mjs"));
    run(Command::new(npm_program("node")).arg(script).arg(&gate.url).arg(given.to_string()));
}

#[test]
fn a_key_is_made_copied_used_rotated_with_a_grace_and_revoked() {
    browse(&Gate::start(options()), "life_of_a_key", &json!({}));
}

#[test]
fn everything_is_done_with_a_keyboard_alone_and_the_focus_is_never_lost() {
    browse(&Gate::start(options()), "keyboard", &json!({}));
}

#[test]
fn a_secret_made_while_its_dialog_was_closed_is_shown_all_the_same() {
    let gate = Gate::start(options());
    gate.generate("hasty");
    browse(&gate, "closed_while_generating", &json!({ "user": "hasty" }));
}

#[test]
fn settings_are_changed_and_what_the_gate_refuses_is_said() {
    browse(&Gate::start(options()), "settings", &json!({}));
}

#[test]
fn a_wrong_password_and_too_many_of_them_are_told() {
    let gate = Gate::start(options());
    let keys = gate.generate("nobody-special");
    browse(&gate, "refused", &json!({ "api_key": keys.api_key, "api_secret": keys.api_secret }));
}

#[test]
fn a_failing_registry_is_told_and_tried_again() {
    let gate = Gate::start(Options { instrumented: true, ..options() });
    browse(&gate, "registry_down", &json!({}));
}

#[test]
fn who_loses_the_role_while_signed_in_is_signed_out() {
    let gate = Gate::start(options());
    let keys = gate.generate_with_roles("manager", &["System Manager"]);
    browse(&gate, "role_lost", &json!({ "api_key": keys.api_key, "api_secret": keys.api_secret }));
}

#[test]
fn whose_credentials_are_revoked_while_signed_in_is_signed_out() {
    let gate = Gate::start(options());
    let keys = gate.generate_with_roles("manager", &["System Manager"]);
    browse(&gate, "credentials_lost", &json!({ "api_key": keys.api_key, "api_secret": keys.api_secret }));
}

#[test]
fn markup_in_a_name_stays_text() {
    browse(&Gate::start(options()), "markup_in_a_name", &json!({}));
}

#[test]
fn an_import_is_previewed_and_carried_out() {
    browse(&Gate::start(options()), "import", &json!({}));
}

#[test]
fn many_users_are_searched_filtered_and_paged() {
    browse(&Gate::start(options()), "many_users", &json!({}));
}

#[test]
fn a_change_that_kv_does_not_say_yet_is_shown_as_spreading() {
    let gate = Gate::start(Options { kv_stand_in: true, ..options() });
    gate.kv(&json!(["writes", "fail"]));
    browse(&gate, "spreading", &json!({}));
}

#[test]
fn scripts_of_allowed_web_origins_alone_read_and_change_things_across_origins() {
    let (allowed, other) = (ORIGIN.url(), ORIGIN.url().replace("127.0.0.1", "localhost"));
    let gate = Gate::start(Options::with(&[("ALLOWED_ORIGINS", &allowed)]));
    browse(&gate, "another_origin", &json!({ "allowed": allowed, "other": other }));
    let status = |user: &str| gate.get(&format!("/_gatehouse/users/{user}"), ADMINISTRATOR).status;
    assert_eq!((status("allowed"), status("other")), (200, 404));
}

#[test]
fn it_fits_every_width_in_light_and_dark() {
    let gate = Gate::start(options());
    browse(&gate, "looks", &json!({}));
}

#[test]
fn rpc_command_and_page_make_keys_with_the_same_api_key() {
    let gate = Gate::start(options());
    let by_rpc = gate.generate("three-ways");
    let method = "frappe.core.doctype.user.user.generate_keys";
    let printed = gatehouse(&gate).args(["execute", method, "--args", "['three-ways']"]).output().unwrap();
    let by_command: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(by_command["api_key"], by_rpc.api_key);
    browse(&gate, "same_api_key", &json!({ "user": "three-ways", "api_key": by_rpc.api_key }));
}

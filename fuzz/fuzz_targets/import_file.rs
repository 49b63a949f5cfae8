//! Import files, CSV and JSON: through the command's reader, the gate's, the registry's rules, and out again as an export.

#![no_main]

use gatehouse::core::registry::import::export_row;
use gatehouse::core::registry::view::settings_view;
use gatehouse::core::unix_time::UnixSeconds;
use gatehouse::http::import::{ImportKeys, rows};
use gatehouse_fuzz::{fold, keys};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[path = "../../src/bin/gatehouse/import_rows.rs"]
mod import_rows;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fuzz_target!(|data: &[u8]| {
    if let Ok(rows) = import_rows::csv_rows(data) {
        let as_json = Value::from(rows.clone()).to_string();
        assert_eq!(import_rows::json_rows(as_json.as_bytes()).as_ref(), Ok(&rows));
        check(&json!({ "users": rows }).to_string());
    }
    if let Ok(rows) = import_rows::json_rows(data) {
        check(&json!({ "users": rows }).to_string());
    }
    check(&String::from_utf8_lossy(data));
});

fn check(body: &str) {
    let (digest_key, seal_key) = keys();
    let keys = ImportKeys { digest_key: &digest_key, seal_key: &seal_key, fold };
    let Ok((imported, _)) = rows(body.as_bytes(), keys) else { return };
    for row in imported {
        let user = row.clone().apply(None, None, NOW).expect("nobody is in the way");
        let owner = user.api_key.as_ref().map(|_| user.name.folded());
        assert_eq!(row.apply(Some(&user), owner, NOW.plus(1)).as_ref(), Ok(&user), "repeating changes nothing");

        let exported = export_row(&user, &seal_key);
        let page = json!({ "users": [exported], "next_cursor": null }).to_string();
        let (again, _) = rows(page.as_bytes(), keys).unwrap_or_else(|error| panic!("{error}: {page}"));
        let again = again.into_iter().next().unwrap().apply(None, None, NOW).unwrap();
        assert_eq!((&again.name, &again.api_key, &again.secrets), (&user.name, &user.api_key, &user.secrets));
        assert_eq!((settings_view(&again), again.deleted), (settings_view(&user), user.deleted));

        for secret in &user.secrets {
            let Some(grant) = user.grant(secret.digest) else { continue };
            assert!(user.enabled && !user.deleted);
            let entry = seal_key.seal(secret.digest, &grant);
            assert_eq!(seal_key.open(secret.digest, &entry).unwrap().grant(), &grant);
        }
    }
}

//! Entries of KV. What nobody sealed never opens, what was sealed opens as it was, and no single byte of an entry can be
//! another one.

#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gatehouse::core::grant::Grant;
use gatehouse_fuzz::{digest, keys};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

// The first byte says what is done to the others, which are an entry or the content of one.
fuzz_target!(|data: &[u8]| {
    let Some((&change, data)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (_, seal_key) = keys();

    assert!(seal_key.open(digest(), text).is_err(), "opened without a seal");

    // Any content at all, sealed: what opens is read whole, and written so that it reads the same again.
    let encoded = URL_SAFE_NO_PAD.encode(text);
    let seal = seal_key.sign(&format!("{}\n{encoded}", digest().kv_name()));
    let entry = json!({ "v": 1, "grant": encoded, "seal": seal }).to_string();
    let opened = seal_key.open(digest(), &entry).ok().map(|opened| opened.grant().clone());
    assert_eq!(opened, Grant::from_json(text));
    let Some(grant) = opened else { return };
    let entry = seal_key.seal(digest(), &grant);
    assert_eq!(seal_key.open(digest(), &entry).unwrap().grant(), &grant);
    assert_eq!(Grant::from_json(&grant.to_json().to_string()).as_ref(), Some(&grant));

    for position in 0..entry.len() {
        let mut changed = entry.clone().into_bytes();
        changed[position] ^= change.max(1);
        if let Ok(changed) = String::from_utf8(changed) {
            assert!(seal_key.open(digest(), &changed).is_err(), "opened with a byte changed: {changed}");
        }
    }
});

//! `ASSERTION_JWK`. Whatever is taken, nothing private and no shared key is published, and each key's halves fit.

#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gatehouse::core::signing_key::{KeyRing, Material};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// The members that an origin needs, of EC and OKP keys.
const PUBLIC: [&str; 7] = ["alg", "crv", "kid", "kty", "use", "x", "y"];

fuzz_target!(|text: &str| {
    let Ok(ring) = KeyRing::parse(text) else { return };
    let published = ring.published();
    let published = published["keys"].as_array().unwrap();
    assert_eq!(published.len(), ring.pairs().len());
    for key in published {
        let members = key.as_object().unwrap();
        assert!(members.keys().all(|name| PUBLIC.contains(&name.as_str())), "{key}");
        assert_ne!(key["kty"], "oct");
        assert!(members.values().all(Value::is_string), "{key}");
    }
    let kids: std::collections::BTreeSet<_> = published.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), published.len());

    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(ring.signing().header()).unwrap()).unwrap();
    assert_eq!(header.as_object().unwrap().keys().collect::<Vec<_>>(), ["alg", "kid", "typ"]);
    match ring.signing().material() {
        Material::Shared(_) => assert_eq!(header["alg"], "HS256"),
        Material::Pair => {
            assert!(ring.pairs()[0].private.is_some());
            assert_eq!((&header["alg"], &header["kid"]), (&published[0]["alg"], &published[0]["kid"]));
        }
    }
    for (pair, key) in ring.pairs().iter().zip(published) {
        assert_eq!(key["alg"], pair.algorithm.as_str());
        let mut public: Value = serde_json::from_str(&pair.public).unwrap();
        let fields = public.as_object_mut().unwrap();
        for member in ["alg", "use", "kid"] {
            fields.insert(member.to_owned(), key[member].clone());
        }
        assert_eq!(&public, key);
        if let Some(private) = &pair.private {
            let alone = KeyRing::parse(private).unwrap();
            assert_eq!(alone.published(), json!({ "keys": [key] }), "a key is the same alone as in a set");
        }
    }
});

//! `gatehouse signing-key new`: a private key for assertions, as a JWK (RFC 7517) with its thumbprint (RFC 7638).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToSec1Point;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::arguments::{Algorithm, SigningKeyWord};
use crate::failure::Failure;
use crate::output::Output;

pub fn run(output: &mut Output, word: &SigningKeyWord) -> Result<(), Failure> {
    let SigningKeyWord::New { algorithm } = word;
    output.text(&new(*algorithm)?.to_string())
}

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Unavailable(format!("no randomness: {error}")))?;
    Ok(bytes)
}

fn new(algorithm: Algorithm) -> Result<Value, Failure> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    // The required members in lexical order are what the thumbprint covers.
    let (required, private) = match algorithm {
        Algorithm::Es256 => {
            let secret = loop {
                // One number in 2^32 is out of range.
                if let Ok(secret) = SecretKey::from_slice(&random()?) {
                    break secret;
                }
            };
            let point = secret.public_key().to_sec1_point(false);
            let coordinate = |bytes: Option<&p256::FieldBytes>| encode(bytes.map(AsRef::as_ref).unwrap_or_default());
            let required =
                json!({ "crv": "P-256", "kty": "EC", "x": coordinate(point.x()), "y": coordinate(point.y()) });
            (required, json!({ "alg": "ES256", "d": encode(&secret.to_bytes()) }))
        }
        Algorithm::Eddsa => {
            let secret = SigningKey::from_bytes(&random()?);
            let required = json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(secret.verifying_key().as_bytes()) });
            (required, json!({ "alg": "EdDSA", "d": encode(secret.as_bytes()) }))
        }
        Algorithm::Hs256 => (json!({ "k": encode(&random()?), "kty": "oct" }), json!({ "alg": "HS256" })),
    };
    let mut key = required.clone();
    if let (Value::Object(key), Value::Object(private)) = (&mut key, private) {
        key.extend(private);
        key.insert("kid".to_owned(), encode(&Sha256::digest(required.to_string())).into());
        key.insert("use".to_owned(), "sig".into());
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_members_of_its_kind_and_differs_each_time() {
        for (algorithm, kty, members) in [
            (Algorithm::Es256, "EC", &["alg", "crv", "d", "kid", "kty", "use", "x", "y"][..]),
            (Algorithm::Eddsa, "OKP", &["alg", "crv", "d", "kid", "kty", "use", "x"]),
            (Algorithm::Hs256, "oct", &["alg", "k", "kid", "kty", "use"]),
        ] {
            let (one, two) = (new(algorithm).unwrap(), new(algorithm).unwrap());
            assert_eq!(one["kty"], kty);
            assert_eq!(one.as_object().unwrap().keys().collect::<Vec<_>>(), members);
            assert_ne!(one["kid"], two["kid"]);
            for member in ["d", "k", "x", "y"].iter().filter_map(|member| one[member].as_str()) {
                assert_eq!(URL_SAFE_NO_PAD.decode(member).unwrap().len(), 32);
            }
        }
    }
}

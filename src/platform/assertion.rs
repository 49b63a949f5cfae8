//! The assertion for a principal: one that the isolate made a moment ago, or a new one.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::call::Call;
use super::environment::Gate;
use super::signing::Signer;
use super::task::apart;
use super::{log, now};
use crate::core::assertion::{Issuer, sign_shared, signed};
use crate::core::digest::Digest;
use crate::core::principal::Principal;
use crate::core::signing_key::{Material, Pair};
use crate::http::refusal::Refusal;

/// Signs who the request acts for, where there is a key to sign with.
pub async fn assertion(call: &Call<'_>, digest: Digest, principal: &Principal) -> Result<Option<Rc<str>>, Refusal> {
    let Some(issuer) = &call.gate.configuration.issuer else {
        return Ok(None);
    };
    let issued_at = now();
    let kept = call.gate.assertions.borrow_mut().find(digest, principal, issued_at);
    if kept.is_some() {
        return Ok(kept);
    }
    let input = issuer.signing_input(principal, issued_at);
    let assertion = apart(sign(call.gate, issuer, &input)).await.map_err(|error| {
        log::failure("WebCrypto", call.head, &error);
        Refusal::SigningFailed
    })?;
    let kept = call.gate.assertions.borrow_mut().put(digest, principal.clone(), issued_at, &assertion);
    Ok(Some(kept))
}

async fn sign(gate: &Gate, issuer: &Issuer, input: &str) -> Result<String, JsValue> {
    Ok(match issuer.keys.signing().material() {
        Material::Shared(key) => signed(input, &sign_shared(key, input)),
        Material::Pair => {
            let signer = gate
                .signer
                .get()
                .and_then(|signer| signer.as_ref().ok()?.as_ref())
                .ok_or("the key was not imported")?;
            signed(input, &signer.sign(input).await?)
        }
    })
}

/// Imports the pair that signs and tries the others, once in an isolate's life. Tells whether all of them are good.
pub async fn prepare(gate: &Gate) -> bool {
    let pairs = gate.configuration.issuer.as_ref().map_or(&[][..], |issuer| issuer.keys.pairs());
    if pairs.is_empty() {
        return true;
    }
    if gate.signer.get().is_none() {
        let signer = apart(import(pairs)).await.map_err(|error| log::background_failure("ASSERTION_JWK", &error));
        // Another request may have imported it meanwhile.
        let _ = gate.signer.set(signer);
    }
    gate.signer.get().is_some_and(Result::is_ok)
}

/// The signer of the first pair, if that has a private half.
async fn import(pairs: &[Pair]) -> Result<Option<Signer>, JsValue> {
    let mut first = None;
    for (number, pair) in pairs.iter().enumerate() {
        let signer = Signer::import(pair).await?;
        if number == 0 {
            first = signer;
        }
    }
    Ok(first)
}

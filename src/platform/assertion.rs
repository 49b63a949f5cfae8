//! The assertion for a principal: one that the isolate made a moment ago, or a new one.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::call::Call;
use super::environment::Gate;
use super::signing::Signer;
use super::{log, now};
use crate::core::assertion::{Issuer, sign_shared, signed};
use crate::core::digest::Digest;
use crate::core::principal::Principal;
use crate::core::signing_key::Material;
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
    let assertion = sign(call.gate, issuer, &input).await.map_err(|error| {
        log::failure("WebCrypto", call.head, &error);
        Refusal::SigningFailed
    })?;
    let kept = call.gate.assertions.borrow_mut().put(digest, principal.clone(), issued_at, &assertion);
    Ok(Some(kept))
}

async fn sign(gate: &Gate, issuer: &Issuer, input: &str) -> Result<String, JsValue> {
    Ok(match issuer.keys.signing().material() {
        Material::Shared(key) => signed(input, &sign_shared(key, input)),
        Material::Pair { .. } => {
            let signer = gate.signer.get().ok_or("the key was not imported")?;
            signed(input, &signer.sign(input).await?)
        }
    })
}

/// Imports the key that signs, once in an isolate's life.
pub async fn prepare(gate: &Gate) -> Result<(), JsValue> {
    let Some(Material::Pair { algorithm, private, public }) =
        gate.configuration.issuer.as_ref().map(|issuer| issuer.keys.signing().material())
    else {
        return Ok(());
    };
    if gate.signer.get().is_none() {
        let signer = Signer::import(*algorithm, private, public).await?;
        // Another request may have imported it meanwhile.
        let _ = gate.signer.set(signer);
    }
    Ok(())
}

//! WebCrypto, where the platform signs: at native speed, and with no weight in the wasm.

use js_sys::{Array, JSON, Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::task::wait;
use crate::core::signing_key::{Algorithm, Pair};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn sign(algorithm: &JsValue, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn verify(algorithm: &JsValue, key: &JsValue, signature: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
}

/// A private key that the platform signs with. It is no I/O, so the isolate may keep it.
pub struct Signer {
    algorithm: JsValue,
    key: JsValue,
}

impl Signer {
    /// Takes a pair, whose halves have to fit each other: what was signed with a wrong half would be refused everywhere.
    /// Nothing of a public half alone, which has to be one.
    pub async fn import(pair: &Pair) -> Result<Option<Self>, JsValue> {
        // What importing, signing and verifying want, in one (Web Cryptography §23, §27).
        let algorithm = JSON::parse(match pair.algorithm {
            Algorithm::Es256 => r#"{"name":"ECDSA","namedCurve":"P-256","hash":"SHA-256"}"#,
            Algorithm::EdDsa => r#"{"name":"Ed25519"}"#,
            Algorithm::Hs256 => return Err("a shared key is no pair".into()),
        })?;
        let import = async |jwk: &str, usage: &str| {
            let usages = Array::of1(&usage.into());
            wait(import_key("jwk", &JSON::parse(jwk)?, &algorithm, false, &usages)?).await
        };
        let public = import(&pair.public, "verify").await?;
        let Some(private) = &pair.private else {
            return Ok(None);
        };
        let key = import(private, "sign").await?;
        let signer = Self { algorithm, key };
        let probe = Uint8Array::from(b"gatehouse".as_slice());
        let signature = signer.sign_bytes(&probe).await?;
        let verified = wait(verify(&signer.algorithm, &public, &signature, &probe)?).await?;
        if verified.is_truthy() { Ok(Some(signer)) } else { Err("the halves of the pair do not fit".into()) }
    }

    /// Signs a text, as JWS wants it (RFC 7518 §3.4, RFC 8037 §3.1).
    pub async fn sign(&self, text: &str) -> Result<Vec<u8>, JsValue> {
        Ok(Uint8Array::new(&self.sign_bytes(&Uint8Array::from(text.as_bytes())).await?).to_vec())
    }

    async fn sign_bytes(&self, data: &Uint8Array) -> Result<JsValue, JsValue> {
        wait(sign(&self.algorithm, &self.key, data)?).await
    }
}

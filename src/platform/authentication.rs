//! From credentials to a principal: digest → isolate cache → KV → grant.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::Env;

use super::bindings::GrantNamespace;
use super::environment::Gate;
use super::{log, now_ms};
use crate::core::credentials::{ADMINISTRATOR, Credentials};
use crate::core::digest::Digest;
use crate::core::grant::OpenedGrant;
use crate::core::principal::{Administrator, Principal};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

/// Whose credentials they are, as far as the gate can tell without asking anybody.
pub enum Holder {
    /// The built-in administrator's.
    Administrator(Administrator),
    /// A user's, if anybody's.
    User(Digest),
}

/// Tells the built-in administrator from users. Its reserved api_key with a wrong secret is nobody's.
pub fn holder(gate: &Gate, credentials: &Credentials) -> Result<Holder, Refusal> {
    let digest = gate.configuration.digest_key.digest(credentials);
    if credentials.api_key.as_str() != ADMINISTRATOR {
        return Ok(Holder::User(digest));
    }
    let administrator = gate.configuration.administrator.and_then(|administrator| administrator.verify(digest));
    administrator.map(Holder::Administrator).ok_or(Refusal::UnknownCredentials)
}

/// The principal under a digest: at most one KV read, none while the isolate remembers the grant.
pub async fn principal(gate: &Gate, env: &Env, head: &RequestHead, digest: Digest) -> Result<Principal, Refusal> {
    let cached = gate.grant_cache.borrow_mut().find(digest, now_ms());
    let grant = match cached {
        Some(grant) => grant,
        None => read_grant(gate, env, head, digest).await?,
    };
    Ok(Principal::of(&grant))
}

async fn read_grant(gate: &Gate, env: &Env, head: &RequestHead, digest: Digest) -> Result<Rc<OpenedGrant>, Refusal> {
    let failed = |error: JsValue| {
        log::failure("KV", head, &error);
        Refusal::KvFailed
    };
    let grants = GrantNamespace::new(env).map_err(failed)?;
    let entry = grants.get(&digest.kv_name(), gate.configuration.kv_cache_seconds).await.map_err(failed)?;
    let entry = entry.ok_or(Refusal::UnknownCredentials)?;
    let grant = Rc::new(gate.configuration.seal_key.open(digest, &entry).map_err(Refusal::Grant)?);
    gate.grant_cache.borrow_mut().put(digest, Rc::clone(&grant), now_ms());
    Ok(grant)
}

//! From credentials to a principal: digest → isolate cache → KV → grant, or the registry for strict users.

use std::pin::pin;
use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::adoption::adopt;
use super::bindings::read;
use super::call::{Call, LoggedHolder};
use super::registry_client::{identify, rekey, touch};
use super::task::apart;
use super::timer::{PATIENCE_MS, within};
use super::{limits, log, now, now_ms, seconds};
use crate::core::credentials::{ADMINISTRATOR, Credentials};
use crate::core::digest::Digest;
use crate::core::grant::{Grant, GrantError, OpenedGrant};
use crate::core::principal::{Administrator, Authenticated, Principal};
use crate::http::refusal::Refusal;

/// Whose credentials they are, as far as the gate can tell without asking anybody.
pub enum Holder {
    /// The built-in administrator's.
    Administrator(Administrator),
    /// A user's, if anybody's.
    User(Digest),
}

/// Tells the built-in administrator from users. Its reserved api_key with a wrong secret is nobody's.
pub fn holder(call: &Call<'_>, credentials: &Credentials) -> Result<Holder, Refusal> {
    let digest = call.gate.configuration.digest_key.digest(credentials);
    if credentials.api_key.as_str() != ADMINISTRATOR {
        return Ok(Holder::User(digest));
    }
    let administrator = call.gate.configuration.administrator.and_then(|administrator| administrator.verify(digest));
    let administrator = administrator.ok_or(Refusal::UnknownCredentials)?;
    let _ = call.holder.set(LoggedHolder::Administrator);
    Ok(Holder::Administrator(administrator))
}

/// The principal under a digest, for whom the request is inside the rules: at most one KV read, none while the isolate
/// remembers the grant, and a question to the registry if the user is strict.
pub async fn principal(call: &Call<'_>, credentials: &Credentials, digest: Digest) -> Result<Principal, Refusal> {
    let cached = call.gate.grant_cache.borrow_mut().find(digest, call.arrived_ms);
    let is_past = |grant: &OpenedGrant| grant.grant().is_past_adoption(seconds(call.arrived_ms));
    // What is remembered takes no time, so that nobody has to look at the clock again.
    let (grant, read_at) = match cached.filter(|grant| !is_past(grant)) {
        Some(grant) => (grant, seconds(call.arrived_ms)),
        None => {
            limits::check_address(call)?;
            (apart(find_grant(call, credentials, digest)).await?, now())
        }
    };
    if grant.grant().adopted && !call.gate.configuration.adopt {
        // It was adopted before adoption was switched off.
        return Err(Refusal::UnknownCredentials);
    }
    let _ = call.holder.set(LoggedHolder::Grant(Rc::clone(&grant)));
    let judged = grant.authenticate(read_at, call.head.client_address.as_deref())?;
    limits::count_request(call, grant.grant().api_key.as_str()).await?;
    let principal = match judged {
        Authenticated::Principal(principal) => principal,
        Authenticated::AskRegistry => {
            limits::check_address(call)?;
            let grant = apart(identify(call, digest)).await?;
            Principal::authenticate(&Rc::new(grant), now(), call.head.client_address.as_deref())?
        }
    };
    if !principal.may(&call.head.method, &call.head.url.path) {
        return Err(Refusal::OutsideRules);
    }
    if !principal.is_adopted() {
        note_use(call, digest);
    }
    Ok(principal)
}

/// Tells the registry now and then, off the request's path, that these credentials are in use.
pub fn note_use(call: &Call<'_>, digest: Digest) {
    if call.gate.usage.borrow_mut().is_due(digest, now_ms()) {
        touch(call, digest);
    }
}

/// The grant out of KV; or, where that has none and the configuration says so, an adopted one.
async fn find_grant(call: &Call<'_>, credentials: &Credentials, digest: Digest) -> Result<Rc<OpenedGrant>, Refusal> {
    match read_grant(call, digest).await {
        Ok(grant) if call.gate.configuration.adopt && grant.grant().is_past_adoption(now()) => {
            apart(adopt(call, credentials, digest)).await
        }
        Err(Refusal::UnknownCredentials) => find_elsewhere(call, credentials, digest).await,
        // A registry that does not have the new pepper yet writes under the names it is told, with the seal it knows.
        Err(Refusal::Grant(GrantError::Seal)) if call.gate.configuration.previous_digest_key.is_some() => {
            apart(rekeyed(call, credentials, digest)).await
        }
        found => found,
    }
}

/// The grant for credentials that KV does not have: those of before the pepper was replaced, then adopted ones, where the
/// configuration says so.
async fn find_elsewhere(
    call: &Call<'_>,
    credentials: &Credentials,
    digest: Digest,
) -> Result<Rc<OpenedGrant>, Refusal> {
    match apart(rekeyed(call, credentials, digest)).await {
        Err(Refusal::UnknownCredentials) if call.gate.configuration.adopt => {
            apart(adopt(call, credentials, digest)).await
        }
        found => found,
    }
}

/// The grant of credentials that the registry may know by their digest under the previous pepper. It has the last word, for
/// KV goes on saying for a while that it does not have what it has.
pub async fn rekeyed(call: &Call<'_>, credentials: &Credentials, digest: Digest) -> Result<Rc<OpenedGrant>, Refusal> {
    let Some(previous) = &call.gate.configuration.previous_digest_key else {
        return Err(Refusal::UnknownCredentials);
    };
    let grant = rekey(call, previous.digest(credentials), digest).await?;
    let grant = opened(call, digest, &grant)?;
    call.gate.grant_cache.borrow_mut().put(digest, Rc::clone(&grant), now_ms());
    Ok(grant)
}

/// A grant that did not come out of KV, as if it had: nothing but a seal makes one.
pub fn opened(call: &Call<'_>, digest: Digest, grant: &Grant) -> Result<Rc<OpenedGrant>, Refusal> {
    let seal_key = &call.gate.configuration.seal_key;
    seal_key.open(digest, &seal_key.seal(digest, grant)).map(Rc::new).map_err(Refusal::Grant)
}

async fn read_grant(call: &Call<'_>, digest: Digest) -> Result<Rc<OpenedGrant>, Refusal> {
    let failed = |error: JsValue| {
        log::failure("KV", call.head, &error);
        Refusal::KvFailed
    };
    let configuration = &call.gate.configuration;
    let name = digest.kv_name();
    let mut reading = pin!(read(call.env, &name, configuration.kv_cache_seconds));
    let entry = within(PATIENCE_MS, &mut reading).await.unwrap_or_else(|| Err("no answer in time".into()));
    let entry = entry.map_err(failed)?;
    let entry = entry.ok_or(Refusal::UnknownCredentials)?;
    let grant = Rc::new(configuration.seal_key.open(digest, &entry).map_err(Refusal::Grant)?);
    call.gate.grant_cache.borrow_mut().put(digest, Rc::clone(&grant), now_ms());
    Ok(grant)
}

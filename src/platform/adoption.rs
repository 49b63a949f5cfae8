//! Adoption: credentials that neither KV nor the registry knows are tried once at the origin's `get_logged_user`, and what
//! it says is kept for a while.

use std::pin::pin;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::Request;
use zeroize::Zeroizing;

use super::authentication::opened;
use super::bindings::GrantNamespace;
use super::call::Call;
use super::origin::{fetcher, send};
use super::registry_client::{Registered, registered};
use super::task::promise;
use super::timer::within;
use super::unicode::fold;
use super::{incoming, log, now, now_ms};
use crate::core::adoption::{ASKING_MS, Known, adopted_grant, is_adoptable};
use crate::core::credentials::Credentials;
use crate::core::digest::Digest;
use crate::core::grant::{Grant, OpenedGrant};
use crate::http::forward::plan;
use crate::http::frappe::{LOGGED_USER_PATH, is_refusal, logged_user};
use crate::http::refusal::Refusal;
use crate::http::request_head::HeaderNames;

/// How long the origin may take to say whose credentials they are, in milliseconds.
const PATIENCE_MS: f64 = 5_000.0;
/// How often a request looks whether another one's question was answered, in milliseconds. It cannot wait for the other's
/// promise: no I/O of one request may be waited for in another.
const LOOK_AGAIN_MS: f64 = 25.0;
/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What came of a question.
enum Answer {
    Adopted(Rc<OpenedGrant>),
    Registered(Rc<OpenedGrant>),
    Refused,
    /// No answer, or one of a server that is not well.
    OriginFailed,
    /// An answer that is neither a user nor a refusal.
    Unclear,
}

/// The grant for credentials that KV does not have, if the registry or else the origin vouches for them.
pub async fn adopt(call: &Call<'_>, credentials: &Credentials, digest: Digest) -> Result<Rc<OpenedGrant>, Refusal> {
    // The gate's own secrets the origin cannot know, and must not learn.
    let pair = Zeroizing::new(format!("{}:{}", credentials.api_key.as_str(), credentials.api_secret.reveal()));
    if !is_adoptable(&credentials.api_key) || call.gate.configuration.is_own_secret_in(&pair) {
        return Err(Refusal::UnknownCredentials);
    }
    let address = call.head.client_address.as_deref();
    let started_ms = now_ms();
    loop {
        let known = call.gate.adoptions.borrow_mut().find(digest, address, now_ms());
        match known {
            Known::Adopted(grant) => return Ok(grant),
            Known::Refused => return Err(Refusal::UnknownCredentials),
            Known::OriginFailed => return Err(Refusal::AdoptionFailed),
            Known::Busy => return Err(Refusal::TooManyAttempts { wait_seconds: 1 }),
            Known::BeingAsked if now_ms() - started_ms < ASKING_MS => pause().await,
            Known::BeingAsked | Known::Nothing => break,
        }
    }
    call.gate.adoptions.borrow_mut().ask(digest, address, now_ms());
    let answer = ask(call, credentials, digest).await;
    let mut adoptions = call.gate.adoptions.borrow_mut();
    match answer {
        Ok(Answer::Adopted(grant)) => {
            adoptions.adopt(digest, Rc::clone(&grant), now_ms());
            Ok(grant)
        }
        Ok(Answer::Registered(grant)) => {
            adoptions.give_up(digest);
            Ok(grant)
        }
        Ok(Answer::Refused) => {
            adoptions.refuse(digest, now_ms());
            Err(Refusal::UnknownCredentials)
        }
        Ok(Answer::OriginFailed) => {
            adoptions.fail(digest, now_ms());
            Err(Refusal::AdoptionFailed)
        }
        Ok(Answer::Unclear) => {
            adoptions.wonder(digest, now_ms());
            Err(Refusal::AdoptionFailed)
        }
        Err(refusal) => {
            adoptions.give_up(digest);
            Err(refusal)
        }
    }
}

async fn pause() {
    within(LOOK_AGAIN_MS, &mut std::future::pending::<()>()).await;
}

/// Asks the registry, which has the last word on what it holds, then the origin, then the registry about the user whom the
/// origin named.
async fn ask(call: &Call<'_>, credentials: &Credentials, digest: Digest) -> Result<Answer, Refusal> {
    match registered(call, digest, &credentials.api_key, None).await? {
        Registered::Grant(grant) => return opened(call, digest, &grant).map(Answer::Registered),
        Registered::Held => return Ok(Answer::Refused),
        Registered::Free => {}
    }
    let (status, body) = match ask_origin(call, credentials).await {
        Ok(answer) => answer,
        Err(error) => {
            log::failure("origin", call.head, &error);
            return Ok(Answer::OriginFailed);
        }
    };
    let user = match (status, logged_user(&body)) {
        (200, Some(user)) => user,
        // Whatever else stands before a site answers 401 and 403 too.
        (401 | 403, None) if is_refusal(&body) => return Ok(Answer::Refused),
        _ => {
            log::failure(
                "origin",
                call.head,
                &format!("status {status} in answer to whose credentials they are").into(),
            );
            return Ok(if status >= 500 { Answer::OriginFailed } else { Answer::Unclear });
        }
    };
    let Some(grant) = adopted_grant(&credentials.api_key, &user, fold, now()) else {
        return Ok(Answer::Refused);
    };
    match registered(call, digest, &credentials.api_key, Some(&grant.user)).await? {
        Registered::Grant(grant) => opened(call, digest, &grant).map(Answer::Registered),
        Registered::Held => Ok(Answer::Refused),
        Registered::Free => {
            keep(call, digest, &grant);
            opened(call, digest, &grant).map(Answer::Adopted)
        }
    }
}

/// What the origin answers to the question whom it takes the client for.
async fn ask_origin(call: &Call<'_>, credentials: &Credentials) -> Result<(u16, Vec<u8>), JsValue> {
    let mut head = call.head.clone();
    head.method = "GET".to_owned();
    head.url.raw_path = LOGGED_USER_PATH.to_owned();
    head.url.query = String::new();
    head.header_names = HeaderNames::default();
    (head.connection, head.cookie, head.authorization) = (None, None, None);
    let mut plan = plan(&call.gate.configuration, &head, None);
    let pair = format!("token {}:{}", credentials.api_key.as_str(), credentials.api_secret.reveal());
    plan.set.push(("Authorization", pair.into()));
    let question = Request::new_with_str(&plan.url)?;
    let fetcher = fetcher(call).map_err(|_| JsValue::from_str("ORIGIN_SERVICE is gone"))?;
    let mut answer = pin!(async {
        let response = send(&fetcher, &question, &plan, None).await?;
        let body = incoming::read(response.body(), ANSWER_MAX_BYTES).await;
        Ok::<_, JsValue>((response.status(), body.map_err(|_| JsValue::from_str("an answer that could not be read"))?))
    });
    within(PATIENCE_MS, &mut answer).await.ok_or("no answer in time")?
}

/// Writes the grant to KV, for every other isolate, off the request's path. KV drops it when it is over.
fn keep(call: &Call<'_>, digest: Digest, grant: &Grant) {
    let entry = call.gate.configuration.seal_key.seal(digest, grant);
    let (grants, end) = (GrantNamespace::new(call.env), grant.expires_at);
    let kept = promise(async move {
        if let Err(error) = async { grants?.put(&digest.kv_name(), &entry, end).await }.await {
            log::background_failure("KV", &error);
        }
        Ok(JsValue::UNDEFINED)
    });
    if let Err(error) = call.context.wait_until(&kept) {
        log::failure("KV", call.head, &error);
    }
}

//! The gate's way to the registry: management requests are handed on to it with the caller's digest in place of the
//! credentials; strict users and last uses have questions of their own.

use std::pin::pin;

use form_urlencoded::Serializer;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, RequestInit, Response};
use worker::Env;

use super::bindings::registry;
use super::call::Call;
use super::log;
use super::task::{promise, wait};
use super::timer::within;
use crate::core::credentials::ApiKey;
use crate::core::digest::Digest;
use crate::core::grant::Grant;
use crate::http::refusal::Refusal;

/// How long a question about credentials may take, in milliseconds: longer than the registry itself waits for KV.
const REGISTRY_PATIENCE_MS: f64 = 15_000.0;

/// Whose request it is: `administrator`, or a digest in hex. Only the gate can set it: the registry is reached through
/// its binding alone, and a client's own field of this name is overwritten.
pub const CALLER: &str = "x-gatehouse-caller";
/// The client's address, as the gate knows it.
pub const ADDRESS: &str = "x-gatehouse-address";
/// The caller [`CALLER`] that is the built-in administrator.
pub const ADMINISTRATOR: &str = "administrator";
/// What is asked about the caller itself, as a path.
pub const IDENTIFY: &str = "/identify";
pub const TOUCH: &str = "/touch";
/// What is asked about credentials that KV does not have under the current pepper; the query is their digest under the
/// previous one.
pub const REKEY: &str = "/rekey";
/// What is asked about credentials that nobody vouches for yet, with these parameters.
pub const REGISTERED: &str = "/registered";
pub const API_KEY: &str = "api_key";
pub const USER: &str = "user";

/// Hands a management request on, body and all, and gives back the registry's response.
pub async fn forward(call: &Call<'_>, request: &Request, caller: &str) -> Result<Response, Refusal> {
    let send = async {
        let init: &RequestInit = request.unchecked_ref();
        let url = &call.head.url;
        let outgoing =
            Request::new_with_str_and_init(&format!("{}{}{}", url.web_origin(), url.raw_path, url.query), init)?;
        let headers = outgoing.headers();
        headers.delete("authorization")?;
        headers.set("X-Request-Id", &call.head.request_id)?;
        name_caller(call, &outgoing, caller)?;
        registry(call.env)?.send(&outgoing).await
    };
    send.await.map_err(|error| failed(call, &error))
}

/// The grant of a strict user's credentials, if they hold here and now.
pub async fn identify(call: &Call<'_>, digest: Digest) -> Result<Grant, Refusal> {
    held(call, IDENTIFY, digest).await
}

/// The grant of credentials that the registry knows, or knew under the previous pepper, if they hold here and now.
pub async fn rekey(call: &Call<'_>, previous: Digest, digest: Digest) -> Result<Grant, Refusal> {
    held(call, &format!("{REKEY}?{}", previous.to_hex()), digest).await
}

async fn held(call: &Call<'_>, path: &str, digest: Digest) -> Result<Grant, Refusal> {
    match ask(call, path, digest).await? {
        (200, text) => grant(call, &text),
        (401, _) => Err(Refusal::UnknownCredentials),
        (status, _) => Err(failed(call, &format!("status {status}").into())),
    }
}

/// The status and text of the registry's answer to a question about credentials.
async fn ask(call: &Call<'_>, path: &str, digest: Digest) -> Result<(u16, String), Refusal> {
    let mut answer = pin!(async {
        let response = registry(call.env)?.send(&question(call, path, digest)?).await?;
        let text = wait(response.text()?).await?.as_string().unwrap_or_default();
        Ok::<_, JsValue>((response.status(), text))
    });
    let answer = within(REGISTRY_PATIENCE_MS, &mut answer).await.unwrap_or_else(|| Err("no answer in time".into()));
    answer.map_err(|error| failed(call, &error))
}

fn grant(call: &Call<'_>, text: &str) -> Result<Grant, Refusal> {
    Grant::from_json(text).ok_or_else(|| failed(call, &"an answer that is no grant".into()))
}

/// What the registry knows of credentials that KV does not have.
pub enum Registered {
    /// They are good: KV does not say so yet.
    Grant(Grant),
    /// They are not, and it holds their api_key or the user, be it revoked or deleted.
    Held,
    /// Nothing.
    Free,
}

/// Asks the registry about credentials, and about whom the origin takes them for.
pub async fn registered(
    call: &Call<'_>,
    digest: Digest,
    api_key: &ApiKey,
    user: Option<&str>,
) -> Result<Registered, Refusal> {
    let mut query = Serializer::new(String::new());
    query.append_pair(API_KEY, api_key.as_str());
    if let Some(user) = user {
        query.append_pair(USER, user);
    }
    let path = format!("{REGISTERED}?{}", query.finish());
    match ask(call, &path, digest).await? {
        (200, text) => grant(call, &text).map(Registered::Grant),
        (204, _) => Ok(Registered::Free),
        (409, _) => Ok(Registered::Held),
        (status, _) => Err(failed(call, &format!("status {status}").into())),
    }
}

/// Tells the registry, once the response is on its way, that credentials are in use. A failure is logged and no more.
pub fn touch(call: &Call<'_>, digest: Digest) {
    let question = question(call, TOUCH, digest);
    let env: Env = call.env.clone();
    let told = promise(async move {
        let tell = async { registry(&env)?.send(&question?).await };
        if let Err(error) = tell.await {
            log::background_failure("registry", &error);
        }
        Ok(JsValue::UNDEFINED)
    });
    if let Err(error) = call.context.wait_until(&told) {
        log::failure("registry", call.head, &error);
    }
}

fn question(call: &Call<'_>, path: &str, digest: Digest) -> Result<Request, JsValue> {
    let question = Request::new_with_str(&format!("https://registry{path}"))?;
    name_caller(call, &question, &digest.to_hex())?;
    Ok(question)
}

fn name_caller(call: &Call<'_>, request: &Request, caller: &str) -> Result<(), JsValue> {
    let headers = request.headers();
    headers.set(CALLER, caller)?;
    match &call.head.client_address {
        Some(address) => headers.set(ADDRESS, address),
        None => headers.delete(ADDRESS),
    }
}

fn failed(call: &Call<'_>, error: &JsValue) -> Refusal {
    log::failure("registry", call.head, error);
    Refusal::RegistryFailed
}

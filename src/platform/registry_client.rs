//! The gate's way to the registry: management requests are handed on to it with the caller's digest in place of the
//! credentials; strict users and last uses have questions of their own.

use js_sys::futures::JsFuture;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, RequestInit, Response};
use worker::Env;

use super::bindings::registry;
use super::call::Call;
use super::log;
use super::task::promise;
use crate::core::digest::Digest;
use crate::core::grant::Grant;
use crate::http::refusal::Refusal;

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

/// Hands a management request on, body and all, and gives back the registry's response.
pub async fn forward(call: &Call<'_>, request: &Request, caller: &str) -> Result<Response, Refusal> {
    let send = async {
        let init: &RequestInit = request.unchecked_ref();
        let outgoing = Request::new_with_str_and_init(&call.head.url.full, init)?;
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
    let ask = async {
        let response = registry(call.env)?.send(&question(call, IDENTIFY, digest)?).await?;
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        Ok::<_, JsValue>((response.status(), text))
    };
    match ask.await {
        Ok((200, text)) => Grant::from_json(&text).ok_or_else(|| failed(call, &"an answer that is no grant".into())),
        Ok((401, _)) => Err(Refusal::UnknownCredentials),
        Ok((status, _)) => Err(failed(call, &format!("status {status}").into())),
        Err(error) => Err(failed(call, &error)),
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

//! The one fetch of a proxied request. Its body never passes through wasm.

use js_sys::futures::JsFuture;
use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, RequestInit, Response};
use worker::Env;

use super::environment::{Gate, binding};
use super::log;
use crate::core::principal::Principal;
use crate::http::configuration::Target;
use crate::http::forward::{Forward, plan};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

#[wasm_bindgen]
extern "C" {
    /// The global scope and a service binding: both fetch.
    type Fetcher;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Fetcher, request: &Request, init: &JsValue) -> Result<Promise, JsValue>;
}

/// Sends the request on and gives back what the origin said.
pub async fn forward(
    gate: &Gate,
    env: &Env,
    request: &Request,
    head: &RequestHead,
    principal: Option<&Principal>,
) -> Result<Response, Refusal> {
    let plan = plan(&gate.configuration, head, principal);
    let outgoing = outgoing(request, &plan).map_err(|_| Refusal::Internal("the request could not be rebuilt"))?;
    let fetcher: Fetcher = match gate.configuration.target {
        Target::Service => {
            binding(env, "ORIGIN_SERVICE").ok_or(Refusal::Internal("ORIGIN_SERVICE is gone"))?.unchecked_into()
        }
        Target::Url(_) | Target::Zone => js_sys::global().unchecked_into(),
    };
    let unreachable = |error: JsValue| {
        log::failure("origin", head, &error);
        Refusal::OriginUnreachable
    };
    let init = fetch_init().map_err(|_| Refusal::Internal("the fetch could not be set up"))?;
    let promise = fetcher.fetch(&outgoing, &init).map_err(unreachable)?;
    Ok(JsFuture::from(promise).await.map_err(unreachable)?.unchecked_into())
}

/// The request with another address and other header fields. Any failure here is a refusal: what could not be
/// removed must not go on.
fn outgoing(request: &Request, plan: &Forward) -> Result<Request, JsValue> {
    // The Request itself is the init: method, body stream and header fields.
    let init: &RequestInit = request.unchecked_ref();
    let outgoing = Request::new_with_str_and_init(&plan.url, init)?;
    let headers = outgoing.headers();
    for name in &plan.remove {
        headers.delete(name)?;
    }
    for (name, value) in &plan.set {
        headers.set(name, value)?;
    }
    Ok(outgoing)
}

/// Redirects go back to the client, and no cache stands behind the gate.
fn fetch_init() -> Result<JsValue, JsValue> {
    let init = Object::new();
    Reflect::set(&init, &"redirect".into(), &"manual".into())?;
    Reflect::set(&init, &"cache".into(), &"no-store".into())?;
    Ok(init.into())
}

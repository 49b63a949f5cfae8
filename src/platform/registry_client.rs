//! The gate's way to the registry: one question, one answer.

use wasm_bindgen::JsValue;
use worker::{Env, Method, Request, RequestInit};

use super::log;
use crate::core::registry::message::{Answer, Caller, Command, Outcome, Question};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

/// The registry is one object; every gate of a deployment asks the same.
const INSTANCE: &str = "registry";

/// Asks on behalf of a caller. Whether that caller may is for the registry to say.
pub async fn ask(env: &Env, head: &RequestHead, caller: Caller, command: Command) -> Result<Answer, Refusal> {
    let outcome = send(env, &Question { caller, command }).await.map_err(|error| {
        log::failure("registry", head, &error.into());
        Refusal::RegistryFailed
    })?;
    Ok(outcome?)
}

async fn send(env: &Env, question: &Question) -> worker::Result<Outcome> {
    let registry = env.durable_object("REGISTRY")?.get_by_name(INSTANCE)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(JsValue::from_str(&serde_json::to_string(question)?)));
    let mut response = registry.fetch_with_request(Request::new_with_init("https://registry/", &init)?).await?;
    if response.status_code() != 200 {
        return Err("the registry did not answer".into());
    }
    Ok(serde_json::from_str(&response.text().await?)?)
}

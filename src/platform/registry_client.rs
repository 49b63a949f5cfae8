//! The gate's way to the registry: one question, one answer.

use wasm_bindgen::JsValue;
use worker::Env;

use super::bindings::registry;
use super::log;
use crate::core::registry::message::{Answer, Caller, Command, Outcome, Question};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

/// Asks on behalf of a caller. Whether that caller may is for the registry to say.
pub async fn ask(env: &Env, head: &RequestHead, caller: Caller, command: Command) -> Result<Answer, Refusal> {
    let outcome = send(env, &Question { caller, command }).await.map_err(|error| {
        log::failure("registry", head, &error);
        Refusal::RegistryFailed
    })?;
    Ok(outcome?)
}

async fn send(env: &Env, question: &Question) -> Result<Outcome, JsValue> {
    let question = serde_json::to_string(question).map_err(|error| JsValue::from_str(&error.to_string()))?;
    let answer = registry(env)?.ask(&question).await?;
    serde_json::from_str(&answer).map_err(|error| JsValue::from_str(&error.to_string()))
}

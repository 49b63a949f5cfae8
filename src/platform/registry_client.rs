//! The gate's way to the registry: one question, one answer.

use wasm_bindgen::JsValue;
use worker::Env;

use super::bindings::registry;
use super::call::Call;
use super::log;
use crate::core::registry::message::{Answer, Caller, Command, Outcome, Question};
use crate::http::refusal::Refusal;

/// Asks on behalf of a caller. Whether that caller may is for the registry to say.
pub async fn ask(call: &Call<'_>, caller: Caller, command: Command) -> Result<Answer, Refusal> {
    let question = Question { caller, request: call.facts(), command };
    let outcome = send(call.env, &question).await.map_err(|error| {
        log::failure("registry", call.head, &error);
        Refusal::RegistryFailed
    })?;
    Ok(outcome?)
}

/// Tells the registry something once the response is on its way. If it fails, it is logged and not said again.
pub fn tell(call: &Call<'_>, caller: Caller, command: Command) {
    let (env, question) = (call.env.clone(), Question { caller, request: call.facts(), command });
    call.context.wait_until(async move {
        if let Err(error) = send(&env, &question).await {
            log::background_failure("registry", &error);
        }
    });
}

async fn send(env: &Env, question: &Question) -> Result<Outcome, JsValue> {
    let question = serde_json::to_string(question).map_err(|error| JsValue::from_str(&error.to_string()))?;
    let answer = registry(env)?.ask(&question).await?;
    serde_json::from_slice(answer.as_bytes()).map_err(|error| JsValue::from_str(&error.to_string()))
}

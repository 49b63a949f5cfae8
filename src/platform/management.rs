//! The gate's own routes that are answered by the registry.

use web_sys::Request;
use worker::Env;

use super::authentication::{Holder, holder};
use super::environment::Gate;
use super::incoming;
use super::registry_client::ask;
use super::unicode::fold;
use crate::core::credentials::Credentials;
use crate::core::registry::message::{Caller, Command};
use crate::http::answer::Answer;
use crate::http::management::{command, health, shown};
use crate::http::parameters::BODY_MAX_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;
use crate::http::resource::Resource;

/// Answers a management route. The caller is authenticated before a body is read and before parameters are judged.
pub async fn answer(
    gate: &Gate,
    env: &Env,
    request: &Request,
    head: &RequestHead,
    resource: &Resource,
    credentials: Option<&Credentials>,
) -> Result<Answer, Refusal> {
    let Some(credentials) = credentials else {
        return health(None);
    };
    let caller = match holder(gate, credentials)? {
        Holder::Administrator(_) => Caller::Administrator,
        Holder::User(digest) => Caller::Credentials(digest.to_hex()),
    };
    let body = if request.body().is_some() {
        ask(env, head, caller.clone(), Command::Authenticate).await?;
        incoming::body(request, BODY_MAX_BYTES).await?
    } else {
        Vec::new()
    };
    let content_type = request.headers().get("content-type").ok().flatten();
    match command(resource, head, content_type.as_deref(), &body, fold) {
        Ok(command) => match ask(env, head, caller, command).await {
            Ok(answer) => shown(resource, answer, &gate.configuration),
            // Everyone may know that the gate is well.
            Err(Refusal::NotSystemManager) if *resource == Resource::Health => health(None),
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => {
            ask(env, head, caller, Command::Authenticate).await?;
            Err(refusal)
        }
    }
}

//! The gate's own routes that are answered by the registry.

use web_sys::Request;

use super::authentication::{Holder, holder};
use super::call::Call;
use super::incoming;
use super::registry_client::ask;
use super::unicode::fold;
use crate::core::credentials::Credentials;
use crate::core::registry::message::{Caller, Command};
use crate::http::answer::Answer;
use crate::http::management::{command, health, shown};
use crate::http::parameters::BODY_MAX_BYTES;
use crate::http::refusal::Refusal;
use crate::http::resource::Resource;

/// Answers a management route. The caller is authenticated before a body is read and before parameters are judged.
pub async fn answer(
    call: &Call<'_>,
    request: &Request,
    resource: &Resource,
    credentials: Option<&Credentials>,
) -> Result<Answer, Refusal> {
    let Some(credentials) = credentials else {
        return health(None);
    };
    let caller = match holder(call, credentials)? {
        Holder::Administrator(_) => Caller::Administrator,
        Holder::User(digest) => Caller::Credentials(digest.to_hex()),
    };
    let body = if request.body().is_some() {
        ask(call, caller.clone(), Command::Authenticate).await?;
        incoming::body(request, BODY_MAX_BYTES).await?
    } else {
        Vec::new()
    };
    let content_type = request.headers().get("content-type").ok().flatten();
    match command(resource, call.head, content_type.as_deref(), &body, fold) {
        Ok(command) => match ask(call, caller, command).await {
            Ok(answer) => shown(resource, answer, &call.gate.configuration),
            // Everyone may know that the gate is well.
            Err(Refusal::NotSystemManager) if *resource == Resource::Health => health(None),
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => {
            ask(call, caller, Command::Authenticate).await?;
            Err(refusal)
        }
    }
}

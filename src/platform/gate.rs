//! The flow of one request: head → access → principal → forward, or the gate's own answer.

use wasm_bindgen::JsValue;
use web_sys::{Request, Response};
use worker::{Context, Env};

use super::authentication::{Holder, holder, principal};
use super::call::Call;
use super::environment::gate;
use super::{incoming, log, management, origin, outgoing};
use crate::core::credentials::Credentials;
use crate::http::access::{Access, access};
use crate::http::answer::{Answer, Envelope};
use crate::http::forward::check_loop;
use crate::http::management::{health, health_problems};
use crate::http::openapi::description;
use crate::http::page::redirect;
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;
use crate::http::resource::Resource;

/// Answers a request. An error here is one of the platform's, and the client gets a bare 500.
pub async fn respond(request: &Request, env: &Env, context: &Context) -> Result<Response, JsValue> {
    let head = incoming::head(request)?;
    let gate = match gate(env) {
        Ok(gate) => gate,
        Err(problems) if Resource::find(&head.url) == Resource::Health => {
            return outgoing::own(&health_problems(&problems), &head);
        }
        Err(problems) => return refuse(&head, &Refusal::Misconfigured(problems)),
    };
    let call = Call { gate: &gate, env, context, head: &head };
    match handle(&call, request).await {
        Ok(Reply::Own(answer)) => outgoing::own(&answer, &head),
        Ok(Reply::Registry(response)) => Ok(response),
        Ok(Reply::Origin(response)) => outgoing::of_origin(response, &gate.configuration, &head),
        Err(refusal) => refuse(&head, &refusal),
    }
}

enum Reply {
    Own(Answer),
    Registry(Response),
    Origin(Response),
}

async fn handle(call: &Call<'_>, request: &Request) -> Result<Reply, Refusal> {
    let Call { gate, head, .. } = call;
    check_loop(&gate.configuration, head)?;
    match access(&gate.configuration, head)? {
        Access::Anonymous => origin::forward(call, request, None).await.map(Reply::Origin),
        Access::Authenticate(credentials) => {
            let Holder::User(digest) = holder(call, &credentials)? else {
                return Err(Refusal::AdministratorForwarded);
            };
            let principal = principal(call, digest).await?;
            origin::forward(call, request, Some(&principal)).await.map(Reply::Origin)
        }
        Access::Own(resource, _) if head.method == "OPTIONS" => Ok(Reply::Own(Answer::options(resource.allow()))),
        Access::Own(Resource::Page(file), _) => Ok(Reply::Own(file.answer())),
        Access::Own(Resource::PageRedirect, _) => Ok(Reply::Own(redirect())),
        Access::Own(Resource::OpenApi, _) => Ok(Reply::Own(description())),
        Access::Own(Resource::LoggedUser(envelope), Some(credentials)) => {
            let user = logged_user(call, &credentials).await?;
            Ok(Reply::Own(Answer::json(200, &envelope.wrap(&user.into()))))
        }
        Access::Own(_, Some(credentials)) => management::answer(call, request, &credentials).await.map(Reply::Registry),
        // Of what is left, health alone needs no credentials.
        Access::Own(_, None) => Ok(Reply::Own(health(None))),
    }
}

async fn logged_user(call: &Call<'_>, credentials: &Credentials) -> Result<String, Refusal> {
    match holder(call, credentials)? {
        Holder::Administrator(administrator) => Ok(administrator.user().to_owned()),
        Holder::User(digest) => Ok(principal(call, digest).await?.user().to_owned()),
    }
}

/// The response to a refusal, which is logged with its precise reason.
pub fn refuse(head: &RequestHead, refusal: &Refusal) -> Result<Response, JsValue> {
    log::refusal(head, refusal);
    // A script in a page gets no challenge that would make the browser ask its user for a password.
    let challenge_basic = head.sec_fetch_mode.as_deref().is_none_or(|mode| mode == "navigate");
    outgoing::own(&refusal.answer(Envelope::of_path(head.url.path.as_str()), challenge_basic), head)
}

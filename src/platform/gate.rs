//! The flow of one request: head → access → principal → forward, or the gate's own answer.

use std::cell::{Cell, OnceCell};

use wasm_bindgen::JsValue;
use web_sys::{Request, Response};
use worker::Env;
use worker::worker_sys::Context;

use super::assertion::assertion;
use super::authentication::{Holder, holder, principal};
use super::bindings::find;
use super::call::{Call, LoggedHolder};
use super::environment::ready;
use super::outgoing::{self, Finish};
use super::task::apart;
use super::{incoming, limits, log, management, milliseconds_since, now_ms, origin};
use crate::core::credentials::Credentials;
use crate::http::access::{Access, access, check_command};
use crate::http::answer::{Answer, Envelope};
use crate::http::configuration::{Mode, Problem};
use crate::http::cors;
use crate::http::forward::{Identity, check_loop};
use crate::http::management::{health, health_problems, jwks};
use crate::http::openapi::description;
use crate::http::page::redirect;
use crate::http::record::{Outcome, Record};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;
use crate::http::resource::Resource;

/// Answers a request. An error here is one of the platform's, and the client gets a bare 500.
pub async fn respond(request: &Request, env: &Env, context: &Context) -> Result<Response, JsValue> {
    let arrived_ms = now_ms();
    let head = incoming::head(request)?;
    let resource = Resource::find(&head.url);
    let mut record = Record::new(&resource, &head);
    let gate = match ready(env).await {
        Ok(gate) => gate,
        Err(problems) => return misconfigured(env, &head, record, &resource, problems),
    };
    let call = Call {
        gate: &gate,
        env,
        context,
        head: &head,
        holder: OnceCell::new(),
        arrived_ms,
        gate_milliseconds: Cell::default(),
    };
    let only_looks_on = resource == Resource::Origin && gate.configuration.mode == Mode::Observe;
    let reply = match handle(&call, request, resource).await {
        Ok(reply) => reply,
        Err(refusal) => {
            let refusal = limits::judge_refusal(&call, refusal).await;
            if only_looks_on && refusal.is_judgement() {
                apart(observe(&call, request, &mut record, &refusal)).await
            } else {
                Reply::Own(refuse(&mut record, &head, &refusal))
            }
        }
    };
    let finish = finish(&call);
    // The registry decided, and has logged it.
    let is_logged = !matches!(reply, Reply::Registry(_));
    let response = match reply {
        Reply::Own(answer) => {
            record.status = answer.status;
            outgoing::own(&answer, &head, &finish)
        }
        Reply::Registry(response) => outgoing::of_registry(response, &head, &finish),
        Reply::Origin(response) => {
            if record.outcome == Outcome::Answered {
                record.outcome = Outcome::Forwarded;
            }
            record.status = response.status();
            outgoing::of_origin(response, record.status, &gate.configuration, &head, &finish)
        }
    };
    let response = response.or_else(|error| {
        log::failure("response", &head, &error);
        let answer = refuse(&mut record, &head, &Refusal::Internal("the response could not be rebuilt"));
        record.status = answer.status;
        outgoing::own(&answer, &head, &finish)
    })?;
    if is_logged {
        record.holder = call.holder.get().map(LoggedHolder::names);
        record.milliseconds = milliseconds_since(arrived_ms);
        log::decision(env, gate.has_usage, &record);
    }
    Ok(response)
}

/// What a gate answers that does not know what to do.
fn misconfigured(
    env: &Env,
    head: &RequestHead,
    mut record: Record<'_>,
    resource: &Resource,
    problems: Vec<Problem>,
) -> Result<Response, JsValue> {
    let answer = if *resource == Resource::Health {
        health_problems(&problems)
    } else {
        refuse(&mut record, head, &Refusal::Misconfigured(problems))
    };
    record.status = answer.status;
    log::decision(env, find(env, "USAGE").is_some(), &record);
    outgoing::own(&answer, head, &Finish::default())
}

/// Notes what would have been refused, and sends it on without an identity, for the origin to judge as ever.
async fn observe(call: &Call<'_>, request: &Request, record: &mut Record<'_>, refusal: &Refusal) -> Reply {
    let forwarded = origin::forward(call, request, None).await;
    record.is_alarming = refusal.is_alarming();
    match forwarded {
        Ok(response) => {
            record.outcome = Outcome::Observed;
            record.reason = Some(refusal.to_string());
            Reply::Origin(response)
        }
        Err(failure) => Reply::Own(refuse(record, call.head, &failure)),
    }
}

/// What every response of a configured gate carries besides.
fn finish(call: &Call<'_>) -> Finish {
    let configuration = &call.gate.configuration;
    let milliseconds = || call.gate_milliseconds.get().unwrap_or_else(|| milliseconds_since(call.arrived_ms));
    Finish {
        cors: cors::headers(&configuration.allowed_origins, call.head),
        timing: configuration.debug_timing.then(|| format!("gate;dur={}", milliseconds())),
    }
}

enum Reply {
    Own(Answer),
    Registry(Response),
    Origin(Response),
}

async fn handle(call: &Call<'_>, request: &Request, resource: Resource) -> Result<Reply, Refusal> {
    let Call { gate, head, .. } = call;
    check_loop(&gate.configuration, head)?;
    match access(&gate.configuration, head, resource)? {
        Access::Anonymous => apart(origin::forward(call, request, None)).await.map(Reply::Origin),
        Access::Authenticate(credentials) => apart(forward_as(call, request, &credentials)).await.map(Reply::Origin),
        Access::Own(resource, _) if head.method == "OPTIONS" => {
            let mut answer = Answer::options(resource.allow());
            answer.headers.extend(cors::preflight(&gate.configuration.allowed_origins, head, resource.allow()));
            Ok(Reply::Own(answer))
        }
        Access::Own(Resource::Page(file), _) => Ok(Reply::Own(file.answer())),
        Access::Own(Resource::PageRedirect, _) => Ok(Reply::Own(redirect())),
        Access::Own(Resource::OpenApi, _) => Ok(Reply::Own(description())),
        Access::Own(Resource::Jwks, _) => Ok(Reply::Own(jwks(&gate.configuration))),
        Access::Own(Resource::LoggedUser(envelope), Some(credentials)) => {
            let user = apart(logged_user(call, &credentials)).await?;
            Ok(Reply::Own(Answer::json(200, &envelope.wrap(&user.into()))))
        }
        Access::Own(_, Some(credentials)) => {
            apart(management::answer(call, request, &credentials)).await.map(Reply::Registry)
        }
        // Of what is left, health alone needs no credentials.
        Access::Own(_, None) => Ok(Reply::Own(health(None))),
    }
}

/// Sends a request on with the identity that its credentials prove.
async fn forward_as(call: &Call<'_>, request: &Request, credentials: &Credentials) -> Result<Response, Refusal> {
    let Holder::User(digest) = holder(call, credentials)? else {
        return Err(Refusal::AdministratorForwarded);
    };
    let principal = principal(call, credentials, digest).await?;
    if principal.is_rule_limited() {
        check_command(&call.gate.configuration, call.head)?;
    }
    let assertion = assertion(call, digest, &principal).await?;
    origin::forward(call, request, Some(&Identity { principal, assertion })).await
}

async fn logged_user(call: &Call<'_>, credentials: &Credentials) -> Result<String, Refusal> {
    match holder(call, credentials)? {
        Holder::Administrator(administrator) => Ok(administrator.user().to_owned()),
        Holder::User(digest) => Ok(principal(call, credentials, digest).await?.user().to_owned()),
    }
}

/// The answer to a refusal, whose precise reason goes into the record.
pub fn refuse(record: &mut Record<'_>, head: &RequestHead, refusal: &Refusal) -> Answer {
    record.outcome = Outcome::Refused;
    record.reason = Some(refusal.to_string());
    record.is_alarming = refusal.is_alarming();
    // A script in a page gets no challenge that would make the browser ask its user for a password.
    let challenge_basic = head.sec_fetch_mode.as_deref().is_none_or(|mode| mode == "navigate");
    refusal.answer(Envelope::of_path(head.url.path.as_str()), challenge_basic)
}

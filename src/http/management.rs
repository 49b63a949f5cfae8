//! Management routes: from a request to the registry's command, and from the registry's answer to a response.

use serde_json::{Value, json};

use super::answer::Answer;
use super::configuration::{Configuration, Problem};
use super::parameters::{audit_query, cursor, grace_seconds, list_query, no_fields, no_query, rpc_user, settings};
use super::refusal::Refusal;
use super::request_head::RequestHead;
use super::resource::Resource;
use crate::core::registry::message::{Answer as Said, Command};
use crate::core::user_name::{Fold, UserName};

/// What a request asks of the registry.
pub fn command(
    resource: &Resource,
    head: &RequestHead,
    content_type: Option<&str>,
    body: &[u8],
    fold: Fold,
) -> Result<Command, Refusal> {
    let query = head.url.query.as_str();
    match resource {
        Resource::Health => Ok(Command::Report),
        Resource::GenerateKeys { quotes, .. } => {
            Ok(Command::Generate(rpc_user(query, content_type, body, *quotes, fold)?, 0))
        }
        Resource::Users => Ok(Command::List(list_query(query, fold)?)),
        Resource::Audit => Ok(Command::Audit(audit_query(query, fold)?)),
        Resource::User(name) => {
            let user = user_name(name, fold)?;
            no_query(query)?;
            match head.method.as_str() {
                "PUT" => Ok(Command::Change(user, settings(body)?)),
                "DELETE" => {
                    no_fields(body)?;
                    Ok(Command::Delete(user))
                }
                _ => Ok(Command::Show(user)),
            }
        }
        Resource::UserGenerate(name) => {
            let user = user_name(name, fold)?;
            no_query(query)?;
            Ok(Command::Generate(user, grace_seconds(body)?))
        }
        Resource::UserRevoke(name) => {
            let user = user_name(name, fold)?;
            no_query(query)?;
            no_fields(body)?;
            Ok(Command::Revoke(user))
        }
        Resource::Origin | Resource::LoggedUser(_) | Resource::Nothing => Err(Refusal::NoSuchRoute),
    }
}

fn user_name(text: &str, fold: Fold) -> Result<UserName, Refusal> {
    UserName::parse(text, fold).map_err(|error| Refusal::Parameter(error.into()))
}

/// The registry's answer as a client reads it.
pub fn shown(resource: &Resource, said: Said, configuration: &Configuration) -> Result<Answer, Refusal> {
    match said {
        Said::Authenticated | Said::Identified(_) | Said::Touched => {
            Err(Refusal::Internal("nothing was asked of the registry"))
        }
        Said::Report(outbox) => health(Some((outbox, configuration))),
        Said::Users(users, next) => {
            json_answer(200, &json!({ "users": users, "next_cursor": next.as_deref().map(cursor) }))
        }
        Said::Audit(entries, next) => {
            json_answer(200, &json!({ "entries": entries, "next_cursor": next.map(|number| number.to_string()) }))
        }
        Said::User(user, created) => json_answer(if created { 201 } else { 200 }, &user),
        Said::Deleted(user, published) => json_answer(200, &json!({ "user": user, "published": published })),
        Said::Generated(generated) => match resource.envelope() {
            Some(envelope) => {
                let credentials = json!({ "api_key": generated.api_key, "api_secret": generated.api_secret });
                json_answer(200, &envelope.wrap(&credentials))
            }
            None => json_answer(200, &generated),
        },
    }
}

/// That the gate is well; and for a System Manager, how it is set up.
pub fn health(details: Option<(u64, &Configuration)>) -> Result<Answer, Refusal> {
    let mut body = json!({ "status": "ok" });
    if let (Some((outbox, configuration)), Some(fields)) = (details, body.as_object_mut()) {
        fields.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
        fields.insert("mode".to_owned(), "enforce".into());
        fields.insert("outbox".to_owned(), outbox.into());
        fields.insert("not_set".to_owned(), configuration.not_set.clone().into());
    }
    json_answer(200, &body)
}

/// What is wrong with the configuration, by name and never by value.
#[must_use]
pub fn health_problems(problems: &[Problem]) -> Answer {
    let problems: Vec<Value> = problems.iter().map(|problem| problem.to_string().into()).collect();
    let body = json!({ "status": "misconfigured", "problems": problems });
    Answer { status: 503, headers: Vec::new(), body: Some(body.to_string()) }
}

fn json_answer(status: u16, body: &impl serde::Serialize) -> Result<Answer, Refusal> {
    Answer::json(status, body).map_err(|_| Refusal::Internal("an answer is no JSON"))
}

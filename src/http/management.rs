//! Management routes: from a request to a command for the registry, and from its outcome to an answer.

use serde_json::Value;

use super::answer::Answer;
use super::configuration::{Configuration, Problem};
use super::import::{self, ImportKeys, RowReport, rows};
use super::parameters::{
    audit_query, cursor, export_query, grace_seconds, list_query, no_fields, no_query, rpc_user, settings,
};
use super::refusal::Refusal;
use super::request_head::RequestHead;
use super::resource::Resource;
use crate::core::credentials::Credentials;
use crate::core::json::object;
use crate::core::registry::command::Command;
use crate::core::user_name::{Fold, UserName};

/// What a request asks of the registry.
pub fn command(
    resource: &Resource,
    head: &RequestHead,
    content_type: Option<&str>,
    body: &[u8],
    keys: ImportKeys<'_>,
) -> Result<Command, Refusal> {
    let fold = keys.fold;
    let query = head.url.query.as_str();
    match resource {
        Resource::Health => Ok(Command::Report),
        Resource::GenerateKeys { quotes, .. } => {
            Ok(Command::Generate(rpc_user(query, content_type, body, *quotes, fold)?, 0))
        }
        Resource::Users => Ok(Command::List(list_query(query, fold)?)),
        Resource::Audit => Ok(Command::Audit(audit_query(query, fold)?)),
        Resource::Reconcile => {
            no_query(query)?;
            no_fields(body)?;
            Ok(if head.method == "POST" { Command::Reconcile } else { Command::Progress })
        }
        Resource::Export => Ok(Command::Export(export_query(query)?)),
        Resource::Import => {
            no_query(query)?;
            let (rows, dry_run) = rows(body, keys)?;
            Ok(Command::Import(rows, dry_run))
        }
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
        Resource::Origin
        | Resource::LoggedUser(_)
        | Resource::Page(_)
        | Resource::PageRedirect
        | Resource::Jwks
        | Resource::OpenApi
        | Resource::Nothing => Err(Refusal::NoSuchRoute),
    }
}

fn user_name(text: &str, fold: Fold) -> Result<UserName, Refusal> {
    UserName::parse(text, fold).map_err(|error| Refusal::Parameter(error.into()))
}

/// What came of a command.
#[derive(Debug)]
pub enum Outcome {
    /// How many names in KV do not yet say what the registry says.
    Report(u64),
    /// A page of users as they are shown, and the folded name behind which the next page starts.
    Users(Vec<Value>, Option<String>),
    /// A page of the audit log, and the number of the entry behind which the next page starts.
    Audit(Vec<Value>, Option<i64>),
    /// One user as it is shown, and whether this very change created it.
    User(Value, bool),
    /// The name of a user, what was minted, and whether KV says so already.
    Generated(String, Credentials, bool),
    /// How many steps of a reconciliation are done, and of how many.
    Progress(i64, i64),
    /// What became of each row of an import.
    Imported(Vec<RowReport>),
    /// The name of a user who is gone, and whether KV says so already.
    Deleted(String, bool),
}

/// The outcome as a client reads it. The one place where a secret becomes part of an answer.
pub fn shown(resource: &Resource, outcome: Outcome, configuration: &Configuration) -> Result<Answer, Refusal> {
    Ok(match outcome {
        Outcome::Report(outbox) => health(Some((outbox, configuration))),
        Outcome::Users(users, next) => {
            Answer::json(200, &object! { "users": users, "next_cursor": next.as_deref().map(cursor) })
        }
        Outcome::Audit(entries, next) => {
            Answer::json(200, &object! { "entries": entries, "next_cursor": next.map(|number| number.to_string()) })
        }
        Outcome::Progress(done, total) => Answer::json(200, &object! { "done": done, "total": total }),
        Outcome::Imported(reports) => return import::shown(reports),
        Outcome::User(user, created) => Answer::json(if created { 201 } else { 200 }, &user),
        Outcome::Deleted(user, published) => Answer::json(200, &object! { "user": user, "published": published }),
        Outcome::Generated(user, credentials, published) => {
            let mut minted = object! {
                "api_key": credentials.api_key.as_str(),
                "api_secret": credentials.api_secret.reveal(),
            };
            if let Some(envelope) = resource.envelope() {
                return Ok(Answer::json(200, &envelope.wrap(&minted)));
            }
            if let Some(fields) = minted.as_object_mut() {
                fields.insert("user".to_owned(), user.into());
                fields.insert("published".to_owned(), published.into());
            }
            Answer::json(200, &minted)
        }
    })
}

/// The public halves of the keys that sign assertions (RFC 7517 §5); none, where nothing signs.
#[must_use]
pub fn jwks(configuration: &Configuration) -> Answer {
    let keys = configuration
        .issuer
        .as_ref()
        .map_or_else(|| object! { "keys": Vec::<Value>::new() }, |issuer| issuer.keys.published());
    // Long enough to save origins the question, short enough for a new key to be there when it starts to sign.
    Answer { headers: vec![("Cache-Control", "public, max-age=300".to_owned())], ..Answer::json(200, &keys) }
}

/// That the gate is well; and for a System Manager, how it is set up.
#[must_use]
pub fn health(details: Option<(u64, &Configuration)>) -> Answer {
    let mut body = object! { "status": "ok" };
    if let (Some((outbox, configuration)), Some(fields)) = (details, body.as_object_mut()) {
        fields.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
        fields.insert("mode".to_owned(), configuration.mode.as_str().into());
        fields.insert("outbox".to_owned(), outbox.into());
        fields.insert("not_set".to_owned(), configuration.not_set.clone().into());
    }
    Answer::json(200, &body)
}

/// What is wrong with the configuration, by name and never by value.
#[must_use]
pub fn health_problems(problems: &[Problem]) -> Answer {
    let problems: Vec<Value> = problems.iter().map(|problem| problem.to_string().into()).collect();
    Answer::json(503, &object! { "status": "misconfigured", "problems": problems })
}

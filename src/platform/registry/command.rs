//! Serves a request: who asks, what for, one transaction with its entry in the audit log, then the outbox.

use serde_json::Value;
use wasm_bindgen::JsValue;

use super::Registry;
use super::audit_log::Entry;
use super::caller::{Caller, Question};
use super::storage::Result;
use super::store::{Stored, Turn};
use crate::core::credentials::{ApiKey, Credentials};
use crate::core::digest::Digest;
use crate::core::registry::audit::{Action, differences};
use crate::core::registry::command::{AuditQuery, Command, ListQuery};
use crate::core::registry::view::user_view;
use crate::core::registry::{Randomness, User};
use crate::core::user_name::UserName;
use crate::http::answer::Answer;
use crate::http::configuration::Configuration;
use crate::http::import::ImportKeys;
use crate::http::management::{Outcome, command, health, shown};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;
use crate::http::resource::Resource;
use crate::platform::registry_client::{API_KEY, CALLER, IDENTIFY, REGISTERED, REKEY, TOUCH, USER};
use crate::platform::unicode::fold;
use crate::platform::{incoming, now, random};

pub(super) type Served<T> = std::result::Result<T, Refusal>;

/// A change on somebody's behalf.
pub(super) struct Change<'a> {
    pub caller: &'a Caller,
    pub head: &'a RequestHead,
    pub action: Action,
    pub name: &'a UserName,
    /// How long a generation lets the secret so far live on.
    pub grace_seconds: Option<u32>,
}

impl Registry {
    /// Serves a request that a gate handed on. The caller is judged before a body is read and before parameters are.
    pub(super) async fn serve(&self, question: &Question<'_>) -> Result<Served<Answer>> {
        if self.migrate()? {
            self.set_alarm_while_busy().await?;
        }
        match question.head.url.raw_path.as_str() {
            IDENTIFY => self.answer_identify(question),
            TOUCH => self.answer_touch(question),
            REGISTERED => self.answer_registered(question),
            REKEY => self.answer_rekey(question).await,
            _ => self.answer_management(question).await,
        }
    }

    fn answer_identify(&self, question: &Question<'_>) -> Result<Served<Answer>> {
        Ok(match self.identify(question)? {
            Ok(Caller::User { grant, .. }) => Ok(Answer::json(200, &grant.to_json())),
            Ok(Caller::Administrator) => Err(Refusal::UnknownCredentials),
            Err(refusal) => Err(refusal),
        })
    }

    fn answer_touch(&self, question: &Question<'_>) -> Result<Served<Answer>> {
        if let Ok(Caller::User { digest, .. }) = self.identify(question)? {
            self.store.touch(digest, now())?;
        }
        Ok(Ok(Answer { status: 204, headers: Vec::new(), body: None }))
    }

    /// The grant of credentials that hold; else whether their api_key or user is anybody's here, revoked and deleted ones
    /// included.
    fn answer_registered(&self, question: &Question<'_>) -> Result<Served<Answer>> {
        if let Ok(Caller::User { grant, .. }) = self.identify(question)? {
            return Ok(Ok(Answer::json(200, &grant.to_json())));
        }
        let query = question.head.url.query.trim_start_matches('?');
        let mut is_held = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            is_held |= match &*name {
                API_KEY => ApiKey::parse(&value).is_ok_and(|api_key| !matches!(self.store.owner(&api_key), Ok(None))),
                USER => {
                    UserName::parse(&value, fold).is_ok_and(|user| !matches!(self.store.find(user.folded()), Ok(None)))
                }
                _ => true,
            };
        }
        Ok(Ok(Answer { status: if is_held { 409 } else { 204 }, headers: Vec::new(), body: None }))
    }

    /// The grant of credentials that hold, be it that the registry knows them by the digest under the previous pepper: it then
    /// knows them by the one under the current pepper from here on.
    async fn answer_rekey(&self, question: &Question<'_>) -> Result<Served<Answer>> {
        let (request, head) = (question.request, &question.head);
        if let Ok(Caller::User { grant, .. }) = self.identify(question)? {
            return Ok(Ok(Answer::json(200, &grant.to_json())));
        }
        let previous = Digest::from_hex(head.url.query.trim_start_matches('?'));
        let current = request.headers().get(CALLER)?.and_then(|named| Digest::from_hex(&named));
        let (Some(previous), Some(current)) = (previous, current) else {
            return Ok(Err(Refusal::UnknownCredentials));
        };
        let caller = match self.identify_user(question, previous)? {
            Ok(caller) => caller,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(stored) = self.store.find_by_digest(previous)? else {
            return Ok(Err(Refusal::UnknownCredentials));
        };
        let name = &stored.user.name;
        let change = Change { caller: &caller, head, action: Action::Rekey, name, grace_seconds: None };
        let rekeyed = self.apply(change, |before| Some((known(before)?.rekey(previous, current), ()))).await?;
        let grant = rekeyed.and_then(|(stored, ())| stored.user.grant(current));
        Ok(grant.map(|grant| Answer::json(200, &grant.to_json())).ok_or(Refusal::UnknownCredentials))
    }

    async fn answer_management(&self, question: &Question<'_>) -> Result<Served<Answer>> {
        let Question { request, head, .. } = question;
        let resource = Resource::find(&head.url);
        let caller = match self.manager(question, &resource)? {
            Ok(caller) => caller,
            // Everyone may know that the gate is well.
            Err(Refusal::NotSystemManager) if resource == Resource::Health => return Ok(Ok(health(None))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let content_type = request.headers().get("content-type")?;
        let gate = self.configured()?;
        let Configuration { digest_key, seal_key, .. } = &gate.configuration;
        let keys = ImportKeys { digest_key, seal_key, fold };
        let parsed = match incoming::body(request, resource.body_max_bytes()).await {
            Ok(body) => command(&resource, head, content_type.as_deref(), &body, keys),
            Err(refusal) => Err(refusal),
        };
        Ok(match parsed {
            Ok(command) => match self.carry_out(&caller, head, &command).await? {
                Ok(outcome) => shown(&resource, outcome, &gate.configuration),
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        })
    }

    /// Every change is committed before its outcome is told, and published before that if KV lets it.
    async fn carry_out(&self, caller: &Caller, head: &RequestHead, command: &Command) -> Result<Served<Outcome>> {
        let change = |action, name| Change { caller, head, action, name, grace_seconds: None };
        match command {
            Command::Report => Ok(Ok(Outcome::Report(self.store.outbox_depth()?))),
            Command::List(query) => self.list(query),
            Command::Audit(query) => self.audit(query),
            Command::Import(rows, dry_run) => self.import(caller, head, rows, *dry_run).await,
            Command::Reconcile => {
                let progress = self.start_reconcile(caller, head).await?;
                Ok(Ok(Outcome::Progress(progress.done, progress.total)))
            }
            Command::Progress => {
                let progress = self.reconcile_progress()?;
                Ok(Ok(Outcome::Progress(progress.done, progress.total)))
            }
            Command::Export(after) => self.export(after.as_deref()),
            Command::Show(name) => Ok(match self.store.find(name.folded())? {
                Some(stored) if !stored.user.deleted => Ok(one(&stored, false)),
                _ => Err(Refusal::NoSuchUser),
            }),
            Command::Change(name, settings) => {
                let changed = self.apply(change(Action::Change, name), |before| {
                    let created = before.as_ref().is_none_or(|user| user.deleted);
                    Some((or_new(before, name).change(settings.clone()), created))
                });
                Ok(changed.await?.map(|(stored, created)| one(&stored, created)).ok_or(Refusal::NoSuchUser))
            }
            Command::Generate(name, grace_seconds) => {
                let change = change(Action::Generate, name);
                self.generate(Change { grace_seconds: Some(*grace_seconds), ..change }).await
            }
            Command::Revoke(name) => {
                let revoked = self.apply(change(Action::Revoke, name), |before| Some((known(before)?.revoke(), ())));
                Ok(revoked.await?.map(|(stored, ())| one(&stored, false)).ok_or(Refusal::NoSuchUser))
            }
            Command::Delete(name) => {
                let deleted = self.apply(change(Action::Delete, name), |before| Some((known(before)?.delete(), ())));
                let outcome = |(stored, ()): (Stored, ())| {
                    Outcome::Deleted(stored.user.name.as_str().to_owned(), stored.published)
                };
                Ok(deleted.await?.map(outcome).ok_or(Refusal::NoSuchUser))
            }
        }
    }

    fn list(&self, query: &ListQuery) -> Result<Served<Outcome>> {
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.list(query, query.limit.saturating_add(1), now())?;
        let is_more = cut(&mut page, query.limit);
        let next = page.last().filter(|_| is_more).map(|stored| stored.user.name.folded().as_str().to_owned());
        let users = page.iter().map(|stored| user_view(&stored.user, stored.published, now())).collect();
        Ok(Ok(Outcome::Users(users, next)))
    }

    fn audit(&self, query: &AuditQuery) -> Result<Served<Outcome>> {
        let mut page = self.audit_log.list(query, query.limit.saturating_add(1))?;
        let is_more = cut(&mut page, query.limit);
        let next = page.last().filter(|_| is_more).map(|(number, _)| *number);
        Ok(Ok(Outcome::Audit(page.into_iter().map(|(_, entry)| entry).collect(), next)))
    }

    async fn generate(&self, change: Change<'_>) -> Result<Served<Outcome>> {
        let gate = self.configured()?;
        let failed = |error: getrandom::Error| JsValue::from_str(&error.to_string());
        let randomness = Randomness { api_key: random().map_err(failed)?, api_secret: random().map_err(failed)? };
        let (name, grace_seconds) = (change.name, change.grace_seconds.unwrap_or_default());
        let generated = self.apply(change, |before| {
            let user = or_new(before, name);
            Some(user.generate(now(), grace_seconds, &gate.configuration.digest_key, randomness))
        });
        let outcome = |(stored, credentials): (Stored, Credentials)| {
            Outcome::Generated(stored.user.name.as_str().to_owned(), credentials, stored.published)
        };
        Ok(generated.await?.map(outcome).ok_or(Refusal::NoSuchUser))
    }

    /// Changes a user and logs it in one transaction, and publishes what follows. Gives back the user as it is then, or
    /// nothing if `alter` found nothing to change.
    async fn apply<T>(
        &self,
        change: Change<'_>,
        alter: impl FnOnce(Option<User>) -> Option<(User, T)>,
    ) -> Result<Option<(Stored, T)>> {
        let name = change.name.folded();
        let altered = self.storage.transaction(|| {
            let before = self.store.find(name)?.map(|stored| stored.user);
            let Some((user, made)) = alter(before.clone()) else {
                return Ok(None);
            };
            if before.as_ref() != Some(&user) {
                self.store.save(before.as_ref(), &user, Turn::Change, now())?;
                let detail = differences(before.as_ref(), &user, now());
                self.log_change(&change, &user, detail)?;
            }
            Ok(Some(made))
        })?;
        let Some(made) = altered else {
            return Ok(None);
        };
        self.publish(name).await;
        Ok(self.store.find(name)?.map(|stored| (stored, made)))
    }

    pub(super) fn log_change(&self, change: &Change<'_>, user: &User, mut detail: Value) -> Result<()> {
        if let (Some(seconds), Some(fields)) = (change.grace_seconds, detail.as_object_mut()) {
            fields.insert("grace_seconds".to_owned(), seconds.into());
        }
        let entry = Entry {
            at: now(),
            actor: Some(change.caller.name()),
            address: change.head.client_address.as_deref(),
            action: change.action,
            user: Some(&user.name),
            detail,
        };
        self.audit_log.add(&entry, self.configured()?.configuration.audit_days)
    }
}

fn or_new(user: Option<User>, name: &UserName) -> User {
    user.unwrap_or_else(|| User::new(name.clone(), now()))
}

/// A user who is there for those who did not create it.
fn known(user: Option<User>) -> Option<User> {
    user.filter(|user| !user.deleted)
}

fn one(stored: &Stored, created: bool) -> Outcome {
    Outcome::User(user_view(&stored.user, stored.published, now()), created)
}

/// Cuts a page to its length, and tells whether there was more.
pub(super) fn cut<T>(page: &mut Vec<T>, limit: u32) -> bool {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = page.len() > wanted;
    page.truncate(wanted);
    is_more
}

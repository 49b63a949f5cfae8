//! Carries out a question: who may ask, one transaction with its entry in the audit log, then the outbox.

use serde_json::Value;
use worker::Result;

use super::Registry;
use super::audit_log::Entry;
use super::caller::Judged;
use super::store::Stored;
use super::transaction::transaction;
use crate::core::credentials::Credentials;
use crate::core::registry::audit::{Action, differences};
use crate::core::registry::message::{
    Answer, AuditQuery, Command, Denial, Generated, ListQuery, Outcome, Question, RequestFacts, user_view,
};
use crate::core::registry::{Randomness, User};
use crate::core::user_name::UserName;
use crate::platform::{now, random};

/// A change on somebody's behalf.
struct Change<'a> {
    judged: &'a Judged,
    request: &'a RequestFacts,
    action: Action,
    name: &'a UserName,
}

impl Registry {
    /// Answers a question. Every change is committed before its answer, and published before it if KV lets it.
    pub(super) async fn answer(&self, question: Question) -> Result<Outcome> {
        let judged = match self.judge(&question)? {
            Ok(judged) => judged,
            Err(denial) => return Ok(Err(denial)),
        };
        let Question { request, command, .. } = question;
        let change = |action, name| Change { judged: &judged, request: &request, action, name };
        match &command {
            Command::Identify => Ok(match judged {
                Judged::User { grant, .. } => Ok(Answer::Identified(grant)),
                Judged::Administrator => Err(Denial::Unauthenticated),
            }),
            Command::Touch => {
                if let Judged::User { digest, .. } = judged {
                    self.store.touch(digest, now())?;
                }
                Ok(Ok(Answer::Touched))
            }
            Command::Authenticate => Ok(Ok(Answer::Authenticated)),
            Command::Report => Ok(Ok(Answer::Report(self.store.outbox_depth()?))),
            Command::List(query) => self.list(query),
            Command::Audit(query) => self.audit(query),
            Command::Show(name) => Ok(match self.store.find(name.folded())? {
                Some(stored) if !stored.user.deleted => Ok(shown(&stored, false)),
                _ => Err(Denial::NoSuchUser),
            }),
            Command::Change(name, settings) => {
                let changed = self.apply(change(Action::Change, name), |before| {
                    let created = before.as_ref().is_none_or(|user| user.deleted);
                    Some((or_new(before, name).change(settings.clone()), created))
                });
                Ok(changed.await?.map(|(stored, created)| shown(&stored, created)).ok_or(Denial::NoSuchUser))
            }
            Command::Generate(name, grace_seconds) => {
                self.generate(change(Action::Generate, name), *grace_seconds).await
            }
            Command::Revoke(name) => {
                let revoked = self.apply(change(Action::Revoke, name), |before| Some((known(before)?.revoke(), ())));
                Ok(revoked.await?.map(|(stored, ())| shown(&stored, false)).ok_or(Denial::NoSuchUser))
            }
            Command::Delete(name) => {
                let deleted = self.apply(change(Action::Delete, name), |before| Some((known(before)?.delete(), ())));
                let answer = |(stored, ()): (Stored, ())| {
                    Answer::Deleted(stored.user.name.as_str().to_owned(), stored.published)
                };
                Ok(deleted.await?.map(answer).ok_or(Denial::NoSuchUser))
            }
        }
    }

    fn list(&self, query: &ListQuery) -> Result<Outcome> {
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.list(query, query.limit.saturating_add(1), now())?;
        let is_more = cut(&mut page, query.limit);
        let next = page.last().filter(|_| is_more).map(|stored| stored.user.name.folded().as_str().to_owned());
        let users = page.iter().map(|stored| user_view(&stored.user, stored.published, now())).collect();
        Ok(Ok(Answer::Users(users, next)))
    }

    fn audit(&self, query: &AuditQuery) -> Result<Outcome> {
        let mut page = self.audit_log.list(query, query.limit.saturating_add(1))?;
        let is_more = cut(&mut page, query.limit);
        let next = page.last().filter(|_| is_more).map(|(number, _)| *number);
        Ok(Ok(Answer::Audit(page.into_iter().map(|(_, entry)| entry).collect(), next)))
    }

    async fn generate(&self, change: Change<'_>, grace_seconds: u32) -> Result<Outcome> {
        let derived_keys = self.derived_keys()?;
        let randomness = Randomness {
            api_key: random().map_err(|error| error.to_string())?,
            api_secret: random().map_err(|error| error.to_string())?,
        };
        let name = change.name;
        let generated = self.apply(change, |before| {
            let user = or_new(before, name);
            Some(user.generate(now(), grace_seconds, &derived_keys.digest_key, randomness))
        });
        let answer = |(stored, credentials): (Stored, Credentials)| {
            Answer::Generated(Generated {
                user: stored.user.name.as_str().to_owned(),
                api_key: credentials.api_key.as_str().to_owned(),
                api_secret: credentials.api_secret.reveal().to_owned(),
                published: stored.published,
            })
        };
        Ok(generated.await?.map(answer).ok_or(Denial::NoSuchUser))
    }

    /// Changes a user and logs it in one transaction, and publishes what follows. Gives back the user as it is then, or
    /// nothing if `alter` found nothing to change.
    async fn apply<T>(
        &self,
        change: Change<'_>,
        alter: impl FnOnce(Option<User>) -> Option<(User, T)>,
    ) -> Result<Option<(Stored, T)>> {
        let name = change.name.folded();
        let altered = transaction(&self.state, || {
            let before = self.store.find(name)?.map(|stored| stored.user);
            let Some((user, made)) = alter(before.clone()) else {
                return Ok(None);
            };
            if before.as_ref() != Some(&user) {
                self.store.save(before.as_ref(), &user)?;
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

    fn log_change(&self, change: &Change<'_>, user: &User, detail: Value) -> Result<()> {
        let entry = Entry {
            at: now(),
            actor: Some(change.judged.actor()),
            address: change.request.address.as_deref(),
            action: change.action,
            user: Some(&user.name),
            detail,
        };
        self.audit_log.add(&entry, self.audit_days())
    }
}

fn or_new(user: Option<User>, name: &UserName) -> User {
    user.unwrap_or_else(|| User::new(name.clone(), now()))
}

/// A user who is there for those who did not create it.
fn known(user: Option<User>) -> Option<User> {
    user.filter(|user| !user.deleted)
}

fn shown(stored: &Stored, created: bool) -> Answer {
    Answer::User(user_view(&stored.user, stored.published, now()), created)
}

/// Cuts a page to its length, and tells whether there was more.
fn cut<T>(page: &mut Vec<T>, limit: u32) -> bool {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = page.len() > wanted;
    page.truncate(wanted);
    is_more
}

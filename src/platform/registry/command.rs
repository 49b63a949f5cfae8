//! Carries out a question: who may ask, one transaction, then the outbox.

use worker::Result;

use super::store::Stored;
use super::transaction::transaction;
use super::{Registry, now};
use crate::core::credentials::Credentials;
use crate::core::digest::Digest;
use crate::core::registry::message::{
    Answer, Caller, Command, Denial, Generated, ListQuery, Outcome, Question, user_view,
};
use crate::core::registry::{Randomness, Settings, User};
use crate::core::role::Role;
use crate::core::user_name::UserName;
use crate::platform::random;

impl Registry {
    /// Answers a question. Every change is committed before its answer, and published before it if KV lets it.
    pub(super) async fn answer(&self, question: Question) -> Result<Outcome> {
        if let Some(denial) = self.judge(&question.caller)? {
            return Ok(Err(denial));
        }
        match question.command {
            Command::Authenticate => Ok(Ok(Answer::Authenticated)),
            Command::Report => Ok(Ok(Answer::Report(self.store.outbox_depth()?))),
            Command::List(query) => self.list(&query),
            Command::Show(name) => Ok(match self.store.find(name.folded())? {
                Some(stored) if !stored.user.deleted => Ok(shown(&stored, false)),
                _ => Err(Denial::NoSuchUser),
            }),
            Command::Change(name, settings) => self.change(&name, settings).await,
            Command::Generate(name) => self.generate(&name).await,
            Command::Revoke(name) => self.revoke(&name).await,
            Command::Delete(name) => self.delete(&name).await,
        }
    }

    /// Judges the caller by the registry itself, so that a revoked administrator is out at once.
    fn judge(&self, caller: &Caller) -> Result<Option<Denial>> {
        let digest = match caller {
            Caller::Administrator => return Ok(None),
            Caller::Credentials(hex) => Digest::from_hex(hex),
        };
        let Some(digest) = digest else {
            return Ok(Some(Denial::Unauthenticated));
        };
        let grant = self.store.find_by_digest(digest)?.and_then(|stored| stored.user.grant(digest));
        Ok(match grant {
            None => Some(Denial::Unauthenticated),
            Some(grant) if !grant.roles.iter().any(Role::is_system_manager) => Some(Denial::Forbidden),
            Some(_) => None,
        })
    }

    fn list(&self, query: &ListQuery) -> Result<Outcome> {
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.list(query, query.limit.saturating_add(1))?;
        let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let more = page.len() > wanted;
        page.truncate(wanted);
        let next = page.last().filter(|_| more).map(|stored| stored.user.name.folded().as_str().to_owned());
        let users = page.iter().map(|stored| user_view(&stored.user, stored.published)).collect();
        Ok(Ok(Answer::Users(users, next)))
    }

    async fn change(&self, name: &UserName, settings: Settings) -> Result<Outcome> {
        let changed = self.apply(name, |before| {
            let created = before.as_ref().is_none_or(|user| user.deleted);
            Some((before.unwrap_or_else(|| User::new(name.clone(), now())).change(settings), created))
        });
        Ok(changed.await?.map(|(stored, created)| shown(&stored, created)).ok_or(Denial::NoSuchUser))
    }

    async fn generate(&self, name: &UserName) -> Result<Outcome> {
        let derived_keys = self.derived_keys()?;
        let randomness = Randomness {
            api_key: random().map_err(|error| error.to_string())?,
            api_secret: random().map_err(|error| error.to_string())?,
        };
        let generated = self.apply(name, |before| {
            let user = before.unwrap_or_else(|| User::new(name.clone(), now()));
            Some(user.generate(now(), &derived_keys.digest_key, randomness))
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

    async fn revoke(&self, name: &UserName) -> Result<Outcome> {
        let revoked = self.apply(name, |before| Some((known(before)?.revoke(), ())));
        Ok(revoked.await?.map(|(stored, ())| shown(&stored, false)).ok_or(Denial::NoSuchUser))
    }

    async fn delete(&self, name: &UserName) -> Result<Outcome> {
        let deleted = self.apply(name, |before| Some((known(before)?.delete(), ())));
        let answer =
            |(stored, ()): (Stored, ())| Answer::Deleted(stored.user.name.as_str().to_owned(), stored.published);
        Ok(deleted.await?.map(answer).ok_or(Denial::NoSuchUser))
    }

    /// Changes a user in one transaction and publishes what follows. Gives back the user as it is then, or nothing
    /// if `change` found nothing to change.
    async fn apply<T>(
        &self,
        name: &UserName,
        change: impl FnOnce(Option<User>) -> Option<(User, T)>,
    ) -> Result<Option<(Stored, T)>> {
        let changed = transaction(&self.state, || {
            let before = self.store.find(name.folded())?.map(|stored| stored.user);
            let Some((user, made)) = change(before.clone()) else {
                return Ok(None);
            };
            self.store.save(before.as_ref(), &user)?;
            Ok(Some(made))
        })?;
        let Some(made) = changed else {
            return Ok(None);
        };
        self.publish(name.folded()).await;
        Ok(self.store.find(name.folded())?.map(|stored| (stored, made)))
    }
}

/// A user who is there for those who did not create it.
fn known(user: Option<User>) -> Option<User> {
    user.filter(|user| !user.deleted)
}

fn shown(stored: &Stored, created: bool) -> Answer {
    Answer::User(user_view(&stored.user, stored.published), created)
}

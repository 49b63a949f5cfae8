//! Carries out a question: who may ask, one transaction, then the outbox.

use worker::Result;

use super::store::Stored;
use super::transaction::transaction;
use super::{Registry, now};
use crate::core::credentials::Credentials;
use crate::core::digest::Digest;
use crate::core::registry::message::{Answer, Caller, Command, Generated, ListQuery, Question, user_view};
use crate::core::registry::{Randomness, Settings, User};
use crate::core::role::Role;
use crate::core::user_name::UserName;
use crate::platform::random;

impl Registry {
    /// Answers a question. Every change is committed before its answer, and published before it if KV lets it.
    pub(super) async fn answer(&self, question: Question) -> Result<Answer> {
        if let Some(refused) = self.refuse(&question.caller)? {
            return Ok(refused);
        }
        match question.command {
            Command::Authenticate => Ok(Answer::Authenticated),
            Command::Report => Ok(Answer::Report(self.store.outbox_depth()?)),
            Command::List(query) => self.list(&query),
            Command::Show(name) => Ok(match self.store.find(name.folded())? {
                Some(stored) if !stored.user.deleted => shown(&stored, false),
                _ => Answer::NoSuchUser,
            }),
            Command::Change(name, settings) => self.change(&name, settings).await,
            Command::Generate(name) => self.generate(&name).await,
            Command::Revoke(name) => self.revoke(&name).await,
            Command::Delete(name) => self.delete(&name).await,
        }
    }

    /// Judges the caller by the registry itself, so that a revoked administrator is out at once.
    fn refuse(&self, caller: &Caller) -> Result<Option<Answer>> {
        let digest = match caller {
            Caller::Administrator => return Ok(None),
            Caller::Credentials(hex) => Digest::from_hex(hex),
        };
        let Some(digest) = digest else {
            return Ok(Some(Answer::Unauthenticated));
        };
        let grant = self.store.find_by_digest(digest)?.and_then(|stored| stored.user.grant(digest));
        Ok(match grant {
            None => Some(Answer::Unauthenticated),
            Some(grant) if !grant.roles.iter().any(Role::is_system_manager) => Some(Answer::Forbidden),
            Some(_) => None,
        })
    }

    fn list(&self, query: &ListQuery) -> Result<Answer> {
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.list(query, query.limit.saturating_add(1))?;
        let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let more = page.len() > wanted;
        page.truncate(wanted);
        let next = page.last().filter(|_| more).map(|stored| stored.user.name.folded().as_str().to_owned());
        let users = page.iter().map(|stored| user_view(&stored.user, stored.published)).collect();
        Ok(Answer::Users(users, next))
    }

    async fn change(&self, name: &UserName, settings: Settings) -> Result<Answer> {
        let created = transaction(&self.state, || {
            let before = self.store.find(name.folded())?.map(|stored| stored.user);
            let user = before.clone().unwrap_or_else(|| User::new(name.clone(), now())).change(settings);
            self.store.save(before.as_ref(), &user)?;
            Ok(before.is_none_or(|user| user.deleted))
        })?;
        self.publish(name.folded()).await?;
        Ok(match self.store.find(name.folded())? {
            Some(stored) => shown(&stored, created),
            None => Answer::NoSuchUser,
        })
    }

    async fn generate(&self, name: &UserName) -> Result<Answer> {
        let keys = self.keys()?;
        let randomness = Randomness {
            api_key: random().map_err(|error| error.to_string())?,
            api_secret: random().map_err(|error| error.to_string())?,
        };
        let (user, credentials): (User, Credentials) = transaction(&self.state, || {
            let before = self.store.find(name.folded())?.map(|stored| stored.user);
            let user = before.clone().unwrap_or_else(|| User::new(name.clone(), now()));
            let (user, credentials) = user.generate(now(), &keys.digest_key, randomness);
            self.store.save(before.as_ref(), &user)?;
            Ok((user, credentials))
        })?;
        self.publish(name.folded()).await?;
        let published = self.store.find(name.folded())?.is_some_and(|stored| stored.published);
        Ok(Answer::Generated(Generated {
            user: user.name.as_str().to_owned(),
            api_key: credentials.api_key.as_str().to_owned(),
            api_secret: credentials.api_secret.reveal().to_owned(),
            published,
        }))
    }

    async fn revoke(&self, name: &UserName) -> Result<Answer> {
        if !self.replace(name, User::revoke)? {
            return Ok(Answer::NoSuchUser);
        }
        self.publish(name.folded()).await?;
        Ok(self.store.find(name.folded())?.map_or(Answer::NoSuchUser, |stored| shown(&stored, false)))
    }

    async fn delete(&self, name: &UserName) -> Result<Answer> {
        if !self.replace(name, User::delete)? {
            return Ok(Answer::NoSuchUser);
        }
        self.publish(name.folded()).await?;
        Ok(self.store.find(name.folded())?.map_or(Answer::NoSuchUser, |stored| {
            Answer::Deleted(stored.user.name.as_str().to_owned(), stored.published)
        }))
    }

    /// Changes a user that is there and not deleted; tells whether there was one.
    fn replace(&self, name: &UserName, change: impl FnOnce(User) -> User) -> Result<bool> {
        transaction(&self.state, || match self.store.find(name.folded())? {
            Some(Stored { user: before, .. }) if !before.deleted => {
                self.store.save(Some(&before), &change(before.clone()))?;
                Ok(true)
            }
            _ => Ok(false),
        })
    }
}

fn shown(stored: &Stored, created: bool) -> Answer {
    Answer::User(user_view(&stored.user, stored.published), created)
}

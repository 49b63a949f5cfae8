//! What a registry should do, in as few words as possible, and none of its code.

use std::time::{SystemTime, UNIX_EPOCH};

use gatehouse::core::credentials;
use gatehouse::core::digest::{Digest, DigestKey};
use gatehouse::core::grant::SealKey;
use gatehouse::core::pepper::Pepper;
use gatehouse::core::unix_time::UnixSeconds;
use serde_json::{Value, json};

use super::Settings;
use crate::harness::PEPPER;

/// A time that lies between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    pub from: i64,
    pub to: i64,
}

pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub api_key: String,
    pub api_secret: String,
}

impl Credentials {
    pub fn token(&self) -> String {
        format!("token {}:{}", self.api_key, self.api_secret)
    }

    fn digest(&self) -> Digest {
        let pair = credentials::Credentials::parse(&format!("{}:{}", self.api_key, self.api_secret)).unwrap();
        DigestKey::new(&Pepper::parse(PEPPER).unwrap()).digest(&pair)
    }

    pub fn kv_name(&self) -> String {
        self.digest().kv_name()
    }

    /// The grant in an entry of KV.
    pub fn open(&self, entry: &str) -> Value {
        let seal_key = SealKey::new(&Pepper::parse(PEPPER).unwrap());
        seal_key.open(self.digest(), entry).unwrap().grant().to_json()
    }
}

/// The settings as a request says them.
pub fn body(settings: &Settings, now: i64) -> Value {
    let mut body = json!({});
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    set("enabled", settings.enabled.map(Value::from));
    set("strict", settings.strict.map(Value::from));
    set("roles", settings.role.map(|role| json!([role])));
    // One that lets the test ask who is logged in.
    set("rules", settings.rule.map(|is_limited| if is_limited { json!(["GET /api/**"]) } else { json!([]) }));
    let end = |seconds: i64| Value::from(UnixSeconds(now + seconds).rfc3339());
    set("not_after", settings.not_after.map(|seconds| seconds.map_or(Value::Null, end)));
    body
}

/// A user whom the registry has heard of.
#[derive(Debug, Clone, Default)]
pub struct User {
    pub api_key: Option<String>,
    /// Those that were not ended, each with the end of its grace.
    secrets: Vec<(Credentials, Option<Time>)>,
    settings: Value,
    is_deleted: bool,
}

pub struct Model {
    pub names: Vec<String>,
    users: Vec<Option<User>>,
    /// All credentials that ever worked, and whose they are.
    pub minted: Vec<(Credentials, usize)>,
}

impl Model {
    pub fn new(names: Vec<String>) -> Self {
        let users = names.iter().map(|_| None).collect();
        Self { names, users, minted: Vec::new() }
    }

    /// A user whom anybody is told of.
    pub fn shown(&self, user: usize) -> Option<&User> {
        self.users[user].as_ref().filter(|user| !user.is_deleted)
    }

    pub fn generate(&mut self, user: usize, made: &Credentials, at: Time, grace_seconds: u32) {
        let others = self.users.iter().enumerate().filter(|(other, _)| *other != user);
        assert!(others.flat_map(|(_, other)| other).all(|other| other.api_key.as_ref() != Some(&made.api_key)));
        let known = self.users[user].get_or_insert_default();
        assert!(known.api_key.as_ref().is_none_or(|api_key| *api_key == made.api_key), "one api_key for ever");
        known.api_key = Some(made.api_key.clone());
        let grace = Time { from: at.from + i64::from(grace_seconds), to: at.to + i64::from(grace_seconds) };
        known.secrets.retain(|(_, end)| end.is_none() && grace_seconds > 0);
        known.secrets.iter_mut().for_each(|(_, end)| *end = Some(grace));
        known.secrets.push((made.clone(), None));
        known.is_deleted = false;
        self.minted.push((made.clone(), user));
    }

    /// Tells whether there was anybody.
    pub fn revoke(&mut self, user: usize) -> bool {
        let known = self.users[user].as_mut().filter(|user| !user.is_deleted);
        known.map(|user| user.secrets.clear()).is_some()
    }

    pub fn delete(&mut self, user: usize) -> bool {
        let was_there = self.revoke(user);
        if let Some(known) = self.users[user].as_mut().filter(|_| was_there) {
            *known = User { api_key: known.api_key.take(), is_deleted: true, ..User::default() };
        }
        was_there
    }

    /// Tells whether that made the user.
    pub fn change(&mut self, user: usize, settings: &Value) -> bool {
        let is_new = self.shown(user).is_none();
        let known = self.users[user].get_or_insert_default();
        known.is_deleted = false;
        known.set(settings);
        is_new
    }

    /// Tells whether the row was taken.
    pub fn import(&mut self, user: usize, credentials: &Credentials, settings: &Value) -> bool {
        let has_it = |other: &User| other.api_key.as_ref() == Some(&credentials.api_key);
        let is_anothers =
            self.users.iter().enumerate().any(|(other, known)| other != user && known.as_ref().is_some_and(has_it));
        let known = self.users[user].as_ref();
        let fits = known.is_none_or(|known| match &known.api_key {
            _ if known.is_deleted => false,
            None => true,
            Some(api_key) => {
                *api_key == credentials.api_key && known.secrets.iter().any(|(secret, _)| secret == credentials)
            }
        });
        if is_anothers || !fits {
            return false;
        }
        let known = self.users[user].get_or_insert_default();
        if known.api_key.is_none() {
            known.api_key = Some(credentials.api_key.clone());
            known.secrets = vec![(credentials.clone(), None)];
            self.minted.push((credentials.clone(), user));
        }
        known.set(settings);
        true
    }

    /// The grant that KV should hold, and between which times it ends.
    fn grant(&self, user: usize, credentials: &Credentials) -> Option<(Value, Option<Time>)> {
        let known = self.shown(user)?;
        let (_, grace) = known.secrets.iter().find(|(secret, _)| secret == credentials)?;
        let setting =
            |name: &str| known.settings.get(name).cloned().filter(|value| *value != json!([]) && !value.is_null());
        if setting("enabled") == Some(json!(false)) {
            return None;
        }
        let not_after = setting("not_after").map(|end| UnixSeconds::parse_rfc3339(end.as_str().unwrap()).unwrap().0);
        let end = match (grace, not_after) {
            (None, None) => None,
            (None, Some(end)) => Some(Time { from: end, to: end }),
            (Some(grace), end) => {
                let end = end.unwrap_or(i64::MAX);
                Some(Time { from: grace.from.min(end), to: grace.to.min(end) })
            }
        };
        let mut grant = json!({ "user": self.names[user], "api_key": credentials.api_key });
        if setting("strict") == Some(json!(true)) {
            grant["strict"] = true.into();
            return Some((grant, end));
        }
        for name in ["roles", "rules"] {
            if let Some(value) = setting(name) {
                grant[name] = value;
            }
        }
        Some((grant, end))
    }

    /// Holds what KV has under a name against what it should have.
    pub fn check_grant(&self, user: usize, credentials: &Credentials, found: Option<&Value>) {
        let expected = self.grant(user, credentials);
        let mut found = found.cloned();
        let end =
            found.as_mut().and_then(|grant| grant.as_object_mut()?.remove("expires_at")).and_then(|end| end.as_i64());
        let is_strict = expected.as_ref().is_some_and(|(grant, _)| grant.get("strict").is_some());
        let (grant, ends) = expected.map_or((None, None), |(grant, end)| (Some(grant), end.filter(|_| !is_strict)));
        assert_eq!(found, grant, "{credentials:?}");
        if grant.is_some() {
            let fits = match (end, ends) {
                (None, None) => true,
                (Some(end), Some(ends)) => (ends.from..=ends.to).contains(&end),
                (None, Some(_)) | (Some(_), None) => false,
            };
            assert!(fits, "{credentials:?} ends at {end:?} instead of {ends:?}");
        }
    }

    /// Whether credentials should let somebody in; nothing, where that is ending just now.
    pub fn works(&self, user: usize, credentials: &Credentials) -> Option<bool> {
        match self.grant(user, credentials) {
            None => Some(false),
            Some((_, None)) => Some(true),
            Some((_, Some(end))) if now() + 1 < end.from => Some(true),
            Some((_, Some(end))) if end.to + 1 < now() => Some(false),
            Some((_, Some(_))) => None,
        }
    }
}

impl User {
    fn set(&mut self, settings: &Value) {
        for (name, value) in settings.as_object().unwrap() {
            self.settings[name] = value.clone();
        }
    }
}

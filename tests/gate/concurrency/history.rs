//! What happened, in the order that the audit log tells, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatehouse::core::unix_time::UnixSeconds;
use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Gate, Keys};
use crate::registry_model::model::Credentials;

/// From when a request was sent until it was answered, since the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub sent: Duration,
    pub answered: Duration,
}

#[derive(Debug, Clone)]
pub enum Action {
    Generate { keys: Keys, grace_seconds: u32 },
    Revoke,
}

/// A change that was acknowledged.
#[derive(Debug, Clone)]
pub struct Change {
    pub user: String,
    pub action: Action,
    pub address: String,
    pub span: Span,
    pub published: bool,
}

/// An attempt to use a secret.
#[derive(Debug)]
pub struct Use {
    pub keys: Keys,
    pub span: Span,
    pub is_admitted: bool,
}

/// A change of keys in the audit log.
pub struct Entry {
    address: String,
    action: String,
    user: String,
    at: i64,
    grace_seconds: Value,
}

impl Entry {
    pub fn of(entry: &Value) -> Self {
        let text = |name: &str| entry[name].as_str().unwrap_or_else(|| panic!("no {name}: {entry}")).to_owned();
        Self {
            address: text("address"),
            action: text("action"),
            user: text("user"),
            at: UnixSeconds::parse_rfc3339(&text("at")).unwrap().0,
            grace_seconds: entry["detail"]["grace_seconds"].clone(),
        }
    }
}

/// How many uses had to be admitted, had to be refused, or came while that changed.
#[derive(Debug)]
pub struct Checked {
    pub generated: usize,
    pub revoked: usize,
    pub admitted: usize,
    pub refused: usize,
    pub undecided: usize,
}

/// A change with the second in which the registry took it.
struct Taken {
    change: Change,
    at: i64,
    /// When somebody was told that KV has it.
    known_published: Option<Duration>,
}

/// The life of a secret, by the places of changes in its user's list.
struct Life<'a> {
    user: &'a str,
    generated: usize,
    ended: Option<usize>,
    /// The end of its grace.
    expires_at: Option<i64>,
}

pub struct History {
    began_at: SystemTime,
    /// The changes of each user, in order; those that changed nothing are not among them.
    users: BTreeMap<String, Vec<Taken>>,
}

impl History {
    /// Holds the audit log against what was acknowledged: one entry for each change, and no other.
    pub fn new(began_at: SystemTime, changes: Vec<Change>, entries: Vec<Entry>) -> Self {
        let mut waiting: BTreeMap<_, _> = changes.into_iter().map(|change| (change.address.clone(), change)).collect();
        let mut users: BTreeMap<String, Vec<Taken>> = BTreeMap::new();
        for entry in entries {
            let change = waiting.remove(&entry.address).expect("an entry for each acknowledged change, and no other");
            let expected = match &change.action {
                Action::Generate { grace_seconds, .. } => ("generate", json!(grace_seconds)),
                Action::Revoke => ("revoke", Value::Null),
            };
            assert_eq!(
                (entry.action.as_str(), entry.grace_seconds, entry.user),
                (expected.0, expected.1, change.user.clone())
            );
            users.entry(change.user.clone()).or_default().push(Taken { change, at: entry.at, known_published: None });
        }
        let mut history = Self { began_at, users };
        for taken in history.users.values_mut() {
            tell_published(taken);
        }
        history.check_order();
        for change in waiting.values() {
            assert!(matches!(change.action, Action::Revoke), "not in the audit log: {change:?}");
            history.check_idle_revocation(change);
        }
        history
    }

    /// No change stands behind one that was sent after it had been answered; and a user has one api_key for ever.
    fn check_order(&self) {
        let mut owners = BTreeMap::new();
        for (user, taken) in &self.users {
            let mut latest = Duration::ZERO;
            for Taken { change, .. } in taken {
                assert!(latest <= change.span.answered, "before its time: {change:?}");
                latest = latest.max(change.span.sent);
                if let Action::Generate { keys, .. } = &change.action {
                    let owner = owners.entry(keys.api_key.clone()).or_insert(user);
                    assert_eq!(*owner, user, "one api_key, two users");
                }
            }
        }
        assert_eq!(owners.values().collect::<BTreeSet<_>>().len(), owners.len(), "one user, two api_keys");
    }

    /// A revocation that the log leaves out found nothing to revoke: nobody had generated yet, or somebody else had revoked.
    fn check_idle_revocation(&self, idle: &Change) {
        let taken = self.users.get(&idle.user).map_or(&[][..], Vec::as_slice);
        let is_possible = (0..=taken.len()).any(|place| {
            let before = place.checked_sub(1).map(|place| &taken[place].change);
            let is_empty = before.is_none_or(|before| matches!(before.action, Action::Revoke));
            is_empty
                && before.is_none_or(|before| before.span.sent <= idle.span.answered)
                && taken.get(place).is_none_or(|after| idle.span.sent <= after.change.span.answered)
        });
        assert!(is_possible, "there was something to revoke: {idle:?}");
    }

    /// The lives of all secrets, by api_secret.
    fn lives(&self) -> BTreeMap<&str, Life<'_>> {
        let mut lives: BTreeMap<&str, Life<'_>> = BTreeMap::new();
        for (user, taken) in &self.users {
            // The newest first, then the one in its grace.
            let mut live: Vec<&str> = Vec::new();
            for (place, Taken { change, at, .. }) in taken.iter().enumerate() {
                let kept = match &change.action {
                    Action::Generate { grace_seconds: 1.., .. } => 1,
                    Action::Generate { grace_seconds: 0, .. } | Action::Revoke => 0,
                };
                for ended in live.drain(kept.min(live.len())..) {
                    lives.get_mut(ended).unwrap().ended = Some(place);
                }
                if let Action::Generate { keys, grace_seconds } = &change.action {
                    for old in &live {
                        lives.get_mut(old).unwrap().expires_at = Some(at + i64::from(*grace_seconds));
                    }
                    live.insert(0, &keys.api_secret);
                    lives.insert(&keys.api_secret, Life { user, generated: place, ended: None, expires_at: None });
                }
            }
        }
        lives
    }

    /// Holds each use against the rules that were in force from its beginning to its end.
    pub fn check_uses(&self, uses: &[Use]) -> Checked {
        let lives = self.lives();
        let all = || self.users.values().flatten();
        let revoked = all().filter(|taken| matches!(taken.change.action, Action::Revoke)).count();
        let mut checked = Checked { generated: lives.len(), revoked, admitted: 0, refused: 0, undecided: 0 };
        for used in uses {
            let life = &lives[used.keys.api_secret.as_str()];
            let taken = &self.users[life.user];
            let (sent, answered) = (used.span.sent, used.span.answered);
            let is_over =
                life.ended.is_some_and(|ended| taken[ended].known_published.is_some_and(|known| known <= sent))
                    || life.expires_at.is_some_and(|end| self.since_beginning(end) <= sent);
            let is_there = taken[life.generated].known_published.is_some_and(|known| known <= sent)
                && life.ended.is_none_or(|ended| answered <= taken[ended].change.span.sent)
                && life.expires_at.is_none_or(|end| answered < self.since_beginning(end));
            match (is_there, is_over) {
                (true, false) => checked.admitted += 1,
                (false, true) => checked.refused += 1,
                (false, false) => checked.undecided += 1,
                (true, true) => unreachable!("{used:?}"),
            }
            assert!(!is_there || used.is_admitted, "refused while it was valid: {used:?}");
            assert!(!is_over || !used.is_admitted, "admitted after its end: {used:?}");
        }
        checked
    }

    /// Holds what the registry says of a user against the history.
    pub fn check_user(&self, gate: &Gate, user: &str) {
        let view = gate.user(user);
        let last = &self.users[user].last().unwrap().change;
        let status = if matches!(last.action, Action::Revoke) { "revoked" } else { "active" };
        assert_eq!((&view["status"], &view["published"]), (&json!(status), &json!(true)));
        let lives = self.lives();
        let live = lives.values().filter(|life| life.user == user && life.ended.is_none());
        let [lasting, in_grace] = [false, true]
            .map(|is_in_grace| live.clone().filter(|life| life.expires_at.is_some() == is_in_grace).count() as u64);
        let secrets = view["secrets"].as_u64().unwrap();
        assert!((lasting..=lasting + in_grace).contains(&secrets), "{view}");
        assert_eq!(
            gate.get(&format!("/_gatehouse/audit?user={user}&limit=1"), ADMINISTRATOR).json()["entries"][0]["action"],
            match last.action {
                Action::Generate { .. } => "generate",
                Action::Revoke => "revoke",
            }
        );
    }

    /// KV holds the grants of live secrets and nothing else. One whose grace is over may still be there: KV keeps an entry
    /// for a minute at least, and its grant says when it ends.
    pub fn check_kv(&self, gate: &Gate, role: impl Fn(&str) -> String) {
        let names = gate.kv_names();
        let mut left: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        for (secret, life) in self.lives() {
            let taken = &self.users[life.user];
            let Action::Generate { keys, .. } = &taken[life.generated].change.action else { unreachable!() };
            let credentials = Credentials { api_key: keys.api_key.clone(), api_secret: secret.to_owned() };
            let kv_name = credentials.kv_name();
            let is_there = left.remove(kv_name.as_str());
            if life.ended.is_some() {
                assert!(!is_there, "KV still has {credentials:?}");
                continue;
            }
            let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
            if is_there {
                let mut expected = json!({ "user": life.user, "api_key": keys.api_key, "roles": [role(life.user)] });
                if let Some(end) = life.expires_at {
                    expected["expires_at"] = end.into();
                }
                assert_eq!(credentials.open(&gate.kv_get(&kv_name).unwrap()), expected);
            } else {
                assert!(life.expires_at.is_some_and(|end| end <= now), "KV lacks {credentials:?}");
            }
            let admitted = gate.logged_user(&credentials.token());
            assert_eq!(admitted.is_some(), life.expires_at.is_none_or(|end| now < end), "{credentials:?}");
        }
        assert_eq!(left, BTreeSet::new(), "KV has what nobody was told of");
    }

    fn since_beginning(&self, unix_seconds: i64) -> Duration {
        let at = UNIX_EPOCH + Duration::from_secs(unix_seconds.try_into().unwrap());
        at.duration_since(self.began_at).unwrap_or_default()
    }
}

/// Whoever is told that a user's changes are published is told so of all before.
fn tell_published(taken: &mut [Taken]) {
    let mut known: Option<Duration> = None;
    for taken in taken.iter_mut().rev() {
        let told = Some(taken.change.span.answered).filter(|_| taken.change.published);
        known = known.into_iter().chain(told).min();
        taken.known_published = known;
    }
}

//! Adoption: what the isolate knows of credentials that the origin vouches for, or does not.
//!
//! Guarantees that an adopted principal has no role, that it lasts a quarter of an hour at the most, and that a failing
//! origin is never taken for one that refuses.

use std::num::NonZeroUsize;
use std::rc::Rc;

use super::credentials::ApiKey;
use super::digest::Digest;
use super::grant::{Grant, OpenedGrant};
use super::grant_cache::GrantCache;
use super::unix_time::UnixSeconds;
use super::user_name::{Fold, UserName};
use super::windows::Windows;

/// How long an adopted grant is good for, in seconds.
pub const LIFETIME_SECONDS: u32 = 900;
/// How long the isolate keeps one by itself, in seconds: as long as KV may go on saying that there is none.
const KEPT_SECONDS: u32 = 60;
/// How long a refusal is remembered, in milliseconds: somebody may just be mending it.
const REFUSED_MS: f64 = 5_000.0;
/// How long an origin that failed is left alone, in milliseconds.
const FAILED_MS: f64 = 1_000.0;
/// How long others wait for a question that is being asked, in milliseconds, before they ask themselves.
pub const ASKING_MS: f64 = 12_000.0;
/// How many credentials are remembered of each kind.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// Under which an origin's failure is noted: there is one origin.
const ORIGIN: u128 = 0;

/// What is known of credentials that neither KV nor the registry has.
pub enum Known {
    /// The origin vouched for them a moment ago.
    Adopted(Rc<OpenedGrant>),
    /// The origin refused them a moment ago.
    Refused,
    /// The origin failed a moment ago, whoever it was asked about.
    OriginFailed,
    /// Another request is asking about them.
    BeingAsked,
    /// Nothing.
    Nothing,
}

/// What the isolate remembers.
pub struct Adoptions {
    adopted: GrantCache,
    refused: Windows,
    failed: Windows,
    asking: Windows,
}

impl Default for Adoptions {
    fn default() -> Self {
        Self {
            adopted: GrantCache::new(KEPT_SECONDS),
            refused: Windows::new(REFUSED_MS, CAPACITY),
            failed: Windows::new(FAILED_MS, NonZeroUsize::MIN),
            asking: Windows::new(ASKING_MS, CAPACITY),
        }
    }
}

impl Adoptions {
    /// What is known of credentials.
    pub fn find(&mut self, digest: Digest, now_ms: f64) -> Known {
        if let Some(grant) = self.adopted.find(digest, now_ms) {
            Known::Adopted(grant)
        } else if self.refused.open(digest.number(), now_ms).is_some() {
            Known::Refused
        } else if self.asking.open(digest.number(), now_ms).is_some() {
            Known::BeingAsked
        } else if self.failed.open(ORIGIN, now_ms).is_some() {
            Known::OriginFailed
        } else {
            Known::Nothing
        }
    }

    /// The origin is being asked.
    pub fn ask(&mut self, digest: Digest, now_ms: f64) {
        self.asking.note(digest.number(), now_ms);
    }

    /// The origin vouched for them.
    pub fn adopt(&mut self, digest: Digest, grant: Rc<OpenedGrant>, now_ms: f64) {
        self.adopted.put(digest, grant, now_ms);
        self.asking.forget(digest.number());
    }

    /// The origin or the registry refused them.
    pub fn refuse(&mut self, digest: Digest, now_ms: f64) {
        self.refused.note(digest.number(), now_ms);
        self.asking.forget(digest.number());
    }

    /// Nobody could tell.
    pub fn give_up(&mut self, digest: Digest) {
        self.asking.forget(digest.number());
    }

    /// The origin failed.
    pub fn fail(&mut self, digest: Digest, now_ms: f64) {
        self.failed.note(ORIGIN, now_ms);
        self.asking.forget(digest.number());
    }
}

/// The grant for credentials that the origin says are a user's; none for users that nobody may be.
#[must_use]
pub fn adopted_grant(api_key: &ApiKey, user: &str, fold: Fold, now: UnixSeconds) -> Option<Grant> {
    let user = UserName::parse(user, fold).ok()?;
    Some(Grant {
        user: user.as_str().to_owned(),
        api_key: api_key.clone(),
        roles: Vec::new(),
        expires_at: Some(now.plus(LIFETIME_SECONDS)),
        allowed_ips: Vec::new(),
        rules: Vec::new(),
        strict: false,
        adopted: true,
    })
}

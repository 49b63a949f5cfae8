//! Adoption: what the isolate knows of credentials that the origin vouches for, or does not.
//!
//! Guarantees that an adopted principal has no role, that it lasts a quarter of an hour at the most, and that a failing
//! origin is never taken for one that refuses.

use std::num::NonZeroUsize;
use std::rc::Rc;

use super::client_address::network;
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
/// How long an origin that failed is left alone, in milliseconds; and so are credentials about which it said nothing clear.
const FAILED_MS: f64 = 1_000.0;
/// How many questions may be open at a time, and how many for one client's address: what a limit on failures counts is known
/// only afterwards.
const QUESTIONS_MAX: usize = 64;
const QUESTIONS_OF_ADDRESS_MAX: usize = 8;
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
    /// The origin failed a moment ago, or said nothing clear about these.
    OriginFailed,
    /// Too many others are being asked about.
    Busy,
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
    questions: Vec<Question>,
}

/// A question that is being asked.
struct Question {
    digest: Digest,
    network: u128,
    asked_ms: f64,
}

impl Default for Adoptions {
    fn default() -> Self {
        Self {
            adopted: GrantCache::new(KEPT_SECONDS),
            refused: Windows::new(REFUSED_MS, CAPACITY),
            failed: Windows::new(FAILED_MS, CAPACITY),
            questions: Vec::new(),
        }
    }
}

impl Adoptions {
    /// What is known of credentials that came from an address.
    pub fn find(&mut self, digest: Digest, address: Option<&str>, now_ms: f64) -> Known {
        self.questions.retain(|question| (0.0..ASKING_MS).contains(&(now_ms - question.asked_ms)));
        let network = network(address);
        let of_address = self.questions.iter().filter(|question| question.network == network).count();
        if let Some(grant) = self.adopted.find(digest, now_ms) {
            Known::Adopted(grant)
        } else if self.refused.open(digest.number(), now_ms).is_some() {
            Known::Refused
        } else if self.questions.iter().any(|question| question.digest == digest) {
            Known::BeingAsked
        } else if self.failed.open(ORIGIN, now_ms).is_some() || self.failed.open(digest.number(), now_ms).is_some() {
            Known::OriginFailed
        } else if self.questions.len() >= QUESTIONS_MAX || of_address >= QUESTIONS_OF_ADDRESS_MAX {
            Known::Busy
        } else {
            Known::Nothing
        }
    }

    /// The origin is being asked, for a client at an address.
    pub fn ask(&mut self, digest: Digest, address: Option<&str>, now_ms: f64) {
        self.questions.push(Question { digest, network: network(address), asked_ms: now_ms });
    }

    /// The origin vouched for them.
    pub fn adopt(&mut self, digest: Digest, grant: Rc<OpenedGrant>, now_ms: f64) {
        self.adopted.put(digest, grant, now_ms);
        self.give_up(digest);
    }

    /// The origin or the registry refused them.
    pub fn refuse(&mut self, digest: Digest, now_ms: f64) {
        self.refused.note(digest.number(), now_ms);
        self.give_up(digest);
    }

    /// Nobody could tell.
    pub fn give_up(&mut self, digest: Digest) {
        self.questions.retain(|question| question.digest != digest);
    }

    /// The origin failed, whoever it was asked about.
    pub fn fail(&mut self, digest: Digest, now_ms: f64) {
        self.failed.note(ORIGIN, now_ms);
        self.give_up(digest);
    }

    /// The origin said something that is neither.
    pub fn wonder(&mut self, digest: Digest, now_ms: f64) {
        self.failed.note(digest.number(), now_ms);
        self.give_up(digest);
    }
}

/// Whether credentials can be the origin's at all. A database finds an api_key in any case, so one spelling has to do; those
/// that Frappe makes have no capitals.
#[must_use]
pub fn is_adoptable(api_key: &ApiKey) -> bool {
    !api_key.as_str().bytes().any(|byte| byte.is_ascii_uppercase())
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

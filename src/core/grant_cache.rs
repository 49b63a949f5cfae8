//! What the isolate remembers of KV: opened grants, for a few seconds, never misses.

use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;

use super::digest::Digest;
use super::grant::OpenedGrant;

/// How many grants are kept, the least recently used going first: about a megabyte of an isolate's 128, and 40 if every
/// user has as many rules as a user may have.
pub const CAPACITY: NonZeroUsize = NonZeroUsize::new(2048).unwrap();

/// Opened grants by digest.
pub struct GrantCache {
    time_to_live_ms: f64,
    entries: LruCache<Digest, (Rc<OpenedGrant>, f64)>,
}

impl GrantCache {
    /// A cache whose entries are good for so many seconds; 0 keeps nothing.
    #[must_use]
    pub fn new(time_to_live_seconds: u32) -> Self {
        Self { time_to_live_ms: f64::from(time_to_live_seconds) * 1000.0, entries: LruCache::new(CAPACITY) }
    }

    /// The grant, if it was put in less than the time to live ago. A clock that went backwards counts as a miss.
    pub fn find(&mut self, digest: Digest, now_ms: f64) -> Option<Rc<OpenedGrant>> {
        let (grant, put_ms) = self.entries.get(&digest)?;
        let age_ms = now_ms - put_ms;
        if (0.0..self.time_to_live_ms).contains(&age_ms) {
            return Some(Rc::clone(grant));
        }
        self.entries.pop(&digest);
        None
    }

    /// Remembers a grant that was just read.
    pub fn put(&mut self, digest: Digest, grant: Rc<OpenedGrant>, now_ms: f64) {
        if self.time_to_live_ms > 0.0 {
            self.entries.put(digest, (grant, now_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::credentials::Credentials;
    use crate::core::digest::DigestKey;
    use crate::core::grant::{Grant, SealKey};
    use crate::core::pepper::Pepper;

    fn opened(number: usize) -> (Digest, Rc<OpenedGrant>) {
        let pepper = Pepper::parse("0123456789abcdef0123456789abcdef").unwrap();
        let credentials = Credentials::parse(&format!("k{number}:s")).unwrap();
        let digest = DigestKey::new(&pepper).digest(&credentials);
        let grant = Grant {
            user: "alice".to_owned(),
            api_key: credentials.api_key,
            roles: Vec::new(),
            expires_at: None,
            allowed_ips: Vec::new(),
            rules: Vec::new(),
            strict: false,
            adopted: false,
        };
        let seal_key = SealKey::new(&pepper);
        (digest, Rc::new(seal_key.open(digest, &seal_key.seal(digest, &grant)).unwrap()))
    }

    #[test]
    fn keeps_a_grant_for_its_time_and_no_longer() {
        let (digest, grant) = opened(0);
        let mut cache = GrantCache::new(5);
        assert!(cache.find(digest, 0.0).is_none());
        cache.put(digest, grant, 1000.0);
        assert!(cache.find(digest, 5999.0).is_some());
        assert!(cache.find(digest, 6000.0).is_none());
        assert!(cache.find(digest, 1000.0).is_none(), "an expired entry is gone");
    }

    #[test]
    fn a_clock_that_goes_backwards_is_a_miss() {
        let (digest, grant) = opened(0);
        let mut cache = GrantCache::new(5);
        cache.put(digest, grant, 1000.0);
        assert!(cache.find(digest, 999.0).is_none());
    }

    #[test]
    fn zero_seconds_keep_nothing() {
        let (digest, grant) = opened(0);
        let mut cache = GrantCache::new(0);
        cache.put(digest, grant, 0.0);
        assert!(cache.find(digest, 0.0).is_none());
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = GrantCache::new(5);
        for number in 0..=CAPACITY.get() {
            let (digest, grant) = opened(number);
            cache.put(digest, grant, 0.0);
        }
        assert!(cache.find(opened(0).0, 0.0).is_none());
        assert!(cache.find(opened(1).0, 0.0).is_some());
    }
}

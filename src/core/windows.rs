//! What happened lately, by key: when it began, and how often it has happened since.

use std::num::NonZeroUsize;

use lru::LruCache;

/// Counts in windows of time, each of which begins with the first event behind the last one.
pub struct Windows {
    length_ms: f64,
    entries: LruCache<u128, (f64, u32)>,
}

impl Windows {
    /// Windows of a length, for so many keys; the least recently used are forgotten.
    #[must_use]
    pub fn new(length_ms: f64, capacity: NonZeroUsize) -> Self {
        Self { length_ms, entries: LruCache::new(capacity) }
    }

    /// When the key's window began and how often it was noted, if its window is open. A clock that went backwards closes it.
    pub fn open(&mut self, key: u128, now_ms: f64) -> Option<(f64, u32)> {
        self.entries.get(&key).copied().filter(|(start_ms, _)| (0.0..self.length_ms).contains(&(now_ms - start_ms)))
    }

    /// Begins a window as if it had happened so often.
    pub fn begin(&mut self, key: u128, now_ms: f64, count: u32) {
        self.entries.put(key, (now_ms, count));
    }

    /// Forgets a key.
    pub fn forget(&mut self, key: u128) {
        self.entries.pop(&key);
    }

    /// Notes that it happened.
    pub fn note(&mut self, key: u128, now_ms: f64) {
        let (start_ms, count) = self.open(key, now_ms).unwrap_or((now_ms, 0));
        self.entries.put(key, (start_ms, count.saturating_add(1)));
    }
}

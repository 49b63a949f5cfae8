//! Which credentials the isolate has told the registry about lately.

use std::num::NonZeroUsize;

use super::digest::Digest;
use super::windows::Windows;

/// How often an isolate tells that the same credentials are in use, in milliseconds: every 10 minutes.
pub const INTERVAL_MS: f64 = 600_000.0;
/// How many credentials are remembered; a forgotten one is told once more.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(8192).unwrap();

/// When each of the credentials was last told about.
pub struct Usage(Windows);

impl Default for Usage {
    fn default() -> Self {
        Self(Windows::new(INTERVAL_MS, CAPACITY))
    }
}

impl Usage {
    /// Whether the registry should be told now; it then counts as told.
    pub fn is_due(&mut self, digest: Digest, now_ms: f64) -> bool {
        let is_due = self.0.open(digest.number(), now_ms).is_none();
        if is_due {
            self.0.note(digest.number(), now_ms);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_once_in_ten_minutes_for_each_of_the_credentials() {
        let [one, other] = ["1", "2"].map(|digit| Digest::from_hex(&digit.repeat(64)).unwrap());
        let mut usage = Usage::default();
        for (digest, now_ms, due) in [
            (one, 0.0, true),
            (one, 599_999.0, false),
            (other, 599_999.0, true),
            (one, 600_000.0, true),
            (one, 600_001.0, false),
        ] {
            assert_eq!(usage.is_due(digest, now_ms), due, "{now_ms}");
        }
    }
}

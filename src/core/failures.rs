//! Failed attempts by client address, as the isolate remembers them: so that strangers reach neither the registry nor KV
//! as often as they like.

use std::num::NonZeroUsize;

use super::client_address::network;
use super::windows::Windows;

/// How many failures a window an address has before it has to wait.
pub const FAILURES_A_WINDOW: u32 = 20;
/// How long a window is, in milliseconds.
pub const WINDOW_MS: f64 = 60_000.0;
/// How many addresses are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// Failures by network: a v4 address, or the /64 of a v6 address, which one client has to itself.
pub struct Failures(Windows);

impl Default for Failures {
    fn default() -> Self {
        Self(Windows::new(WINDOW_MS, CAPACITY))
    }
}

impl Failures {
    /// Remembers a failure.
    pub fn note(&mut self, address: Option<&str>, now_ms: f64) {
        self.0.note(network(address), now_ms);
    }

    /// Remembers that an address has failed too often, whoever counted.
    pub fn block(&mut self, address: Option<&str>, now_ms: f64) {
        self.0.begin(network(address), now_ms, FAILURES_A_WINDOW);
    }

    /// How many seconds the address has to wait, if it has failed too often.
    pub fn wait_seconds(&mut self, address: Option<&str>, now_ms: f64) -> Option<u32> {
        let (start_ms, _) = self.0.open(network(address), now_ms).filter(|(_, count)| *count >= FAILURES_A_WINDOW)?;
        // Between 1 and 60.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(((start_ms + WINDOW_MS - now_ms) / 1000.0).ceil().clamp(1.0, WINDOW_MS / 1000.0) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_for_the_rest_of_the_window_after_twenty_failures() {
        let mut failures = Failures::default();
        for number in 0..FAILURES_A_WINDOW {
            assert_eq!(failures.wait_seconds(Some("192.0.2.1"), f64::from(number)), None);
            failures.note(Some("192.0.2.1"), f64::from(number));
        }
        assert_eq!(failures.wait_seconds(Some("192.0.2.1"), 1000.0), Some(59));
        assert_eq!(failures.wait_seconds(Some("192.0.2.2"), 1000.0), None);
        assert_eq!(failures.wait_seconds(Some("192.0.2.1"), 60_000.0), None);
        failures.note(Some("192.0.2.1"), 60_000.0);
        assert_eq!(failures.wait_seconds(Some("192.0.2.1"), 60_001.0), None, "a new window");
        failures.block(Some("192.0.2.1"), 70_000.0);
        assert_eq!(failures.wait_seconds(Some("192.0.2.1"), 70_000.0), Some(60), "blocked by somebody else's count");
    }

    #[test]
    fn a_v6_client_is_its_network_and_the_unknown_are_one() {
        let mut failures = Failures::default();
        for number in 0..FAILURES_A_WINDOW {
            failures.note(Some(&format!("2001:db8:0:1::{number:x}")), 0.0);
            failures.note(None, 0.0);
        }
        assert!(failures.wait_seconds(Some("2001:db8:0:1:ffff::1"), 1.0).is_some());
        assert!(failures.wait_seconds(Some("2001:db8:0:2::1"), 1.0).is_none());
        assert!(failures.wait_seconds(Some("nonsense"), 1.0).is_some());
    }
}

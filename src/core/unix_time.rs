//! Points in time, as the gate stores and shows them.

use chrono::{DateTime, SecondsFormat};

/// Whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp()))
    }

    /// This much later; at the end of time it stays there.
    #[must_use]
    pub fn plus(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds)))
    }

    /// RFC 3339 in UTC, to the second: `2026-01-31T23:59:59Z`.
    ///
    /// A time outside the years that RFC 3339 can write (0 to 9999) is shown as the nearest one inside.
    ///
    /// ```
    /// use gatehouse::core::unix_time::UnixSeconds;
    /// assert_eq!(UnixSeconds(0).rfc3339(), "1970-01-01T00:00:00Z");
    /// ```
    #[must_use]
    pub fn rfc3339(self) -> String {
        const YEAR_0: i64 = -62_167_219_200;
        const YEAR_9999_END: i64 = 253_402_300_799;
        DateTime::from_timestamp(self.0.clamp(YEAR_0, YEAR_9999_END), 0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

#[cfg(test)]
mod tests {
    use super::UnixSeconds;

    #[test]
    fn reads_rfc_3339_with_any_offset() {
        for (text, seconds) in [
            ("2026-01-31T23:59:59Z", Some(1_769_903_999)),
            ("2026-02-01T01:59:59.9+02:00", Some(1_769_903_999)),
            ("2026-01-31", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(UnixSeconds::parse_rfc3339(text), seconds.map(UnixSeconds), "{text}");
        }
    }

    #[test]
    fn writes_rfc_3339_and_clamps_what_it_cannot_write() {
        for (seconds, text) in [
            (1_769_903_999, "2026-01-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(UnixSeconds(seconds).rfc3339(), text);
        }
    }
}

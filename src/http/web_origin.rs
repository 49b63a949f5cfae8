//! Scheme, host and port: how configured addresses and those in a `Location` are compared.

use http::uri::Authority;

/// The scheme, host and port of a web address, in normal form: lower case, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin {
    scheme: &'static str,
    /// `<scheme>://<authority>`.
    text: String,
}

impl WebOrigin {
    /// Takes `http://host[:port]` or `https://host[:port]`, with a final slash or without, and nothing more: no
    /// user, path, query or fragment. Hosts are ASCII (punycode for others).
    ///
    /// ```
    /// use gatehouse::http::web_origin::WebOrigin;
    /// assert_eq!(WebOrigin::parse("HTTPS://Example.test:443/").unwrap().to_string(), "https://example.test");
    /// assert!(WebOrigin::parse("https://example.test/path").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, rest) = Self::split(text)?;
        matches!(rest, "" | "/").then_some(origin)
    }

    /// Parts an absolute `http` or `https` URL into its origin and what follows.
    #[must_use]
    pub fn split(url: &str) -> Option<(Self, &str)> {
        let (scheme, behind) = url.split_once("://")?;
        let (scheme, default_port) = if scheme.eq_ignore_ascii_case("http") {
            ("http", 80)
        } else if scheme.eq_ignore_ascii_case("https") {
            ("https", 443)
        } else {
            return None;
        };
        let (authority, rest) = behind.split_at_checked(behind.find(['/', '?', '#']).unwrap_or(behind.len()))?;
        let parsed: Authority = authority.parse().ok()?;
        let host = parsed.host().to_ascii_lowercase();
        if host.is_empty() || authority.contains('@') || authority.ends_with(':') {
            return None;
        }
        let authority = match parsed.port() {
            // A port that is no u16 is no port; and 080 is 80.
            Some(port) if port.as_str().parse() == Ok(default_port) => host,
            Some(port) => format!("{host}:{}", port.as_str().parse::<u16>().ok()?),
            None if authority.len() == host.len() => host,
            None => return None,
        };
        Some((Self { scheme, text: format!("{scheme}://{authority}") }, rest))
    }

    /// As browsers write it (RFC 6454 §6.2).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text is this web origin as browsers write it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// The host, with its port unless that is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }
}

impl std::fmt::Display for WebOrigin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::WebOrigin;

    #[test]
    fn takes_an_address_and_nothing_more() {
        for (text, normal) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://127.0.0.1:80/", "http://127.0.0.1"),
            ("https://Example.TEST:8443", "https://example.test:8443"),
            ("https://[::1]:443", "https://[::1]"),
            ("http://x:0080", "http://x"),
        ] {
            assert_eq!(WebOrigin::parse(text).unwrap().to_string(), normal);
        }
        for text in [
            "",
            "example.test",
            "ftp://x",
            "http://",
            "http:///",
            "http://x/a",
            "http://x?q",
            "http://x#f",
            "http://u@x",
            "http://u:p@x",
            "http://x:",
            "http://x:99999",
            "http://x:a",
            "http://ä.test",
            "http:\\\\x",
            "http://x y",
            " http://x",
        ] {
            assert_eq!(WebOrigin::parse(text), None, "{text}");
        }
    }
}

//! Redirects: a `Location` that names the origin's own address is made to name the gate's.

use super::web_origin::WebOrigin;

/// The `Location` for the client, where it has to differ from the origin's: scheme, host and port of the origin
/// become the gate's. Anything else, relative references among it, is left alone.
#[must_use]
pub fn rewrite(location: &str, scheme_at_origin: &str, origin: &WebOrigin, gate: &str) -> Option<String> {
    let absolute;
    let url = if location.starts_with("//") {
        absolute = format!("{scheme_at_origin}:{location}");
        &absolute
    } else {
        location
    };
    let (named, rest) = WebOrigin::split(url)?;
    (named == *origin).then(|| format!("{gate}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origins_own_address_is_rewritten() {
        let origin = WebOrigin::parse("http://app.test:8000").unwrap();
        for (location, rewritten) in [
            ("http://app.test:8000/login?next=/a#b", Some("https://gate.test/login?next=/a#b")),
            ("HTTP://APP.test:8000", Some("https://gate.test")),
            ("//app.test:8000/x", Some("https://gate.test/x")),
            ("http://app.test:8000/ä", Some("https://gate.test/ä")),
            ("/login", None),
            ("login", None),
            ("", None),
            ("http://app.test/x", None),
            ("https://app.test:8000/x", None),
            ("http://app.test:8000.evil.test/x", None),
            ("http://app.test:8000@evil.test/x", None),
            ("http://evil.test/?u=http://app.test:8000/", None),
            ("javascript:alert(1)", None),
        ] {
            let found = rewrite(location, "http", &origin, "https://gate.test");
            assert_eq!(found.as_deref(), rewritten, "{location}");
        }
        let origin = WebOrigin::parse("http://app.test").unwrap();
        assert_eq!(
            rewrite("http://app.test:80/x", "http", &origin, "https://gate.test").as_deref(),
            Some("https://gate.test/x")
        );
    }
}

//! Requests that a page of another site makes a browser send.

use super::cors::is_allowed;
use super::request_head::RequestHead;
use super::web_origin::WebOrigin;

/// Whether the request is unsafe, or an upgrade, and comes from another web origin than the gate's own.
///
/// `Sec-Fetch-Site` decides where the browser sends it (Fetch Metadata §2.3), else `Origin` (RFC 6454 §7). A client
/// that sends neither is no browser. Pages of the web origins in `allowed` are trusted like the gate's own.
#[must_use]
pub fn is_cross_site_change(head: &RequestHead, own_web_origins: &[&str], allowed: &[WebOrigin]) -> bool {
    // An upgrade is a GET that opens a channel for anything.
    if head.is_safe() && !head.has("upgrade") || is_allowed(allowed, head) {
        return false;
    }
    match (head.sec_fetch_site.as_deref(), head.origin.as_deref()) {
        (Some("same-origin" | "none"), _) | (None, None) => false,
        (Some(_), _) => true,
        (None, Some(origin)) => !own_web_origins.iter().any(|own| own.eq_ignore_ascii_case(origin)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request_head::head;

    #[test]
    fn only_the_gates_own_pages_and_programs_may_change_something() {
        const OWN: &str = "https://gate.test";
        let allowed = [WebOrigin::parse("https://app.test").unwrap()];
        for (method, site, origin, refused) in [
            ("POST", None, None, false),
            ("POST", Some("same-origin"), Some(OWN), false),
            ("POST", Some("none"), None, false),
            ("POST", Some("cross-site"), Some("https://evil.test"), true),
            ("POST", Some("same-site"), Some("https://sub.gate.test"), true),
            ("DELETE", Some("cross-site"), None, true),
            ("POST", None, Some(OWN), false),
            ("PUT", None, Some("https://evil.test"), true),
            ("PUT", None, Some("null"), true),
            ("GET", Some("cross-site"), Some("https://evil.test"), false),
            ("POST", Some("cross-site"), Some("https://app.test"), false),
            ("POST", None, Some("https://app.test"), false),
            ("POST", Some("cross-site"), Some("http://app.test"), true),
        ] {
            let mut head = head(method, "https://gate.test/x");
            head.sec_fetch_site = site.map(str::to_owned);
            head.origin = origin.map(str::to_owned);
            assert_eq!(is_cross_site_change(&head, &[OWN], &allowed), refused, "{method} {site:?} {origin:?}");
            if method == "GET" {
                head.header_names.push("upgrade");
                assert!(is_cross_site_change(&head, &[OWN], &allowed), "a WebSocket");
            }
        }
    }
}

//! Cross-origin reads of the gate's own answers (Fetch standard, §3.2). What the origin says of itself is the origin's.

use super::request_head::RequestHead;
use super::web_origin::WebOrigin;

/// What a page's script may read besides the header fields that any may (Fetch standard, §2.2.2).
const EXPOSED: &str = "Retry-After, WWW-Authenticate, X-Request-Id";
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE_SECONDS: &str = "600";

/// Whether the request comes from a page of one of these web origins.
#[must_use]
pub fn is_allowed(allowed: &[WebOrigin], head: &RequestHead) -> bool {
    head.origin.as_deref().is_some_and(|origin| allowed.iter().any(|known| known.is(origin)))
}

/// What lets a page of an allowed web origin read an answer; nothing for others.
#[must_use]
pub fn headers(allowed: &[WebOrigin], head: &RequestHead) -> Vec<(&'static str, String)> {
    if allowed.is_empty() {
        return Vec::new();
    }
    // A cache must not give one origin's answer to another.
    let mut headers = vec![("Vary", "Origin".to_owned())];
    if is_allowed(allowed, head) {
        headers.extend(head.origin.clone().map(|origin| ("Access-Control-Allow-Origin", origin)));
        // Clients such as frappe-js-sdk ask with `withCredentials`, and a browser then wants this.
        headers.push(("Access-Control-Allow-Credentials", "true".to_owned()));
        headers.push(("Access-Control-Expose-Headers", EXPOSED.to_owned()));
    }
    headers
}

/// What a preflight of an allowed web origin learns besides; nothing for others.
#[must_use]
pub fn preflight(allowed: &[WebOrigin], head: &RequestHead, methods: &str) -> Vec<(&'static str, String)> {
    if !head.is_preflight() || !is_allowed(allowed, head) {
        return Vec::new();
    }
    let mut headers = vec![
        ("Access-Control-Allow-Methods", methods.to_owned()),
        ("Access-Control-Max-Age", MAX_AGE_SECONDS.to_owned()),
    ];
    headers.extend(head.requested_headers.clone().map(|names| ("Access-Control-Allow-Headers", names)));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request_head::head;

    fn from(origin: Option<&str>) -> RequestHead {
        let mut head = head("OPTIONS", "https://gate.test/_gatehouse/users");
        head.origin = origin.map(str::to_owned);
        head.header_names.push("access-control-request-method");
        head.requested_headers = Some("authorization".to_owned());
        head
    }

    fn names(headers: &[(&'static str, String)]) -> Vec<&'static str> {
        headers.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn only_the_allowed_origins_may_read_and_nobody_caches_one_for_another() {
        let allowed =
            [WebOrigin::parse("https://app.test").unwrap(), WebOrigin::parse("http://127.0.0.1:3000").unwrap()];
        for origin in ["https://app.test", "http://127.0.0.1:3000"] {
            let headers = headers(&allowed, &from(Some(origin)));
            assert_eq!(headers[1], ("Access-Control-Allow-Origin", origin.to_owned()));
            assert_eq!(preflight(&allowed, &from(Some(origin)), "GET").len(), 3);
        }
        for origin in [
            None,
            Some("null"),
            Some(""),
            Some("http://app.test"),
            Some("https://app.test:8443"),
            Some("https://app.test.evil.test"),
            Some("https://app.test/"),
            Some("https://APP.test"),
        ] {
            assert_eq!(names(&headers(&allowed, &from(origin))), ["Vary"], "{origin:?}");
            assert!(preflight(&allowed, &from(origin), "GET").is_empty());
        }
        assert!(headers(&[], &from(Some("https://app.test"))).is_empty());
    }

    #[test]
    fn a_request_that_is_no_preflight_learns_nothing_of_methods() {
        let allowed = [WebOrigin::parse("https://app.test").unwrap()];
        let mut get = from(Some("https://app.test"));
        get.method = "GET".to_owned();
        assert!(preflight(&allowed, &get, "GET").is_empty());
    }
}

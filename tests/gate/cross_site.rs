//! Requests that a page of another site makes a browser send.

use crate::harness::{ADMINISTRATOR, GATE};

#[test]
fn another_site_changes_nothing_at_the_gate() {
    let path = "/_gatehouse/users/cross-site/generate";
    for headers in [
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Origin", "https://evil.test")],
        vec![("Origin", "null")],
    ] {
        let mut all = vec![("Authorization", ADMINISTRATOR)];
        all.extend(&headers);
        let reply = GATE.send("POST", path, &all, b"");
        assert_eq!((reply.status, reply.exc_type().as_str()), (403, "PermissionError"), "{headers:?}");
    }
    assert_eq!(GATE.get("/_gatehouse/users/cross-site", ADMINISTRATOR).status, 404);
    for headers in [("Sec-Fetch-Site", "same-origin"), ("Origin", GATE.url.as_str())] {
        assert_eq!(GATE.send("POST", path, &[("Authorization", ADMINISTRATOR), headers], b"").status, 200);
    }
}

#[test]
fn what_a_browser_sends_by_itself_changes_nothing_at_the_origin() {
    let keys = GATE.generate("cross-site-basic");
    let from_elsewhere = ("Sec-Fetch-Site", "cross-site");
    for (method, authorization, status) in [
        ("POST", keys.basic(), 403),
        ("DELETE", keys.basic(), 403),
        ("GET", keys.basic(), 200),
        ("POST", keys.token(), 200),
    ] {
        let headers = [("Authorization", authorization.as_str()), from_elsewhere];
        assert_eq!(GATE.send(method, "/anything", &headers, b"").status, status, "{method} {authorization}");
    }
}

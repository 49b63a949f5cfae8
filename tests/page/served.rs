//! How the page's files are served.

use crate::harness::{Gate, Options, Reply};

fn get(gate: &Gate, path: &str, headers: &[(&str, &str)]) -> Reply {
    gate.send("GET", path, headers, b"")
}

#[test]
fn the_page_is_served_to_anyone_under_a_strict_policy() {
    let gate = Gate::start(Options::default());
    for (path, content_type) in [
        ("/_gatehouse/", "text/html; charset=utf-8"),
        ("/_gatehouse/page/page.css", "text/css; charset=utf-8"),
        ("/_gatehouse/page/main.js", "text/javascript; charset=utf-8"),
        ("/_gatehouse/page/icon.svg", "image/svg+xml"),
    ] {
        let reply = get(&gate, path, &[]);
        assert_eq!((reply.status, reply.header("content-type")), (200, content_type), "{path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("www-authenticate", ""),
        ] {
            assert_eq!(reply.header(name), value, "{path} {name}");
        }
        let policy = reply.header("content-security-policy");
        for directive in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{path} lacks {directive}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let head = gate.send("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
    assert_eq!(get(&gate, "/_gatehouse/page/index.html", &[]).status, 404);
    assert_eq!(gate.send("POST", "/_gatehouse/", &[], b"").header("allow"), "GET, HEAD, OPTIONS");
}

#[test]
fn the_address_without_its_slash_leads_to_the_page() {
    let reply = get(&Gate::start(Options::default()), "/_gatehouse", &[]);
    assert_eq!((reply.status, reply.header("location")), (308, "/_gatehouse/"));
}

#[test]
fn the_page_is_on_the_management_host_alone() {
    let gate = Gate::start(Options::with(&[("MANAGEMENT_HOST", "admin.gate.test")]));
    for path in ["/_gatehouse/", "/_gatehouse", "/_gatehouse/page/main.js"] {
        assert!(get(&gate, path, &[("Host", "admin.gate.test")]).status < 400, "{path}");
        assert_eq!(get(&gate, path, &[("Host", "www.gate.test")]).status, 404, "{path}");
    }
}

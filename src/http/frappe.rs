//! What Frappe reads besides path and `Authorization`, and the gate has to know in front of it (`ORIGIN_KIND = "frappe"`):
//! a session, which wins over a token, and `cmd`, which names the method to run whatever the path says.

use form_urlencoded::parse;
use serde_json::Value;

/// Where a site says whom it takes a client for.
pub const LOGGED_USER_PATH: &str = "/api/method/frappe.auth.get_logged_user";

/// The session, as a cookie or a parameter.
const SESSION: &str = "sid";
/// The method to run, as a parameter.
const COMMAND: &str = "cmd";

/// Whether a query names a method to run.
#[must_use]
pub fn has_command(query: &str) -> bool {
    parameters(query).any(|parameter| is_named(parameter, COMMAND))
}

/// The query without a session, its question mark included; as it was, where it has none.
#[must_use]
pub fn query_without_session(query: &str) -> String {
    if !parameters(query).any(|parameter| is_named(parameter, SESSION)) {
        return query.to_owned();
    }
    let kept: Vec<_> = parameters(query).filter(|parameter| !is_named(parameter, SESSION)).collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

/// The `Cookie` field without a session; nothing, where that is all it holds.
#[must_use]
pub fn cookie_without_session(cookie: &str) -> Option<String> {
    let kept: Vec<_> = cookie.split(';').filter_map(without_session).collect();
    if kept.is_empty() { None } else { Some(kept.join(";")) }
}

/// Whom a site's answer at [`LOGGED_USER_PATH`] names.
#[must_use]
pub fn logged_user(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    answer.get("message")?.as_str().map(str::to_owned)
}

/// Whether an error is one of Frappe's own, and not of something that stands before it.
#[must_use]
pub fn is_refusal(answer: &[u8]) -> bool {
    let answer: Option<Value> = serde_json::from_slice(answer).ok();
    answer.is_some_and(|answer| answer.get("exc_type").is_some_and(Value::is_string))
}

/// Old versions of Werkzeug take `;` for `&`.
fn parameters(query: &str) -> impl Iterator<Item = &str> {
    query.strip_prefix('?').unwrap_or(query).split(['&', ';'])
}

fn is_named(parameter: &str, name: &str) -> bool {
    parse(parameter.as_bytes()).any(|(found, _)| found == name)
}

/// A cookie, unless it is the session. Two `Cookie` fields arrive joined by a comma, so the session may stand behind one.
fn without_session(cookie: &str) -> Option<String> {
    let is_blank = |sign: char| sign.is_whitespace() || sign.is_control();
    let is_session = |part: &&str| {
        part.split('=').next().is_some_and(|name| name.trim_matches(is_blank).eq_ignore_ascii_case(SESSION))
    };
    let kept: Vec<_> = cookie.split(',').filter(|part| !is_session(part)).collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_however_it_is_written() {
        for (query, found) in [
            ("?cmd=frappe.ping", true),
            ("?a=1&cmd=x", true),
            ("?a=1;cmd=x", true),
            ("?%63md=x", true),
            ("?c%6Dd", true),
            ("?cmd", true),
            ("?cmd=&cmd=x", true),
            ("", false),
            ("?", false),
            ("?a=cmd", false),
            ("?command=x", false),
            ("?CMD=x", false),
            ("?a=%26cmd=x", false),
        ] {
            assert_eq!(has_command(query), found, "{query}");
        }
    }

    #[test]
    fn a_site_names_a_user_or_nobody() {
        for (answer, user) in [
            (r#"{"message":"alice@example.test"}"#, Some("alice@example.test")),
            (r#"{"message":null}"#, None),
            (r#"{"message":5}"#, None),
            (r#"{"data":"alice"}"#, None),
            (r#"["message"]"#, None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(logged_user(answer.as_bytes()).as_deref(), user, "{answer}");
        }
    }

    #[test]
    fn a_session_leaves_the_query_and_nothing_else_does() {
        for (query, without) in [
            ("", ""),
            ("?", "?"),
            ("?a=1&b=%20;c", "?a=1&b=%20;c"),
            ("?sid=x", ""),
            ("?a=1&sid=x&b=2", "?a=1&b=2"),
            ("?s%69d=x&a=1", "?a=1"),
            ("?a=1;sid=x", "?a=1"),
            ("?sid=x&sid=y&a", "?a"),
            ("?a=sid&side=1", "?a=sid&side=1"),
        ] {
            assert_eq!(query_without_session(query), without, "{query}");
        }
    }

    #[test]
    fn a_session_leaves_the_cookies_and_nothing_else_does() {
        for (cookie, without) in [
            ("a=1; b=2", Some("a=1; b=2")),
            ("sid=x", None),
            ("a=1; sid=x; b=2", Some("a=1; b=2")),
            ("a=1;sid=x", Some("a=1")),
            ("sid =x;a=1", Some("a=1")),
            ("\u{a0}sid\t=x;a=1", Some("a=1")),
            ("SID=x;a=1", Some("a=1")),
            ("sid;a=1", Some("a=1")),
            ("sid=\"x\"; a=1", Some(" a=1")),
            ("a=1, sid=x; b=2", Some("a=1; b=2")),
            ("a=1,2; b=2", Some("a=1,2; b=2")),
            ("sid_issued=1; my-sid=2; a=sid", Some("sid_issued=1; my-sid=2; a=sid")),
        ] {
            assert_eq!(cookie_without_session(cookie).as_deref(), without, "{cookie}");
        }
    }
}

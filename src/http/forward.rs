//! What goes on to the origin: the target, and the header fields that are removed and set.
//!
//! Guarantees that nothing a client sends can be read by the origin as the gate's word.

use std::borrow::Cow;
use std::rc::Rc;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::configuration::{Configuration, Mode, OriginAuthorization, OriginKind, Target};
use super::frappe::{cookie_without_session, query_without_session};
use super::refusal::Refusal;
use super::request_head::RequestHead;
use crate::core::principal::Principal;
use crate::core::role::Role;

/// Marks a request that has passed this gate, where its target is the zone that the gate itself stands in.
const LOOP_HEADER: &str = "x-gatehouse-loop";

/// Fields that only the gate may set, or that some servers trust. Everything that starts with one of
/// [`RESERVED_PREFIXES`] is removed besides.
const RESERVED: [&str; 6] =
    ["forwarded", "x-real-ip", "x-original-url", "x-rewrite-url", "x-frappe-site-name", "x-request-id"];
/// Fields by which some servers take another method than the request's, which the rules were held against.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];
const RESERVED_PREFIXES: [&str; 2] = ["x-forwarded-", "x-gatehouse-"];

/// Kept in a field of visible ASCII and spaces: all but controls, `%` and what is not ASCII.
const FIELD: &AsciiSet = &CONTROLS.add(b'%');
/// Kept in a user's name: visible ASCII but `%`.
const NAME: &AsciiSet = &FIELD.add(b' ');

/// How to forward a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Forward<'a> {
    /// The absolute URL to fetch.
    pub url: String,
    /// Names of header fields to delete, in lower case.
    pub remove: Vec<&'a str>,
    /// Header fields to set after that.
    pub set: Vec<(&'static str, Cow<'a, str>)>,
}

/// Refuses a request that this gate has sent to its zone before.
pub fn check_loop(configuration: &Configuration, head: &RequestHead) -> Result<(), Refusal> {
    if configuration.target == Target::Zone && head.has(LOOP_HEADER) { Err(Refusal::Loop) } else { Ok(()) }
}

/// Who a request acts for, and the signed word of it, if there is a key to sign with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As authenticated.
    pub principal: Principal,
    /// `X-Gatehouse-Assertion`.
    pub assertion: Option<Rc<str>>,
}

/// Plans how a request is forwarded, with an identity or with none.
#[must_use]
pub fn plan<'a>(
    configuration: &'a Configuration,
    head: &'a RequestHead,
    identity: Option<&'a Identity>,
) -> Forward<'a> {
    // Frappe lets a session win over a token, and would then act for somebody else. An observing gate leaves that be.
    let ends_sessions =
        identity.is_some() && configuration.origin_kind == OriginKind::Frappe && configuration.mode == Mode::Enforce;
    let query = if ends_sessions {
        query_without_session(&head.url.query).into()
    } else {
        Cow::Borrowed(head.url.query.as_str())
    };
    // Set into the origin's address, never resolved against it: //evil.example/x is a path.
    let origin = match &configuration.target {
        Target::Url(origin) => Cow::Borrowed(origin.as_str()),
        Target::Service | Target::Zone => head.url.web_origin().into(),
    };
    let url = [origin.as_ref(), &head.url.raw_path, &query].concat();
    // What an origin answers to TRACE is the request itself: it must hold nothing that the client does not know (RFC 9110
    // §9.3.8).
    let identity = identity.filter(|_| head.method != "TRACE");
    let is_limited = identity.is_some_and(|identity| identity.principal.is_rule_limited()) || head.is_preflight();
    let is_unwanted = |name: &&str| is_reserved(name) || is_limited && is_method_override(name);
    let mut remove: Vec<&str> = head.header_names.iter().filter(is_unwanted).collect();
    remove.extend(named_by_connection(head));
    let mut set: Vec<(_, Cow<'_, str>)> = vec![
        ("X-Request-Id", head.request_id.as_str().into()),
        ("X-Forwarded-Host", head.url.authority.as_str().into()),
        ("X-Forwarded-Proto", head.url.scheme.as_str().into()),
    ];
    set.extend(head.client_address.as_deref().map(|address| ("X-Forwarded-For", address.into())));
    set.extend(configuration.origin_site.as_deref().map(|site| ("X-Frappe-Site-Name", site.into())));
    if configuration.target == Target::Zone {
        set.push(("X-Gatehouse-Loop", "1".into()));
    }
    if let Some(Identity { principal, assertion }) = identity {
        // Where Frappe judges the credentials itself, as before, a second word on who is calling could contradict it.
        let is_judged_there = configuration.origin_kind == OriginKind::Frappe
            && configuration.mode == Mode::Observe
            && matches!(authorization(configuration, head, identity), OriginAuthorization::Forward);
        let assertion = assertion.as_deref().filter(|_| !is_judged_there);
        set.extend(assertion.map(|assertion| ("X-Gatehouse-Assertion", assertion.into())));
        set.push(("X-Forwarded-User", utf8_percent_encode(principal.user(), NAME).into()));
        set.push(("X-Forwarded-Groups", groups(principal.roles()).into()));
    }
    match authorization(configuration, head, identity) {
        OriginAuthorization::Remove => remove.push("authorization"),
        OriginAuthorization::Replace(value) => set.push(("Authorization", value.as_str().into())),
        OriginAuthorization::Forward => {}
    }
    if let Some(cookie) = head.cookie.as_deref().filter(|_| ends_sessions && !remove.contains(&"cookie")) {
        match cookie_without_session(cookie) {
            Some(kept) => set.push(("Cookie", kept.into())),
            None => remove.push("cookie"),
        }
    }
    Forward { url, remove, set }
}

/// What becomes of the client's `Authorization`. Nobody's carries a secret of the gate's own to the origin, unless that is
/// what the operator asked for.
fn authorization<'a>(
    configuration: &'a Configuration,
    head: &RequestHead,
    identity: Option<&Identity>,
) -> &'a OriginAuthorization {
    let holds_own_secret = || head.authorization.as_deref().is_some_and(|value| configuration.is_own_secret_in(value));
    match identity {
        // The origin goes on judging what it knows, as before.
        Some(_) if configuration.mode == Mode::Observe && !holds_own_secret() => &OriginAuthorization::Forward,
        Some(identity) if identity.principal.is_adopted() => &OriginAuthorization::Forward,
        Some(_) => &configuration.origin_authorization,
        None if head.method == "TRACE" || holds_own_secret() => &OriginAuthorization::Remove,
        None => &OriginAuthorization::Forward,
    }
}

fn is_reserved(name: &str) -> bool {
    // Which few names start with: the others need no closer look.
    matches!(name.as_bytes().first(), Some(b'x' | b'X' | b'f' | b'F')) && is_reserved_spelling(name)
}

fn is_reserved_spelling(name: &str) -> bool {
    RESERVED.iter().any(|reserved| is_spelling(name, reserved))
        || RESERVED_PREFIXES.iter().any(|prefix| starts_with_spelling(name, prefix))
}

fn is_method_override(name: &str) -> bool {
    METHOD_OVERRIDES.iter().any(|reserved| is_spelling(name, reserved))
}

/// Servers that hand header fields on as variables write `-`, and some every other sign, as `_`: all such spellings are
/// one name.
fn is_spelling(name: &str, reserved: &str) -> bool {
    name.len() == reserved.len() && starts_with_spelling(name, reserved)
}

fn starts_with_spelling(name: &str, prefix: &str) -> bool {
    let one_spelling = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    name.len() >= prefix.len() && name.bytes().map(one_spelling).zip(prefix.bytes()).all(|(sign, other)| sign == other)
}

/// Fields that are for this hop alone (RFC 9110 §7.6.1). `Upgrade` is, too, and is what a WebSocket is made of.
fn named_by_connection(head: &RequestHead) -> impl Iterator<Item = &str> {
    let names: Vec<&str> = head.connection.iter().flat_map(|names| names.split(',')).map(str::trim).collect();
    let is_named = move |field: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(field));
    head.header_names.iter().filter(|field| *field != "upgrade").filter(is_named)
}

fn groups(roles: &[Role]) -> String {
    let names: Vec<Cow<'_, str>> = roles.iter().map(|role| utf8_percent_encode(role.as_str(), FIELD).into()).collect();
    names.join(",")
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;

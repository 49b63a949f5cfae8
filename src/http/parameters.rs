//! Parameters of the gate's own routes: from query, form or JSON to values.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use thiserror::Error;

use super::import::RowReport;
use crate::core::access_rule::{AccessRuleError, parse_rules};
use crate::core::client_address::{AddressRangeError, parse_ranges};
use crate::core::credentials::CredentialsError;
use crate::core::registry::command::{AuditQuery, ListQuery};
use crate::core::registry::import::IMPORT_ROWS_MAX;
use crate::core::registry::{GRACE_MAX_SECONDS, Settings, Status};
use crate::core::role::{RoleError, parse_roles};
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::{Fold, UserName, UserNameError};

/// The largest body that a route of the gate reads, in bytes.
pub const BODY_MAX_BYTES: usize = 64 * 1024;
/// The largest body of an import, in bytes.
pub const IMPORT_BODY_MAX_BYTES: usize = 4 * 1024 * 1024;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// What is wrong with a parameter. `Display` is what the client reads.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// No user was named.
    #[error("The parameter `user` is missing or empty")]
    UserMissing,
    /// The user is something other than a text.
    #[error("The parameter `user` has to be a text")]
    UserNotText,
    /// Query and body, or two of one, name different users.
    #[error("The parameter `user` was given more than once")]
    UserTwice,
    /// The name cannot be a user's.
    #[error("Not a user: {0}")]
    UserName(UserNameError),
    /// Neither JSON nor a form.
    #[error("Send the parameters in the query, as a form (application/x-www-form-urlencoded) or as a JSON object")]
    BodyFormat,
    /// Something other than a JSON object.
    #[error("The body has to be a JSON object")]
    NotAnObject,
    /// A field that this route does not know.
    #[error("The body holds a field other than these: {0}")]
    UnknownField(&'static str),
    /// A body where none is expected.
    #[error("This route takes no fields")]
    NoFields,
    /// A query where none is expected.
    #[error("This route takes no parameters in the query")]
    NoQuery,
    /// A field that is no list of texts.
    #[error("`{0}` has to be a list of texts")]
    NotTexts(&'static str),
    /// A field that is no text.
    #[error("`{0}` has to be a text")]
    NotText(&'static str),
    /// A field that is neither true nor false.
    #[error("`{0}` has to be true or false")]
    NotBoolean(&'static str),
    /// `not_after` is no time.
    #[error("`not_after` has to be a time like 2030-01-31T00:00:00Z, or null")]
    Time,
    /// A range of addresses that cannot be one.
    #[error("Not a list of addresses: {0}")]
    AddressRange(AddressRangeError),
    /// A rule that cannot be one.
    #[error("Not a list of rules: {0}")]
    AccessRule(AccessRuleError),
    /// `grace_seconds` is out of range.
    #[error("`grace_seconds` has to be a whole number from 0 to {GRACE_MAX_SECONDS}")]
    GraceSeconds,
    /// A role that cannot be one.
    #[error("Not a list of roles: {0}")]
    Role(RoleError),
    /// `users` is no list of rows.
    #[error("`users` has to be a list of at most {IMPORT_ROWS_MAX} objects")]
    Rows,
    /// An import of which not every row is one.
    #[error("Nothing was imported: not every row is right")]
    ImportInvalid(Vec<RowReport>),
    /// An api_key or api_secret that cannot be one.
    #[error("Not credentials: {0}")]
    Credentials(CredentialsError),
    /// An api_secret or digests without an api_key, or both of them.
    #[error("A row has an api_key with an api_secret, or with digests, or alone, or none of them")]
    RowCredentials,
    /// An api_key that is the built-in administrator's.
    #[error("The api_key Administrator is reserved")]
    ApiKeyReserved,
    /// A row of somebody who is deleted, with more than an api_key.
    #[error("A row that is deleted has an api_key and nothing else")]
    DeletedRow,
    /// Digests that this deployment's pepper did not seal, or more than a user can have.
    #[error("The digests are not those of an export made with the same pepper")]
    Digests,
    /// `limit` is out of range.
    #[error("`limit` has to be a whole number from 1 to {LIMIT_MAX}")]
    Limit,
    /// `status` is no status.
    #[error("`status` has to be one of active, disabled, expired, revoked, keyless")]
    Status,
    /// `cursor` was not made by the gate.
    #[error("`cursor` is none that this route gave")]
    Cursor,
}

impl From<UserNameError> for ParameterError {
    fn from(error: UserNameError) -> Self {
        Self::UserName(error)
    }
}

/// The `user` of an RPC call, from the query, a form or a JSON object; other parameters are ignored, as Frappe
/// does. `quotes`: one pair of quotes around the value is taken off.
pub fn rpc_user(
    query: &str,
    content_type: Option<&str>,
    body: &[u8],
    quotes: bool,
    fold: Fold,
) -> Result<UserName, ParameterError> {
    let mut values = form_users(query.strip_prefix('?').unwrap_or(query).as_bytes());
    if !body.is_empty() {
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            match object(body)?.get("user") {
                None => {}
                Some(Value::String(text)) => values.push(text.clone()),
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    return Err(ParameterError::UserNotText);
                }
            }
        } else if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            values.extend(form_users(body));
        } else {
            return Err(ParameterError::BodyFormat);
        }
    }
    values.dedup();
    let mut values = values.iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.as_str(),
        (None, _) => return Err(ParameterError::UserMissing),
        (Some(_), Some(_)) => return Err(ParameterError::UserTwice),
    };
    let value = if quotes { without_quotes(value) } else { value };
    if value.is_empty() {
        return Err(ParameterError::UserMissing);
    }
    Ok(UserName::parse(value, fold)?)
}

fn form_users(form: &[u8]) -> Vec<String> {
    form_urlencoded::parse(form).filter(|(name, _)| name == "user").map(|(_, value)| value.into_owned()).collect()
}

fn without_quotes(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

/// The settings in the body of a `PUT`.
pub fn settings(body: &[u8]) -> Result<Settings, ParameterError> {
    let mut settings = Settings::default();
    for (name, value) in object(body)? {
        if !set(&mut settings, &name, value)? {
            return Err(ParameterError::UnknownField("roles, enabled, not_after, allowed_ips, rules, strict"));
        }
    }
    Ok(settings)
}

/// Takes one setting; tells whether there is one of this name.
pub(super) fn set(settings: &mut Settings, name: &str, value: Value) -> Result<bool, ParameterError> {
    match name {
        "roles" => settings.roles = Some(parse_roles(texts("roles", value)?).map_err(ParameterError::Role)?),
        "enabled" => settings.enabled = Some(flag("enabled", &value)?),
        "not_after" => settings.not_after = Some(time(&value)?),
        "allowed_ips" => {
            let ranges = parse_ranges(&texts("allowed_ips", value)?);
            settings.allowed_ips = Some(ranges.map_err(ParameterError::AddressRange)?);
        }
        "rules" => {
            let rules = parse_rules(&texts("rules", value)?);
            settings.rules = Some(rules.map_err(ParameterError::AccessRule)?);
        }
        "strict" => settings.strict = Some(flag("strict", &value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn texts(name: &'static str, value: Value) -> Result<Vec<String>, ParameterError> {
    let Value::Array(values) = value else {
        return Err(ParameterError::NotTexts(name));
    };
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or(ParameterError::NotTexts(name))
}

pub(super) fn flag(name: &'static str, value: &Value) -> Result<bool, ParameterError> {
    value.as_bool().ok_or(ParameterError::NotBoolean(name))
}

pub(super) fn time(value: &Value) -> Result<Option<UnixSeconds>, ParameterError> {
    if value.is_null() {
        return Ok(None);
    }
    let time = value.as_str().and_then(UnixSeconds::parse_rfc3339);
    time.map(Some).ok_or(ParameterError::Time)
}

/// The `grace_seconds` in the body of a generation; 0 where it is absent.
pub fn grace_seconds(body: &[u8]) -> Result<u32, ParameterError> {
    let mut grace_seconds = 0;
    for (name, value) in if body.is_empty() { Map::new() } else { object(body)? } {
        if name != "grace_seconds" {
            return Err(ParameterError::UnknownField("grace_seconds"));
        }
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        let in_range = seconds.filter(|seconds| *seconds <= GRACE_MAX_SECONDS);
        grace_seconds = in_range.ok_or(ParameterError::GraceSeconds)?;
    }
    Ok(grace_seconds)
}

/// Checks the query of a route that takes no parameters there.
pub fn no_query(query: &str) -> Result<(), ParameterError> {
    if matches!(query, "" | "?") { Ok(()) } else { Err(ParameterError::NoQuery) }
}

/// Checks the body of a route that takes no fields: nothing, or an empty object.
pub fn no_fields(body: &[u8]) -> Result<(), ParameterError> {
    if body.is_empty() || object(body)?.is_empty() { Ok(()) } else { Err(ParameterError::NoFields) }
}

pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ParameterError> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        Ok(fields)
    } else {
        Err(ParameterError::NotAnObject)
    }
}

/// The query of a list of users. Unknown parameters are ignored.
pub fn list_query(query: &str, fold: Fold) -> Result<ListQuery, ParameterError> {
    let mut list = ListQuery {
        search: String::new(),
        folded_search: String::new(),
        status: None,
        limit: LIMIT_DEFAULT,
        after: None,
    };
    for (name, value) in form_urlencoded::parse(query.strip_prefix('?').unwrap_or(query).as_bytes()) {
        match name.as_ref() {
            "q" => {
                list.folded_search = fold(&value);
                list.search = value.into_owned();
            }
            "status" if value.is_empty() => list.status = None,
            "status" => list.status = Some(Status::parse(&value).ok_or(ParameterError::Status)?),
            "limit" => list.limit = limit(&value)?,
            "cursor" if value.is_empty() => list.after = None,
            "cursor" => {
                list.after = Some(folded_cursor(&value)?);
            }
            _ => {}
        }
    }
    Ok(list)
}

/// The cursor of an export. Unknown parameters are ignored.
pub fn export_query(query: &str) -> Result<Option<String>, ParameterError> {
    let mut after = None;
    for (name, value) in form_urlencoded::parse(query.strip_prefix('?').unwrap_or(query).as_bytes()) {
        if name == "cursor" && !value.is_empty() {
            after = Some(folded_cursor(&value)?);
        }
    }
    Ok(after)
}

fn folded_cursor(text: &str) -> Result<String, ParameterError> {
    let folded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    folded.ok_or(ParameterError::Cursor)
}

/// The query of the audit log. Unknown parameters are ignored.
pub fn audit_query(query: &str, fold: Fold) -> Result<AuditQuery, ParameterError> {
    let mut audit = AuditQuery { folded_user: None, limit: LIMIT_DEFAULT, before: None };
    for (name, value) in form_urlencoded::parse(query.strip_prefix('?').unwrap_or(query).as_bytes()) {
        match name.as_ref() {
            "user" if value.is_empty() => audit.folded_user = None,
            "user" => audit.folded_user = Some(fold(&value)),
            "limit" => audit.limit = limit(&value)?,
            "cursor" if value.is_empty() => audit.before = None,
            "cursor" => {
                let number = value.parse().ok().filter(|number| *number > 0);
                audit.before = Some(number.ok_or(ParameterError::Cursor)?);
            }
            _ => {}
        }
    }
    Ok(audit)
}

fn limit(text: &str) -> Result<u32, ParameterError> {
    text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or(ParameterError::Limit)
}

/// The cursor that makes [`list_query`] go on behind a folded name.
#[must_use]
pub fn cursor(folded: &str) -> String {
    URL_SAFE_NO_PAD.encode(folded)
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;

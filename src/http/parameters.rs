//! Parameters of the gate's own routes: from query, form or JSON to values.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::core::registry::message::ListQuery;
use crate::core::registry::{Settings, Status};
use crate::core::role::{RoleError, parse_roles};
use crate::core::user_name::{Fold, UserName, UserNameError};

/// The largest body that a route of the gate reads, in bytes.
pub const BODY_MAX_BYTES: usize = 64 * 1024;

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
    /// `roles` is no list of texts.
    #[error("`roles` has to be a list of texts")]
    RolesNotTexts,
    /// A role that cannot be one.
    #[error("Not a list of roles: {0}")]
    Role(RoleError),
    /// `enabled` is neither true nor false.
    #[error("`enabled` has to be true or false")]
    EnabledNotBoolean,
    /// `limit` is out of range.
    #[error("`limit` has to be a whole number from 1 to {LIMIT_MAX}")]
    Limit,
    /// `status` is no status.
    #[error("`status` has to be one of active, disabled, revoked, keyless")]
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
        match (name.as_str(), value) {
            ("roles", Value::Array(values)) => {
                let texts = values.into_iter().map(|value| match value {
                    Value::String(text) => Ok(text),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        Err(ParameterError::RolesNotTexts)
                    }
                });
                let roles = parse_roles(texts.collect::<Result<_, _>>()?).map_err(ParameterError::Role)?;
                settings.roles = Some(roles);
            }
            ("enabled", Value::Bool(enabled)) => settings.enabled = Some(enabled),
            ("roles", _) => return Err(ParameterError::RolesNotTexts),
            ("enabled", _) => return Err(ParameterError::EnabledNotBoolean),
            _ => return Err(ParameterError::UnknownField("roles, enabled")),
        }
    }
    Ok(settings)
}

/// Checks the query of a route that takes no parameters there.
pub fn no_query(query: &str) -> Result<(), ParameterError> {
    if matches!(query, "" | "?") { Ok(()) } else { Err(ParameterError::NoQuery) }
}

/// Checks the body of a route that takes no fields: nothing, or an empty object.
pub fn no_fields(body: &[u8]) -> Result<(), ParameterError> {
    if body.is_empty() || object(body)?.is_empty() { Ok(()) } else { Err(ParameterError::NoFields) }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ParameterError> {
    serde_json::from_slice(body).map_err(|_| ParameterError::NotAnObject)
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
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                list.limit = limit.ok_or(ParameterError::Limit)?;
            }
            "cursor" if value.is_empty() => list.after = None,
            "cursor" => {
                let folded =
                    URL_SAFE_NO_PAD.decode(value.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                list.after = Some(folded.ok_or(ParameterError::Cursor)?);
            }
            _ => {}
        }
    }
    Ok(list)
}

/// The cursor that makes [`list_query`] go on behind a folded name.
#[must_use]
pub fn cursor(folded: &str) -> String {
    URL_SAFE_NO_PAD.encode(folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::user_name::fold_for_tests;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

    #[test]
    fn finds_the_user_in_query_form_and_json() {
        for (query, content_type, body, quotes, user) in [
            ("?user=alice%40example.test", None, "", false, "alice@example.test"),
            ("", FORM, "x=1&user=alice+a", false, "alice a"),
            ("", JSON, r#"{"user":"alice","x":1}"#, false, "alice"),
            ("?user=alice", JSON, r#"{"user":"alice"}"#, false, "alice"),
            ("?user=%22user_name%22", None, "", true, "user_name"),
            ("?user='user_name'", None, "", true, "user_name"),
            ("?user=user_name", None, "", true, "user_name"),
            ("?user=%22user_name%22", None, "", false, "\"user_name\""),
            ("?user=%22", None, "", true, "\""),
        ] {
            let found = rpc_user(query, content_type, body.as_bytes(), quotes, fold_for_tests);
            assert_eq!(found.unwrap().as_str(), user, "{query} {body}");
        }
    }

    #[test]
    fn refuses_what_names_no_user() {
        use ParameterError::*;
        for (query, content_type, body, error) in [
            ("", None, "", UserMissing),
            ("?user=", None, "", UserMissing),
            ("?user=\"\"", None, "", UserMissing),
            ("?User=a", None, "", UserMissing),
            ("", JSON, "{}", UserMissing),
            ("", JSON, r#"{"user":5}"#, UserNotText),
            ("", JSON, r#"{"user":null}"#, UserNotText),
            ("", JSON, r#"{"user":["a"]}"#, UserNotText),
            ("", JSON, "[]", NotAnObject),
            ("", JSON, "{", NotAnObject),
            ("", JSON, "\"a\"", NotAnObject),
            ("?user=a&user=b", None, "", UserTwice),
            ("?user=a", FORM, "user=b", UserTwice),
            ("", Some("text/plain"), "user=a", BodyFormat),
            ("", None, "user=a", BodyFormat),
            ("", Some("multipart/form-data; boundary=x"), "x", BodyFormat),
            ("?user=+a", None, "", UserName(UserNameError::Character)),
            ("?user=a%0a", None, "", UserName(UserNameError::Character)),
            ("?user=Guest", None, "", UserName(UserNameError::Reserved)),
        ] {
            assert_eq!(
                rpc_user(query, content_type, body.as_bytes(), true, fold_for_tests).unwrap_err(),
                error,
                "{query} {body}"
            );
        }
    }

    #[test]
    fn settings_are_what_is_enforced_and_nothing_else() {
        let taken = settings(r#"{"roles":["B","A","B"],"enabled":false}"#.as_bytes()).unwrap();
        assert_eq!(taken.roles, Some(parse_roles(vec!["A".into(), "B".into()]).unwrap()));
        assert_eq!(taken.enabled, Some(false));
        assert_eq!(settings(b"{}").unwrap(), Settings::default());
        for (body, error) in [
            ("", ParameterError::NotAnObject),
            ("[]", ParameterError::NotAnObject),
            (r#"{"roles":"A"}"#, ParameterError::RolesNotTexts),
            (r#"{"roles":[1]}"#, ParameterError::RolesNotTexts),
            (r#"{"roles":["a,b"]}"#, ParameterError::Role(RoleError::Character)),
            (r#"{"enabled":"yes"}"#, ParameterError::EnabledNotBoolean),
            (r#"{"enabled":null}"#, ParameterError::EnabledNotBoolean),
            (r#"{"strict":true}"#, ParameterError::UnknownField("roles, enabled")),
            (r#"{"api_key":"x"}"#, ParameterError::UnknownField("roles, enabled")),
        ] {
            assert_eq!(settings(body.as_bytes()).unwrap_err(), error, "{body}");
        }
        assert_eq!(no_fields(b""), Ok(()));
        assert_eq!(no_fields(b" {} "), Ok(()));
        assert_eq!(no_fields(br#"{"grace_seconds":60}"#), Err(ParameterError::NoFields));
    }

    #[test]
    fn list_queries_are_checked() {
        let taken =
            list_query(&format!("?q=Al&status=active&limit=200&cursor={}", cursor("alicé")), fold_for_tests).unwrap();
        let expected = ListQuery {
            search: "Al".into(),
            folded_search: "al".into(),
            status: Some(Status::Active),
            limit: 200,
            after: Some("alicé".into()),
        };
        assert_eq!(taken, expected);
        let default =
            ListQuery { search: String::new(), folded_search: String::new(), status: None, limit: 50, after: None };
        assert_eq!(list_query("", fold_for_tests).unwrap(), default);
        for (query, error) in [
            ("?limit=0", ParameterError::Limit),
            ("?limit=201", ParameterError::Limit),
            ("?limit=x", ParameterError::Limit),
            ("?status=gone", ParameterError::Status),
            ("?cursor=!", ParameterError::Cursor),
        ] {
            assert_eq!(list_query(query, fold_for_tests).unwrap_err(), error, "{query}");
        }
    }
}

//! Imports: from a JSON body to rows, and from what became of them to an answer.

use serde_json::Value;

use super::answer::Answer;
use super::parameters::{ParameterError, flag, object, set, time};
use super::refusal::Refusal;
use crate::core::credentials::{ADMINISTRATOR, ApiKey, ApiSecret, Credentials};
use crate::core::digest::{Digest, DigestKey};
use crate::core::fields::Fields;
use crate::core::grant::SealKey;
use crate::core::json::object;
use crate::core::registry::import::{IMPORT_ROWS_MAX, ImportConflict, ImportRow, sealed_text};
use crate::core::registry::{Secret, Settings};
use crate::core::user_name::{Fold, UserName};

/// What became of one row, or what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReport {
    user: String,
    result: &'static str,
    message: String,
}

/// What became of the rows of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowResult {
    /// The user is new.
    Created,
    /// Something about the user changed.
    Updated,
    /// Everything was so already.
    Unchanged,
    /// It cannot be imported.
    Conflict(ImportConflict),
}

impl RowReport {
    /// Tells what became of a user's row.
    #[must_use]
    pub fn new(user: &UserName, result: &RowResult) -> Self {
        let (result, message) = match result {
            RowResult::Created => ("created", String::new()),
            RowResult::Updated => ("updated", String::new()),
            RowResult::Unchanged => ("unchanged", String::new()),
            RowResult::Conflict(conflict) => ("conflict", conflict.to_string()),
        };
        Self { user: user.as_str().to_owned(), result, message }
    }

    fn is_conflict(&self) -> bool {
        self.result == "conflict"
    }
}

/// What turns credentials into digests, and knows the digests of exports.
#[derive(Clone, Copy)]
pub struct ImportKeys<'a> {
    /// For rows with an api_secret.
    pub digest_key: &'a DigestKey,
    /// For rows of an export.
    pub seal_key: &'a SealKey,
    /// For user names.
    pub fold: Fold,
}

/// Reads `{"users": […], "dry_run": false}`, or a page of an export. All rows are right, or none is taken.
pub fn rows(body: &[u8], keys: ImportKeys<'_>) -> Result<(Vec<ImportRow>, bool), ParameterError> {
    let (mut users, mut dry_run) = (None, false);
    for (name, value) in object(body)? {
        match (name.as_str(), value) {
            ("users", Value::Array(values)) => users = Some(values),
            ("dry_run", value) => dry_run = flag("dry_run", &value)?,
            // A page of an export is a valid import.
            ("next_cursor", Value::String(_) | Value::Null) => {}
            ("next_cursor", _) => return Err(ParameterError::NotText("next_cursor")),
            ("users", _) => return Err(ParameterError::Rows),
            _ => return Err(ParameterError::UnknownField("users, dry_run")),
        }
    }
    let users = users.filter(|users| users.len() <= IMPORT_ROWS_MAX).ok_or(ParameterError::Rows)?;
    let mut rows = Vec::with_capacity(users.len());
    let (mut reports, mut all_right) = (Vec::with_capacity(users.len()), true);
    for value in users {
        let user = value.get("user").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (result, message) = match row(value, keys) {
            Ok(row) => {
                rows.push(row);
                ("unchanged", String::new())
            }
            Err(error) => {
                all_right = false;
                ("invalid", error.to_string())
            }
        };
        reports.push(RowReport { user, result, message });
    }
    if all_right { Ok((rows, dry_run)) } else { Err(ParameterError::ImportInvalid(reports)) }
}

fn row(value: Value, keys: ImportKeys<'_>) -> Result<ImportRow, ParameterError> {
    let Value::Object(fields) = value else {
        return Err(ParameterError::Rows);
    };
    let mut fields = Fields::new(fields);
    let name = text(&mut fields, "user")?.ok_or(ParameterError::UserMissing)?;
    let name = UserName::parse(&name, keys.fold)?;
    let api_key = text(&mut fields, "api_key")?.map(|text| ApiKey::parse(&text)).transpose();
    let api_key = api_key.map_err(ParameterError::Credentials)?;
    if api_key.as_ref().is_some_and(|api_key| api_key.as_str() == ADMINISTRATOR) {
        return Err(ParameterError::ApiKeyReserved);
    }
    let api_secret = text(&mut fields, "api_secret")?.map(|text| ApiSecret::parse(&text)).transpose();
    let api_secret = api_secret.map_err(ParameterError::Credentials)?;
    let digests = fields.take("digests");
    let secrets = match (&api_key, api_secret, digests) {
        (_, None, None) => Vec::new(),
        (Some(api_key), Some(api_secret), None) => {
            let credentials = Credentials { api_key: api_key.clone(), api_secret };
            vec![Secret { digest: keys.digest_key.digest(&credentials), expires_at: None }]
        }
        (Some(api_key), None, Some(digests)) => exported_secrets(&digests, &name, api_key, keys.seal_key)?,
        (None, _, _) | (Some(_), Some(_), Some(_)) => return Err(ParameterError::RowCredentials),
    };
    let deleted = fields.take("deleted").map(|value| flag("deleted", &value)).transpose()?.unwrap_or(false);
    if deleted && !(secrets.is_empty() && fields.is_empty()) {
        return Err(ParameterError::DeletedRow);
    }
    let mut settings = Settings::default();
    for (field, value) in fields.rest() {
        if !set(&mut settings, &field, value)? {
            return Err(ParameterError::UnknownField(
                "user, api_key, api_secret, digests, deleted, roles, enabled, not_after, allowed_ips, rules, strict",
            ));
        }
    }
    Ok(ImportRow { name, api_key, secrets, deleted, settings })
}

fn text(fields: &mut Fields, name: &'static str) -> Result<Option<String>, ParameterError> {
    match fields.take(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(ParameterError::NotText(name))
        }
    }
}

fn exported_secrets(
    digests: &Value,
    name: &UserName,
    api_key: &ApiKey,
    seal_key: &SealKey,
) -> Result<Vec<Secret>, ParameterError> {
    let exported = |entry: &Value| {
        let fields = entry.as_object().filter(|fields| fields.len() == 3)?;
        let digest = Digest::from_hex(fields.get("digest")?.as_str()?)?;
        let secret = Secret { digest, expires_at: time(fields.get("expires_at")?).ok()? };
        let seal = fields.get("seal")?.as_str()?;
        seal_key.is_signed(&sealed_text(name, api_key, &secret), seal).then_some(secret)
    };
    let secrets: Option<Vec<_>> = digests.as_array().and_then(|entries| entries.iter().map(exported).collect());
    // The newest, and one in its grace.
    let is_pair = |secrets: &Vec<Secret>| match secrets.as_slice() {
        [] | [_] => true,
        [one, two] => one.digest != two.digest && one.expires_at.is_some() != two.expires_at.is_some(),
        _ => false,
    };
    secrets.filter(is_pair).ok_or(ParameterError::Digests)
}

/// The answer to an import: 409 if a row conflicts, and then nothing was imported.
pub fn shown(reports: Vec<RowReport>) -> Result<Answer, Refusal> {
    if reports.iter().any(RowReport::is_conflict) {
        return Err(Refusal::ImportConflict(reports));
    }
    Ok(Answer::json(200, &object! { "rows": report(&reports) }))
}

/// The reports as they are shown, numbered from 1.
#[must_use]
pub fn report(reports: &[RowReport]) -> Value {
    let rows = (1u32..).zip(reports).map(|(number, report)| {
        object! { "row": number, "user": report.user.as_str(), "result": report.result, "message": report.message.as_str() }
    });
    rows.collect()
}

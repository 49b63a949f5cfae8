//! Import and export: many users in one transaction, published by the alarm.

use wasm_bindgen::JsValue;

use super::Registry;
use super::caller::Caller;
use super::command::{Change, Served, cut};
use super::storage::Result;
use super::store::{Stored, Turn};
use crate::core::json::written;
use crate::core::registry::audit::{Action, differences};
use crate::core::registry::import::{ImportRow, export_row};
use crate::http::import::{RowReport, RowResult};
use crate::http::management::Outcome;
use crate::http::request_head::RequestHead;
use crate::platform::{log, now};

/// How many users a page of an export holds, and how many bytes their rows have: each page is an import (4 MiB).
const EXPORT_PAGE_USERS: u32 = 500;
const EXPORT_PAGE_MAX_BYTES: usize = 3 << 20;

impl Registry {
    /// Imports all rows, or none if one conflicts or it is only tried. KV follows by the alarm.
    pub(super) async fn import(
        &self,
        caller: &Caller,
        head: &RequestHead,
        rows: &[ImportRow],
        dry_run: bool,
    ) -> Result<Served<Outcome>> {
        let (mut reports, mut is_undone) = (Vec::with_capacity(rows.len()), dry_run);
        let done = self.storage.transaction(|| {
            for row in rows {
                let result = self.import_row(caller, head, row)?;
                is_undone |= matches!(result, RowResult::Conflict(_));
                reports.push(RowReport::new(&row.name, &result));
            }
            if is_undone { Err(JsValue::from_str("rolled back")) } else { Ok(()) }
        });
        match done {
            Ok(()) => {
                if let Err(error) = self.set_alarm_while_busy().await {
                    log::background_failure("registry alarm", &error);
                }
            }
            // Undone on purpose, after every row was tried.
            Err(_) if is_undone && reports.len() == rows.len() => {}
            Err(error) => return Err(error),
        }
        Ok(Ok(Outcome::Imported(reports)))
    }

    fn import_row(&self, caller: &Caller, head: &RequestHead, row: &ImportRow) -> Result<RowResult> {
        let before = self.store.find(row.name.folded())?.map(|stored| stored.user);
        let owner = match &row.api_key {
            Some(api_key) => self.store.owner(api_key)?,
            None => None,
        };
        let user = match row.clone().apply(before.as_ref(), owner.as_ref(), now()) {
            Ok(user) => user,
            Err(conflict) => return Ok(RowResult::Conflict(conflict)),
        };
        if before.as_ref() == Some(&user) {
            return Ok(RowResult::Unchanged);
        }
        self.store.save(before.as_ref(), &user, Turn::Bulk, now())?;
        let change = Change { caller, head, action: Action::Import, name: &user.name, grace_seconds: None };
        self.log_change(&change, &user, differences(before.as_ref(), &user, now()))?;
        Ok(if before.is_none() { RowResult::Created } else { RowResult::Updated })
    }

    /// A page of all users, for a deployment with the same pepper.
    pub(super) fn export(&self, after: Option<&str>) -> Result<Served<Outcome>> {
        let gate = self.configured()?;
        let mut page = self.store.list_all(after.unwrap_or_default(), EXPORT_PAGE_USERS.saturating_add(1))?;
        let mut is_more = cut(&mut page, EXPORT_PAGE_USERS);
        let (mut rows, mut next, mut bytes) = (Vec::new(), None, 0usize);
        for Stored { user, .. } in &page {
            let row = export_row(user, &gate.configuration.seal_key);
            bytes = bytes.saturating_add(written(&row).len());
            if bytes > EXPORT_PAGE_MAX_BYTES {
                is_more = true;
                break;
            }
            rows.push(row);
            next = Some(user.name.folded().as_str().to_owned());
        }
        Ok(Ok(Outcome::Users(rows, next.filter(|_| is_more))))
    }
}

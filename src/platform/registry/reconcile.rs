//! Makes KV equal to the registry, step by step: every name that should be there is written again, then names under
//! `credential/` that the registry does not know are deleted.
//!
//! A step only fills the outbox, which does the writing; the alarm takes one whenever the outbox is short. So a
//! reconciliation of any length stays within what one invocation may do, and a restart goes on where it was.

use wasm_bindgen::JsValue;

use super::Registry;
use super::audit_log::Entry;
use super::caller::Caller;
use super::storage::{Result, Row};
use super::store::Turn;
use crate::core::digest::{Digest, KV_NAME_PREFIX};
use crate::core::json::object;
use crate::core::registry::audit::Action;
use crate::http::request_head::RequestHead;
use crate::platform::bindings::GrantNamespace;
use crate::platform::now;

/// How many names a step adds to the outbox at the most.
const NAMES_A_STEP: i64 = 800;
/// The outbox is short below so many names.
const OUTBOX_SHORT: u64 = 100;

/// How far a reconciliation is: grants to write, and one more for the names to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: i64,
    pub total: i64,
}

/// Whose a name is that the registry does not know.
const NOBODY: &str = "";

struct State {
    is_writing: bool,
    place: String,
    progress: Progress,
}

impl Registry {
    /// Starts a reconciliation and logs it in one transaction, unless one is under way.
    pub(super) async fn start_reconcile(&self, caller: &Caller, head: &RequestHead) -> Result<Progress> {
        let audit_days = self.configured()?.configuration.audit_days;
        let sql = self.storage.sql();
        let progress = self.storage.transaction(|| {
            if let Some(state) = self.reconcile_state()?
                && state.progress.done < state.progress.total
            {
                return Ok(state.progress);
            }
            let total = sql.count("SELECT COUNT(*) FROM secrets")?.saturating_add(1);
            sql.exec(
                "INSERT OR REPLACE INTO reconcile (only_one, phase, place, done, total) VALUES (1, 'write', '', 0, ?)",
                &[total.into()],
            )?;
            let entry = Entry {
                at: now(),
                actor: Some(caller.name()),
                address: head.client_address.as_deref(),
                action: Action::Reconcile,
                user: None,
                detail: object! { "total": total },
            };
            self.audit_log.add(&entry, audit_days)?;
            Ok(Progress { done: 0, total })
        })?;
        self.set_alarm_while_busy().await?;
        Ok(progress)
    }

    /// How far the last reconciliation is; nothing of nothing if there was none.
    pub(super) fn reconcile_progress(&self) -> Result<Progress> {
        Ok(self.reconcile_state()?.map_or(Progress { done: 0, total: 0 }, |state| state.progress))
    }

    /// Takes a step, if one is due.
    pub(super) async fn step_reconcile(&self) -> Result<()> {
        let Some(state) = self.reconcile_state()? else {
            return Ok(());
        };
        if state.progress.done >= state.progress.total || self.store.outbox_depth()? >= OUTBOX_SHORT {
            return Ok(());
        }
        if state.is_writing { self.step_write(&state) } else { self.step_sweep(&state).await }
    }

    fn step_write(&self, state: &State) -> Result<()> {
        let sql = self.storage.sql();
        self.storage.transaction(|| {
            let page = sql.rows(
                "SELECT digest, folded FROM secrets WHERE digest > ? ORDER BY digest LIMIT ?",
                &[state.place.as_str().into(), NAMES_A_STEP.into()],
            )?;
            for row in &page {
                self.store.mark_dirty(&row.text(0)?, &row.text(1)?, Turn::Bulk)?;
            }
            let Some(last) = page.last() else {
                // Secrets may have come and gone meanwhile: what is left is the sweep.
                let done = state.progress.total.saturating_sub(1);
                sql.exec("UPDATE reconcile SET phase = 'sweep', place = '', done = ?", &[done.into()])?;
                return Ok(());
            };
            let count = i64::try_from(page.len()).map_err(|error| JsValue::from_str(&error.to_string()))?;
            let most = state.progress.total.saturating_sub(1);
            let done = state.progress.done.saturating_add(count).min(most);
            sql.exec("UPDATE reconcile SET place = ?, done = ?", &[last.text(0)?.as_str().into(), done.into()])
        })
    }

    async fn step_sweep(&self, state: &State) -> Result<()> {
        let cursor = Some(state.place.as_str()).filter(|place| !place.is_empty());
        let sql = self.storage.sql();
        let page = GrantNamespace::new(&self.env)?.list(KV_NAME_PREFIX, cursor).await;
        if page.is_err() && cursor.is_some() {
            // Where it is the cursor that KV refuses, the same one would be refused for ever.
            sql.exec("UPDATE reconcile SET place = ''", &[])?;
        }
        let (names, next) = page?;
        self.storage.transaction(|| {
            for name in &names {
                let digest = name.strip_prefix(KV_NAME_PREFIX).and_then(Digest::from_hex);
                if let Some(digest) = digest
                    && self.store.find_by_digest(digest)?.is_none()
                {
                    self.store.mark_dirty(&digest.to_hex(), NOBODY, Turn::Bulk)?;
                }
            }
            match &next {
                Some(next) => sql.exec("UPDATE reconcile SET place = ?", &[next.as_str().into()]),
                None => sql.exec("UPDATE reconcile SET done = total", &[]),
            }
        })
    }

    fn reconcile_state(&self) -> Result<Option<State>> {
        let sql = self.storage.sql();
        let state = sql.rows("SELECT phase, place, done, total FROM reconcile", &[])?;
        let read = |row: &Row| {
            Ok(State {
                is_writing: row.text(0)? == "write",
                place: row.text(1)?,
                progress: Progress { done: row.integer(2)?, total: row.integer(3)? },
            })
        };
        state.first().map(read).transpose()
    }
}

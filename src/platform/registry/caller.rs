//! Who asks the registry, judged by the registry itself, so that a revoked administrator is out at once.

use std::cell::Cell;

use serde_json::json;
use worker::Result;

use super::Registry;
use super::audit_log::Entry;
use crate::core::digest::Digest;
use crate::core::grant::Grant;
use crate::core::path::NormalPath;
use crate::core::principal::Principal;
use crate::core::registry::audit::Action;
use crate::core::registry::message::{Caller, Command, Denial, Question};
use crate::core::unix_time::UnixSeconds;
use crate::platform::now;

/// How many denied attempts a minute the audit log takes; more would be a way to fill it.
const DENIALS_A_MINUTE: u32 = 30;

/// A caller who may ask what was asked.
pub enum Judged {
    /// The built-in administrator.
    Administrator,
    /// The holder of credentials that are good here and now.
    User { digest: Digest, grant: Grant },
}

impl Judged {
    /// The name in the audit log.
    pub fn actor(&self) -> &str {
        match self {
            Self::Administrator => crate::core::credentials::ADMINISTRATOR,
            Self::User { grant, .. } => &grant.user,
        }
    }
}

/// How many denials were logged in the current minute.
#[derive(Default)]
pub struct DenialBudget(Cell<(i64, u32)>);

impl DenialBudget {
    fn take(&self, now: UnixSeconds) -> bool {
        let minute = now.0.div_euclid(60);
        let used = match self.0.get() {
            (current, used) if current == minute => used,
            _ => 0,
        };
        self.0.set((minute, used.saturating_add(1)));
        used < DENIALS_A_MINUTE
    }
}

impl Registry {
    /// Judges the caller by digest, expiry, address, rules and role. A denied attempt to manage goes to the audit log.
    pub(super) fn judge(&self, question: &Question) -> Result<std::result::Result<Judged, Denial>> {
        let judged = match &question.caller {
            Caller::Administrator => return Ok(Ok(Judged::Administrator)),
            Caller::Credentials(hex) => self.judge_user(hex, question)?,
        };
        if let Err((denial, actor)) = &judged
            && question.command.is_management()
        {
            self.log_denial(question, *denial, actor.as_deref())?;
        }
        Ok(judged.map_err(|(denial, _)| denial))
    }

    #[allow(clippy::type_complexity, reason = "a denial with the name of whom it hit")]
    fn judge_user(
        &self,
        hex: &str,
        question: &Question,
    ) -> Result<std::result::Result<Judged, (Denial, Option<String>)>> {
        let Some(digest) = Digest::from_hex(hex) else {
            return Ok(Err((Denial::Unauthenticated, None)));
        };
        let Some(grant) = self.store.find_by_digest(digest)?.and_then(|stored| stored.user.grant(digest)) else {
            return Ok(Err((Denial::Unauthenticated, None)));
        };
        let request = &question.request;
        let Ok(principal) = Principal::authenticate(&grant, now(), request.address.as_deref()) else {
            return Ok(Err((Denial::Unauthenticated, Some(grant.user))));
        };
        if question.command.is_management() {
            if !principal.may(&request.method, &NormalPath::new(&request.path)) {
                return Ok(Err((Denial::OutsideRules, Some(grant.user))));
            }
            if !principal.is_system_manager() {
                return Ok(Err((Denial::Forbidden, Some(grant.user))));
            }
        }
        Ok(Ok(Judged::User { digest, grant }))
    }

    fn log_denial(&self, question: &Question, denial: Denial, actor: Option<&str>) -> Result<()> {
        // Everyone may look at the gate's health.
        if matches!(question.command, Command::Report) || !self.denials.take(now()) {
            return Ok(());
        }
        let entry = Entry {
            at: now(),
            actor,
            address: question.request.address.as_deref(),
            action: Action::Denied,
            user: question.command.user(),
            detail: json!({ "method": question.request.method, "path": question.request.path, "reason": denial }),
        };
        self.audit_log.add(&entry, self.audit_days())
    }
}

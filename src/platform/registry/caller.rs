//! Who asks the registry, judged by the registry itself, so that a revoked administrator is out at once.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use web_sys::Request;

use super::Registry;
use super::audit_log::Entry;
use super::storage::Result;
use crate::core::credentials;
use crate::core::digest::Digest;
use crate::core::grant::Grant;
use crate::core::json::object;
use crate::core::principal::Principal;
use crate::core::registry::audit::Action;
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::UserName;
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;
use crate::http::resource::Resource;
use crate::platform::call::LoggedHolder;
use crate::platform::registry_client::{ADDRESS, ADMINISTRATOR, CALLER};
use crate::platform::unicode::fold;
use crate::platform::{incoming, now};

/// How many denied attempts a minute the audit log takes; more would be a way to fill it.
const DENIALS_A_MINUTE: u32 = 30;

/// A caller whose credentials hold here and now.
pub enum Caller {
    /// The built-in administrator, verified by the gate.
    Administrator,
    /// The holder of a user's credentials.
    User { digest: Digest, grant: Rc<Grant>, principal: Principal },
}

impl Caller {
    /// The name in the audit log.
    pub fn name(&self) -> &str {
        match self {
            Self::Administrator => credentials::ADMINISTRATOR,
            Self::User { principal, .. } => principal.user(),
        }
    }

    /// Refuses whoever may not manage, or not by this request.
    fn check_management(&self, head: &RequestHead) -> std::result::Result<(), Refusal> {
        match self {
            Self::Administrator => Ok(()),
            Self::User { principal, .. } if !principal.may(&head.method, &head.url.path) => Err(Refusal::OutsideRules),
            Self::User { principal, .. } if !principal.is_system_manager() => Err(Refusal::NotSystemManager),
            Self::User { .. } => Ok(()),
        }
    }
}

/// How much of a path a denied attempt leaves in the log, in characters.
const DENIED_PATH_MAX_CHARACTERS: usize = 256;

/// How many denials were logged in the current minute.
#[derive(Default)]
pub struct DenialBudget(Cell<(i64, u32)>);

/// Strangers have a budget of their own, so that they cannot hide what holders of credentials try.
#[derive(Default)]
pub struct DenialBudgets {
    strangers: DenialBudget,
    holders: DenialBudget,
}

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

/// A request that a gate handed on.
pub struct Question<'a> {
    pub request: &'a Request,
    pub head: RequestHead,
    /// Whose credentials the gate names, once that is known: for the log.
    pub holder: OnceCell<LoggedHolder>,
}

impl<'a> Question<'a> {
    /// Reads the head, with the client's address as the gate knows it.
    pub fn new(request: &'a Request) -> Result<Self> {
        let mut head = incoming::head(request)?;
        head.client_address = request.headers().get(ADDRESS)?;
        Ok(Self { request, head, holder: OnceCell::new() })
    }
}

impl Registry {
    /// Finds out whose credentials the gate names, and whether they hold here and now.
    pub(super) fn identify(&self, question: &Question<'_>) -> Result<std::result::Result<Caller, Refusal>> {
        let Question { request, holder, .. } = question;
        let named = request.headers().get(CALLER)?.unwrap_or_default();
        if named == ADMINISTRATOR {
            let _ = holder.set(LoggedHolder::Administrator);
            return Ok(Ok(Caller::Administrator));
        }
        match Digest::from_hex(&named) {
            Some(digest) => self.identify_user(question, digest),
            None => Ok(Err(Refusal::UnknownCredentials)),
        }
    }

    /// Whose the credentials of a digest are, and whether they hold here and now.
    pub(super) fn identify_user(
        &self,
        question: &Question<'_>,
        digest: Digest,
    ) -> Result<std::result::Result<Caller, Refusal>> {
        let Question { head, holder, .. } = question;
        let Some(grant) = self.store.find_by_digest(digest)?.and_then(|stored| stored.user.grant(digest)) else {
            return Ok(Err(Refusal::UnknownCredentials));
        };
        let _ = holder.set(LoggedHolder::User(grant.user.clone(), grant.api_key.clone()));
        let grant = Rc::new(grant);
        Ok(match Principal::authenticate(&grant, now(), head.client_address.as_deref()) {
            Ok(principal) => Ok(Caller::User { digest, grant, principal }),
            Err(refusal) => Err(refusal.into()),
        })
    }

    /// The caller of a management request. A denied attempt goes to the audit log.
    pub(super) fn manager(
        &self,
        question: &Question<'_>,
        resource: &Resource,
    ) -> Result<std::result::Result<Caller, Refusal>> {
        let head = &question.head;
        let caller = self.identify(question)?;
        let checked = match &caller {
            Ok(caller) => caller.check_management(head),
            Err(refusal) => Err(refusal.clone()),
        };
        if let Err(refusal) = checked {
            self.log_denial(head, resource, caller.as_ref().ok(), &refusal)?;
            return Ok(Err(refusal));
        }
        Ok(caller)
    }

    fn log_denial(
        &self,
        head: &RequestHead,
        resource: &Resource,
        caller: Option<&Caller>,
        refusal: &Refusal,
    ) -> Result<()> {
        // Everyone may look at the gate's health.
        let budget = if caller.is_some() { &self.denials.holders } else { &self.denials.strangers };
        if *resource == Resource::Health || !budget.take(now()) {
            return Ok(());
        }
        let user = resource.user().and_then(|name| UserName::parse(name, fold).ok());
        let detail = object! {
            "method": head.method.as_str(),
            "path": head.url.path.as_str().chars().take(DENIED_PATH_MAX_CHARACTERS).collect::<String>(),
            "reason": refusal.to_string(),
        };
        let entry = Entry {
            at: now(),
            actor: caller.map(Caller::name),
            address: head.client_address.as_deref(),
            action: Action::Denied,
            user: user.as_ref(),
            detail,
        };
        self.audit_log.add(&entry, self.configured()?.configuration.audit_days)
    }
}

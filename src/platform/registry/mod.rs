//! The registry: one Durable Object that holds users, digests of secrets and the outbox, and through which every
//! change goes. It never holds a secret.

mod audit_log;
mod caller;
mod command;
mod outbox;
mod schema;
mod sql_value;
mod store;
mod transaction;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use self::audit_log::AuditLog;
use self::caller::DenialBudget;
use self::outbox::Alarm;
use self::store::Store;
use super::environment::variable;
use super::log;
use crate::core::digest::{Digest, DigestKey};
use crate::core::grant::SealKey;
use crate::core::pepper::Pepper;
use crate::core::registry::message::Question;
use crate::http::configuration::{AUDIT_DAYS, audit_days};

/// The Durable Object class `Registry`.
#[durable_object(alarm)]
pub struct Registry {
    state: State,
    env: Env,
    store: Store,
    audit_log: AuditLog,
    denials: DenialBudget,
    alarm: Alarm,
    /// Names that are being written to KV right now: one write in flight a name.
    in_flight: RefCell<HashSet<Digest>>,
    /// Whether this instance has seen the tables up to date.
    migrated: Cell<bool>,
}

/// What is derived from the pepper.
struct DerivedKeys {
    digest_key: DigestKey,
    seal_key: SealKey,
}

impl DurableObject for Registry {
    fn new(state: State, env: Env) -> Self {
        let sql = state.storage().sql();
        Self {
            state,
            env,
            store: Store::new(sql.clone()),
            audit_log: AuditLog::new(sql),
            denials: DenialBudget::default(),
            alarm: Alarm::default(),
            in_flight: RefCell::default(),
            migrated: Cell::new(false),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question: Question = serde_json::from_slice(request.text().await?.as_bytes())?;
        if self.migrate()? {
            self.set_alarm_while_dirty().await?;
        }
        Response::ok(serde_json::to_string(&self.answer(question).await?)?)
    }

    /// Publishes what is left in the outbox. Catches its own errors and always sets itself again while there is
    /// anything left: the platform gives up on an alarm that fails six times.
    async fn alarm(&self) -> Result<Response> {
        self.alarm.rang();
        let flushed = async {
            self.migrate()?;
            // Before the writes, so that an alarm which dies among them rings again.
            self.set_alarm_while_dirty().await?;
            self.flush().await
        };
        if let Err(error) = flushed.await {
            log::background_failure("registry", &error.into());
        }
        if let Err(error) = self.set_alarm_while_dirty().await {
            log::background_failure("registry alarm", &error.into());
        }
        Response::empty()
    }
}

impl Registry {
    /// Tells whether this was the first time in this instance.
    fn migrate(&self) -> Result<bool> {
        if self.migrated.get() {
            return Ok(false);
        }
        schema::migrate(&self.state)?;
        self.migrated.set(true);
        Ok(true)
    }

    /// A wrong value stops the gate before it gets here; should it come all the same, nothing is dropped.
    fn audit_days(&self) -> u32 {
        audit_days(variable(&self.env, AUDIT_DAYS).as_deref()).unwrap_or(u32::MAX)
    }

    fn derived_keys(&self) -> Result<DerivedKeys> {
        let text = variable(&self.env, "TOKEN_PEPPER").ok_or("TOKEN_PEPPER is missing")?;
        let pepper = Pepper::parse(&text).map_err(|error| error.to_string())?;
        Ok(DerivedKeys { digest_key: DigestKey::new(&pepper), seal_key: SealKey::new(&pepper) })
    }
}

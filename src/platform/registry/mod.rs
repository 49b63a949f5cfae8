//! The registry: one Durable Object that holds users, digests of secrets and the outbox, and through which every
//! change goes. It never holds a secret.

mod audit_log;
mod caller;
mod command;
mod outbox;
mod reconcile;
mod schema;
mod storage;
mod store;
mod transfer;

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Request, Response};
use worker::Env;

use self::audit_log::AuditLog;
use self::caller::{DenialBudgets, Question};
use self::outbox::{Alarm, InFlight};
use self::storage::{ObjectState, Result, Storage};
use self::store::Store;
use super::bindings::find;
use super::call::LoggedHolder;
use super::environment::{Gate, gate};
use super::gate::refuse;
use super::outgoing::{self, Finish};
use super::task::promise;
use super::{log, milliseconds_since, now_ms};
use crate::http::record::Record;
use crate::http::refusal::Refusal;
use crate::http::resource::Resource;

/// The Durable Object class `Registry`.
#[wasm_bindgen(js_name = Registry)]
pub struct DurableRegistry(Rc<Registry>);

#[wasm_bindgen(js_class = Registry)]
impl DurableRegistry {
    /// Made by the platform, once a life of the object.
    #[wasm_bindgen(constructor)]
    pub fn new(state: &ObjectState, env: Env) -> Self {
        let storage = state.storage();
        let sql = storage.sql();
        Self(Rc::new(Registry {
            storage,
            env,
            store: Store::new(sql.clone()),
            audit_log: AuditLog::new(sql),
            denials: DenialBudgets::default(),
            alarm: Alarm::default(),
            in_flight: InFlight::default(),
            migrated: Cell::new(false),
        }))
    }

    /// Answers a request of a gate.
    pub fn fetch(&self, request: Request) -> Promise {
        let registry = Rc::clone(&self.0);
        promise(async move { registry.fetch(&request).await.map(JsValue::from) })
    }

    /// Rings when the registry asked for it.
    pub fn alarm(&self) -> Promise {
        let registry = Rc::clone(&self.0);
        promise(async move {
            registry.ring().await;
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// What the class holds.
struct Registry {
    storage: Storage,
    env: Env,
    store: Store,
    audit_log: AuditLog,
    denials: DenialBudgets,
    alarm: Alarm,
    /// One write in flight a name.
    in_flight: InFlight,
    /// Whether this instance has seen the tables up to date.
    migrated: Cell<bool>,
}

impl Registry {
    /// Answers what a gate asks or hands on.
    async fn fetch(&self, request: &Request) -> Result<Response> {
        let arrived_ms = now_ms();
        let question = Question::new(request)?;
        let head = &question.head;
        let resource = Resource::find(&head.url);
        let mut record = Record::new(&resource, head);
        let answer = match self.serve(&question).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(refusal)) => refuse(&mut record, head, &refusal),
            Err(error) => {
                log::failure("registry", head, &error);
                refuse(&mut record, head, &Refusal::RegistryFailed)
            }
        };
        // Questions about strict users and last uses are part of requests that the gate logs.
        if resource != Resource::Origin {
            record.holder = question.holder.get().map(LoggedHolder::names);
            record.status = answer.status;
            record.milliseconds = milliseconds_since(arrived_ms);
            log::decision(&self.env, find(&self.env, "USAGE").is_some(), &record);
        }
        outgoing::own(&answer, head, &Finish::default())
    }

    /// Publishes what is left in the outbox. Catches its own errors and always sets itself again while there is
    /// anything left: the platform gives up on an alarm that fails six times.
    async fn ring(&self) {
        self.alarm.rang();
        let flushed = async {
            self.migrate()?;
            // Before the writes, so that an alarm which dies among them rings again.
            self.set_alarm_while_busy().await?;
            // What is due goes first; a reconciliation that fails holds nothing up.
            let well = self.flush().await?;
            self.step_reconcile().await?;
            Ok::<_, JsValue>(well)
        };
        let well = flushed.await.unwrap_or_else(|error| {
            log::background_failure("registry", &error);
            false
        });
        self.alarm.went(well);
        if let Err(error) = self.set_alarm_while_busy().await {
            log::background_failure("registry alarm", &error);
        }
    }

    /// Tells whether this was the first time in this instance.
    fn migrate(&self) -> Result<bool> {
        if self.migrated.get() {
            return Ok(false);
        }
        schema::migrate(&self.storage)?;
        self.migrated.set(true);
        Ok(true)
    }

    /// The gate's configuration, which holds here as it does there.
    fn configured(&self) -> Result<Rc<Gate>> {
        gate(&self.env).map_err(|problems| JsValue::from_str(&Refusal::Misconfigured(problems).to_string()))
    }
}

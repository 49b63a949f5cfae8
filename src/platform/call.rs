//! One request on its way through the gate: what every step needs of it, and what the log is told of it.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use worker::Env;
use worker::worker_sys::Context;

use super::environment::Gate;
use crate::core::credentials::{ADMINISTRATOR, ApiKey};
use crate::core::grant::OpenedGrant;
use crate::http::request_head::RequestHead;

/// A request and where it is being served.
pub struct Call<'a> {
    pub gate: &'a Gate,
    pub env: &'a Env,
    pub context: &'a Context,
    pub head: &'a RequestHead,
    /// Whose credentials came along, once that is known: for the log alone, and whether or not they hold.
    pub holder: OnceCell<LoggedHolder>,
    /// When the request arrived.
    pub arrived_ms: f64,
    /// How long it had taken when it went on to the origin.
    pub gate_milliseconds: Cell<Option<i64>>,
}

/// Whose credentials they are, as the log is told.
pub enum LoggedHolder {
    Administrator,
    /// Those of a grant out of KV.
    Grant(Rc<OpenedGrant>),
    /// A user and api_key, as the registry knows them.
    User(String, ApiKey),
}

impl LoggedHolder {
    /// User and api_key.
    pub fn names(&self) -> (&str, &str) {
        match self {
            Self::Administrator => (ADMINISTRATOR, ADMINISTRATOR),
            Self::User(user, api_key) => (user, api_key.as_str()),
            Self::Grant(grant) => (&grant.grant().user, grant.grant().api_key.as_str()),
        }
    }
}

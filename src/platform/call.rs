//! One request on its way through the gate: what every step needs of it.

use worker::{Context, Env};

use super::environment::Gate;
use crate::core::registry::message::RequestFacts;
use crate::http::request_head::RequestHead;

/// A request and where it is being served.
pub struct Call<'a> {
    pub gate: &'a Gate,
    pub env: &'a Env,
    pub context: &'a Context,
    pub head: &'a RequestHead,
}

impl Call<'_> {
    /// What the registry has to know of the request.
    pub fn facts(&self) -> RequestFacts {
        RequestFacts {
            method: self.head.method.clone(),
            path: self.head.url.path.as_str().to_owned(),
            address: self.head.client_address.clone(),
        }
    }
}

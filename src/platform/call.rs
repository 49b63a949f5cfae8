//! One request on its way through the gate: what every step needs of it.

use worker::{Context, Env};

use super::environment::Gate;
use crate::http::request_head::RequestHead;

/// A request and where it is being served.
pub struct Call<'a> {
    pub gate: &'a Gate,
    pub env: &'a Env,
    pub context: &'a Context,
    pub head: &'a RequestHead,
}

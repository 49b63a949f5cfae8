//! What the isolate keeps for its life: the checked configuration and the cache of grants. Read once, never I/O.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use js_sys::Object;
use worker::Env;

use super::assertion::prepare;
use super::bindings::find;
use super::signing::Signer;
use crate::core::adoption::Adoptions;
use crate::core::assertion::AssertionCache;
use crate::core::failures::Failures;
use crate::core::grant_cache::GrantCache;
use crate::core::usage::Usage;
use crate::http::configuration::{Bindings, Configuration, Problem, read};

/// A configured gate.
pub struct Gate {
    pub configuration: Configuration,
    /// Whether `USAGE` is bound.
    pub has_usage: bool,
    pub grant_cache: RefCell<GrantCache>,
    pub usage: RefCell<Usage>,
    pub failures: RefCell<Failures>,
    pub assertions: RefCell<AssertionCache>,
    pub adoptions: RefCell<Adoptions>,
    /// The pair that signs assertions, once it is imported; an error, if any pair is no good.
    pub signer: OnceCell<Result<Option<Signer>, ()>>,
}

thread_local! {
    static GATE: OnceCell<Result<Rc<Gate>, Vec<Problem>>> = const { OnceCell::new() };
}

/// The isolate's gate with all that it needs to serve a request, or what is wrong with its configuration.
pub async fn ready(env: &Env) -> Result<Rc<Gate>, Vec<Problem>> {
    let gate = gate(env)?;
    if prepare(&gate).await {
        return Ok(gate);
    }
    let what = "holds a key that is none, or whose private half does not fit its public one".to_owned();
    Err(vec![Problem { name: "ASSERTION_JWK", what }])
}

/// The isolate's gate, or what is wrong with its configuration.
pub fn gate(env: &Env) -> Result<Rc<Gate>, Vec<Problem>> {
    GATE.with(|cell| cell.get_or_init(|| configure(env)).clone())
}

fn configure(env: &Env) -> Result<Rc<Gate>, Vec<Problem>> {
    let is_bound = |name| find(env, name).is_some();
    let bindings = Bindings {
        keys: is_bound("KEYS"),
        registry: is_bound("REGISTRY"),
        origin_service: is_bound("ORIGIN_SERVICE"),
        failed_auth: is_bound("FAILED_AUTH"),
        requests: is_bound("REQUESTS"),
    };
    let configuration = read(&|name| variable(env, name), bindings)?;
    let grant_cache = RefCell::new(GrantCache::new(configuration.cache_seconds));
    Ok(Rc::new(Gate {
        configuration,
        has_usage: is_bound("USAGE"),
        grant_cache,
        usage: RefCell::default(),
        failures: RefCell::default(),
        assertions: RefCell::default(),
        adoptions: RefCell::default(),
        signer: OnceCell::new(),
    }))
}

/// The text of a variable or secret. `wrangler.toml` may give numbers and truth values without quotes; those and
/// anything else are taken as JavaScript writes them, so that what makes no sense is refused and not overlooked.
pub fn variable(env: &Env, name: &str) -> Option<String> {
    let value = find(env, name)?;
    value.as_string().or_else(|| Some(Object::from(value).to_string().into()))
}

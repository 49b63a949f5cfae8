//! The bindings that requests go through, bound here and not through `worker`: its wrappers look up every method of a
//! binding at each use, and build options that nobody sets.

use js_sys::{Array, JSON, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, Response};
use worker::Env;

use super::bridge;
use super::task::wait;

use crate::core::json::{object, written};
use crate::core::unix_time::UnixSeconds;

#[wasm_bindgen]
extern "C" {
    /// A namespace of Workers KV.
    #[derive(Clone)]
    type KvNamespace;

    #[wasm_bindgen(method, catch)]
    fn put(this: &KvNamespace, name: &str, value: &str, options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &KvNamespace, name: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn list(this: &KvNamespace, options: &JsValue) -> Result<Promise, JsValue>;

    /// A namespace of Durable Objects.
    type ObjectNamespace;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &ObjectNamespace, name: &str) -> Result<Fetcher, JsValue>;

    /// A dataset of Analytics Engine.
    type Dataset;

    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    fn write_data_point(this: &Dataset, point: &JsValue) -> Result<(), JsValue>;

    /// What fetches: the global scope, a service binding, a Durable Object.
    pub type Fetcher;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Fetcher, request: &Request) -> Result<Promise, JsValue>;
}

/// A binding of any kind, if it is there.
pub fn find(env: &Env, name: &str) -> Option<JsValue> {
    Reflect::get(env, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

fn required(env: &Env, name: &str) -> Result<JsValue, JsValue> {
    find(env, name).ok_or_else(|| JsValue::from_str(&format!("{name} is not bound")))
}

/// `KEYS`, the KV namespace of grants.
#[derive(Clone)]
pub struct GrantNamespace(KvNamespace);

impl GrantNamespace {
    pub fn new(env: &Env) -> Result<Self, JsValue> {
        Ok(Self(required(env, "KEYS")?.unchecked_into()))
    }

    /// Writes an entry, for KV to drop at `expires_at`.
    pub async fn put(&self, name: &str, entry: &str, expires_at: Option<UnixSeconds>) -> Result<(), JsValue> {
        let options = Object::new();
        if let Some(UnixSeconds(seconds)) = expires_at {
            // Seconds of any era that KV takes fit in an f64.
            #[allow(clippy::cast_precision_loss)]
            Reflect::set(&options, &"expiration".into(), &(seconds as f64).into())?;
        }
        wait(self.0.put(name, entry, &options)?).await.map(drop)
    }

    pub async fn delete(&self, name: &str) -> Result<(), JsValue> {
        wait(self.0.delete(name)?).await.map(drop)
    }

    /// A page of names, 1,000 at the most, and where the next one starts.
    pub async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"prefix".into(), &prefix.into())?;
        if let Some(cursor) = cursor {
            Reflect::set(&options, &"cursor".into(), &cursor.into())?;
        }
        let page = wait(self.0.list(&options)?).await?;
        let name =
            |entry: JsValue| Reflect::get(&entry, &"name".into()).map(|name| name.as_string().unwrap_or_default());
        let names = Array::from(&Reflect::get(&page, &"keys".into())?).iter().map(name).collect::<Result<_, _>>()?;
        let is_last = Reflect::get(&page, &"list_complete".into())?.is_truthy();
        let cursor = Reflect::get(&page, &"cursor".into())?.as_string();
        Ok((names, cursor.filter(|_| !is_last)))
    }
}

/// The entry of `KEYS`, or `None` where there is none. A failing KV is an error, which is something else.
pub async fn read(env: &Env, name: &str, cache_ttl_seconds: u32) -> Result<Option<String>, JsValue> {
    let value = wait(bridge::read(env, name, cache_ttl_seconds)?).await?;
    match value.as_string() {
        Some(text) => Ok(Some(text)),
        None if value.is_null() => Ok(None),
        None => Err(JsValue::from_str("KV answered with something other than a text")),
    }
}

/// Counts a failed attempt of an address against `FAILED_AUTH`. Tells whether it is within its limit.
pub async fn take_attempt(env: &Env, address: &str) -> Result<bool, JsValue> {
    is_within(bridge::take_attempt(env, address)?).await
}

/// Counts a request of a subject against `REQUESTS`. Tells whether it is within its limit.
pub async fn take_request(env: &Env, subject: &str) -> Result<bool, JsValue> {
    is_within(bridge::take_request(env, subject)?).await
}

async fn is_within(taken: Promise) -> Result<bool, JsValue> {
    let success = wait(taken).await?.as_bool();
    success.ok_or_else(|| "a rate limit answered with something else".into())
}

/// Writes to `USAGE`.
pub fn write_data_point(env: &Env, index: &str, blobs: &[&str], doubles: &[i64]) -> Result<(), JsValue> {
    let point = object! { "indexes": vec![index], "blobs": blobs, "doubles": doubles };
    required(env, "USAGE")?.unchecked_into::<Dataset>().write_data_point(&JSON::parse(&written(&point))?)
}

/// The one instance of `REGISTRY`; every gate of a deployment asks the same.
pub fn registry(env: &Env) -> Result<Fetcher, JsValue> {
    required(env, "REGISTRY")?.unchecked_into::<ObjectNamespace>().get_by_name("registry")
}

/// `ORIGIN_SERVICE`.
pub fn origin_service(env: &Env) -> Result<Fetcher, JsValue> {
    required(env, "ORIGIN_SERVICE").map(JsCast::unchecked_into)
}

/// The global scope.
pub fn global() -> Fetcher {
    js_sys::global().unchecked_into()
}

impl Fetcher {
    /// Sends a request as it is.
    pub async fn send(&self, request: &Request) -> Result<Response, JsValue> {
        Ok(wait(self.fetch(request)?).await?.unchecked_into())
    }
}

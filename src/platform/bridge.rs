//! bridge.js: what a request needs of the platform's objects, one call for each need.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{AbortSignal, Request, Response};
use worker::Env;

use super::bindings::Fetcher;

#[wasm_bindgen(module = "/src/platform/bridge.js")]
extern "C" {
    /// Method, URL, then the name and the value of each header field, a line each.
    pub fn head(request: &Request) -> String;

    /// Sends a request on: `removed` are names, `set` names and values of header fields, a line each.
    #[wasm_bindgen(catch)]
    pub fn forward(
        fetcher: &Fetcher,
        request: &Request,
        url: &str,
        removed: &str,
        set: &str,
        signal: Option<&AbortSignal>,
    ) -> Result<Promise, JsValue>;

    /// A response with these header fields, a line for a name, and one for its value.
    #[wasm_bindgen(catch)]
    pub fn respond(status: u16, body: Option<&str>, fields: &str) -> Result<Response, JsValue>;

    /// The response with its request's id, and header fields that can be changed.
    #[wasm_bindgen(catch)]
    pub fn identified(response: &Response, id: &str) -> Result<Response, JsValue>;

    /// A header field.
    #[wasm_bindgen(catch)]
    pub fn field(response: &Response, name: &str) -> Result<Option<String>, JsValue>;

    /// What `KEYS` has under a name: a text or null.
    #[wasm_bindgen(catch)]
    pub fn read(env: &Env, name: &str, cache_ttl_seconds: u32) -> Result<Promise, JsValue>;

    /// Counts once for a subject against a rate limit. Tells whether it is within the limit.
    pub fn take(env: &Env, limit: &str, subject: &str) -> Promise;
}

/// Names and values for the bridge. A line that holds the end of one would be two, so it is refused.
pub fn lines<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<String, JsValue> {
    let mut lines = String::new();
    for text in texts {
        if text.contains('\n') {
            return Err(JsValue::from_str("the end of a line in a header field"));
        }
        lines.push_str(text);
        lines.push('\n');
    }
    lines.pop();
    Ok(lines)
}

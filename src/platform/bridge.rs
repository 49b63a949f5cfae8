//! bridge.js: what a request needs of the platform's objects, one call for each need.

use js_sys::Promise;
use memchr::memchr;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{AbortSignal, Request, Response};
use worker::Env;

use super::bindings::Fetcher;

#[wasm_bindgen(module = "/src/platform/bridge.js")]
extern "C" {
    /// Method, URL, then the name and the value of each header field, a line each.
    pub fn head(request: &Request) -> Vec<u8>;

    /// Sends a request on: a line with the URL, one with the names of header fields to remove, commas between them, then the
    /// name and the value of each field to set, a line each.
    #[wasm_bindgen(catch)]
    pub fn forward(
        fetcher: &Fetcher,
        request: &Request,
        text: &str,
        signal: Option<&AbortSignal>,
    ) -> Result<Promise, JsValue>;

    /// A response with these header fields, a line for a name, and one for its value.
    #[wasm_bindgen(catch)]
    pub fn respond(status: u16, body: Option<&str>, fields: &str) -> Result<Response, JsValue>;

    /// The response with its request's id, and header fields that can be changed.
    #[wasm_bindgen(catch)]
    pub fn identified(response: &Response, id: &str) -> Result<Response, JsValue>;

    /// `Location`.
    #[wasm_bindgen(catch)]
    pub fn location(response: &Response) -> Result<Option<String>, JsValue>;

    /// What `KEYS` has under a name: a text or null.
    #[wasm_bindgen(catch)]
    pub fn read(env: &Env, name: &str, cache_ttl_seconds: u32) -> Result<Promise, JsValue>;

    /// Counts a failed attempt of an address against `FAILED_AUTH`. Tells whether it is within the limit.
    #[wasm_bindgen(catch, js_name = takeAttempt)]
    pub fn take_attempt(env: &Env, address: &str) -> Result<Promise, JsValue>;

    /// Counts a request of a subject against `REQUESTS`. Tells whether it is within the limit.
    #[wasm_bindgen(catch, js_name = takeRequest)]
    pub fn take_request(env: &Env, subject: &str) -> Result<Promise, JsValue>;

    /// Kept after so many milliseconds.
    pub fn ring(milliseconds: f64) -> Promise;

    /// Lets it never be kept.
    pub fn clear(rings: &Promise);
}

/// What most of them take.
const LINES_BYTES: usize = 1024;

/// Names and values for the bridge. A line that holds the end of one would be two, so it is refused.
pub struct Lines(String);

impl Lines {
    /// Starts with a line, which may not be empty.
    pub fn new(first: &str) -> Result<Self, JsValue> {
        let mut lines = Self(String::with_capacity(LINES_BYTES));
        lines.push(first)?;
        Ok(lines)
    }

    /// Adds a line.
    pub fn push(&mut self, line: &str) -> Result<(), JsValue> {
        if memchr(b'\n', line.as_bytes()).is_some() {
            return Err(JsValue::from_str("the end of a line in a header field"));
        }
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(line);
        Ok(())
    }

    /// All of them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

//! Structured log lines: JSON, one a line; never a secret, a digest or a query string.

use serde_json::json;
use wasm_bindgen::JsValue;
use web_sys::console;

use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

/// The gate refused a request: the precise reason, which the client is not told.
pub fn refusal(head: &RequestHead, refusal: &Refusal) {
    let line = json!({
        "event": "refused",
        "reason": refusal.to_string(),
        "method": head.method,
        "request_id": head.request_id,
    });
    let line = JsValue::from_str(&line.to_string());
    if refusal.is_alarming() { console::error_1(&line) } else { console::log_1(&line) }
}

/// Something that the gate depends on failed.
pub fn failure(dependency: &str, head: &RequestHead, error: &JsValue) {
    failed(dependency, Some(&head.request_id), error);
}

/// Something failed that no single request asked for.
pub fn background_failure(dependency: &str, error: &JsValue) {
    failed(dependency, None, error);
}

fn failed(dependency: &str, request_id: Option<&str>, error: &JsValue) {
    let line = json!({
        "event": "failed",
        "dependency": dependency,
        "error": String::from(js_sys::Object::from(error.clone()).to_string()),
        "request_id": request_id,
    });
    console::error_1(&JsValue::from_str(&line.to_string()));
}
